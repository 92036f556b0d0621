"""Which reader gets a file, and what is said when none of them, or a bad one, does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelone.data.opening import open_doublets, open_events, open_voxel_events
from levelone.data.voxelcheck import Column, GridSpec
from levelone.data.voxels import SparseGrid, VoxelFile, create_voxels
from levelone.errors import LeveloneError
from levelone.plugins import Entry, Registry


class Text:
    """Files of text as event files: the first line says what they hold."""

    def __init__(self, holds: str, first: str) -> None:
        self.holds, self.first = holds, first

    def sniff(self, path: Path) -> bool:
        return path.read_bytes().startswith(self.first.encode())

    def open(self, path: Path) -> Any:
        if not self.sniff(path):
            raise LeveloneError(f"{path}: the first line is not {self.first}")
        return self.holds, path.name


class Fails(Text):
    def sniff(self, path: Path) -> bool:
        raise RuntimeError("no sniffing today")


class Late(Text):
    def open(self, path: Path) -> Any:
        raise ZeroDivisionError("inside")


VOXELS, TRACKS = Text("voxels", "VOX"), Text("tracks", "TRK")
FAILS, LATE = Fails("tracks", ""), Late("late", "L")
NOTHING = object()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readers above, registered by a distribution; two of its entries are broken."""
    entries = [Entry(name, f"{__name__}:{name}", "texts") for name in ("VOXELS", "TRACKS", "LATE")]
    broken = [Entry("nothing", f"{__name__}:NOTHING", "texts"), Entry("gone", f"{__name__}:GONE", "texts")]
    monkeypatch.setattr(Registry, "_registered", lambda self: [*broken, *entries])


def test_own_formats_are_recognised(tmp_path: Path) -> None:
    spec = GridSpec("g", (2, 2, 2), (1.0, 1.0, 1.0), ("x", "y", "z"), "GeV")
    with create_voxels(tmp_path / "v.h5", [spec], [Column("e", "float32", "GeV", "")], {"made": 1}) as writer:
        grid = SparseGrid.from_dense(np.ones((3, 2, 2, 2), np.float32))
        writer.append({"g": grid}, {"e": np.ones(3, np.float32)}, np.array([0, 1, 2], np.uint8))
    with open_voxel_events(tmp_path / "v.h5") as file:
        assert isinstance(file, VoxelFile)
        assert file.provenance == {"made": 1}
    with pytest.raises(LeveloneError, match="neither a levelone doublet file nor a data frame"):
        open_doublets(tmp_path / "v.h5")


def test_others_are_asked_after_levelone_s_own(registered: None, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("VOX and so on")
    (tmp_path / "b").write_text("TRK and so on")
    assert open_events(tmp_path / "a", "voxels") == ("voxels", "a")
    assert open_events(tmp_path / "b", "tracks") == ("tracks", "b")
    with pytest.raises(LeveloneError, match="b is not an HDF5 file") as caught:
        open_events(tmp_path / "b", "voxels")  # levelone's own reader of voxels says what is wrong
    assert "reader 'nothing' of texts is no reader" in str(caught.value)
    assert "has no GONE" in str(caught.value)


def test_a_system_brings_its_own_reader(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("TRK")
    assert open_events(tmp_path / "a", "tracks", (TRACKS,)) == ("tracks", "a")
    (tmp_path / "a").write_text("VOX")
    with pytest.raises(LeveloneError, match="the first line is not TRK"):
        open_events(tmp_path / "a", "tracks", (TRACKS,))
    with pytest.raises(LeveloneError, match="there is no reader of tracks"):
        open_events(tmp_path / "a", "tracks")


def test_a_reader_that_fails_is_named(registered: None, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("L")
    with pytest.raises(LeveloneError, match="a: reader 'LATE' fails: ZeroDivisionError: inside"):
        open_events(tmp_path / "a", "late")
    with pytest.raises(LeveloneError, match=r"the first line is not TRK[\s\S]*'Fails' fails: Runtime"):
        open_events(tmp_path / "a", "tracks", (FAILS,))

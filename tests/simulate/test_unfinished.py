"""An interrupted simulation goes on where it stopped, with the same events as one that was not."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.simulate.jets import files
from levelone.simulate.jets.jets import Jets
from levelone.simulate.qgjet.generator import COLUMNS, COUNT, FILE, PT
from levelone.simulate.qgjet.section import QGJetGenerate

SIZE = 20
"""Jets of a block of two in each slice."""


class Blocks:
    """Makes blocks, remembers which, and is interrupted or fails at one of them."""

    def __init__(self, stop: int | None = None, how: type[BaseException] = KeyboardInterrupt) -> None:
        self.made: list[int] = []
        self._stop, self._how = stop, how

    def __call__(self, number: int) -> Jets:
        if number == self._stop:
            raise self._how("stopped")
        self.made.append(number)
        rng = np.random.default_rng(number)
        columns = {column.name: rng.random(SIZE).astype(column.dtype) for column in COLUMNS}
        images = {
            spec.name: rng.integers(0, 9, (SIZE, *spec.shape)).astype(spec.dtype) for spec in (PT, COUNT)
        }
        return Jets(images, columns | {"label": np.arange(SIZE, dtype=np.uint8) % 2})


@pytest.fixture(autouse=True)
def no_fastjet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "load_fastjet", lambda: None)
    monkeypatch.setattr(files, "provenance", lambda system, options, *_: options.model_dump(mode="json"))


def write(path: Path, block: Blocks, events: int = 90, seed: int = 5) -> None:
    files.write_jets(path, FILE, QGJetGenerate(events=events, seed=seed), block, 2, None, 1)


def same(one: Path, other: Path) -> bool:
    with h5py.File(one) as first, h5py.File(other) as second:
        names = ["split", *(f"{group}/{name}" for group in ("images", "truth") for name in first[group])]
        return all(np.array_equal(first[name][:], second[name][:]) for name in names)


def test_blocks_of_an_interrupted_run_are_not_made_again(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.h5", tmp_path / "later" / "jets.h5"
    write(whole, Blocks())
    with pytest.raises(KeyboardInterrupt):
        write(path, Blocks(stop=3))
    assert not path.exists()
    again = Blocks()
    write(path, again)
    assert again.made == [3, 4]
    assert same(path, whole)
    assert list(path.parent.iterdir()) == [path]


def test_a_longer_run_takes_them_and_another_seed_does_not(tmp_path: Path) -> None:
    path = tmp_path / "jets.h5"
    with pytest.raises(KeyboardInterrupt):
        write(path, Blocks(stop=2))
    other, longer = Blocks(), Blocks()
    write(path, other, seed=6)
    assert other.made == [0, 1, 2, 3, 4]
    write(path, longer, events=130)
    assert longer.made == [2, 3, 4, 5, 6]


def test_a_damaged_block_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "jets.h5"
    with pytest.raises(KeyboardInterrupt):
        write(path, Blocks(stop=3))
    (folder,) = tmp_path.iterdir()
    (folder / "0.npz").write_bytes((folder / "0.npz").read_bytes()[:1000])
    (folder / "1.npz").write_bytes(b"")
    again = Blocks()
    write(path, again)
    assert again.made == [0, 1, 3, 4]


def test_a_failure_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match="stopped"):
        write(tmp_path / "jets.h5", Blocks(stop=3, how=LeveloneError))
    assert list(tmp_path.iterdir()) == []

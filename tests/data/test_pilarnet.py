"""Events of the public liquid-argon data set: files of their layout, and files that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from levelone.data.argon_images import NOTHING, ORIGINS, SHOWER, TRACK
from levelone.data.opening import open_image_events
from levelone.data.pilarnet import ADU_PER_MEV, PilarnetFile
from levelone.errors import LeveloneError
from levelone.recipe import load_recipe
from levelone.zoo.lartpc import SYSTEM as LARTPC


def event(clusters: list[tuple[int, int, list[tuple[float, float, float, float]]]]) -> tuple[Any, Any]:
    """From (semantic type, particle, points of x, y, z, energy) to the two arrays of an event."""
    points = [(*point, 0.0, 0.0, 0.0, 0.0) for _, _, listed in clusters for point in listed]
    rows = [(len(listed), n, n, 0, kind, pid) for n, (kind, pid, listed) in enumerate(clusters)]
    return np.array(points, np.float32).ravel(), np.array(rows, np.int64).ravel()


def muon(x: float) -> tuple[Any, Any]:
    """A track along x at z = 130, y falling; a shower beside it, low energies far away."""
    track = [(x + i, 500.0 - i, 130.0, 0.6) for i in range(20)]
    shower = [(x + 10, 300.0, 140.0 + i, 0.5) for i in range(8)] + [(x + 10, 300.0, 130.0, 0.2)]
    return event(
        [(4, -1, [(700.0, 1.0, 700.0, 0.9)]), (1, 2, track), (0, 0, shower), (2, 1, [(x, 0.0, 150.0, 3.0)])]
    )


def write(path: Path, events: list[tuple[Any, Any]]) -> Path:
    with h5py.File(path, "w") as file:
        for name, number, kind in (("point", 0, np.float32), ("cluster", 1, np.int64)):
            data = file.create_dataset(name, (len(events),), h5py.vlen_dtype(kind))
            for row, made in enumerate(events):
                data[row] = made[number]
    return path


def test_an_event_is_the_densest_tile_of_its_projection(tmp_path: Path) -> None:
    write(tmp_path / "p.h5", [muon(64.0 * n) for n in range(10)])
    with open_image_events(tmp_path / "p.h5") as file:
        assert file.splits == {"train": 7, "validation": 1, "test": 2}
        batches = [batch for split in file.splits for batch in file.batches(split, 4)]
        rows = np.concatenate([batch.events for batch in batches])
        assert sorted(rows.tolist()) == list(range(10))
        charge, classes, particle = (
            np.concatenate([{**batch.images, **batch.maps}[name] for batch in batches])[:, 0]
            for name in ("charge", "class", "particle")
        )
        orders = [[n for batch in file.batches("train", 3, seed=(1, 2)) for n in batch.events] for _ in "ab"]
        assert orders[0] == orders[1] != file.select("train").tolist()
        assert [n for b in file.batches("train", 3, seed=(1, 2), skip=3) for n in b.events] == orders[0][3:]
    for one, told, whence in zip(charge, classes, particle, strict=True):
        assert one[2, 3] == round(0.6 * ADU_PER_MEV)
        assert one[2, 10] == round(0.8 * ADU_PER_MEV)  # the shower crosses the track, which has more
        assert (told[2, :20] == TRACK).all()
        assert (told[12:20, 10] == SHOWER).all()
        assert (whence[2, :20] == 1 + ORIGINS.index("muon")).all()
        assert (whence[12:20, 10] == 1 + ORIGINS.index("photon")).all()
        assert whence[22, 0] == 1 + ORIGINS.index("electron of a decay")
        assert np.count_nonzero(one) == np.count_nonzero(told) == 29


def test_batches_are_full_up_to_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch counts on it; 2,170 events of training are more than a window of 2,048."""
    nothing = np.zeros((64, 64), np.uint8)
    monkeypatch.setattr(PilarnetFile, "_crop", lambda self, event: (nothing, nothing, nothing))
    with h5py.File(tmp_path / "p.h5", "w") as file:
        for name in ("point", "cluster"):
            file.create_dataset(name, (3100,), h5py.vlen_dtype(np.int64))
    with open_image_events(tmp_path / "p.h5") as events:
        for seed in (None, (1, 2)):
            sizes = [len(batch.events) for batch in events.batches("train", 600, seed=seed, skip=100)]
            assert sizes == [600, 600, 600, 270]


def test_scattered_low_energies_have_no_class(tmp_path: Path) -> None:
    lonely = event([(4, -1, [(5.0, 5.0, 5.0, 1.0), (6.0, 5.0, 5.0, 0.1)])])
    write(tmp_path / "p.h5", [lonely, event([]), muon(0.0)])
    with open_image_events(tmp_path / "p.h5") as file:
        found = {int(b.events[0]): b for split in file.splits for b in file.batches(split, 1)}
    assert found[0].images["charge"][0, 0, 5, 5] > 0
    assert found[0].images["charge"][0, 0, 5, 6] == 0  # below the threshold
    assert (found[0].maps["class"] == NOTHING).all()
    assert not found[1].images["charge"].any()


def test_the_system_reads_them(tmp_path: Path) -> None:
    write(tmp_path / "p.h5", [muon(64.0 * n) for n in range(10)])
    recipe = load_recipe(LARTPC.default_recipe)
    assert sum(LARTPC.check_data(recipe, tmp_path / "p.h5").values()) == 10
    assert LARTPC.load(recipe, tmp_path / "p.h5", "train").inputs["charge"].shape == (7, 1, 64, 64)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ((np.zeros(12, np.float32), np.zeros(6, np.int64)), r"'point', event 1: float32 of shape \(12,\)"),
        ((np.zeros(8, np.float32), np.zeros(5, np.int64)), r"'cluster', event 1: [\s\S]*first revision"),
        ((np.zeros(8, np.float32), np.array([2, 0, 0, 0, 1, 2])), "clusters of 2 points, but it has 1"),
        ((np.zeros(8, np.float32), np.array([1, 0, 0, 0, 7, 2])), "a cluster of type 7; expected 0 to 4"),
        ((np.full(8, np.nan, np.float32), np.array([1, 0, 0, 0, 1, 2])), "holds nan"),
        ((np.full(8, -1, np.float32), np.array([1, 0, 0, 0, 1, 2])), "voxels must lie in 0 to"),
    ],
)
def test_damaged_events_are_refused(spoilt: tuple[Any, Any], message: str, tmp_path: Path) -> None:
    write(tmp_path / "bad.h5", [muon(0.0), spoilt, muon(0.0), muon(0.0)])
    with open_image_events(tmp_path / "bad.h5") as file, pytest.raises(LeveloneError, match=message):
        for split in file.splits:
            list(file.batches(split, 4))


def test_too_few_events_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "p.h5", [muon(0.0)])
    with pytest.raises(LeveloneError, match="1 events; at least 3"):
        open_image_events(tmp_path / "p.h5")

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from doublet_factory import CHARGE_UNIT_KE, detector, events, write

from levelone.data import native
from levelone.data.doublets import FEATURE_NAMES, IMAGE_SIZE, SPLITS
from levelone.data.opening import open_doublets
from levelone.errors import LeveloneError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "doublets.h5")
    return tmp_path / "doublets.h5"


def slow_images(stored: list) -> np.ndarray:
    """The obvious way: one pixel at a time."""
    images = []
    for event in stored:
        clusters = event.clusters
        for pair in zip(event.inner, event.outer, strict=True):
            image = np.zeros((2, IMAGE_SIZE, IMAGE_SIZE), np.float32)
            for side, cluster in enumerate(pair):
                for pixel in range(clusters.pixel_offset[cluster], clusters.pixel_offset[cluster + 1]):
                    row, column = divmod(int(clusters.pixel_index[pixel]), IMAGE_SIZE)
                    image[side, row, column] = np.float32(event.charge_code[pixel] * CHARGE_UNIT_KE)
            images.append(image)
    return np.array(images)


def test_what_is_written_is_read(path: Path) -> None:
    stored = events()
    with open_doublets(path) as file:
        total = sum(event.label.size for event in stored)
        data = file.read(np.arange(total))
        assert file.provenance == {"seed": 5}
        assert file.splits == dict(zip(SPLITS, (600, 200, 400), strict=True))
    assert np.array_equal(data.images, slow_images(stored))
    assert np.array_equal(data.label, np.concatenate([event.label for event in stored]))
    assert np.array_equal(data.event, np.repeat(np.arange(6), 200))
    assert data.images.dtype == np.float32
    assert data.features.shape == (total, len(FEATURE_NAMES))
    assert data.features.dtype == np.float32
    assert np.isfinite(data.features).all()
    layers = detector().module_layer
    for event, start in zip(stored, range(0, total, 200), strict=True):
        inner = layers[event.clusters.module[event.inner]]
        outer = layers[event.clusters.module[event.outer]]
        expected = [("B1-B2", "B1-E1+", "B2-E1+").index(n) for n in _names(inner, outer)]
        assert data.layer_pair[start : start + 200].tolist() == expected
        assert data.region[start : start + 200].tolist() == [0 if pair == 0 else 1 for pair in expected]


def _names(inner: np.ndarray, outer: np.ndarray) -> list[str]:
    names = detector().layer_names
    return [f"{names[a]}-{names[b]}" for a, b in zip(inner, outer, strict=True)]


def test_any_order_repeats_and_nothing(path: Path) -> None:
    rng = np.random.default_rng(2)
    with open_doublets(path) as file:
        everything = file.read(np.arange(1200))
        chosen = rng.integers(0, 1200, 500)
        some = file.read(chosen)
        assert np.array_equal(some.images, everything.images[chosen])
        assert np.array_equal(some.features, everything.features[chosen])
        assert len(file.read(np.zeros(0, np.int64))) == 0
        with pytest.raises(LeveloneError, match="index 1200 is outside 0 to 1199"):
            file.read(np.array([3, 1200]))
        with pytest.raises(LeveloneError, match="index -1 is outside"):
            file.read(np.array([-1]))


def test_a_small_cache_gives_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indices = np.random.default_rng(3).permutation(1200)
    with open_doublets(path) as file:
        expected = file.read(indices)
    monkeypatch.setattr(native, "CACHE_BYTES", 1)
    monkeypatch.setattr(native, "BLOCK", 7)
    with open_doublets(path) as file:
        small = file.read(indices)
        assert len(file._cache) == 1
    assert np.array_equal(small.images, expected.images)
    assert np.array_equal(small.features, expected.features)


def test_no_event_in_two_splits(path: Path) -> None:
    with open_doublets(path) as file:
        found = [set(file.events(split).tolist()) for split in SPLITS]
        assert found == [{0, 1, 2}, {3}, {4, 5}]
        for split, event_numbers in zip(SPLITS, found, strict=True):
            data = file.read(file.select(split))
            assert set(data.event.tolist()) == event_numbers


def test_balanced_within_every_layer_pair(path: Path) -> None:
    with open_doublets(path) as file:
        chosen = file.select("train", "balanced")
        pairs = file.index.layer_pair[chosen] * 2 + file.index.label[chosen]
        counts = np.bincount(pairs, minlength=6).reshape(3, 2)
        assert (counts[:, 0] == counts[:, 1]).all()
        assert counts.min() > 0
        assert np.unique(chosen).size == chosen.size
        limited = file.select("train", "balanced", limit=50, seed=1)
        assert limited.size == 50
        label = file.index.label[limited]
        assert label.sum() == 25
        per_pair = np.bincount(file.index.layer_pair[limited] * 2 + label, minlength=6).reshape(3, 2)
        assert (per_pair[:, 0] == per_pair[:, 1]).all()
        assert np.array_equal(limited, file.select("train", "balanced", limit=50, seed=1))
        assert not np.array_equal(limited, file.select("train", "balanced", limit=50, seed=2))


def test_natural_and_limits(path: Path) -> None:
    with open_doublets(path) as file:
        assert file.select("validation").tolist() == list(range(600, 800))
        some = file.select("train", limit=30, seed=4)
        assert some.size == 30
        assert some.max() < 600
        assert (np.diff(some) > 0).all()
        assert file.labels("test").size == 400
        for arguments in (("practice",), ("train", "odd")):
            with pytest.raises(LeveloneError, match="expected"):
                file.select(*arguments)


def replace(path: Path, name: str, values: np.ndarray | None) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        if values is not None:
            file[name] = values


def edit(path: Path, name: str, position: int, value: float, dtype: str | None = None) -> None:
    with h5py.File(path, "r") as file:
        values = file[name][:]
    values = values.astype(dtype or values.dtype)
    values[position] = value
    replace(path, name, values)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def attribute(name: str, value: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "a") as file:
            file.attrs[name] = value

    return change


def pixel_twice(path: Path) -> None:
    """In the first and the last place of the first cluster of event 1 that has room between them."""
    with h5py.File(path, "r") as file:
        cluster, first = (int(file[f"events/{kind}_offset"][1]) for kind in ("cluster", "pixel"))
        counts = file["clusters/pixels"][cluster:].astype(int)
    which = int(np.flatnonzero(counts > 2)[0])
    at = first + int(counts[:which].sum())
    edit(path, "pixels/index", at, 77)
    edit(path, "pixels/index", at + int(counts[which]) - 1, 77)


def doublet_twice(path: Path) -> None:
    for at in (200, 399):  # the first and the last of the second event
        edit(path, "doublets/inner", at, 3)
        edit(path, "doublets/outer", at, 59)


BAD = {
    "truncated": (truncate, "truncated"),
    "not HDF5": (lambda p: p.write_bytes(b"no data here" * 99), "is not an HDF5 file"),
    "nothing": (lambda p: p.write_bytes(b""), "the file is empty"),
    "folder": (lambda p: (p.unlink(), p.mkdir()), "not a regular file"),
    "absent": (lambda p: p.unlink(), "no such file"),
    "format": (attribute("format", "other"), "attribute 'format' is 'other'"),
    "newer": (attribute("schema_version", 3), "schema version 3 is newer than 2"),
    "version type": (attribute("schema_version", "one"), "attribute 'schema_version' is 'one'"),
    "system": (attribute("system", "muon"), "attribute 'system' is 'muon'"),
    "unit": (attribute("charge_unit_ke", -1.0), "attribute 'charge_unit_ke'"),
    "provenance": (attribute("provenance", "{"), "attribute 'provenance'"),
    "missing": (lambda p: replace(p, "clusters/row", None), "dataset 'clusters/row' is missing"),
    "missing geometry": (lambda p: replace(p, "geometry/center", None), "'geometry/center' is missing"),
    "missing events": (lambda p: replace(p, "events/split", None), "'events/split' is missing"),
    "shape": (
        lambda p: replace(p, "doublets/inner", np.zeros((5, 2), "u4")),
        r"'doublets/inner' has shape \(5, 2\)",
    ),
    "length": (
        lambda p: replace(p, "doublets/label", np.zeros(5, "u1")),
        r"has shape \(5,\), expected \(1200\)",
    ),
    "type": (
        lambda p: edit(p, "clusters/size_x", 0, 1, "f4"),
        "'clusters/size_x' has type float32, expected uint8",
    ),
    "label type": (lambda p: edit(p, "doublets/label", 0, 1, "i8"), "'doublets/label' has type int64"),
    "NaN charge": (lambda p: edit(p, "pixels/charge", 7, np.nan, "f4"), "'pixels/charge' holds nan at 7"),
    "negative charge": (lambda p: edit(p, "pixels/charge", 9, -3, "i2"), "'pixels/charge' holds -3 at 9"),
    "zero charge": (lambda p: edit(p, "pixels/charge", 9, 0), "'pixels/charge' holds 0 at 9"),
    "charge type": (lambda p: edit(p, "pixels/charge", 9, 5, "f4"), "'pixels/charge' has type float32"),
    "inner": (lambda p: edit(p, "doublets/inner", 250, 60), "'doublets/inner' holds 60 at 250"),
    "outer": (lambda p: edit(p, "doublets/outer", 3, 4_000_000), "'doublets/outer' holds 4000000 at 3"),
    "module": (lambda p: edit(p, "clusters/module", 70, 24), "'clusters/module' holds 24 at 70"),
    "pixel count": (lambda p: edit(p, "clusters/pixels", 5, 200), "claim .* pixels"),
    "no pixels": (lambda p: edit(p, "clusters/pixels", 5, 0), "'clusters/pixels' holds 0 at 5"),
    "label value": (lambda p: edit(p, "doublets/label", 11, 2), "'doublets/label' holds 2 at 11"),
    "split value": (lambda p: edit(p, "events/split", 1, 3), "'events/split' holds 3 at 1"),
    "offset": (lambda p: edit(p, "events/pixel_offset", 2, 0), "never decrease"),
    "NaN geometry": (lambda p: edit(p, "geometry/center", 0, np.nan), "'geometry/center' holds nan"),
    "layer": (lambda p: edit(p, "geometry/module_layer", 0, 9), "'geometry/module_layer' holds 9 at 0"),
    "a pixel twice": (pixel_twice, r"cluster \d+ of event 1 lists the pixel 77 twice"),
    "a doublet twice": (doublet_twice, "event 1 lists the doublet of clusters 3 and 59 twice"),
    "one class": (lambda p: replace(p, "doublets/label", np.zeros(1200, "u1")), "only doublets with label 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_give_one_clear_message(path: Path, case: str) -> None:
    spoil, message = BAD[case]
    spoil(path)
    with pytest.raises(LeveloneError, match=message) as caught:
        open_doublets(path)
    assert str(path) in str(caught.value)


def test_doublets_between_layers_that_are_not_neighbours(path: Path) -> None:
    with h5py.File(path, "r") as file:
        outer = file["doublets/outer"][:]
        inner = file["doublets/inner"][:]
    inner[0], outer[0] = outer[0], inner[0]
    replace(path, "doublets/inner", inner)
    replace(path, "doublets/outer", outer)
    with pytest.raises(LeveloneError, match="layer pair' holds -1 at 0"):
        open_doublets(path)


def test_a_split_without_one_class(tmp_path: Path) -> None:
    stored = events()
    stored[3].label[:] = 0
    write(tmp_path / "a.h5", stored)
    with (
        open_doublets(tmp_path / "a.h5") as file,
        pytest.raises(LeveloneError, match="validation split has no true"),
    ):
        file.select("validation")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    from levelone.data.schema import create

    with pytest.raises(RuntimeError), create(tmp_path / "a.h5", detector(), 0.1, {}) as writer:
        writer.append(events()[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    write(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_header_is_as_documented(path: Path) -> None:
    with h5py.File(path) as file:
        assert file.attrs["format"] == "levelone-doublets"
        assert file.attrs["schema_version"] == 2
        assert json.loads(file["geometry"].attrs["layer_names"]) == ["B1", "B2", "E1+"]

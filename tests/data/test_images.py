"""Files of images, maps of truth, lists and numbers: what goes in comes out, what is wrong is refused."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.images import ImageFile, Ragged, create_images, open_images
from levelone.data.opening import open_image_events, open_voxel_events
from levelone.data.voxelcheck import Column
from levelone.errors import LeveloneError

FRAME = ImageSpec("frame", (1, 6, 8), "uint16", "ADU", "camera", ("light",), (100.0, 100.0), "nm", bits=12)
HEIGHT = ImageSpec("height", (2, 3, 3), "float32", "nm", "two maps", ("up", "down"))
KIND = ImageSpec("kind", (1, 6, 8), "uint8", "", "class", ("class",), names=("none", "track", "shower"))
SPOTS = ListSpec("spots", "what there is", (Column("x", "float32", "nm", ""), Column("n", "int32", "", "")))
NUMBER = Column("number", "float32", "", "its own number")
EVENTS = 50


def contents(events=EVENTS, seed=0):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 4096, (events, *FRAME.shape)).astype(np.uint16)
    height = rng.normal(size=(events, *HEIGHT.shape)).astype(np.float32)
    kind = rng.integers(0, 3, (events, *KIND.shape)).astype(np.uint8)
    lengths = rng.integers(0, 5, events)
    lengths[:2] = (0, 4)
    spots = [
        {"x": rng.random(n).astype(np.float32), "n": rng.integers(0, 9, n).astype(np.int32)} for n in lengths
    ]
    return frame, height, kind, spots, np.arange(events, dtype=np.float32)


def write(path, events=EVENTS, batch=13):
    frame, height, kind, spots, number = contents(events)
    split = (np.arange(events) % 10 // 8 + (np.arange(events) % 10 == 9)).astype(np.uint8)
    with create_images(path, [FRAME], [HEIGHT, KIND], [SPOTS], [NUMBER], {"seed": 0}) as writer:
        for start in range(0, events, batch):
            part = slice(start, start + batch)
            writer.append(
                {"frame": frame[part]},
                {"height": height[part], "kind": kind[part]},
                {"spots": Ragged.of(spots[part])},
                {"number": number[part]},
                split[part],
            )
    return frame, height, kind, spots, split


@pytest.mark.parametrize("events", [[7], [30, 2, 2, 49, 1], [], list(range(49, -1, -1))])
def test_everything_comes_back_in_any_order(tmp_path, events):
    frame, height, kind, spots, split = write(tmp_path / "i.h5")
    with open_image_events(tmp_path / "i.h5") as file:
        assert isinstance(file, ImageFile)
        assert (file.images, file.maps) == ({"frame": FRAME}, {"height": HEIGHT, "kind": KIND})
        assert {column.name for column in file.lists["spots"].columns} == {"x", "n"}
        assert (file.columns["number"], file.provenance) == (NUMBER, {"seed": 0})
        assert file.splits == {"train": 40, "validation": 5, "test": 5}
        assert np.array_equal(file.select("test"), np.flatnonzero(split == 2))
        assert file.listed("spots").lengths.max() == 4
        batch = file.read(events)
        file.check()
    assert np.array_equal(batch.images["frame"], frame[events])
    assert batch.images["frame"].dtype == np.uint16
    assert np.array_equal(batch.maps["height"], height[events])
    assert np.array_equal(batch.maps["kind"], kind[events])
    assert np.array_equal(batch.truth["number"], events)
    found = batch.lists["spots"]
    assert found.lengths.tolist() == [len(spots[event]["x"]) for event in events]
    for name in ("x", "n"):
        expected = [spots[event][name] for event in events]
        assert np.array_equal(found.columns[name], np.concatenate([*expected, []]))


@pytest.mark.parametrize(("seed", "size"), [(None, 7), (3, 7), (3, 1000)])
def test_batches_cover_a_split_once_and_stay_aligned(tmp_path, seed, size, monkeypatch):
    monkeypatch.setattr("levelone.data.images._HELD_BYTES", 100_000)  # several windows
    frame, _, _, spots, split = write(tmp_path / "i.h5", events=900, batch=250)
    with open_images(tmp_path / "i.h5") as file:
        batches = list(file.batches("train", size, seed=seed))
        again = list(file.batches("train", size, seed=seed, skip=21))
    events = np.concatenate([batch.events for batch in batches])
    assert all(len(batch.events) == size for batch in batches[:-1])
    assert np.array_equal(np.sort(events), np.flatnonzero(split == 0))
    assert np.array_equal(events, np.sort(events)) == (seed is None)
    assert np.array_equal(np.concatenate([batch.events for batch in again]), events[21:])
    for batch in batches:
        assert np.array_equal(batch.images["frame"], frame[batch.events])
        assert np.array_equal(batch.truth["number"], batch.events)
        wanted = [spots[event]["x"] for event in batch.events]
        assert np.array_equal(batch.lists["spots"].columns["x"], np.concatenate(wanted))


def test_padded_lists():
    ragged = Ragged.of([{"x": np.array([1.0, 2.0]), "y": np.array([3.0, 4.0])}, {"x": [], "y": []}])
    filled = ragged.padded(("y", "x"), 3)
    assert filled.shape == (2, 3, 2)
    assert filled[0, :2].tolist() == [[3, 1], [4, 2]]
    assert np.isnan(filled[0, 2]).all()
    assert np.isnan(filled[1]).all()
    with pytest.raises(ValueError, match="2 entries, 1 at most"):
        ragged.padded(("x",), 1)


def batch(events=4):
    frame, height, kind, spots, number = contents(events)
    return [
        {"frame": frame},
        {"height": height, "kind": kind},
        {"spots": Ragged.of(spots)},
        {"number": number},
        np.zeros(events, np.uint8),
    ]


def spoilt(group, name, change):
    def spoil(parts):
        parts[group][name] = change(parts[group][name])

    return spoil


def _set(at, value):
    def change(array):
        array[at] = value
        return array

    return change


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda parts: parts[0].clear(), "must bring exactly the images"),
        (lambda parts: parts.__setitem__(4, parts[4] + 7), "split codes must be"),
        (spoilt(0, "frame", lambda a: a.astype(np.int16)), "'images/frame' is int16 of shape"),
        (spoilt(0, "frame", lambda a: a[:2]), r"'images/frame' is uint16 of shape \(2, 1, 6, 8\), expected"),
        (spoilt(0, "frame", _set((1, 0, 2, 3), 4096)), r"event 1: the value 4096 at \[0, 2, 3\]"),
        (spoilt(1, "kind", _set((3, 0, 0, 1), 3)), r"'maps/kind', event 3: the value 3 at \[0, 0, 1\]"),
        (spoilt(1, "height", _set((2, 1, 0, 0), np.nan)), "'maps/height', event 2: the value nan"),
        (spoilt(2, "spots", lambda r: Ragged(r.offsets[:-1], r.columns)), "list 'spots' has 3 entries"),
        (spoilt(2, "spots", lambda r: Ragged(r.offsets, {"x": r.columns["x"]})), "must have the columns"),
        (
            spoilt(2, "spots", lambda r: Ragged(r.offsets, r.columns | {"x": r.columns["x"] * np.inf})),
            "'x' is float32, which does not hold",
        ),
        (spoilt(3, "number", lambda a: a[1:]), "truth column 'number' has 3 entries, expected 4"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_bad_batch_is_refused(tmp_path, spoil, message):
    parts = batch()
    spoil(parts)
    path = tmp_path / "i.h5"
    specs = ([FRAME], [HEIGHT, KIND], [SPOTS], [NUMBER])
    with pytest.raises(LeveloneError, match=message), create_images(path, *specs, {}) as writer:
        writer.append(*parts)
    assert list(tmp_path.iterdir()) == []


def replaced(raw, name, values):
    attributes = dict(raw[name].attrs)
    del raw[name]
    raw[name] = values
    raw[name].attrs.update(attributes)


def named(raw, name, codes, names):
    replaced(raw, name, codes)
    raw[name].attrs["names"] = json.dumps(names)


BROKEN = {
    "foreign": (lambda f: f.attrs.__delitem__("schema"), "is not a levelone-images file"),
    "newer": (lambda f: f.attrs.__setitem__("version", 2), "version 2; this levelone reads versions 1 to 1"),
    "provenance": (lambda f: f.attrs.__setitem__("provenance", "[]"), "'provenance' is not JSON"),
    "no split": (lambda f: f.__delitem__("split"), "dataset 'split' is missing"),
    "bad split": (lambda f: f["split"].__setitem__(0, 9), "'split' holds codes"),
    "fewer": (lambda f: f.attrs.__setitem__("events", 51), "'events' says 51, 'split' holds 50"),
    "no images": (lambda f: f.__delitem__("images/frame"), "group 'images' is empty"),
    "no maps": (lambda f: f.__delitem__("maps"), "group 'maps' is missing"),
    "no lists": (lambda f: f.__delitem__("lists"), "group 'lists' is missing"),
    "image type": (
        lambda f: replaced(f, "images/frame", f["images/frame"][:].astype("f8")),
        "'images/frame' must be uint8, uint16, int16 or float32, it is float64",
    ),
    "image shape": (
        lambda f: replaced(f, "images/frame", f["images/frame"][:, 0]),
        r"'images/frame' has shape \(50, 6, 8\)",
    ),
    "image count": (
        lambda f: replaced(f, "images/frame", f["images/frame"][1:]),
        "'images/frame' has 49 entries for 50 events",
    ),
    "image attribute": (lambda f: f["images/frame"].attrs.__delitem__("cell"), "lacks a valid attribute"),
    "image channels": (lambda f: f["maps/height"].attrs.__setitem__("channels", '["up"]'), "2 channels of"),
    "too many bits": (
        lambda f: f["images/frame"].__setitem__((20, 0, 5, 7), 5000),
        r"'images/frame', event 20: the value 5000 at \[0, 5, 7\] \(channel, row, column\) is not below 4096",
    ),
    "unknown class": (lambda f: f["maps/kind"].__setitem__((4, 0, 0, 0), 7), "event 4: the value 7"),
    "infinite": (lambda f: f["maps/height"].__setitem__((9, 1, 2, 2), np.inf), "event 9: the value inf at"),
    "list offsets": (lambda f: f["lists/spots/offsets"].__setitem__(3, 10**6), "'lists/spots/offsets' must"),
    "list count": (
        lambda f: replaced(f, "lists/spots/offsets", f["lists/spots/offsets"][:-1]),
        "'lists/spots/offsets' has 50 entries for 50 events",
    ),
    "list lengths": (
        lambda f: replaced(f, "lists/spots/x", f["lists/spots/x"][1:]),
        r"'lists/spots/x' has \d+ entries for \d+ list entries",
    ),
    "list empty": (lambda f: [f.__delitem__(f"lists/spots/{c}") for c in "xn"], "is no group of offsets and"),
    "list nan": (lambda f: f["lists/spots/x"].__setitem__(3, np.nan), "'lists/spots/x' holds nan at 3"),
    "truth nan": (lambda f: f["truth/number"].__setitem__(2, np.nan), "'truth/number' holds NaN"),
    "truth code": (
        lambda f: named(f, "truth/number", np.arange(50) % 4, ["a", "b", "c"]),
        r"'truth/number', event 3: 3 is none of the 3 classes a, b, c",
    ),
    "truth type": (lambda f: replaced(f, "truth/number", np.array([b"x"] * 50)), "'truth/number' must be"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_file_gives_one_clear_message(tmp_path, case):
    path = tmp_path / "i.h5"
    write(path)
    spoil, message = BROKEN[case]
    with h5py.File(path, "r+") as raw:
        spoil(raw)
    with pytest.raises(LeveloneError, match=message) as caught, open_image_events(path) as file:
        file.check()
    assert "i.h5" in str(caught.value)


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_truncated(tmp_path, keep):
    path = tmp_path / "i.h5"
    write(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(LeveloneError, match="truncated or damaged"), open_images(path) as file:
        file.check()


def test_missing_other_and_wrong_questions(tmp_path):
    with pytest.raises(LeveloneError, match="no image file"):
        open_image_events(tmp_path / "none.h5")
    (tmp_path / "other.h5").write_text("{}")
    with pytest.raises(LeveloneError, match="is not an HDF5 file"):
        open_image_events(tmp_path / "other.h5")
    write(tmp_path / "i.h5")
    with pytest.raises(LeveloneError, match="is not a levelone-voxels file"):
        open_voxel_events(tmp_path / "i.h5")
    with open_images(tmp_path / "i.h5") as file:
        with pytest.raises(LeveloneError, match="event numbers must be 0 to 49"):
            file.read([50])
        with pytest.raises(LeveloneError, match="no split 'all'"):
            file.select("all")

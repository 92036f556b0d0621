import json
import tracemalloc

import h5py
import numpy as np
import pytest

from levelone.data.voxelcheck import Column, GridSpec
from levelone.data.voxels import SparseGrid, create_voxels, open_voxels
from levelone.errors import LeveloneError

GRIDS = (
    GridSpec("ecal", (5, 4, 3), (5.0, 5.0, 7.0), ("x", "y", "z"), "GeV"),
    GridSpec("big", (50, 64, 32), (1.0, 1.0, 1.0), ("z", "y", "x"), "GeV"),
)
COLUMNS = (
    Column("energy", "float32", "GeV", "true energy"),
    Column("kind", "uint8", "", "class", ("a", "b")),
)


def dense(n, shape, seed):
    rng = np.random.default_rng(seed)
    images = rng.exponential(1.0, (n, *shape)).astype(np.float32)
    images[rng.random(images.shape) < 0.97] = 0
    return images


def write(path, events=40, batch=13, seed=0):
    ecal, big = dense(events, GRIDS[0].shape, seed), dense(events, GRIDS[1].shape, seed + 1)
    ecal[3] = 0  # an event may be empty
    truth = {
        "energy": np.linspace(1, 2, events, dtype=np.float32),
        "kind": (np.arange(events) % 2).astype(np.uint8),
    }
    split = (np.arange(events) % 5 // 3).astype(np.uint8) + (np.arange(events) % 10 == 9).astype(np.uint8)
    with create_voxels(path, GRIDS, COLUMNS, {"seed": seed}) as writer:
        for start in range(0, events, batch):
            part = slice(start, start + batch)
            grids = {"ecal": SparseGrid.from_dense(ecal[part]), "big": SparseGrid.from_dense(big[part])}
            writer.append(grids, {name: values[part] for name, values in truth.items()}, split[part])
    return ecal, big, truth, split


def test_everything_comes_back(tmp_path):
    path = tmp_path / "events.h5"
    ecal, big, truth, split = write(path)
    with open_voxels(path) as file:
        assert file.events == 40
        assert file.grids["big"] == GRIDS[1]
        assert file.columns["kind"] == COLUMNS[1]
        assert file.provenance == {"seed": 0}
        np.testing.assert_array_equal(file.read("ecal", slice(None)), ecal)
        np.testing.assert_array_equal(file.read("big", slice(5, 30, 3)), big[5:30:3])
        np.testing.assert_array_equal(file.truth("energy"), truth["energy"])
        assert sum(file.splits.values()) == 40
        np.testing.assert_array_equal(file.select("test"), np.flatnonzero(split == 2))
        file.check()
    with h5py.File(path) as raw:
        assert raw["grids/ecal/index"].dtype == np.uint16
        assert raw["grids/big/index"].dtype == np.uint32  # 102,400 voxels


def test_pieces_are_what_any_hdf5_reader_unpacks(tmp_path):
    """Voxels are packed by hand in pieces of 65,536: events across their ends, exact ends, the rest."""
    rng = np.random.default_rng(3)
    spec = GridSpec("calo", (64, 64, 64), (1.0, 1.0, 1.0), ("z", "y", "x"), "GeV")
    counts = [65_536, 0, 3, 131_072, 65_533, 70_000, 1]
    cells = [rng.choice(64**3, n, replace=False).astype(np.uint32) for n in counts]
    energies = [rng.random(n, np.float32) for n in counts]
    with create_voxels(tmp_path / "v.h5", (spec,), (), {}) as writer:
        for index, energy in zip(cells, energies, strict=True):
            writer.append(
                {"calo": SparseGrid(np.array([0, len(index)]), index, energy)}, {}, np.zeros(1, np.uint8)
            )
    with h5py.File(tmp_path / "v.h5", "r") as file:
        group = file["grids/calo"]
        assert group["offsets"][:].tolist() == np.cumsum([0, *counts]).tolist()
        assert np.array_equal(group["index"][:], np.concatenate(cells))
        assert np.array_equal(group["energy"][:], np.concatenate(energies))
        assert (group["energy"].compression, group["energy"].shuffle) == ("gzip", True)


@pytest.mark.parametrize("events", [[7], [30, 2, 2, 39], [], [3], list(range(39, -1, -1))])
def test_any_order_with_repeats(tmp_path, events):
    path = tmp_path / "events.h5"
    ecal, _, truth, _ = write(path)
    chosen = np.asarray(events, np.int64)
    with open_voxels(path) as file:
        np.testing.assert_array_equal(file.read("ecal", chosen), ecal[chosen])
        np.testing.assert_array_equal(file.truth("energy", chosen), truth["energy"][chosen])


@pytest.mark.parametrize(("seed", "size"), [(None, 32), (3, 32), (3, 1000), (None, 7)])
def test_batches_cover_a_split_once_and_stay_aligned(tmp_path, seed, size):
    path = tmp_path / "events.h5"
    ecal, _, truth, split = write(path, events=400)
    with open_voxels(path) as file:
        batches = list(file.batches("train", size, grids=["ecal"], seed=seed))
        again = list(file.batches("train", size, grids=["ecal"], seed=seed))
    events = np.concatenate([b.events for b in batches])
    assert all(len(b.events) == size for b in batches[:-1])
    np.testing.assert_array_equal(np.sort(events), np.flatnonzero(split == 0))
    assert np.array_equal(events, np.sort(events)) == (seed is None)
    for one, two in zip(batches, again, strict=True):
        np.testing.assert_array_equal(one.images["ecal"], ecal[one.events])
        np.testing.assert_array_equal(one.truth["energy"], truth["energy"][one.events])
        np.testing.assert_array_equal(one.events, two.events)


def test_batches_across_read_windows_are_whole(tmp_path):
    path = tmp_path / "long.h5"
    grid = GridSpec("line", (10,), (1.0,), ("x",), "GeV")
    events = 5000  # more than two windows of 2,048
    with create_voxels(path, (grid,), COLUMNS[:1], {}) as writer:
        cells = SparseGrid(
            np.arange(events + 1), np.arange(events) % 10, np.arange(1, events + 1, dtype=np.float32)
        )
        writer.append({"line": cells}, {"energy": np.arange(events, dtype="f4")}, np.zeros(events, np.uint8))
    with open_voxels(path) as file:
        for seed in (None, 1):
            batches = list(file.batches("train", 300, seed=seed))
            assert [len(b.events) for b in batches] == [300] * 16 + [200]
            for batch in batches:
                np.testing.assert_array_equal(batch.images["line"].sum(1), batch.events + 1)
                np.testing.assert_array_equal(batch.truth["energy"], batch.events)
            assert len(np.unique(np.concatenate([b.events for b in batches]))) == events


def test_streaming_memory_is_bounded(tmp_path):
    path = tmp_path / "large.h5"
    grid = GridSpec("calo", (50, 32, 32), (1.0, 1.0, 1.0), ("z", "y", "x"), "GeV")
    events, batch = 2048, 32  # dense: 419 MB
    with create_voxels(path, (grid,), COLUMNS[:1], {}) as writer:
        for number in range(events // 512):
            offsets = np.arange(513, dtype=np.int64) * 50
            index = np.tile(np.arange(50, dtype=np.uint32) * 1024 + number, 512)
            cells = SparseGrid(offsets, index, np.ones(len(index), np.float32))
            writer.append({"calo": cells}, {"energy": np.ones(512, np.float32)}, np.zeros(512, np.uint8))
    tracemalloc.start()
    total = 0.0
    with open_voxels(path) as file:
        for piece in file.batches("train", batch, seed=1):
            total += float(piece.images["calo"].sum())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == events * 50
    assert peak < 8 * batch * 51_200 * 4


def test_nothing_is_left_when_writing_fails(tmp_path):
    path = tmp_path / "events.h5"
    with pytest.raises(ZeroDivisionError), create_voxels(path, GRIDS, COLUMNS, {}):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def cells(index, energy):
    """Event 1 of four has these voxels, the others none."""
    return SparseGrid(np.array([0, 0, 3, 3, 3]), np.array(index), np.array(energy, np.float64))


def test_order_within_an_event_does_not_matter(tmp_path):
    grid = GridSpec("line", (10,), (1.0,), ("x",), "GeV")
    index, energy = np.array([9, 2, 5, 2, 0, 9]), np.arange(1, 7, dtype=np.float32)
    with create_voxels(tmp_path / "v.h5", (grid,), (), {}) as writer:
        writer.append({"line": SparseGrid(np.array([0, 3, 3, 6]), index, energy)}, {}, np.zeros(3, np.uint8))
    with open_voxels(tmp_path / "v.h5") as file:
        expected = np.zeros((3, 10))
        expected[[0, 0, 0, 2, 2, 2], index] = energy
        assert np.array_equal(file.read("line", slice(None)), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g, t, s: (g, t, s + 7), "split codes must be"),
        (lambda g, t, s: ({"ecal": g["ecal"]}, t, s), "exactly the grids"),
        (lambda g, t, s: (g, {"energy": t["energy"][:1], "kind": t["kind"]}, s), "other lengths"),
        (
            lambda g, t, s: (
                g | {"ecal": SparseGrid(g["ecal"].offsets, g["ecal"].index, -g["ecal"].energy)},
                t,
                s,
            ),
            "neg",
        ),
        (lambda g, t, s: (g, t | {"kind": np.full(4, 256)}, s), "'kind' is uint8, which does not hold 256"),
        (lambda g, t, s: (g, t | {"kind": np.full(4, 0.5)}, s), "'kind' is uint8, which does not hold 0.5"),
        (
            lambda g, t, s: (g, t | {"energy": np.full(4, 1e40)}, s),
            "'energy' is float32, which does not hold",
        ),
        (lambda g, t, s: (g, t, s.astype(int) - 1), "split codes must be"),
        (
            lambda g, t, s: (g | {"ecal": cells([3, 0, 3], [1, 2, 1])}, t, s),
            "event 1: voxel index 3 is listed",
        ),
        (lambda g, t, s: (g | {"ecal": cells([0, -1, 2], [1, 2, 1])}, t, s), "event 1: voxel index -1"),
        (lambda g, t, s: (g | {"ecal": cells([0, 1, 2], [1, 1e40, 1])}, t, s), "event 1: an energy is NaN"),
    ],
)
def test_a_bad_batch_is_refused(tmp_path, change, message):
    grids = {g.name: SparseGrid.from_dense(dense(4, g.shape, 5)) for g in GRIDS}
    truth = {"energy": np.ones(4, np.float32), "kind": np.zeros(4, np.uint8)}
    path = tmp_path / "events.h5"
    with pytest.raises(LeveloneError, match=message), create_voxels(path, GRIDS, COLUMNS, {}) as writer:
        writer.append(*change(grids, truth, np.zeros(4, np.uint8)))
    assert not path.exists()


def replaced(raw, name, values):
    attributes = dict(raw[name].attrs)
    del raw[name]
    raw[name] = values
    raw[name].attrs.update(attributes)


def twice(raw, event):
    """Voxel 7 a second time at the end of an event, which lists it first."""
    group = raw["grids/ecal"]
    index, energy, offsets = (group[name][:] for name in ("index", "energy", "offsets"))
    first, end = offsets[event : event + 2]
    index, energy = np.insert(index, [first, end], 7), np.insert(energy, [first, end], 1.0)
    order = np.flatnonzero(~((np.arange(len(index)) > first) & (np.arange(len(index)) <= end) & (index == 7)))
    offsets[event + 1 :] += len(order) - group["index"].shape[0]
    for name, values in (("index", index[order]), ("energy", energy[order]), ("offsets", offsets)):
        del group[name]
        group[name] = values


BROKEN = {
    "foreign": (lambda f: f.attrs.__delitem__("schema"), "is not a levelone-voxels file"),
    "newer": (lambda f: f.attrs.__setitem__("version", 2), "version 2; this levelone reads versions 1 to 1"),
    "provenance": (lambda f: f.attrs.__setitem__("provenance", "{"), "'provenance' is not JSON"),
    "no split": (lambda f: f.__delitem__("split"), "dataset 'split' is missing"),
    "bad split": (lambda f: f["split"].__setitem__(0, 9), "'split' holds codes"),
    "no grids": (lambda f: f.__delitem__("grids"), "group 'grids' is missing"),
    "no truth": (lambda f: f.__delitem__("truth"), "group 'truth' is missing"),
    "no energy": (lambda f: f.__delitem__("grids/ecal/energy"), "dataset 'grids/ecal/energy' is missing"),
    "energy type": (
        lambda f: replaced(f, "grids/ecal/energy", f["grids/ecal/energy"][:].astype("f8")),
        "'grids/ecal/energy' must be float32, it is float64",
    ),
    "index type": (
        lambda f: replaced(f, "grids/ecal/index", f["grids/ecal/index"][:].astype("i4")),
        "'grids/ecal/index' must be uint16 or uint32, it is int32",
    ),
    "dimensions": (
        lambda f: replaced(f, "grids/ecal/energy", f["grids/ecal/energy"][:][:, None]),
        "'grids/ecal/energy' must have one dimension",
    ),
    "lengths": (
        lambda f: replaced(f, "grids/ecal/energy", f["grids/ecal/energy"][1:]),
        r"grid 'ecal' has \d+ indices but \d+ energies",
    ),
    "events": (
        lambda f: replaced(f, "truth/energy", np.ones(3, "f4")),
        "'truth/energy' has 3 entries for 40 events",
    ),
    "offsets": (lambda f: f["grids/ecal/offsets"].__setitem__(1, 10**6), "'grids/ecal/offsets' must rise"),
    "offset count": (
        lambda f: replaced(f, "grids/ecal/offsets", f["grids/ecal/offsets"][:-1]),
        "'grids/ecal/offsets' has 40 entries for 40 events",
    ),
    "shape": (lambda f: f["grids/ecal"].attrs.__delitem__("shape"), "grid 'ecal' lacks a valid shape"),
    "truth type": (
        lambda f: replaced(f, "truth/energy", np.array([b"x"] * 40)),
        "'truth/energy' must be",
    ),
    "truth nan": (lambda f: f["truth/energy"].__setitem__(2, np.nan), "'truth/energy' holds NaN"),
    "nan": (lambda f: f["grids/ecal/energy"].__setitem__(0, np.nan), "'ecal', event 0: an energy is NaN"),
    "infinite": (lambda f: f["grids/ecal/energy"].__setitem__(-1, np.inf), "'ecal', event 38: an energy is"),
    "negative": (
        lambda f: f["grids/ecal/energy"].__setitem__(0, -1.5),
        r"'ecal', event 0: a negative energy \(-1.5 GeV",
    ),
    "range": (
        lambda f: f["grids/ecal/index"].__setitem__(0, 60),
        "'ecal', event 0: voxel index 60, but there are only 60 voxels",
    ),
    "a voxel twice": (lambda f: twice(f, 20), "'ecal', event 20: voxel index 7 is listed twice"),
    "fewer events than stated": (
        lambda f: f.attrs.__setitem__("events", 41),
        "'events' says 41, 'split' holds 40",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_file_gives_one_clear_message(tmp_path, case):
    path = tmp_path / "events.h5"
    write(path)
    spoil, message = BROKEN[case]
    with h5py.File(path, "r+") as raw:
        spoil(raw)
    with pytest.raises(LeveloneError, match=message) as caught, open_voxels(path) as file:
        file.check()
    assert "events.h5" in str(caught.value)


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_truncated(tmp_path, keep):
    path = tmp_path / "events.h5"
    write(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(LeveloneError, match="truncated or damaged"), open_voxels(path) as file:
        file.check()


def test_flipped_bytes_in_compressed_data(tmp_path):
    path = tmp_path / "events.h5"
    write(path)
    with h5py.File(path) as raw:
        chunk = raw["grids/big/energy"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + 20 : chunk.byte_offset + 400] = bytes(380)
    path.write_bytes(data)
    with pytest.raises(LeveloneError, match="truncated or damaged"), open_voxels(path) as file:
        file.check()


def test_missing_and_other_files(tmp_path):
    with pytest.raises(LeveloneError, match="no voxel file"):
        open_voxels(tmp_path / "none.h5")
    other = tmp_path / "other.h5"
    other.write_text(json.dumps({}))
    with pytest.raises(LeveloneError, match="is not an HDF5 file"):
        open_voxels(other)


def test_wrong_questions(tmp_path):
    path = tmp_path / "events.h5"
    write(path)
    with open_voxels(path) as file:
        with pytest.raises(LeveloneError, match="no grid 'hcal'"):
            file.read("hcal", slice(0, 1))
        with pytest.raises(LeveloneError, match="no truth column 'pdg'"):
            file.truth("pdg")
        with pytest.raises(LeveloneError, match="event numbers must be 0 to 39"):
            file.read("ecal", [40])
        with pytest.raises(LeveloneError, match="no split 'all'"):
            file.select("all")

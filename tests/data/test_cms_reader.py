"""The CMS layout: files written by pandas itself, in the column order of the published helper class."""

from __future__ import annotations

import bz2
import pickle
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from levelone.data import cms, voxelcheck
from levelone.data.doublets import FEATURE_NAMES, SPLITS
from levelone.data.opening import open_doublets
from levelone.data.safe_pickle import list_of_strings
from levelone.errors import LeveloneError

COORDINATES = ["X", "Y", "Z", "Phi", "R"]
MODULE = [
    "DetSeq",
    "IsBarrel",
    "Layer",
    "Ladder",
    "Side",
    "Disk",
    "Panel",
    "Module",
    "IsFlipped",
    "Ax1",
    "Ax2",
]
CLUSTER = [
    "ClustX",
    "ClustY",
    "ClustSize",
    "ClustSizeX",
    "ClustSizeY",
    "PixelZero",
    "AvgCharge",
    "OverFlowX",
    "OverFlowY",
    "Skew",
    "IsBig",
    "IsBad",
    "IsEdge",
]
PIXELS = [f"Pix{i}" for i in range(1, 257)]
HEAD = ["run", "evt", "lumi", "PU", "bSX", "bSY", "bSZ", "bSdZ"]
N = 300


def frame(seed: int = 1) -> pd.DataFrame:
    """Thirty events of ten doublets: barrel layers 1 and 2, or barrel layer 1 and the first disks."""
    rng = np.random.default_rng(seed)
    data: dict[str, np.ndarray] = {name: np.zeros(N) for name in HEAD}
    data["run"][:] = 1
    data["lumi"][:] = 3
    data["evt"] = np.repeat(np.arange(1000, 1030), N // 30).astype(float)
    forward = rng.random(N) < 0.4
    for side in ("in", "out"):
        disk = forward & (side == "out")
        phi = rng.uniform(0, 2 * np.pi, N)
        r = np.where(side == "in", 2.9, np.where(disk, 9.0, 6.8))
        z = np.where(disk, rng.choice([-32.0, 32.0], N), rng.uniform(-20, 20, N))
        values = {"X": r * np.cos(phi), "Y": r * np.sin(phi), "Z": z, "Phi": phi, "R": r}
        sequence = np.where(side == "in", 0.0, np.where(disk, np.where(z > 0, 29.0, 14.0), 1.0))
        values |= {"DetSeq": sequence, "IsBarrel": (~disk).astype(float), "Layer": np.where(disk, -1.0, 1.0)}
        values |= {name: np.full(N, -1.0) for name in MODULE[3:]}
        pixels = np.where(rng.random((N, 256)) < 0.02, rng.uniform(1500, 30000, (N, 256)), 0.0)
        pixels[:, 135] = 9000.0
        values |= {name: rng.uniform(0, 3, N) for name in CLUSTER}
        values["ClustSizeX"] = rng.integers(1, 5, N).astype(float)
        values["ClustSizeY"] = rng.integers(1, 20, N).astype(float)
        values["OverFlowX"] = np.zeros(N)
        values["OverFlowY"] = (values["ClustSizeY"] > 16).astype(float)
        values |= dict(zip(PIXELS, pixels.T, strict=True))
        data |= {f"{side}{name}": values[name] for name in COORDINATES + MODULE + CLUSTER + PIXELS}
    data["label"] = rng.choice([-1.0, 1.0], N)
    data["inTpPdgId"] = np.full(N, 211.0)
    return pd.DataFrame(data)


WRITERS = {
    "fixed": {},
    "fixed bzip2": {"complib": "bzip2", "complevel": 9},
    "fixed zlib": {"complib": "zlib", "complevel": 5},
    "fixed bzip2 checksum": {"complib": "bzip2", "complevel": 1, "fletcher32": True},
    "table": {"format": "table"},
    "table with data columns": {"format": "table", "data_columns": ["evt", "label", "inX"]},
    "table bzip2": {"format": "table", "complib": "bzip2", "complevel": 9},
}


@pytest.mark.parametrize("writer", WRITERS)
def test_same_batches_from_every_way_pandas_writes(tmp_path: Path, writer: str) -> None:
    table = frame()
    if writer != "fixed":
        # Several types, so that pandas stores several blocks.
        table = table.astype({"run": "int64", "evt": "int64", "inDetSeq": "float32", "outDetSeq": "float32"})
    options = dict(WRITERS[writer])
    layout = {"format": options.pop("format", "fixed"), "data_columns": options.pop("data_columns", None)}
    with pd.HDFStore(tmp_path / "a.h5", "w", **options) as store:
        store.put("data", table, track_times=False, **layout)
    with open_doublets(tmp_path / "a.h5") as file:
        data = file.read(np.arange(N))
    expected = expected_images(frame())
    assert np.array_equal(data.images, expected)
    assert data.images.dtype == np.float32
    assert np.array_equal(data.label, (table["label"] > 0).to_numpy().astype(np.uint8))
    assert np.array_equal(data.event, np.repeat(np.arange(30), 10))
    assert data.features.shape == (N, len(FEATURE_NAMES))
    assert np.isfinite(data.features).all()


def expected_images(table: pd.DataFrame) -> np.ndarray:
    """One pixel at a time: the first value is the corner of largest local y and x, and x runs fastest."""
    images = np.zeros((N, 2, 16, 16), np.float32)
    for side, name in enumerate(("in", "out")):
        values = table[[f"{name}{pixel}" for pixel in PIXELS]].to_numpy()
        for number in range(256):
            y, x = 15 - number // 16, 15 - number % 16
            images[:, side, x, y] = values[:, number] / 1000
    return images


def test_features_have_the_units_of_levelone(tmp_path: Path) -> None:
    table = frame()
    table.to_hdf(tmp_path / "a.h5", key="data")
    with open_doublets(tmp_path / "a.h5") as file:
        data = file.read(np.arange(N))
    column = {name: data.features[:, i] for i, name in enumerate(FEATURE_NAMES)}
    np.testing.assert_allclose(column["inner_r"], 29.0, rtol=1e-6)
    np.testing.assert_allclose(column["outer_z"], table["outZ"] * 10, rtol=1e-6)
    phi = (table["outPhi"].to_numpy() + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(column["outer_phi"], phi, atol=1e-6)
    assert np.array_equal(column["inner_size_x"], table["inClustSizeX"].to_numpy(np.float32))
    assert np.array_equal(column["outer_overflow"], table["outOverFlowY"].to_numpy(np.float32))
    assert np.array_equal(column["outer_barrel"], table["outIsBarrel"].to_numpy(np.float32))
    assert set(column["outer_layer"][table["outIsBarrel"] == 1]) == {2.0}
    assert set(column["outer_layer"][table["outIsBarrel"] == 0]) == {1.0}
    pair = [data.layer_pair_names[i] for i in data.layer_pair]
    forward, z = table["outIsBarrel"] == 0, table["outZ"]
    expected = np.where(~forward, "B1-B2", np.where(z > 0, "B1-E1+", "B1-E1-"))
    assert pair == expected.tolist()
    assert np.array_equal(data.region, forward.to_numpy().astype(np.uint8))


def test_splits_by_event_and_slabs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame().to_hdf(tmp_path / "a.h5", key="data")
    with open_doublets(tmp_path / "a.h5") as file:
        whole = file.read(np.arange(N))
        assert file.splits == dict(zip(SPLITS, (210, 30, 60), strict=True))
        events = [set(file.events(split).tolist()) for split in SPLITS]
        assert not events[0] & events[1] | events[0] & events[2] | events[1] & events[2]
    monkeypatch.setattr(cms, "SLAB", 64)
    monkeypatch.setattr(cms, "CACHE_SLABS", 1)
    chosen = np.random.default_rng(0).permutation(N)
    with open_doublets(tmp_path / "a.h5") as file:
        parts = file.read(chosen)
        assert len(file._slabs) == 1
    assert np.array_equal(parts.images, whole.images[chosen])
    assert np.array_equal(parts.features, whole.features[chosen])


def test_what_is_absent_gets_a_defined_value(tmp_path: Path) -> None:
    table = frame()
    optional = [f"{s}{n}" for s in ("in", "out") for n in (*CLUSTER, "Layer", "Disk", "Phi", "R", "Ax1")]
    table.drop(columns=[*optional, "run", "lumi"]).to_hdf(tmp_path / "a.h5", key="data")
    with open_doublets(tmp_path / "a.h5") as file:
        data = file.read(np.arange(N))
    assert np.isfinite(data.features).all()
    column = {name: data.features[:, i] for i, name in enumerate(FEATURE_NAMES)}
    assert np.array_equal(column["inner_size_x"], (data.images[:, 0] > 0).any(axis=2).sum(axis=1))
    assert np.array_equal(column["inner_size_y"], (data.images[:, 0] > 0).any(axis=1).sum(axis=1))
    assert not column["inner_overflow"].any()


def test_older_spellings_and_labels_from_zero(tmp_path: Path) -> None:
    old = {
        "inDetSeq": "detSeqIn",
        "outIsBarrel": "isBarrelOut",
        "inClustSizeX": "iCSizeX",
        "outOverFlowY": "oOverFlowY",
    }
    table = frame().rename(columns=old)
    table["label"] = (table["label"] > 0).astype(float)
    table.to_hdf(tmp_path / "old.h5", key="data")
    frame().to_hdf(tmp_path / "new.h5", key="data")
    with open_doublets(tmp_path / "old.h5") as a, open_doublets(tmp_path / "new.h5") as b:
        first, second = a.read(np.arange(N)), b.read(np.arange(N))
    assert np.array_equal(first.features, second.features)
    assert np.array_equal(first.label, second.label)


def with_value(name: str, row: int, value: float) -> pd.DataFrame:
    table = frame()
    table.loc[row, name] = value
    return table


BAD = {
    "several": (
        lambda: frame().drop(columns=["label", "inY", "outPix7", "outDetSeq", "outLayer"]),
        "columns 'label', 'inY', 'outDetSeq', 'outPix7' are missing from the data frame",
    ),
    "no images": (
        lambda: frame().drop(columns=[f"in{pixel}" for pixel in PIXELS]),
        "columns 'inPix1', .*'inPix12' and 244 more are missing",
    ),
    "huge charge": (lambda: with_value("inPix9", 4, 1e38), r"column 'inPix9' holds 1e\+38 in row 4"),
    "half an event": (
        lambda: with_value("evt", 7, 1000.5),
        "'evt' holds 1000.5 at 7; expected whole numbers",
    ),
    "event beyond float64": (
        lambda: frame().astype({"evt": "int64"}).assign(evt=lambda t: t["evt"] + 2**53),
        "'evt' holds 9007199254741992.0 at 0; event numbers must lie in",
    ),
    "disk in the barrel": (
        lambda: with_value("inDetSeq", 5, 14.0),
        "the in hit in row 5 has sequence number 14",
    ),
    "barrel in a disk": (
        lambda: with_value("inIsBarrel", 5, 0.0),
        "the in hit in row 5 has sequence number 0",
    ),
    "no label": (lambda: frame().drop(columns="label"), "column 'label' is missing"),
    "no event": (lambda: frame().drop(columns="evt"), "column 'evt' is missing"),
    "no pixel": (lambda: frame().drop(columns="outPix77"), "column 'outPix77' is missing"),
    "no position": (lambda: frame().drop(columns="inY"), "column 'inY' is missing"),
    "no layer": (lambda: frame().drop(columns=["inDetSeq", "inLayer"]), "column 'inDetSeq' is missing"),
    "NaN charge": (lambda: with_value("inPix9", 4, np.nan), "column 'inPix9' holds nan in row 4"),
    "negative charge": (
        lambda: with_value("outPix256", 299, -2.0),
        "column 'outPix256' holds -2.0 in row 299",
    ),
    "NaN position": (lambda: with_value("outX", 8, np.nan), "'outX' holds nan at 8"),
    "strange label": (lambda: with_value("label", 2, 7.0), "column 'label' holds the values -1, 1, 7"),
    "one class": (lambda: frame().assign(label=1.0), "column 'label' holds the values 1"),
    "strange layer": (lambda: with_value("outDetSeq", 6, 99.0).assign(outLayer=-1.0), "out hit in row 6"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_bad_frames_give_one_clear_message(tmp_path: Path, case: str, layout: str) -> None:
    make, message = BAD[case]
    make().to_hdf(tmp_path / "a.h5", key="data", format=layout)
    with pytest.raises(LeveloneError, match=message) as caught:
        open_doublets(tmp_path / "a.h5")
    assert "a.h5" in str(caught.value)


HELD = {
    "objects": (
        "fixed",
        lambda table: table.astype({"label": object}),
        "column 'label' is there, but as Python",
    ),
    "optional": (
        "fixed",
        lambda table: table.astype({"inClustSizeX": object}),
        "'inClustSizeX' is there, but",
    ),
    "text": ("table", lambda table: table.assign(label="1"), "column 'label' is there, but as "),
    "categories": (
        "table",
        lambda table: table.astype({"label": "category"}),
        "'label' is there, but as categories",
    ),
    "dates": (
        "fixed",
        lambda table: table.assign(evt=pd.date_range("2012", "2013", N)).drop(columns="inY"),
        "column 'inY' is missing from the data frame; column 'evt' is there, but as datetime64",
    ),
    "dates in a table": (
        "table",
        lambda table: table.assign(evt=pd.date_range("2012", "2013", N)),
        "column 'evt' is there, but as datetime64",
    ),
}


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
@pytest.mark.parametrize("case", HELD)
def test_a_column_that_holds_no_numbers_is_not_called_missing(tmp_path: Path, case: str) -> None:
    layout, change, message = HELD[case]
    change(frame()).to_hdf(tmp_path / "a.h5", key="data", format=layout)
    with pytest.raises(LeveloneError, match=message) as caught:
        open_doublets(tmp_path / "a.h5")
    assert "frame.astype" in str(caught.value.hint)


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
@pytest.mark.parametrize("layout", ["fixed", "table"])
@pytest.mark.parametrize("index", [["evt"], ["run", "lumi", "evt"]])
def test_event_numbers_may_be_the_index(tmp_path: Path, layout: str, index: list[str]) -> None:
    table = frame().astype({"run": "int64", "evt": "int64"}).sample(frac=1, random_state=1)
    table.to_hdf(tmp_path / "a.h5", key="data", format="fixed")
    table.set_index(index).to_hdf(tmp_path / "b.h5", key="data", format=layout)
    with open_doublets(tmp_path / "a.h5") as a, open_doublets(tmp_path / "b.h5") as b:
        first, second = a.read(np.arange(N)), b.read(np.arange(N))
    assert np.array_equal(first.event, second.event)
    assert np.array_equal(np.unique(first.event), np.arange(30))
    assert np.array_equal(first.images, second.images)


DAMAGED_INDEX = {
    "of two dimensions": ("evt", "axis1", np.arange(2 * N).reshape(N, 2), r"int64 of shape \(300, 2\)"),
    "text": ("evt", "axis1", np.array([b"1"] * N), r"\|S1 of shape \(300,\), expected one row of numbers"),
    "pointers of two dimensions": (
        ["run", "evt"],
        "axis1_label0",
        np.zeros((N, 2), np.int8),
        r"int8 of shape \(300, 2\), expected one row of integers",
    ),
    "pointers between values": (
        ["run", "evt"],
        "axis1_label0",
        np.full(N, 0.5),
        "expected one row of integers",
    ),
}


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
@pytest.mark.parametrize("case", DAMAGED_INDEX)
def test_a_damaged_index_is_named(tmp_path: Path, case: str) -> None:
    index, dataset, values, message = DAMAGED_INDEX[case]
    table = frame().astype({"run": "int64", "evt": "int64"}).set_index(index)
    table.to_hdf(tmp_path / "a.h5", key="data", format="fixed")
    open_doublets(tmp_path / "a.h5").close()
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        attributes = dict(file[f"data/{dataset}"].attrs)
        del file[f"data/{dataset}"]
        file[f"data/{dataset}"] = values
        file[f"data/{dataset}"].attrs.update(attributes)
    with pytest.raises(LeveloneError, match=message) as caught:
        open_doublets(tmp_path / "a.h5")
    assert f"a.h5: the data frame 'data' cannot be used: '/data/{dataset}'" in str(caught.value)


def test_rows_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voxelcheck, "MOST_ENTRIES", N - 1)
    frame().to_hdf(tmp_path / "many.h5", key="df")
    with pytest.raises(LeveloneError, match=rf"many\.h5: 'label' has {N} entries"):
        open_doublets(tmp_path / "many.h5")


def test_no_rows(tmp_path: Path) -> None:
    frame().iloc[:0].to_hdf(tmp_path / "a.h5", key="data")
    with pytest.raises(LeveloneError, match="the data frame 'data' is empty"):
        open_doublets(tmp_path / "a.h5")


def test_other_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(LeveloneError, match="neither a levelone doublet file nor a data frame"):
        open_doublets(tmp_path / "a.h5")
    frame().to_hdf(tmp_path / "b.h5", key="one")
    frame().to_hdf(tmp_path / "b.h5", key="two", mode="a")
    with pytest.raises(LeveloneError, match="holds 2 data frames"):
        open_doublets(tmp_path / "b.h5")


def test_damaged_bzip2_chunk(tmp_path: Path) -> None:
    frame().to_hdf(tmp_path / "a.h5", key="data", complib="bzip2", complevel=9)
    with h5py.File(tmp_path / "a.h5") as file:
        info = file["data/block0_values"].id.get_chunk_info(0)
    raw = bytearray((tmp_path / "a.h5").read_bytes())
    middle = info.byte_offset + info.size // 2
    raw[middle : middle + 64] = bytes(64)
    (tmp_path / "a.h5").write_bytes(raw)
    with pytest.raises(LeveloneError, match="cannot be read"):
        open_doublets(tmp_path / "a.h5")


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_filters_nobody_has_are_named(tmp_path: Path, layout: str) -> None:
    frame().to_hdf(tmp_path / "a.h5", key="data", format=layout, complib="blosc", complevel=5)
    with pytest.raises(LeveloneError, match=r"HDF5 filter 32001.*\n  hint: .*ptrepack"):
        open_doublets(tmp_path / "a.h5")


class _Trap:
    """What an attacker would store: unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_pickles_are_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    frame().to_hdf(tmp_path / "a.h5", key="data", format="table")
    for protocol in (0, 2, 4):
        with h5py.File(tmp_path / "a.h5", "a") as file:
            attributes = file["data/table"].attrs
            del attributes["values_block_0_kind"]
            attributes["values_block_0_kind"] = np.void(pickle.dumps([_Trap(mark)], protocol=protocol))
        with pytest.raises(LeveloneError, match="not part of a list of strings"):
            open_doublets(tmp_path / "a.h5")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_strings_of_every_protocol(protocol: int) -> None:
    names = ["inX", "outPix256", "μ"] + [f"c{i}" for i in range(600)]
    assert list_of_strings(pickle.dumps(names, protocol=protocol)) == names
    for other in (("a", "b"), {"a": 1}, [1, 2], [["a"], "b"], {"a"}):
        with pytest.raises(ValueError, match=r"operation|one list"):
            list_of_strings(pickle.dumps(other, protocol=protocol))


def test_a_bzip2_bomb_does_not_unfold(tmp_path: Path) -> None:
    from levelone.data.chunks import BZIP2, _decode

    bomb = bz2.compress(bytes(50_000_000))
    with pytest.raises(OSError, match="expected 800"):
        _decode(bomb, 0, [BZIP2], 800, 8)

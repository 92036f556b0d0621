"""Files that somebody made to do harm, or by mistake: one message each, for every format in HDF5."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from doublet_factory import write as write_doublets
from h5py import h5a, h5d, h5g, h5p, h5s, h5t, h5z
from published_jet_files import write_published_jets

import levelone
from levelone import hdftree
from levelone.data import voxelcheck
from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.images import Ragged, create_images, open_images
from levelone.data.opening import open_doublets, open_events
from levelone.data.voxelcheck import Column, GridSpec
from levelone.data.voxels import SparseGrid, create_voxels
from levelone.errors import LeveloneError
from levelone.graph import GraphBuilder, IntRange, execute
from levelone.graph.ops import Dense
from levelone.hdffile import PIECE, damaged
from levelone.pipeline.emulation import check_sources, open_inputs
from levelone.verify import random_vectors
from levelone.verify.vectors import Vectors, read_model_sha256, read_vectors, write_vectors

EVENTS = 50
SPLIT = (np.arange(EVENTS) % 3).astype(np.uint8)
NUMBER = Column("number", "float32", "", "its own number")
FRAME = ImageSpec("frame", (1, 6, 8), "uint16", "ADU", "camera", ("light",), (100.0, 100.0), "nm", bits=12)
HEIGHT = ImageSpec("height", (2, 3, 3), "float32", "nm", "two maps", ("up", "down"))
KIND = ImageSpec("kind", (1, 6, 8), "uint8", "", "class", ("class",), names=("none", "track", "shower"))
SPOTS = ListSpec("spots", "what there is", (Column("x", "float32", "nm", ""), Column("n", "int32", "", "")))
CALO = GridSpec("calo", (4, 5, 6), (1.0, 1.0, 1.0), ("x", "y", "z"), "GeV")


def write_images(path: Path) -> None:
    rng = np.random.default_rng(0)
    frame, kind = (rng.integers(0, most, (EVENTS, 1, 6, 8)) for most in (4096, 3))
    maps = {"height": rng.normal(size=(EVENTS, 2, 3, 3)).astype(np.float32), "kind": kind.astype(np.uint8)}
    lists = Ragged.of([{"x": np.ones(2, np.float32), "n": np.ones(2, np.int32)}] * EVENTS)
    truth = {"number": np.arange(EVENTS, dtype=np.float32)}
    with create_images(path, [FRAME], [HEIGHT, KIND], [SPOTS], [NUMBER], {}) as writer:
        writer.append({"frame": frame.astype(np.uint16)}, maps, {"spots": lists}, truth, SPLIT)


def write_voxels(path: Path) -> None:
    grid = SparseGrid.from_dense(np.random.default_rng(0).random((EVENTS, 4, 5, 6)).astype(np.float32))
    with create_voxels(path, [CALO], [NUMBER], {}) as writer:
        writer.append({"calo": grid}, {"number": np.arange(EVENTS, dtype=np.float32)}, SPLIT)


def write_pilarnet(path: Path) -> None:
    """A track of two points in every event."""
    point = np.array([[3, 9, 5, 1, 0, 0, 0, 0], [4, 9, 5, 1, 0, 0, 0, 0]], np.float32)
    with h5py.File(path, "w") as file:
        for name, row in (("point", point), ("cluster", np.array([2, 0, 0, 0, 1, 2]))):
            data = file.create_dataset(name, (EVENTS,), h5py.vlen_dtype(row.dtype))
            for event in range(EVENTS):
                data[event] = row.ravel()


def small() -> levelone.graph.Graph:
    b = GraphBuilder("small")
    b.input("x", (4,), Fraction(1), IntRange(-8, 7))
    return b.build(b.node("y", Dense(np.ones((4, 2), int), np.zeros(2, int), (Fraction(1),)), "x"))


GRAPH = small()


def write_codes(path: Path) -> None:
    codes = random_vectors(GRAPH, EVENTS, 1)
    write_vectors(path, Vectors(codes, {"y": execute(GRAPH, codes)["y"]}, "0" * 64))


def write_arrays(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.random.default_rng(0).random((EVENTS, 4), np.float32)


def events(holds: str) -> Callable[[Path], object]:
    def read(path: Path) -> None:
        with open_events(path, holds) as file:
            for split in file.splits:  # type: ignore[attr-defined]
                list(file.batches(split, 8))  # type: ignore[attr-defined]

    return read


def doublets(path: Path) -> None:
    with open_doublets(path) as file:
        file.read(np.arange(file.index.label.size))


def arrays(path: Path) -> None:
    with ExitStack() as stack:
        sources = open_inputs(GRAPH, [str(path)], stack)
        count = check_sources(GRAPH, sources)
        for rows in sources.values():
            rows.take(count)


FORMATS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], object], str]] = {
    "images": (write_images, events("images"), "images/frame"),
    "voxels": (write_voxels, events("voxels"), "grids/calo/energy"),
    "published jets": (write_published_jets, events("images"), "jet_pt"),
    "pilarnet": (write_pilarnet, events("images"), "cluster"),
    "doublets": (write_doublets, doublets, "pixels/charge"),
    "vectors": (write_codes, lambda path: read_vectors(path, GRAPH), "inputs/x"),
    "arrays": (write_arrays, arrays, "x"),
}
"""Of each format: what writes a file, what reads it, and a dataset."""
by_format = pytest.mark.parametrize("format", FORMATS)


def spoilt(folder: Path, format: str, spoil: Callable[[h5py.File, str], None]) -> Path:
    """A file of a format whose dataset has been spoilt."""
    path = folder / "e.h5"
    make, _, name = FORMATS[format]
    make(path)
    with h5py.File(path, "r+") as raw:
        spoil(raw, name)
    return path


def refused(path: Path, format: str, message: str) -> None:
    with pytest.raises(LeveloneError, match=rf"e\.h5[\s\S]*{message}"):
        FORMATS[format][1](path)


def instead(raw: h5py.File, name: str, shape: tuple[int, ...], dtype: Any, **how: Any) -> None:
    """Another dataset with the attributes of the one that was there."""
    told = dict(raw[name].attrs)
    del raw[name]
    raw.create_dataset(name, shape, dtype, **how).attrs.update(told)


def link(raw: h5py.File, name: str, to: object) -> None:
    del raw[name]
    raw[name] = to


def virtual(raw: h5py.File, name: str) -> None:
    shape, dtype = raw[name].shape, raw[name].dtype
    del raw[name]
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource("other.h5", name, shape)
    raw.create_virtual_dataset(name, layout)


ELSEWHERE: dict[str, tuple[Callable[[h5py.File, str], None], str]] = {
    "external link": (
        lambda f, n: link(f, n, h5py.ExternalLink("/other.h5", n)),
        "link into another file, /oth",
    ),
    "group elsewhere": (
        lambda f, _: f.__setitem__("more", h5py.ExternalLink("a.h5", "/")),
        "'more' is a link in",
    ),
    "link to nothing": (lambda f, n: link(f, n, h5py.SoftLink("/nowhere")), "is a link to nothing"),
    "link to itself": (lambda f, n: link(f, n, h5py.SoftLink(f"/{n}")), "is a link to nothing|damaged"),
    "raw bytes of another file": (
        lambda f, n: instead(f, n, (8,), "u1", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]),
        "keeps its numbers in other files",
    ),
    "virtual": (virtual, "keeps its numbers in other files"),
}


@by_format
@pytest.mark.parametrize("case", ELSEWHERE)
def test_nothing_is_read_from_other_files(case: str, format: str, tmp_path: Path) -> None:
    spoil, message = ELSEWHERE[case]
    refused(spoilt(tmp_path, format, spoil), format, message)


@by_format
@pytest.mark.parametrize("events", [1 << 34, 1 << 60])
def test_what_was_never_written_is_not_read(events: int, format: str, tmp_path: Path) -> None:
    """Such files are small, whatever shape they declare."""

    def huge(raw: h5py.File, name: str) -> None:
        rest, dtype = raw[name].shape[1:], raw[name].dtype
        instead(raw, name, (events, *rest), dtype, chunks=(4, *rest), compression="gzip")

    path = spoilt(tmp_path, format, huge)
    assert path.stat().st_size < 1 << 20
    refused(path, format, "bytes were never written")


def foreign_name(raw: h5py.File, _: str) -> None:
    h5g.create(raw.id, b"\xff\xfe")


def deep(raw: h5py.File, _: str) -> None:
    group: h5py.Group = raw
    for _level in range(hdftree.DEEPEST + 1):
        group = group.create_group("d")


def many(raw: h5py.File, _: str) -> None:
    for number in range(90):
        raw[f"again{number}"] = raw["/"]


ENDLESS = {
    "a name that is no text": (foreign_name, "a name in '/' is no UTF-8"),
    "groups in groups": (deep, "lies more than 32 groups deep"),
    "links": (many, "more than 80 groups, datasets and links"),
}


@by_format
@pytest.mark.parametrize("case", ENDLESS)
def test_the_walk_through_a_file_ends(
    case: str, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdftree, "MOST_LINKS", 80)
    spoil, message = ENDLESS[case]
    refused(spoilt(tmp_path, format, spoil), format, message)


def test_groups_that_hold_each_other_are_entered_once(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    with h5py.File(path, "w") as raw:
        raw.create_group("one/two")
        raw["one/two/three"] = raw["one"]
        raw["soft"] = h5py.SoftLink("/one")
        assert [name for name, _, _ in hdftree.walk(raw)] == ["one", "soft", "one/two", "one/two/three"]


def packed(raw: h5py.File, name: str, data: bytes, chunks: tuple[int, ...] | None = None) -> None:
    """One piece that holds these bytes."""
    shape, dtype = raw[name].shape, raw[name].dtype
    instead(raw, name, shape, dtype, chunks=chunks or shape, maxshape=(None, *shape[1:]), compression="gzip")
    raw[name].id.write_direct_chunk((0,) * len(shape), data)


def filtered(raw: h5py.File, name: str, number: int, options: tuple[int, ...], data: bytes) -> None:
    """One piece that holds these bytes, said to be made by a filter that h5py need not have."""
    shape, dtype, told = raw[name].shape, raw[name].dtype, dict(raw[name].attrs)
    del raw[name]
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk(shape)
    properties.set_filter(number, h5z.FLAG_OPTIONAL, options)
    h5d.create(raw.id, name.encode(), h5t.py_create(dtype), h5s.create_simple(shape), properties)
    raw[name].id.write_direct_chunk((0,) * len(shape), data)
    raw[name].attrs.update(told)


def in_szip(raw: h5py.File, name: str) -> None:
    filtered(raw, name, h5z.FILTER_SZIP, (141, 32, 32, 64), b"\xff\xff\xff\x7f" * 9)


PIECES: dict[str, tuple[Callable[[h5py.File, str], None], str]] = {
    "large pieces": (
        lambda f, n: packed(f, n, b"0" * 9, (2 * PIECE // f[n][:1].nbytes, *f[n].shape[1:])),
        "is stored in pieces of .* bytes; 268,435,456 at most are read",
    ),
    "a bomb": (lambda f, n: packed(f, n, zlib.compress(bytes(1 << 24))), "bytes, more than its shape"),
    "szip": (in_szip, "is compressed with szip, which may claim any memory"),
}


@pytest.mark.parametrize("case", PIECES)
@pytest.mark.parametrize(
    ("format", "name"),
    [("images", "split"), ("vectors", "inputs/x"), ("arrays", "x"), ("doublets", "pixels/index")],
)
def test_a_piece_claims_no_more_than_it_holds(case: str, format: str, name: str, tmp_path: Path) -> None:
    spoil, message = PIECES[case]
    refused(spoilt(tmp_path, format, lambda f, _: spoil(f, name)), format, message)


def test_a_file_that_is_being_written_is_not_called_damaged(tmp_path: Path) -> None:
    with (
        pytest.raises(LeveloneError, match=r"e\.h5: another program is writing it"),
        damaged(tmp_path / "e.h5"),
    ):
        raise BlockingIOError(11, "unable to lock file")


def test_a_split_that_was_never_written_is_not_zeros(tmp_path: Path) -> None:
    path = spoilt(tmp_path, "images", lambda f, _: instead(f, "split", (50,), "u1", chunks=(10,)))
    refused(path, "images", r"dataset 'split' has shape \(50,\), but 50 bytes were never written")


def test_events_that_compression_hides_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "e.h5"
    write_images(path)
    monkeypatch.setattr(voxelcheck, "MOST_ENTRIES", 49)
    with pytest.raises(LeveloneError, match="'split' has 50 entries; 49 at most are read"):
        open_images(path)
    monkeypatch.setattr(voxelcheck, "MOST_ENTRIES", 50)
    with pytest.raises(LeveloneError, match=r"'lists/spots/.' has \d+ entries; 50 at most are read"):
        open_images(path)


@pytest.mark.parametrize(
    ("format", "most", "message"),
    [
        ("published jets", 49, "'image' has 50 entries"),
        ("pilarnet", 49, "'point' has 50 entries"),
        ("doublets", 5, "'events/split' has 6 entries"),
        ("doublets", 59, "'clusters' has 60 entries"),
        ("doublets", 1199, "'doublets' has 1,200 entries"),
    ],
)
def test_rows_of_other_formats_are_counted(
    format: str, most: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FORMATS[format][0](tmp_path / "e.h5")
    monkeypatch.setattr(voxelcheck, "MOST_ENTRIES", most)
    refused(tmp_path / "e.h5", format, message)


def test_an_event_of_any_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voxelcheck, "MOST_BYTES", 64)
    write_images(tmp_path / "e.h5")
    refused(tmp_path / "e.h5", "images", r"frame' has shape \(1, 6, 8\): more than 0 MB of each event")
    write_voxels(tmp_path / "e.h5")
    refused(tmp_path / "e.h5", "voxels", "grid 'calo' has shape .*: more than 0 MB of each event")


@by_format
@pytest.mark.parametrize("kind", ["text", "references", "pairs", "times", "lists", "nothing"])
def test_what_holds_no_numbers_is_not_unpacked(kind: str, format: str, tmp_path: Path) -> None:
    def other(raw: h5py.File, name: str) -> None:
        shape = raw[name].shape
        if kind in ("times", "nothing"):
            parent, told = raw[name].parent, dict(raw[name].attrs)
            del raw[name]
            last = name.rpartition("/")[2]
            held, space = h5t.UNIX_D32LE, h5s.create_simple(shape)
            if kind == "nothing":
                held, space = h5t.NATIVE_FLOAT, h5s.create(h5s.NULL)
            h5d.create(parent.id, last.encode(), held, space)
            parent[last].attrs.update(told)
            return
        types = {"text": h5py.string_dtype(), "references": h5py.ref_dtype, "pairs": np.dtype("i4,f4")}
        instead(raw, name, shape, types.get(kind, h5py.vlen_dtype(h5py.string_dtype())))
        if kind != "references":
            one = {"text": b"[1, 2]", "pairs": (1, 2.0)}.get(kind, np.array([b"1"], object))
            raw[name][(0,) * len(shape)] = one

    refused(spoilt(tmp_path, format, other), format, "")


@by_format
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"1, 2, 3\n" * 99, b"\x89HDF\r\n\x1a\n", b"\x80\x04cos\nabort\n(tR."]
)
def test_files_of_another_kind(data: bytes, format: str, tmp_path: Path) -> None:
    (tmp_path / "e.h5").write_bytes(data)
    refused(tmp_path / "e.h5", format, "")


@by_format
def test_a_pipe_is_not_waited_for_and_a_folder_not_read(format: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "e.h5")
    refused(tmp_path / "e.h5", format, "")
    (tmp_path / "e.h5").unlink()
    (tmp_path / "e.h5").mkdir()
    refused(tmp_path / "e.h5", format, "")


@by_format
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated(keep: float, format: str, tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    FORMATS[format][0](path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    refused(path, format, "truncated")


@by_format
@pytest.mark.parametrize("where", ["/", "dataset"])
def test_an_attribute_of_no_numbers(where: str, format: str, tmp_path: Path) -> None:
    def spoil(raw: h5py.File, name: str) -> None:
        node = raw["/" if where == "/" else name]
        for key in ("schema", "unit"):
            if key in node.attrs:
                del node.attrs[key]
            h5a.create(node.id, key.encode(), h5t.UNIX_D32LE, h5s.create(h5s.SCALAR))

    refused(
        spoilt(tmp_path, format, spoil),
        format,
        "the attribute '(schema|unit)' of .* has a type of no numbers",
    )


ATTRIBUTES: dict[str, tuple[str, str, Any, str]] = {
    "schema of numbers": ("", "schema", np.arange(3), "is not a levelone-images file"),
    "no version": ("", "version", np.inf, "'version' attribute is no number"),
    "deep provenance": ("", "provenance", "[" * 50_000, "'provenance' is not JSON"),
    "infinite bits": ("images/frame", "bits", np.inf, "'images/frame' lacks a valid attribute"),
    "three sizes": ("images/frame", "cell", np.ones(3), "'images/frame' lacks a valid attribute"),
    "no size": ("images/frame", "cell", np.array([1.0, np.nan]), "'images/frame' lacks a valid attribute"),
    "a unit of numbers": ("maps/height", "unit", 5, "'maps/height' lacks a valid attribute"),
    "channels of numbers": ("images/frame", "channels", "[1]", "'images/frame' lacks a valid attribute"),
    "names of an object": ("truth/number", "names", "{}", "'truth/number' lacks a valid attribute"),
    "a list without a unit": ("lists/spots/x", "unit", None, "'lists/spots/x' lacks a valid attribute"),
    "classes of floats": ("truth/number", "names", '["a"]', "'truth/number' must be integers, codes of a"),
}


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_attributes_of_another_kind(case: str, tmp_path: Path) -> None:
    where, key, value, message = ATTRIBUTES[case]

    def spoil(raw: h5py.File, _: str) -> None:
        told = raw[where or "/"].attrs
        if key in told:
            del told[key]
        if value is not None:
            told[key] = value

    refused(spoilt(tmp_path, "images", spoil), "images", message)


def test_a_class_below_the_first_is_none(tmp_path: Path) -> None:
    def spoil(raw: h5py.File, _: str) -> None:
        shape = raw["maps/kind"].shape
        instead(raw, "maps/kind", shape, "i2", data=np.full(shape, -1))

    refused(
        spoilt(tmp_path, "images", spoil), "images", "event 0: the value -1 at .* is none of the 3 classes"
    )


def test_the_command_line_says_one_thing(tmp_path: Path) -> None:
    """Exit code 2, no traceback, nothing left behind."""
    spoil, message = ELSEWHERE["external link"]
    path = spoilt(tmp_path, "images", spoil)
    command = [
        Path(sys.executable).with_name("levelone"),
        "train",
        "lartpc",
        "--data",
        path,
        "--out",
        tmp_path / "r",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert f"{path}: 'images/frame' is a {message}" in run.stderr.replace("\n", " ")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "r").exists()


def zeros(raw: h5py.File, name: str, rows: int, pieces: int, rest: tuple[int, ...]) -> None:
    """A dataset of bytes, all written: a file of a thousandth of them."""
    instead(raw, name, (rows * pieces, *rest), "u1", chunks=(rows, *rest), compression="gzip")
    packed = zlib.compress(bytes(rows * int(np.prod(rest))))
    for piece in range(pieces):
        raw[name].id.write_direct_chunk((piece * rows, *(0 for _ in rest)), packed)


ZEROS = {
    "large events": ((10, 5, (1 << 20,)), r"/inputs/x has shape \[1048576\], the model \[4\]"),
    "another number of events": ((1 << 20, 8, (4,)), "numbers of events must be equal .* 8388608"),
    "many events": ((1 << 22, 40, (4,)), r"/inputs/x has shape .*: more than 4,294,967,296 bytes of codes"),
    "without a model": (
        (16, 40, (1 << 20,)),
        "/inputs/x has shape .*: more than 4,294,967,296 bytes of codes",
    ),
}
"""Rows of a piece, pieces, shape of a row; what is said."""


@pytest.mark.parametrize("case", ZEROS)
def test_zeros_that_do_not_fit_are_not_unpacked(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, message = ZEROS[case]
    path = spoilt(tmp_path, "vectors", lambda raw, name: zeros(raw, name, *made))
    assert path.stat().st_size < 1 << 20
    with monkeypatch.context() as patch:
        patch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("a number was read"))
        with pytest.raises(LeveloneError, match=rf"e\.h5: {message}"):
            read_vectors(path, None if case == "without a model" else GRAPH)


def test_whose_vectors_they_are_is_not_asked_of_other_files(tmp_path: Path) -> None:
    spoil, message = ELSEWHERE["external link"]
    with pytest.raises(LeveloneError, match=rf"e\.h5: 'inputs/x' is a {message}"):
        read_model_sha256(spoilt(tmp_path, "vectors", spoil))


def test_vectors_that_could_not_be_read_are_not_written(tmp_path: Path) -> None:
    many = np.broadcast_to(np.int64(0), (1 << 27, 5))
    with pytest.raises(LeveloneError, match=r"/inputs/x has shape .*: more than 4,294,967,296 bytes"):
        write_vectors(tmp_path / "e.h5", Vectors({"x": many}, {}, "0" * 64))
    assert not list(tmp_path.iterdir())


def test_arrays_of_another_shape_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spoilt(tmp_path, "arrays", lambda raw, name: zeros(raw, name, 16, 40, (1 << 20,)))
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("a number was read"))
    refused(path, "arrays", r"input 'x': shape \(640, 1048576\), expected \(events, 4\)")


def test_what_nobody_asks_for_is_left_alone(tmp_path: Path) -> None:
    """An index, of which PyTables writes a part; predictions that are still to come; a number."""
    write_arrays(tmp_path / "e.h5")
    frame = pd.DataFrame({"jet": np.arange(2000), "name": "x"})
    frame.to_hdf(tmp_path / "e.h5", key="frame", format="table", data_columns=True)
    with h5py.File(tmp_path / "e.h5", "r+") as raw:
        raw["threshold"] = 0.5
        raw.create_dataset("predictions", (EVENTS, 2), "f4")
    arrays(tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5", "r+") as raw:
        del raw["x"]
        raw.create_dataset("x", (EVENTS, 4), "f4")
    refused(tmp_path / "e.h5", "arrays", "dataset 'x' has shape .50, 4., but 800 bytes were never written")


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "pilarnet"])  # which holds lists
def test_a_filter_that_is_not_here_is_not_called_damage(format: str, tmp_path: Path) -> None:
    path = spoilt(tmp_path, format, lambda raw, name: filtered(raw, name, 32999, (), raw[name][()].tobytes()))
    refused(path, format, r"filter that is not installed here[\s\S]*h5repack -f GZIP")


OPENED = {
    "File": {"hdffile.py", "data/hdf.py"},  # the second to recognise a format
    "ZipFile": {"npyfile.py", "zoo/qgjet/energyflow.py"},  # so does the second
    "load": set(),
    "is_hdf5": {"hdffile.py"},
}
"""What opens a file of somebody else, and where it stands."""


def test_files_of_others_are_opened_in_one_place() -> None:
    """Else a reader can be written, and was, that knows nothing of what is refused here."""
    source = Path(levelone.__file__).parent
    found: dict[str, set[str]] = {name: set() for name in OPENED}
    for path in source.rglob("*.py"):
        for name, how in re.findall(r"\b(?:h5py|zipfile|np)\.(\w+)\(([^)]*)", path.read_text()):
            if name in found and '"w"' not in how:
                found[name].add(str(path.relative_to(source)))
    assert found == OPENED

"""Arrays of numpy that somebody made to do harm, or by mistake: one message each from every reader."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from levelone import npyfile
from levelone.errors import LeveloneError
from levelone.graph import GraphBuilder, IntRange
from levelone.graph.ops import Dense
from levelone.npyfile import load_arrays
from levelone.pipeline.emulation import check_sources, open_inputs
from levelone.report.content import read_kept
from levelone.simulate.unfinished import remembered
from levelone.zoo.qgjet.energyflow import READER as JETS

_BUILDER = GraphBuilder("small")
_BUILDER.input("X", (4, 3), Fraction(1), IntRange(-8, 7))
GRAPH = _BUILDER.build(
    _BUILDER.node("out", Dense(np.ones((3, 2), int), np.zeros(2, int), (Fraction(1),)), "X")
)
GOOD = np.ones((5, 3, 4))
"""Five jets of at most three particles, or five events of the graph, channels first."""


def inputs(path: Path) -> None:
    with ExitStack() as stack:
        sources = open_inputs(GRAPH, [f"X={path}"], stack)
        count = check_sources(GRAPH, sources)
        for rows in sources.values():
            rows.take(count)


def jets(path: Path) -> None:
    with JETS.open(path) as file:
        list(file.batches("train", 8))


READERS: dict[str, Callable[[Path], object]] = {"inputs": inputs, "jets": jets, "scores": read_kept}


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def headed(text: bytes, version: int = 1, length: int | None = None) -> bytes:
    """A .npy stream whose header is `text` and says that it has `length` bytes."""
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes((version, 0)) + size + text


def shaped(shape: str) -> bytes:
    return headed(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()) + bytes(480)


def archive(path: Path, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    """What is spoilt is called "X", and a good array of labels stands beside it."""
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("X.npy", content)
        file.writestr("y.npy", npy(np.arange(5) % 2))


CONTENTS: dict[str, tuple[bytes, str]] = {
    "declares more": (
        shaped("(1099511627776, 3, 4)"),
        "ends too early for an array of shape .1099511627776,",
    ),
    "goes on": (shaped("(1, 3, 4)"), "goes on after its array of shape .1, 3, 4.: save one array only"),
    "below nothing": (shaped("(-5, -3, 4)"), "its header says shape .-5, -3, 4."),
    "a shape of fractions": (shaped("(5.0, 3, 4)"), "its header is none of an array"),
    "a long header": (
        headed(b"{" + bytes(1 << 20), 2, 0xFFFFFFFF),
        "header has 4,294,967,295 bytes; 10,000 at",
    ),
    "a deep header": (headed(b"-" * 9000 + b"1"), "its header is none of an array"),
    "brackets": (headed(b"((((" * 20), "its header is none of an array"),
    "a header that ends": (headed(b"{", 1, 9000), "its header is none of an array"),
    "no numpy": (b"hello, this is no array", "magic string is not correct"),
    "version 3": (headed(b"", 3), "version .3, 0. of the .npy format is not supported"),
    "a pickle": (npy(np.array([{}] * 5, object)), "it holds Python objects, not numbers"),
    "objects inside": (npy(np.zeros(5, [("a", "f4"), ("b", "O")])), "it holds Python objects, not numbers"),
}
"""What stands where an array should be, and what is said."""


@pytest.mark.parametrize("case", CONTENTS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_array_of_numbers(reader: str, case: str, tmp_path: Path) -> None:
    content, message = CONTENTS[case]
    archive(tmp_path / "e.npz", content)
    with pytest.raises(LeveloneError, match=rf"e\.npz: not a readable \.npz file: 'X': [\s\S]*{message}"):
        READERS[reader](tmp_path / "e.npz")


@pytest.mark.parametrize("case", CONTENTS)
def test_what_is_no_array_of_numbers_by_itself(case: str, tmp_path: Path) -> None:
    content, message = CONTENTS[case]
    (tmp_path / "e.npy").write_bytes(content)
    with pytest.raises(LeveloneError, match=rf"e\.npy: not a readable \.npy file: [\s\S]*{message}"):
        inputs(tmp_path / "e.npy")


def flipped(path: Path) -> None:
    """Bytes of the compressed array that are no longer those."""
    data = bytearray(path.read_bytes())
    data[60:70] = b"\xff" * 10
    path.write_bytes(data)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "lzma": (lambda p: archive(p, npy(GOOD), zipfile.ZIP_LZMA), "'X': compression method 14"),
    "bzip2": (lambda p: archive(p, npy(GOOD), zipfile.ZIP_BZIP2), "'X': compression method 12"),
    "flipped bytes": (lambda p: (archive(p, npy(GOOD)), flipped(p)), ""),
    "half": (lambda p: (archive(p, npy(GOOD)), os.truncate(p, p.stat().st_size // 2)), "zip"),
    "a pipe": (os.mkfifo, "it is not a regular file"),
    "a folder": (Path.mkdir, "it is not a regular file"),
    "text": (lambda p: p.write_text("hello"), "zip"),
    "nothing": (Path.touch, "zip"),
}
"""What makes a file that is spoilt as a whole, and what is said."""


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_archive_of_arrays(reader: str, case: str, tmp_path: Path) -> None:
    spoil, message = FILES[case]
    spoil(tmp_path / "e.npz")
    with pytest.raises(LeveloneError, match=rf"e\.npz: not a readable \.npz file: .*{message}"):
        READERS[reader](tmp_path / "e.npz")


OTHERS: dict[str, bytes] = {
    "number.npy": npy(np.array(0.5)),
    "columns.npy": npy(np.asfortranarray(np.ones((3, 4)))),
    "told.npy": npy(np.array({"a": 1}, object)),
    "spoilt.npy": b"no array",
    "README.txt": b"hello",
    "__MACOSX/._X.npy": b"\0\5",
}
"""What people put beside their arrays."""


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("read", [inputs, jets])
def test_what_nobody_asks_for_is_left_alone(
    read: Callable[[Path], object], other: str, tmp_path: Path
) -> None:
    archive(tmp_path / "e.npz", npy(GOOD))
    with zipfile.ZipFile(tmp_path / "e.npz", "a") as file:
        file.writestr(other, OTHERS[other])
    read(tmp_path / "e.npz")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.asfortranarray(GOOD), "'X': it is stored by columns: save np.ascontiguousarray"),
        (np.array(0.5), "'X': it holds a single number, not events"),
    ],
)
def test_an_array_that_cannot_be_streamed_is_named(array: np.ndarray, message: str, tmp_path: Path) -> None:
    archive(tmp_path / "e.npz", npy(array))
    with pytest.raises(LeveloneError, match=rf"e\.npz: not a readable \.npz file: {message}"):
        inputs(tmp_path / "e.npz")


def test_zeros_of_another_shape_are_not_unpacked(tmp_path: Path) -> None:
    """A megabyte of zeros in a kilobyte: the header tells the graph enough, and so it does the jets."""
    archive(tmp_path / "e.npz", npy(np.zeros((2, 1 << 16))))
    for read, message in (
        (inputs, r"shape \(2, 65536\), expected \(events, 3, 4\)"),
        (jets, "'X' has shape"),
    ):
        with pytest.raises(LeveloneError, match=rf"e\.npz: .*{message}"):
            read(tmp_path / "e.npz")


@pytest.mark.parametrize("read", [inputs, load_arrays])
def test_an_archive_that_says_it_is_larger(read: Callable[[Path], object], tmp_path: Path) -> None:
    """As large as the header of the array says: more than a gigabyte, and there are 480 bytes."""
    content = shaped("(12345678, 3, 4)")
    archive(tmp_path / "e.npz", content)
    data = (tmp_path / "e.npz").read_bytes()
    true, said = (struct.pack("<I", len(content) - 480 + size) for size in (480, 12345678 * 96))
    assert data.count(true) == 2  # where the array begins and at the end of the archive
    (tmp_path / "e.npz").write_bytes(data.replace(true, said))
    with pytest.raises(LeveloneError, match=r"e\.npz: not a readable \.npz file: (the file ends|Bad CRC)"):
        read(tmp_path / "e.npz")


def test_arrays_that_are_read_whole_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path / "e.npz", npy(GOOD))
    monkeypatch.setattr(npyfile, "MOST_BYTES", 519)
    with pytest.raises(LeveloneError, match=r"e\.npz: .*its arrays have 520 bytes; 519 at most are read"):
        load_arrays(tmp_path / "e.npz")
    monkeypatch.setattr(npyfile, "MOST_BYTES", 520)
    assert set(load_arrays(tmp_path / "e.npz")) == {"X", "y"}


@pytest.mark.parametrize("compress", [np.savez, np.savez_compressed])
def test_arrays_of_all_kinds_come_back(compress: Callable[..., None], tmp_path: Path) -> None:
    made = {
        "rows": GOOD,
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "a/name": np.arange(3, dtype=">i2"),
        "word": np.array("GeV"),
        "truth": np.array([True, False]),
        "none": np.zeros((0, 4), np.float32),
        "pairs": np.zeros(2, [("a", "f4"), ("b", "i8")]),
    }
    compress(tmp_path / "e.npz", **made)
    found = load_arrays(tmp_path / "e.npz")
    assert list(found) == list(made)
    for name, array in made.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert np.array_equal(found[name], array)
        assert found[name].flags.writeable


@pytest.mark.parametrize("case", CONTENTS)
def test_a_damaged_part_of_a_simulation_is_made_again(case: str, tmp_path: Path) -> None:
    archive(tmp_path / "3.npz", CONTENTS[case][0])
    made = remembered(lambda number: {"n": np.array(number)}, tmp_path, 3)
    again = remembered(lambda _: pytest.fail("it is there"), tmp_path, 3)
    assert made["n"] == again["n"] == 3


def test_spoilt_scores_say_how_they_are_made_again(tmp_path: Path) -> None:
    archive(tmp_path / "scores.npz", b"no array")
    with pytest.raises(LeveloneError, match=r"scores\.npz: [\s\S]*hint: run `levelone run` again"):
        read_kept(tmp_path / "scores.npz")

"""Arrays of somebody else in .npy and .npz files: no pickles, and no more memory than a file fills."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.files import reason

MOST_HEADER = 10_000
"""Bytes of the header of an array, which is Python text: as many as numpy itself trusts."""
MOST_BYTES = 1 << 32
"""Of all arrays of a file that are held at once, where nothing else says how large they should be."""
_READERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}
"""Of each version of the format: bytes that say how long the header is, and what reads it."""


@dataclass(frozen=True)
class Header:
    """What a .npy stream says of its array; `by_columns`: the first axis is the fastest."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while reading `path` into one message."""
    try:
        yield
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        cause = reason(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        raise LeveloneError(
            f"{path}: not a readable {path.suffix or 'array'} file: {plain(cause, 400)}"
        ) from error


def open_stream(path: Path, stack: ExitStack) -> IO[bytes]:
    """The bytes of a file, which `stack` closes.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or is none: a pipe would be waited for.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a regular file")
    return stack.enter_context(path.open("rb"))


def read_header(stream: IO[bytes], size: int) -> Header:
    """The header of a .npy stream of `size` bytes, which then stands at the first number.

    Raises
    ------
    ValueError
        If it is no .npy stream, holds Python objects, or is shorter or longer than its header says.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _READERS:
        raise ValueError(f"version {version} of the .npy format is not supported")
    width, reader = _READERS[version]
    told = stream.read(width)
    length = int.from_bytes(told, "little")
    if length > MOST_HEADER:
        raise ValueError(f"its header has {length:,} bytes; {MOST_HEADER:,} at most are read")
    text = told + stream.read(length)
    try:
        header = Header(*reader(BytesIO(text)))
    except Exception as error:  # numpy parses it as Python, and not every error of that is its own
        raise ValueError(f"its header is none of an array: {error}") from error
    if header.dtype.hasobject:
        raise ValueError("it holds Python objects, not numbers")
    if min(header.shape, default=0) < 0:
        raise ValueError(f"its header says shape {header.shape}")
    held = size - np.lib.format.MAGIC_LEN - len(text)
    if held < header.size:
        raise ValueError(f"the file ends too early for an array of shape {header.shape}")
    if held > header.size:
        raise ValueError(f"the file goes on after its array of shape {header.shape}: save one array only")
    return header


Opener = Callable[[], tuple[IO[bytes], Header]]
"""Opens an array: a stream that stands at the first number, and its header."""


def members(file: IO[bytes], stack: ExitStack) -> dict[str, Opener]:
    """What opens each array of an .npz file, by name; other files in the archive are left alone.

    An opener raises ValueError if the array is compressed in a way that numpy does not write (some may claim
    any memory), or as `read_header` says.

    Parameters
    ----------
    stack
        Closes the streams.

    Raises
    ------
    zipfile.BadZipFile
        If it is no archive.
    """
    archive = stack.enter_context(zipfile.ZipFile(file))
    arrays = (info for info in archive.infolist() if info.filename.endswith(".npy"))
    return {
        info.filename.removesuffix(".npy"): partial(_open_member, archive, info, stack) for info in arrays
    }


def _open_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, stack: ExitStack
) -> tuple[IO[bytes], Header]:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression method {info.compress_type}; use np.savez_compressed")
    stream = stack.enter_context(archive.open(info))
    return stream, read_header(stream, info.file_size)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Tell of which array of a file a ValueError is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{plain(name)!r}: {error}") from error


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file by name; of at most `MOST_BYTES` together.

    Raises
    ------
    LeveloneError
        If there is no such file, it is damaged, or its arrays are larger.
    """
    with readable(path), ExitStack() as stack:
        held = {}
        for name, opened in members(open_stream(path, stack), stack).items():
            with naming(name):
                held[name] = opened()
        total = sum(header.size for _, header in held.values())
        if total > MOST_BYTES:
            raise ValueError(f"its arrays have {total:,} bytes; {MOST_BYTES:,} at most are read")
        return {name: _whole(stream, header) for name, (stream, header) in held.items()}


def _whole(stream: IO[bytes], header: Header) -> NDArray[Any]:
    data = stream.read(header.size)
    if len(data) != header.size:
        raise ValueError("the file ends too early")
    return np.ndarray(header.shape, header.dtype, bytearray(data), order="F" if header.by_columns else "C")

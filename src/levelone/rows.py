"""Arrays in files, read some events at a time: .npy, .npz and HDF5, no pickles and no mapped memory.

Files are read, not mapped: a truncated file is then an error that can be reported, not a signal that ends the
process.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.files import reason
from levelone.hdftree import walk

HDF5 = {".h5", ".hdf5"}
SUFFIXES = (".npy", ".npz", *sorted(HDF5))


class Rows(Protocol):
    """An array in a file whose first axis is events; read from the beginning on, each event once."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events."""
        ...


class StreamedRows:
    """The array that an open .npy stream holds.

    Raises
    ------
    ValueError
        If it is no .npy stream, or holds Python objects or columns.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"version {version} of the .npy format is not supported")
        self.shape, by_columns, self.dtype = readers[version](stream)
        if self.dtype.hasobject:
            raise ValueError("it holds Python objects, not numbers")
        if not self.shape:
            raise ValueError("it holds a single number, not events")
        if by_columns and len(self.shape) > 1:
            raise ValueError("it is stored by columns: save np.ascontiguousarray(array)")
        self._stream = stream

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events, [count, ...]; ValueError if the file ends before."""
        shape = (count, *self.shape[1:])
        wanted = math.prod(shape) * self.dtype.itemsize
        data = self._stream.read(wanted)
        if len(data) != wanted:
            raise ValueError("the file ends too early")
        return np.frombuffer(data, dtype=self.dtype).reshape(shape)


class DatasetRows:
    """A dataset of an open HDF5 file."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        if not dataset.shape:
            raise ValueError(f"{dataset.name} holds no events")
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{dataset.name} keeps its numbers in other files: copy them into this one")
        self.shape, self.dtype = dataset.shape, dataset.dtype
        self._dataset, self._at = dataset, 0

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events, [count, ...]."""
        self._at += count
        return np.asarray(self._dataset[self._at - count : self._at])


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while reading `path` into one message."""
    try:
        yield
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        cause = reason(error) if isinstance(error, OSError) else error
        raise LeveloneError(
            f"{path}: not a readable {path.suffix or 'array'} file: {plain(cause, 400)}"
        ) from error


class _FileRows:
    """Rows whose trouble is told with the name of their file."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self.shape, self.dtype = rows.shape, rows.dtype
        self._path, self._rows = path, rows

    def take(self, count: int) -> NDArray[Any]:
        with readable(self._path):
            return self._rows.take(count)


def open_rows(path: Path, stack: ExitStack) -> dict[str, Rows]:
    """The arrays of a file by name; a .npy file holds one, called "".

    Parameters
    ----------
    stack
        Closes the file.

    Raises
    ------
    LeveloneError
        If the file is none of these, damaged, or of a kind that is not known; later, from `Rows.take`, if
        it ends too early.
    """
    return {name: _FileRows(path, rows) for name, rows in _opened(path, stack).items()}


def _opened(path: Path, stack: ExitStack) -> dict[str, Rows]:
    if path.suffix not in SUFFIXES:
        raise LeveloneError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    with readable(path):
        if path.exists() and not path.is_file():
            raise ValueError("it is not a regular file")
        if path.suffix in HDF5:
            file = stack.enter_context(h5py.File(path, "r"))
            found = ((name, node) for name, _, node in walk(file) if isinstance(node, h5py.Dataset))
            return {name: DatasetRows(node) for name, node in found if node.shape}
        stream = stack.enter_context(path.open("rb"))
        if path.suffix == ".npy":
            rows = StreamedRows(stream)
            size = path.stat().st_size - stream.tell()
            if size < math.prod(rows.shape) * rows.dtype.itemsize:
                raise ValueError(f"the file ends too early for an array of shape {rows.shape}")
            if size > math.prod(rows.shape) * rows.dtype.itemsize:
                raise ValueError(
                    f"the file goes on after its array of shape {rows.shape}: save one array only"
                )
            return {"": rows}
        archive = stack.enter_context(zipfile.ZipFile(stream))
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        return {
            name: StreamedRows(stack.enter_context(archive.open(member))) for name, member in members.items()
        }

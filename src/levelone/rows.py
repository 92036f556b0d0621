"""Arrays in files, read some events at a time: .npy, .npz and HDF5, no pickles and no mapped memory.

Files are read, not mapped: a truncated file is then an error that can be reported, not a signal that ends the
process.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.hdffile import open_hdf
from levelone.hdftree import walk
from levelone.npyfile import Header, open_members, open_stream, read_header, readable

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
    """The array of a .npy stream that stands at the first number.

    Raises
    ------
    ValueError
        If it is a single number, or stored by columns.
    """

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        self.shape, self.dtype = header.shape, header.dtype
        if not self.shape:
            raise ValueError("it holds a single number, not events")
        if header.by_columns and len(self.shape) > 1:
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
        self.shape, self.dtype = dataset.shape, dataset.dtype
        self._dataset, self._at = dataset, 0

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events, [count, ...]."""
        self._at += count
        return np.asarray(self._dataset[self._at - count : self._at])


class FileRows:
    """Rows whose trouble is told with the name of their file."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self.path, self.shape, self.dtype = path, rows.shape, rows.dtype
        self._rows = rows

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events, [count, ...]; `LeveloneError` if the file is damaged."""
        with readable(self.path):
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
    return {name: FileRows(path, rows) for name, rows in _opened(path, stack).items()}


def _opened(path: Path, stack: ExitStack) -> dict[str, Rows]:
    if path.suffix not in SUFFIXES:
        raise LeveloneError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    with readable(path):
        if path.suffix in HDF5:
            file = open_hdf(path)
            stack.callback(file.close)
            found = ((name, node) for name, _, node in walk(file) if isinstance(node, h5py.Dataset))
            return {name: DatasetRows(node) for name, node in found if node.shape}
        stream = open_stream(path, stack)
        if path.suffix == ".npy":
            return {"": StreamedRows(stream, read_header(stream, path.stat().st_size))}
        return {name: StreamedRows(*held) for name, held in open_members(stream, stack).items()}

"""Arrays in files, read some events at a time: .npy, .npz and HDF5, no pickles and no mapped memory.

Files are read, not mapped: a truncated file is then an error that can be reported, not a signal that ends the
process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.hdffile import SPARE, check_storage, damaged, open_hdf
from levelone.hdftree import walk
from levelone.npyfile import Header, Opener, members, naming, open_stream, read_header, readable

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
    """A dataset of the open HDF5 file `path`.

    Raises
    ------
    LeveloneError
        If a part of it was never written.
    """

    def __init__(self, path: Path, name: str, dataset: h5py.Dataset) -> None:
        check_storage(path, plain(name), dataset)
        self.shape, self.dtype = dataset.shape, dataset.dtype
        self._path, self._name, self._dataset, self._at = path, name, dataset, 0

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events, [count, ...]."""
        self._at += count
        with damaged(self._path, self._name):
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


def open_rows(path: Path, stack: ExitStack) -> dict[str, Callable[[], Rows]]:
    """What opens each array of a file, by name; a .npy file holds one, called "".

    An array that nobody opens may be anything: other numbers, text, a pickle, which is not read.

    Parameters
    ----------
    stack
        Closes the file.

    Raises
    ------
    LeveloneError
        If the file is none of these, damaged, or of a kind that is not known; from what opens an array, if
        it holds no events; later, from `Rows.take`, if it ends too early.
    """
    if path.suffix not in SUFFIXES:
        raise LeveloneError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    if path.suffix in HDF5:
        file = open_hdf(path, SPARE)
        stack.callback(file.close)
        with damaged(path):
            found = [(name, node) for name, _, node in walk(file) if isinstance(node, h5py.Dataset)]
            return {name: partial(_dataset, path, name, node) for name, node in found if node.shape}
    with readable(path):
        stream = open_stream(path, stack)
        held: dict[str, Opener]
        if path.suffix == ".npy":
            header = read_header(stream, path.stat().st_size)
            held = {"": lambda: (stream, header)}
        else:
            held = members(stream, stack)
    return {name: partial(_streamed, path, name, opener) for name, opener in held.items()}


def _dataset(path: Path, name: str, dataset: h5py.Dataset) -> Rows:
    return FileRows(path, DatasetRows(path, name, dataset))


def _streamed(path: Path, name: str, opener: Opener) -> Rows:
    with readable(path), naming(name) if name else nullcontext():
        return FileRows(path, StreamedRows(*opener()))

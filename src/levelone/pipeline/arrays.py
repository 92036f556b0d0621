"""Arrays in files, some events at a time: .npy, .npz and HDF5, without pickles and without mapping memory.

Files are read and written, not mapped: a full disk or a truncated file is then an error that can be reported,
not a signal that ends the process.
"""

from __future__ import annotations

import math
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.files import atomic_path, reason

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
            datasets: list[h5py.Dataset] = []
            file.visititems(lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None)
            return {str(d.name).lstrip("/"): DatasetRows(d) for d in datasets if d.shape}
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


class Writer(Protocol):
    """Takes arrays by name, some events at a time."""

    def put(self, name: str, part: NDArray[Any]) -> None:
        """Append `part`, [events, ...], to the array called `name`."""
        ...


class _NpyWriter:
    def __init__(
        self, folder: Path, shapes: Mapping[str, tuple[int, ...]], dtype: Any, only: Path | None
    ) -> None:
        self.files = {name: only or folder / f"{number}.npy" for number, name in enumerate(shapes)}
        self._streams = {name: file.open("wb") for name, file in self.files.items()}
        for name, shape in shapes.items():
            header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._streams[name], header)

    def put(self, name: str, part: NDArray[Any]) -> None:
        self._streams[name].write(np.ascontiguousarray(part).data)

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()


class _DatasetWriter:
    def __init__(self, file: h5py.File, shapes: Mapping[str, tuple[int, ...]], dtype: Any) -> None:
        self._datasets = {name: file.create_dataset(name, shape, dtype) for name, shape in shapes.items()}
        self._at = dict.fromkeys(shapes, 0)

    def put(self, name: str, part: NDArray[Any]) -> None:
        at = self._at[name]
        self._datasets[name][at : at + len(part)] = part
        self._at[name] += len(part)


@contextmanager
def writing(target: Path, shapes: Mapping[str, tuple[int, ...]], dtype: Any) -> Iterator[Writer]:
    """Write arrays of known shapes, part by part; `target` appears at the end, whole, or not at all.

    Parameters
    ----------
    target
        .npy (one array), .npz or HDF5.

    Raises
    ------
    LeveloneError
        If it cannot be written, or the disk is full.
    """
    with atomic_path(target) as scratch:
        needed = sum(math.prod(shape) for shape in shapes.values()) * np.dtype(dtype).itemsize
        free = shutil.disk_usage(scratch.parent).free
        if needed > free:
            raise LeveloneError(
                f"cannot write {target}: {needed / 1e9:,.1f} GB are needed, {free / 1e9:,.1f} GB are free",
                hint="choose another folder, or look at the number of events in the input",
            )
        if target.suffix in HDF5:
            try:
                with h5py.File(scratch, "w") as file:
                    yield _DatasetWriter(file, shapes, dtype)
            except RuntimeError as error:  # what HDF5 says if it cannot even close the file
                raise OSError(str(error)) from error
            return
        arrays = _NpyWriter(scratch.parent, shapes, dtype, scratch if target.suffix == ".npy" else None)
        try:
            yield arrays
        finally:
            arrays.close()
        if target.suffix == ".npz":
            with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, file in arrays.files.items():
                    # `write` would take slashes off the beginning of a name
                    with (
                        file.open("rb") as source,
                        archive.open(f"{name}.npy", "w", force_zip64=True) as member,
                    ):
                        shutil.copyfileobj(source, member)
                    file.unlink()

"""Writing arrays to files, some events at a time: .npy, .npz and HDF5; `levelone.rows` reads them."""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.rows import HDF5


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

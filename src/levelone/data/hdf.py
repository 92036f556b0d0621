"""Opening HDF5 files and checking datasets, with one clear message when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.hdffile import SPARE, damaged, open_hdf

SCAN = 1 << 20
"""Values checked at a time: memory stays bounded for any file."""


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file of any format; `levelone.hdffile.open_hdf` checks it.

    Raises
    ------
    LeveloneError
        If it does not exist, is not a complete HDF5 file, or does not hold what it declares.
    """
    if not path.exists():
        raise LeveloneError(
            f"{path}: no such file", hint="make one with `levelone simulate pixelseed -o FILE.h5`"
        )
    return open_hdf(path, SPARE, hint="expected a levelone doublet file or a CMS Open Data doublet file")


@dataclass(frozen=True)
class HdfReader:
    """A format inside HDF5; see `levelone.data.opening.Reader`.

    Attributes
    ----------
    holds
        What its files hold.
    recognise
        Whether an open file is of this format.
    wrap
        From a path and the open file to the checked event file.
    """

    holds: str
    recognise: Callable[[h5py.File], bool]
    wrap: Callable[[Path, h5py.File], Any]

    def sniff(self, path: Path) -> bool:
        try:
            with h5py.File(path, "r") as file:
                return self.recognise(file)
        except Exception:  # whatever the file is: opening it says what is wrong
            return False

    def open(self, path: Path) -> Any:
        file = open_file(path)
        try:
            with damaged(path):
                return self.wrap(path, file)
        except BaseException:
            file.close()
            raise


def require(path: Path, file: h5py.Group, name: str, shape: tuple[int | None, ...]) -> h5py.Dataset:
    """Return a dataset after checking that it exists and has a shape (None: any length)."""
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise LeveloneError(
            f"{path}: dataset '{name}' is missing", hint="see docs/data-format.md for the schema"
        )
    expected = ", ".join("n" if size is None else str(size) for size in shape)
    found = dataset.shape or ()  # None: a dataset that holds nothing
    matches = len(found) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, found, strict=True)
    )
    if not matches:
        raise LeveloneError(f"{path}: dataset '{name}' has shape {dataset.shape}, expected ({expected})")
    return dataset


def require_dtype(path: Path, dataset: h5py.Dataset, dtype: str) -> None:
    """Raise unless the dataset has exactly this type."""
    if dataset.dtype != np.dtype(dtype):
        name = dataset.name.lstrip("/")
        raise LeveloneError(f"{path}: dataset '{name}' has type {dataset.dtype}, expected {np.dtype(dtype)}")


def load(path: Path, dataset: h5py.Dataset, start: int = 0, stop: int | None = None) -> NDArray[Any]:
    """Read a slice, turning damage inside the file into a message that names the dataset."""
    with damaged(path, dataset.name.lstrip("/")):
        return dataset[start:stop]


def check_values(
    path: Path, name: str, values: NDArray[Any], low: float, high: float, meaning: str, start: int = 0
) -> None:
    """Raise unless all values are numbers from `low` to `high`; the message names the first bad one."""
    finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, np.bool_)
    if not finite.all():
        raise LeveloneError(
            f"{path}: '{name}' holds {_where(values, ~finite, start)}; {meaning} must be finite"
        )
    bad = (values < low) | (values > high)
    if bad.any():
        raise LeveloneError(
            f"{path}: '{name}' holds {_where(values, bad, start)}; {meaning} must lie in {low:g} to {high:g}"
        )


def scan_values(path: Path, dataset: h5py.Dataset, low: float, high: float, meaning: str) -> None:
    """Apply `check_values` to a whole one-dimensional dataset, a piece at a time."""
    for start in range(0, dataset.shape[0], SCAN):
        values = load(path, dataset, start, start + SCAN)
        check_values(path, dataset.name.lstrip("/"), values, low, high, meaning, start)


def _where(values: NDArray[Any], bad: NDArray[np.bool_], start: int) -> str:
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    place = (first[0] + start, *first[1:])
    return f"{values[first]} at {list(place) if len(place) > 1 else place[0]}"

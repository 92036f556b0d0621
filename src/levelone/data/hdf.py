"""Opening HDF5 files and checking datasets, with one clear message when something is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.hdftree import walk

_SPARE = 1 << 28
"""Bytes of a dataset that a file of others may declare without writing them: PyTables does, in indices."""
_FRAME = 4096
"""Bytes that a compressed piece may be larger than what it holds."""
PIECE = 1 << 28
"""Bytes of a dataset's pieces: of each a whole is held, whatever is read of it."""
SCAN = 1 << 20
"""Values checked at a time: memory stays bounded for any file."""


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn the errors h5py raises on broken files, and files too large for memory, into `LeveloneError`."""
    try:
        yield
    except MemoryError as error:
        raise LeveloneError(f"{path}: does not fit into memory: {error}") from error
    except BlockingIOError as error:
        raise LeveloneError(f"{path}: another program is writing it") from error
    except (OSError, RuntimeError, KeyError) as error:
        said = str(error.args[0] if isinstance(error, KeyError) and error.args else error).split("\n")[0]
        raise LeveloneError(
            f"{path} is truncated or damaged: {said}", hint="copy or simulate it again"
        ) from error


def self_contained(path: Path, file: h5py.File, spare: int = 0) -> None:
    """Refuse a file that leads into other files, or declares numbers that it does not hold.

    So that nothing is read that is not of this file, and its size bounds what it can make us allocate.

    Parameters
    ----------
    spare
        Bytes of a dataset that need not have been written.

    Raises
    ------
    LeveloneError
        At the first link to another file or to nothing, at a dataset whose numbers lie in other files, of
        which a part was never written, which is stored in pieces of more than `PIECE` bytes, in more bytes
        than its shape has or with szip, or of a type that is none of numpy's; and as `walk` does.
    """
    with damaged(path):
        found = list(walk(file))
        for name, link, _ in found:
            if isinstance(link, h5py.ExternalLink):
                raise LeveloneError(
                    f"{path}: '{plain(name)}' is a link into another file, {plain(link.filename)}",
                    hint="copy what it leads to into this file",
                )
        for name, link, node in found:
            if isinstance(link, h5py.SoftLink) and file.get(name) is None:
                raise LeveloneError(f"{path}: '{plain(name)}' is a link to nothing")
            if isinstance(node, h5py.Dataset):
                _check_storage(path, plain(name), node, spare)


def _check_storage(path: Path, name: str, data: h5py.Dataset, spare: int) -> None:
    try:
        data.dtype  # noqa: B018
    except TypeError as error:
        raise LeveloneError(f"{path}: dataset '{name}' has a type of no numbers: {plain(error)}") from error
    if data.external or data.is_virtual:
        raise LeveloneError(
            f"{path}: dataset '{name}' keeps its numbers in other files", hint="copy them into this one"
        )
    if not data.shape:
        return
    each = data.id.get_type().get_size()
    stored = data.id.get_storage_size()
    if data.chunks is None:
        missing = each * math.prod(data.shape) - stored
    else:
        piece, written = each * math.prod(data.chunks), data.id.get_num_chunks()
        properties = data.id.get_create_plist()
        if any(properties.get_filter(i)[0] == h5py.h5z.FILTER_SZIP for i in range(properties.get_nfilters())):
            raise LeveloneError(
                f"{path}: dataset '{name}' is compressed with szip, which may claim any memory",
                hint="h5repack -f GZIP=4",
            )
        if piece > PIECE:
            raise LeveloneError(
                f"{path}: dataset '{name}' is stored in pieces of {piece:,} bytes; {PIECE:,} at most are read"
            )
        if stored > written * (piece + piece // 8 + _FRAME):  # what is compressed may be a little larger
            raise LeveloneError(
                f"{path}: dataset '{name}' takes {stored:,} bytes, more than its shape {data.shape} has"
            )
        pieces = math.prod(-(-size // part) for size, part in zip(data.shape, data.chunks, strict=True))
        missing = (pieces - written) * piece
    if missing > spare:
        raise LeveloneError(
            f"{path}: dataset '{name}' has shape {data.shape}, but {missing:,} bytes were never written",
            hint="make the file again",
        )


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    LeveloneError
        If it does not exist, or is not a complete HDF5 file.
    """
    if not path.is_file():
        raise LeveloneError(
            f"{path}: no such file", hint="make one with `levelone simulate pixelseed -o FILE.h5`"
        )
    try:
        return h5py.File(path, "r")
    except OSError as error:
        text = str(error)
        if "truncated" in text:
            raise LeveloneError(
                f"{path}: the file is truncated (shorter than its own header says)",
                hint="copy or generate it again",
            ) from error
        if path.stat().st_size == 0:
            raise LeveloneError(f"{path}: the file is empty") from error
        raise LeveloneError(
            f"{path}: not a readable HDF5 file ({text.split('(')[-1].rstrip(')')})",
            hint="expected a levelone doublet file or a CMS Open Data doublet file",
        ) from error


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
            self_contained(path, file, _SPARE)
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
    matches = len(dataset.shape) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, dataset.shape, strict=True)
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
    name = dataset.name.lstrip("/")
    try:
        return dataset[start:stop]
    except MemoryError as error:
        raise LeveloneError(f"{path}: dataset '{name}' does not fit into memory: {error}") from error
    except (OSError, RuntimeError, KeyError) as error:
        raise LeveloneError(
            f"{path}: dataset '{name}' cannot be read; the file is damaged", hint="copy or generate it again"
        ) from error


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

"""Data frames that pandas wrote to HDF5, read with h5py alone: both the 'fixed' and the 'table' format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.chunks import read_rows
from levelone.data.safe_pickle import list_of_strings
from levelone.errors import LeveloneError

MAX_BLOCKS = 1000


@dataclass(frozen=True)
class _Place:
    """Where a column is: in which dataset, in which field of it (table format), in which of its columns."""

    dataset: h5py.Dataset
    field: str | None
    position: int | None
    transposed: bool = False


@dataclass(frozen=True)
class Frame:
    """A data frame in an open file.

    Attributes
    ----------
    rows
        Number of rows.
    columns
        Names of the numeric columns.
    """

    path: Path
    rows: int
    places: dict[str, _Place]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.places)

    def read(self, names: Sequence[str], start: int, stop: int) -> NDArray[np.float64]:
        """Values of some columns, float64 [rows, len(names)].

        Raises
        ------
        LeveloneError
            If the file is damaged or compressed in an unknown way.
        """
        stop = min(stop, self.rows)
        out = np.empty((max(stop - start, 0), len(names)), np.float64)
        groups: dict[str, list[int]] = {}
        for position, name in enumerate(names):
            groups.setdefault(self.places[name].dataset.name, []).append(position)
        for members in groups.values():
            places = [self.places[names[i]] for i in members]
            try:
                block = _rows(places[0], start, stop)
            except OSError as error:
                raise LeveloneError(
                    f"{self.path}: dataset '{places[0].dataset.name.lstrip('/')}' cannot be read: {error}",
                    hint="copy the file again, or repack it with `ptrepack --complib=zlib --complevel=4`",
                ) from error
            if places[0].field is None:
                out[:, members] = block[:, [place.position or 0 for place in places]]
                continue
            for i, place in zip(members, places, strict=True):
                values = block[place.field]
                out[:, i] = values if place.position is None else values[:, place.position]
        return out


def _rows(place: _Place, start: int, stop: int) -> NDArray[Any]:
    if place.transposed:
        return read_rows(place.dataset, start, stop)
    if place.field is not None:
        return read_rows(place.dataset, start, stop)
    return read_rows(place.dataset, 0, place.dataset.shape[0])[:, start:stop].T


def open_frame(path: Path, file: h5py.File) -> Frame:
    """Find the data frame of a file that pandas wrote.

    Raises
    ------
    LeveloneError
        If there is none, there are several, or its description is damaged.
    """
    found = frames(file)
    if not found:
        raise LeveloneError(
            f"{path}: neither a levelone doublet file nor a data frame written by pandas",
            hint="see docs/data-format.md for the two layouts that can be read",
        )
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        raise LeveloneError(f"{path}: holds {len(found)} data frames ({names}); expected one")
    name, kind = found[0]
    try:
        reader = _fixed if kind == "frame" else _table
        rows, places = reader(file[name])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError) as error:
        raise LeveloneError(f"{path}: the data frame '{name}' cannot be used: {error}") from error
    if rows == 0 or not places:
        raise LeveloneError(f"{path}: the data frame '{name}' is empty")
    return Frame(path, rows, places)


def frames(file: h5py.File) -> list[tuple[str, str]]:
    """Name and kind of every data frame in a file."""
    found: list[tuple[str, str]] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Group):
            kind = _text(item.attrs.get("pandas_type", b""))
            if kind in ("frame", "frame_table"):
                found.append((name, kind))

    file.visititems(visit)
    return found


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _fixed(group: h5py.Group) -> tuple[int, dict[str, _Place]]:
    rows, places = 0, {}
    blocks = int(group.attrs["nblocks"])
    if not 0 <= blocks <= MAX_BLOCKS:
        raise ValueError(f"it claims {blocks} blocks")
    for number in range(blocks):
        items, values = group[f"block{number}_items"], group[f"block{number}_values"]
        if "shape" in values.attrs:
            continue  # how pandas stores an empty block: a placeholder, and the shape that it stands for
        if values.dtype.kind not in "iufb" or len(values.shape) != 2:
            continue  # strings and Python objects; a column that is needed will be reported as missing
        names = [_text(name) for name in read_rows(items, 0, items.shape[0]).tolist()]
        transposed = bool(values.attrs.get("transposed", False))
        length, width = values.shape if transposed else values.shape[::-1]
        if width != len(names):
            raise ValueError(f"block {number} has {width} columns and {len(names)} names")
        if rows not in (0, length):
            raise ValueError(f"block {number} has {length} rows, another one {rows}")
        rows = length
        for position, name in enumerate(names):
            places[name] = _Place(values, None, position, transposed)
    return rows, places


def _table(group: h5py.Group) -> tuple[int, dict[str, _Place]]:
    table = group["table"]
    places: dict[str, _Place] = {}
    for name in table.dtype.names:
        base = table.dtype[name].base
        if name == "index" or base.kind not in "iufb":
            continue
        names = list_of_strings(bytes(table.attrs[f"{name}_kind"]))
        shape = table.dtype[name].shape
        width = shape[0] if shape else 1
        if width != len(names):
            raise ValueError(f"field '{name}' has {width} columns and {len(names)} names")
        for position, column in enumerate(names):
            places[column] = _Place(table, name, position if shape else None)
    return table.shape[0], places

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
from levelone.data.safe_pickle import list_of_strings, value_of
from levelone.errors import LeveloneError
from levelone.hdftree import walk

MAX_BLOCKS = 1000
REPACK = "copy the file again, or repack it with `ptrepack --complib=zlib --complevel=4`"


@dataclass(frozen=True)
class _Place:
    """Where a column is: in which dataset, in which field of it (table format), in which of its columns.

    With `codes`, the values of the rows are those that the codes point at; -1 is none.
    """

    dataset: h5py.Dataset
    field: str | None
    position: int | None
    transposed: bool = False
    codes: h5py.Dataset | None = None


@dataclass(frozen=True)
class Frame:
    """A data frame in an open file.

    Attributes
    ----------
    rows
        Number of rows.
    columns
        Names of the numeric columns; those of a named index are columns, too.
    others
        What the other columns hold, by name.
    """

    path: Path
    rows: int
    places: dict[str, _Place]
    others: dict[str, str]

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
                    hint=REPACK,
                ) from error
            if places[0].field is None:
                out[:, members] = block[:, [place.position or 0 for place in places]]
                continue
            for i, place in zip(members, places, strict=True):
                values = block[place.field]
                out[:, i] = values if place.position is None else values[:, place.position]
        return out


def _rows(place: _Place, start: int, stop: int) -> NDArray[Any]:
    if place.codes is not None:
        values = read_rows(place.dataset, 0, place.dataset.shape[0]).astype(np.float64)
        codes = read_rows(place.codes, start, stop).astype(np.int64)
        if codes.size and codes.max() >= len(values):
            raise OSError(f"the index points at value {codes.max()} of {len(values)}")
        return np.append(values, np.nan)[np.where(codes < 0, len(values), codes)][:, None]
    if len(place.dataset.shape) == 1 and place.field is None:
        return read_rows(place.dataset, start, stop)[:, None]
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
        rows, places, others = reader(file[name])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError) as error:
        hint = REPACK if isinstance(error, OSError) else None
        raise LeveloneError(f"{path}: the data frame '{name}' cannot be used: {error}", hint=hint) from error
    if rows == 0 or not places:
        raise LeveloneError(f"{path}: the data frame '{name}' is empty")
    return Frame(path, rows, places, others)


def frames(file: h5py.File) -> list[tuple[str, str]]:
    """Name and kind of every data frame in a file."""
    kinds = (
        (name, _text(node.attrs.get("pandas_type", b"")))
        for name, _, node in walk(file)
        if isinstance(node, h5py.Group)
    )
    return [(name, kind) for name, kind in kinds if kind in ("frame", "frame_table")]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_Columns = tuple[int, dict[str, _Place], dict[str, str]]
"""Rows, places of the numeric columns, what the others hold."""


def _fixed(group: h5py.Group) -> _Columns:
    rows, places = 0, _fixed_index(group)
    others: dict[str, str] = {}
    blocks = int(group.attrs["nblocks"])
    if not 0 <= blocks <= MAX_BLOCKS:
        raise ValueError(f"it claims {blocks} blocks")
    for number in range(blocks):
        items, values = group[f"block{number}_items"], group[f"block{number}_values"]
        if "shape" in values.attrs:
            continue  # how pandas stores an empty block: a placeholder, and the shape that it stands for
        names = [_text(name) for name in read_rows(items, 0, items.shape[0]).tolist()]
        held = _text(values.attrs.get("value_type", ""))
        if held or values.dtype.kind not in "iufb" or len(values.shape) != 2:
            others |= dict.fromkeys(names, "Python objects" if values.dtype.kind == "O" else held or "text")
            continue
        transposed = bool(values.attrs.get("transposed", False))
        length, width = values.shape if transposed else values.shape[::-1]
        if width != len(names):
            raise ValueError(f"block {number} has {width} columns and {len(names)} names")
        if rows not in (0, length):
            raise ValueError(f"block {number} has {length} rows, another one {rows}")
        rows = length
        for position, name in enumerate(names):
            places[name] = _Place(values, None, position, transposed)
    for name, place in places.items():
        if place.position is None and len(place.codes or place.dataset) != rows:
            raise ValueError(f"the index '{name}' has another number of rows than the {rows} of the columns")
    return rows, places, others


def _fixed_index(group: h5py.Group) -> dict[str, _Place]:
    """The levels of the index that have a name and hold numbers."""
    places = {}
    levels = range(int(group.attrs.get("axis1_nlevels", 0)))
    parts = [(f"axis1_level{i}", f"axis1_label{i}") for i in levels] or [("axis1", "")]
    for values, codes in parts:
        if (found := group.get(values)) is None or _text(found.attrs.get("kind")) not in ("integer", "float"):
            continue
        if (name := _text(found.attrs.get("name", _NAMELESS))) != _NAMELESS:
            pointers = _row_of(group[codes], "iu") if codes else None
            places[name] = _Place(_row_of(found, "iuf"), None, None, codes=pointers)
    return places


def _row_of(dataset: h5py.Dataset, kinds: str) -> h5py.Dataset:
    """The dataset itself, if it has one dimension and holds numbers of these kinds of dtype."""
    if len(dataset.shape) != 1 or dataset.dtype.kind not in kinds:
        held = f"{dataset.dtype} of shape {dataset.shape}"
        expected = "numbers" if "f" in kinds else "integers"
        raise ValueError(f"'{dataset.name}' of its index holds {held}, expected one row of {expected}")
    return dataset


_NAMELESS = "N."
"""None, as pickled."""


def _table(group: h5py.Group) -> _Columns:
    table = group["table"]
    places: dict[str, _Place] = {}
    others: dict[str, str] = {}
    for name in table.dtype.names:
        base = table.dtype[name].base
        if name == "index":
            info = group.attrs.get("info")
            held = info.tobytes() if isinstance(info, np.void) else info
            index = value_of(held, "index_name") if isinstance(held, bytes) else None
            if index is not None and _text(table.attrs.get("index_kind")) in ("integer", "float"):
                places[index] = _Place(table, name, None)
            continue
        names = list_of_strings(bytes(table.attrs[f"{name}_kind"]))
        stored, meta = (_text(table.attrs.get(f"{name}_{what}", "")) for what in ("dtype", "meta"))
        if meta == "category" or base.kind not in "iufb" or stored.startswith(("datetime", "timedelta")):
            others |= dict.fromkeys(names, "categories" if meta == "category" else stored or "text")
            continue
        shape = table.dtype[name].shape
        width = shape[0] if shape else 1
        if width != len(names):
            raise ValueError(f"field '{name}' has {width} columns and {len(names)} names")
        for position, column in enumerate(names):
            places[column] = _Place(table, name, position if shape else None)
    return table.shape[0], places, others

"""What a `levelone-images` file must look like: its fields, and every check a reader makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import (
    Column,
    column,
    one_dimension,
    read_head,
    read_split,
    refuse_large,
    refuse_many,
    text,
    unnamed,
    words,
)
from levelone.errors import LeveloneError

SCHEMA = "levelone-images"
VERSION = 1
KINDS = ("images", "maps")
"""Groups of what has a value per pixel: what enters a network, and what is true."""
_TYPES = ("uint8", "uint16", "int16", "float32")


@dataclass(frozen=True)
class ImageSpec:
    """An image, or a map of truth, of every event.

    Attributes
    ----------
    name, unit, description
        What it is; unit "" if it has none.
    shape
        Channels, rows, columns.
    dtype
        "uint8", "uint16", "int16" or "float32".
    channels
        Name of each channel.
    cell
        Size of a pixel along columns and rows, in `cell_unit`.
    bits
        Integers are below 2**bits in size; 0: as large as the type holds.
    names
        Where values are classes: the names of the codes, from 0.
    """

    name: str
    shape: tuple[int, int, int]
    dtype: str
    unit: str
    description: str
    channels: tuple[str, ...]
    cell: tuple[float, float] = (1.0, 1.0)
    cell_unit: str = "pixel"
    bits: int = 0
    names: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Of one event."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class ListSpec:
    """A list of every event, as long as it likes: a number of each column for every entry."""

    name: str
    description: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Structure:
    """What every event of a file holds, by name; the split of every event, uint8 [n]; the provenance."""

    images: dict[str, ImageSpec]
    maps: dict[str, ImageSpec]
    lists: dict[str, ListSpec]
    columns: dict[str, Column]
    split: NDArray[np.uint8]
    provenance: dict[str, Any]


def check_pixels(where: str, kind: str, spec: ImageSpec, values: NDArray[Any], first: int = 0) -> None:
    """Refuse values [n, *shape] that an image or map cannot have; the message names the event.

    Parameters
    ----------
    where
        The file, for the message.
    kind
        One of `KINDS`.
    first
        Number of the first event.
    """
    if not values.size:
        return
    flat = values.reshape(len(values), -1)
    if flat.dtype.kind == "f":
        bad, what = ~np.isfinite(flat), "is NaN or infinite"
    elif spec.names:
        bad, what = (flat < 0) | (flat >= len(spec.names)), f"is none of the {len(spec.names)} classes"
    elif spec.bits:
        most = 1 << spec.bits
        bad, what = np.abs(flat.astype(np.int32)) >= most, f"is not below {most}"
    else:
        return
    if bad.any():
        event, pixel = (int(at) for at in np.argwhere(bad)[0])
        place = list(map(int, np.unravel_index(pixel, spec.shape)))
        raise LeveloneError(
            f"{where}: '{kind}/{spec.name}', event {first + event}: the value {flat[event, pixel]} at "
            f"{place} (channel, row, column) {what}"
        )


def check_entries(where: str, spec: ListSpec, values: Mapping[str, NDArray[Any]]) -> None:
    """Refuse lists with values that are no numbers, or codes without a name; the message names the entry."""
    for each in spec.columns:
        found = values[each.name]
        bad = ~np.isfinite(found) if found.dtype.kind == "f" else unnamed(each, found)
        if bad.any():
            entry = int(np.flatnonzero(bad)[0])
            raise LeveloneError(f"{where}: 'lists/{spec.name}/{each.name}' holds {found[entry]} at {entry}")


def check_structure(path: Path, file: h5py.File) -> Structure:
    """Check names, types and lengths of everything in the file, reading no pixels.

    Raises
    ------
    LeveloneError
        At the first thing wrong, naming it.
    """
    hint = "image files are made by the simulation of a system of images"
    provenance = read_head(path, file, SCHEMA, VERSION, hint)
    split = read_split(path, file)
    events = len(split)
    groups = {name: file.get(name) for name in (*KINDS, "lists", "truth")}
    for name, group in groups.items():
        if not isinstance(group, h5py.Group):
            raise LeveloneError(f"{path}: the group '{name}' is missing")
    if not len(groups["images"]):
        raise LeveloneError(f"{path}: the group 'images' is empty")
    images, maps = ({name: _image(path, file, kind, name, events) for name in groups[kind]} for kind in KINDS)
    lists = {name: _list(path, file, name, events) for name in groups["lists"]}
    columns = {name: column(path, file, f"truth/{name}", events) for name in groups["truth"]}
    return Structure(images, maps, lists, columns, split, provenance)


def _image(path: Path, file: h5py.File, kind: str, name: str, events: int) -> ImageSpec:
    where = f"{path}: '{kind}/{name}'"
    data = file[f"{kind}/{name}"]
    if not isinstance(data, h5py.Dataset):
        raise LeveloneError(f"{where} is no dataset")
    if str(data.dtype) not in _TYPES:
        raise LeveloneError(f"{where} must be {', '.join(_TYPES[:-1])} or {_TYPES[-1]}, it is {data.dtype}")
    if data.ndim != 4 or min(data.shape[1:]) < 1:
        raise LeveloneError(f"{where} has shape {data.shape}, expected ({events}, channels, rows, columns)")
    if len(data) != events:
        raise LeveloneError(f"{where} has {len(data)} entries for {events} events")
    told = data.attrs
    try:
        along, across = (float(size) for size in told["cell"])
        if not (0 < along < math.inf and 0 < across < math.inf):
            raise ValueError("no size")
        channels, names = (words(told[key]) for key in ("channels", "names"))
        unit, description, cell_unit = (text(told[key]) for key in ("unit", "description", "cell_unit"))
        bits = int(told["bits"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise LeveloneError(
            f"{where} lacks a valid attribute: unit, description, channels, cell, cell_unit, bits, names"
        ) from error
    spec = ImageSpec(
        name,
        data.shape[1:],
        str(data.dtype),
        unit,
        description,
        channels,
        (along, across),
        cell_unit,
        bits,
        names,
    )
    refuse_large(where, spec.shape, data.dtype.itemsize)
    if names and data.dtype.kind == "f":
        raise LeveloneError(f"{where} must be integers, codes of {', '.join(names)}; it is {data.dtype}")
    if len(spec.channels) != spec.shape[0] or not 0 <= spec.bits <= 16:
        raise LeveloneError(f"{where} has {spec.shape[0]} channels of {spec.channels} and {spec.bits} bits")
    return spec


def _list(path: Path, file: h5py.File, name: str, events: int) -> ListSpec:
    group = file[f"lists/{name}"]
    if not isinstance(group, h5py.Group) or len(group) < 2:
        raise LeveloneError(f"{path}: 'lists/{name}' is no group of offsets and columns")
    offsets = one_dimension(path, file, f"lists/{name}/offsets", "i8")
    if len(offsets) != events + 1:
        raise LeveloneError(f"{path}: 'lists/{name}/offsets' has {len(offsets)} entries for {events} events")
    names = [column for column in group if column != "offsets"]
    entries = len(one_dimension(path, file, f"lists/{name}/{names[0]}", "f4 f8 i1 i2 i4 i8 u1 u2 u4 u8"))
    found = tuple(column(path, file, f"lists/{name}/{part}", entries, "list entries") for part in names)
    refuse_many(path, f"lists/{name}/{names[0]}", entries)
    return ListSpec(name, str(group.attrs.get("description", "")), found)

"""What a `levelone-voxels` file must look like: its fields, and every check a reader makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.repeats import first_repeat
from levelone.data.splitting import SPLITS
from levelone.errors import LeveloneError, plain
from levelone.files import parse_json

SCHEMA = "levelone-voxels"
VERSION = 1
MOST_ENTRIES = 100_000_000
"""Events of a file, or entries of a list of all its events: what is held in memory of every one."""
MOST_BYTES = 1 << 28
"""Of a dense grid, or of an image, of one event."""


@dataclass(frozen=True)
class GridSpec:
    """A named grid: `shape`, cell `pitch_mm` per axis (0 where it varies), `axes` names, energy `unit`."""

    name: str
    shape: tuple[int, ...]
    pitch_mm: tuple[float, ...]
    axes: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Column:
    """A per-event truth column.

    NumPy `dtype`, `unit` ("" if none), and for classes the `names` of the codes.
    """

    name: str
    dtype: str
    unit: str
    description: str
    names: tuple[str, ...] = ()


def check_cells(
    where: str,
    spec: GridSpec,
    offsets: NDArray[np.int64],
    index: NDArray[Any],
    energy: NDArray[Any],
    first: int = 0,
) -> None:
    """Refuse voxels that an event cannot hold.

    Parameters
    ----------
    where
        The file, for the message.
    offsets, index, energy
        Of `SparseGrid`; the voxels may stand in any order.
    first
        Number of the first event.

    Raises
    ------
    LeveloneError
        If an index lies outside the grid, an event lists a voxel twice, or an energy is NaN, infinite or
        negative; the message names the event.
    """
    cells = math.prod(spec.shape)
    if len(index) != len(energy):
        raise LeveloneError(
            f"{where}: grid '{spec.name}' has {len(index)} indices but {len(energy)} energies"
        )
    if not len(index):
        return

    def refuse(cell: int, what: str, hint: str | None = None) -> LeveloneError:
        event = first + int(np.searchsorted(offsets - offsets[0], cell, side="right")) - 1
        return LeveloneError(f"{where}: grid '{spec.name}', event {event}: {what}", hint=hint)

    for worst in (int(index.argmax()), int(index.argmin())):
        if not 0 <= int(index[worst]) < cells:
            raise refuse(worst, f"voxel index {int(index[worst])}, but there are only {cells} voxels")
    low, high = float(energy.min()), float(energy.max())  # both are NaN if any value is
    if not (math.isfinite(low) and math.isfinite(high)):
        raise refuse(int(np.flatnonzero(~np.isfinite(energy))[0]), "an energy is NaN or infinite")
    if low < 0:
        raise refuse(int(energy.argmin()), f"a negative energy ({low:g} {spec.unit})")
    if (twice := first_repeat(offsets - offsets[0], index)) is not None:
        raise refuse(
            twice,
            f"voxel index {int(index[twice])} is listed twice",
            "sum the energies of a voxel before writing the file",
        )


def check_structure(
    path: Path, file: h5py.File
) -> tuple[dict[str, GridSpec], dict[str, Column], dict[str, Any]]:
    """Check names, types and lengths of everything in the file, reading no voxels.

    Returns
    -------
    The grids, the truth columns and the provenance.

    Raises
    ------
    LeveloneError
        At the first thing wrong, naming it.
    """
    hint = "voxel files are made by the simulation of a 3D system"
    provenance = read_head(path, file, SCHEMA, VERSION, hint)
    split = read_split(path, file)
    groups = file.get("grids")
    if not isinstance(groups, h5py.Group) or not len(groups):
        raise LeveloneError(f"{path}: the group 'grids' is missing or empty")
    if not isinstance(file.get("truth"), h5py.Group):
        raise LeveloneError(f"{path}: the group 'truth' is missing")
    grids = {name: _grid(path, file, name, len(split)) for name in groups}
    columns = {name: column(path, file, f"truth/{name}", len(split)) for name in file["truth"]}
    return grids, columns, provenance


def one_dimension(path: Path, file: h5py.File, name: str, kinds: str) -> h5py.Dataset:
    """A dataset of one dimension and one of these types; `LeveloneError` if it is none."""
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise LeveloneError(f"{path}: dataset '{name}' is missing")
    if data.ndim != 1:
        raise LeveloneError(f"{path}: dataset '{name}' must have one dimension, it has shape {data.shape}")
    if not any(data.dtype == np.dtype(kind) for kind in kinds.split()):
        expected = " or ".join(str(np.dtype(kind)) for kind in kinds.split())
        raise LeveloneError(f"{path}: dataset '{name}' must be {expected}, it is {data.dtype}")
    return data


def _grid(path: Path, file: h5py.File, name: str, events: int) -> GridSpec:
    group = file[f"grids/{name}"]
    attributes = group.attrs
    try:
        shape = tuple(int(n) for n in attributes["shape"])
        axes = words(attributes["axes"])
        pitch = tuple(float(p) for p in attributes["pitch_mm"])
        spec = GridSpec(name, shape, pitch, axes, text(attributes["unit"]))
        if not all(0 <= p < math.inf for p in pitch):
            raise ValueError("no length")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise LeveloneError(
            f"{path}: grid '{name}' lacks a valid shape, pitch_mm, axes or unit attribute"
        ) from error
    if not shape or min(shape) < 1 or not len(shape) == len(spec.pitch_mm) == len(axes):
        raise LeveloneError(
            f"{path}: grid '{name}' has shape {shape}, pitch_mm {spec.pitch_mm} and axes {axes}"
        )
    refuse_large(f"{path}: grid '{name}'", shape, 4)
    offsets = one_dimension(path, file, f"grids/{name}/offsets", "i8")
    index = one_dimension(path, file, f"grids/{name}/index", "u2 u4")
    energy = one_dimension(path, file, f"grids/{name}/energy", "f4")
    if len(offsets) != events + 1:
        raise LeveloneError(f"{path}: 'grids/{name}/offsets' has {len(offsets)} entries for {events} events")
    if len(index) != len(energy):
        raise LeveloneError(f"{path}: grid '{name}' has {len(index)} indices but {len(energy)} energies")
    return spec


def refuse_many(path: Path, name: str, entries: int) -> None:
    """Refuse a dataset that is held in memory, if it has more than `MOST_ENTRIES`."""
    if entries > MOST_ENTRIES:
        raise LeveloneError(f"{path}: '{name}' has {entries:,} entries; {MOST_ENTRIES:,} at most are read")


def text(attribute: object) -> str:
    """An attribute that has to be text; `TypeError` if it is something else."""
    if not isinstance(attribute, str):
        raise TypeError("no text")
    return attribute


def words(attribute: object) -> tuple[str, ...]:
    """An attribute that has to be a JSON list of texts; `TypeError` or `ValueError` if it is not."""
    found = parse_json(text(attribute))
    if not isinstance(found, list):
        raise ValueError("no list")
    return tuple(map(text, found))


def refuse_large(where: str, shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse an event of more than `MOST_BYTES` in this array; `where` names file and array."""
    if math.prod(shape) * itemsize > MOST_BYTES:
        raise LeveloneError(f"{where} has shape {shape}: more than {MOST_BYTES >> 20} MB of each event")


def column(path: Path, file: h5py.File, name: str, entries: int, of: str = "events") -> Column:
    """The column in the dataset `name`, which must have so many entries; `LeveloneError` if it has not."""
    kinds = "f4 f8 i1 i2 i4 i8 u1 u2 u4 u8"
    data = one_dimension(path, file, name, kinds)
    if len(data) != entries:
        raise LeveloneError(f"{path}: '{name}' has {len(data)} entries for {entries} {of}")
    try:
        names = words(data.attrs.get("names", "[]"))
        unit, meaning = (text(data.attrs[key]) for key in ("unit", "description"))
    except (KeyError, TypeError, ValueError) as error:
        raise LeveloneError(
            f"{path}: '{name}' lacks a valid attribute: unit, description, names (a JSON list of text)"
        ) from error
    if names and data.dtype.kind == "f":
        raise LeveloneError(
            f"{path}: '{name}' must be integers, codes of {', '.join(names)}; it is {data.dtype}"
        )
    return Column(name.rpartition("/")[2], str(data.dtype), unit, meaning, names)


def check_column(where: str, spec: Column, values: NDArray[Any]) -> None:
    """Refuse truth [n] that is no number, or a code without a name; the message names the column."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise LeveloneError(f"{where}: 'truth/{spec.name}' holds NaN or infinite values")
    elif (bad := unnamed(spec, values)).any():
        event = int(np.flatnonzero(bad)[0])
        raise LeveloneError(
            f"{where}: 'truth/{spec.name}', event {event}: {values[event]} is none of the {len(spec.names)} "
            f"classes {', '.join(map(str, spec.names))}"
        )


def unnamed(spec: Column, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the integers [n] are codes without a name; none of a column that holds no codes."""
    if not spec.names:
        return np.zeros(len(values), np.bool_)
    found: NDArray[np.bool_] = (values < 0) | (values >= len(spec.names))
    return found


def read_head(path: Path, file: h5py.File, schema: str, newest: int, hint: str) -> dict[str, Any]:
    """The provenance of a file of a schema, up to its version `newest`.

    Raises
    ------
    LeveloneError
        If the file is of another schema or a newer version; `hint` says what such files are.
    """
    found = file.attrs.get("schema")
    if not isinstance(found, str) or found != schema:
        raise LeveloneError(
            f"{path} is not a {schema} file (its 'schema' attribute is {plain(repr(found))})", hint=hint
        )
    try:
        version = int(file.attrs.get("version", 0))
        provenance = parse_json(file.attrs.get("provenance", "{}"))
        if not isinstance(provenance, dict):
            raise ValueError("no JSON object")
    except (TypeError, ValueError, OverflowError) as error:
        raise LeveloneError(
            f"{path}: the 'version' attribute is no number, or 'provenance' is not JSON"
        ) from error
    if not 1 <= version <= newest:
        raise LeveloneError(
            f"{path} has {schema} version {version}; this levelone reads versions 1 to {newest}",
            hint="update levelone" if version > newest else None,
        )
    return provenance


def read_split(path: Path, file: h5py.File) -> NDArray[np.uint8]:
    """The split of every event, uint8 [n].

    Raises
    ------
    LeveloneError
        If there are other codes, or not as many events as the file says.
    """
    stored = one_dimension(path, file, "split", "u1")
    refuse_many(path, "split", len(stored))
    split: NDArray[np.uint8] = stored[:]
    stated = file.attrs.get("events", len(split))
    if not np.array_equal(stated, len(split)):
        raise LeveloneError(
            f"{path}: the attribute 'events' says {stated}, 'split' holds {len(split)} events"
        )
    if np.any(split >= len(SPLITS)):
        raise LeveloneError(f"{path}: 'split' holds codes other than 0 to {len(SPLITS) - 1}")
    return split

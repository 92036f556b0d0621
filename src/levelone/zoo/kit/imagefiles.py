"""Whether a file of images holds what a system reads, in the units and of the kinds that it expects."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, listed, plain
from levelone.recipe import Section

if TYPE_CHECKING:
    from levelone.data.imagecheck import ImageSpec
    from levelone.data.opening import ImageEvents
    from levelone.data.voxelcheck import Column
    from levelone.simulate.imagerun import Layout

_KEYS = {"shape": "pixels", "cell": "pixel_nm"}
"""Keys of `[model]`, where a system has them, that say what a file has to look like."""


def hold_to(
    system: str,
    section: Section,
    path: Path,
    file: ImageEvents,
    layout: Layout,
    images: Collection[str],
    columns: Collection[str],
) -> None:
    """Refuse a file whose images, maps, lists or columns of these names are not those of `layout`.

    What is read of it has to be there. Descriptions may differ, and how many bits are used.

    Parameters
    ----------
    section
        `[model]` of the recipe.

    Raises
    ------
    LeveloneError
        At the first difference, naming it.
    """
    for kind, specs, found in (("images", layout.images, file.images), ("maps", layout.maps, file.maps)):
        for spec in specs:
            if spec.name in images:
                _hold_image(f"{path}: '{kind}/{spec.name}'", system, section, found[spec.name], spec)
    hold_columns(f"{path}: 'truth", system, columns, file.columns.values(), layout.columns)
    for wanted in layout.lists:
        there = file.lists.get(wanted.name)
        if there is not None:
            names = {column.name for column in there.columns}
            hold_columns(f"{path}: 'lists/{wanted.name}", system, names, there.columns, wanted.columns)


def _hold_image(where: str, system: str, section: Section, found: ImageSpec, wanted: ImageSpec) -> None:
    for field in ("shape", "dtype", "unit", "channels", "cell", "cell_unit", "names"):
        has, expected = getattr(found, field), getattr(wanted, field)
        if has != expected:
            key = _KEYS.get(field, "")
            raise LeveloneError(
                f"{where}: its {field} is {plain(repr(has), 200)}, but system {system} reads {expected!r}",
                hint=f"--set model.{key}={has[-1]:g}" if hasattr(section, key) else None,
            )


def hold_columns(
    where: str, system: str, names: Collection[str], found: Iterable[Column], wanted: Iterable[Column]
) -> None:
    """Refuse columns of these names that have another unit, or other classes, than those that are wanted.

    Parameters
    ----------
    where
        File and group, for the message.
    """
    expected = {column.name: column for column in wanted}
    for column in found:
        other = expected.get(column.name)
        if column.name not in names or other is None:
            continue
        if column.unit != other.unit:
            raise LeveloneError(
                f"{where}/{column.name}' is in {plain(column.unit)!r}, but system {system} reads it in "
                f"{other.unit!r}"
            )
        if column.names != other.names:
            raise LeveloneError(
                f"{where}/{column.name}' has the classes {listed(column.names) or 'of no names'}, but system "
                f"{system} reads {listed(other.names) or 'numbers'}"
            )


def check_map(
    name: str, events: NDArray[np.int64], values: NDArray[Any], good: NDArray[np.bool_], expected: str
) -> None:
    """Refuse values of a map that are not `good`.

    Parameters
    ----------
    name
        Of the map, for the message.
    events
        Their numbers [n].
    values, good
        [n, ...].
    expected
        What they have to be.
    """
    if not good.all():
        first = tuple(int(at) for at in np.argwhere(~good)[0])
        raise LeveloneError(
            f"'{name}', event {events[first[0]]}: {values[first]:g} at {list(first[1:])} is not {expected}"
        )

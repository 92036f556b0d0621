"""Writing `levelone-images` files: ragged lists and the appending writer (see docs/image-format.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.imagecheck import SCHEMA, VERSION, ImageSpec, ListSpec, check_entries, check_pixels
from levelone.data.voxelcheck import Column
from levelone.data.voxelwrite import (
    ZIPPED,
    check_column,
    check_split,
    create_column,
    create_offsets,
    create_split,
    extend,
    write_head,
)
from levelone.errors import LeveloneError
from levelone.files import atomic_path

_CHUNK_BYTES = 1 << 18  # of a chunk of images


@dataclass(frozen=True)
class Ragged:
    """One list of a batch of events.

    Attributes
    ----------
    offsets
        int64 [n + 1]: event i owns the entries offsets[i] to offsets[i + 1].
    columns
        Name -> [m].
    """

    offsets: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]

    @staticmethod
    def of(lists: Sequence[Mapping[str, NDArray[Any]]]) -> Ragged:
        """From the columns of every event."""
        lengths = [len(next(iter(columns.values()))) for columns in lists]
        joined = {name: np.concatenate([columns[name] for columns in lists]) for name in lists[0]}
        return Ragged(np.cumsum([0, *lengths]).astype(np.int64), joined)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Entries of each event, [n]."""
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The lists of the events `rows`, in that order (repeats allowed)."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        entries = np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged(offsets, {name: values[entries] for name, values in self.columns.items()})

    def padded(self, names: Sequence[str], length: int) -> NDArray[np.float32]:
        """float32 [n, length, columns]: each list filled up with NaN.

        Raises
        ------
        ValueError
            If a list is longer.
        """
        lengths = self.lengths
        if lengths.max(initial=0) > length:
            raise ValueError(f"a list of {lengths.max()} entries, {length} at most")
        filled = np.full((len(lengths), length, len(names)), np.nan, np.float32)
        events = np.repeat(np.arange(len(lengths)), lengths)
        places = np.arange(self.offsets[-1] - self.offsets[0]) - np.repeat(
            self.offsets[:-1] - self.offsets[0], lengths
        )
        for number, name in enumerate(names):
            filled[events, places, number] = self.columns[name]
        return filled


class ImageWriter:
    """Appends batches to a file being written; obtained from `create_images`.

    Memory stays that of one batch.
    """

    def __init__(
        self,
        file: h5py.File,
        images: Sequence[ImageSpec],
        maps: Sequence[ImageSpec],
        lists: Sequence[ListSpec],
        columns: Sequence[Column],
    ) -> None:
        self._file = file
        self._pixels = {"images": tuple(images), "maps": tuple(maps)}
        self._lists, self._columns = tuple(lists), tuple(columns)
        self.events = 0
        for kind, specs in self._pixels.items():
            file.create_group(kind)
            for spec in specs:
                _create_image(file, kind, spec)
        file.create_group("lists")
        for each in self._lists:
            group = file.create_group(f"lists/{each.name}")
            group.attrs["description"] = each.description
            create_offsets(group)
            for column in each.columns:
                create_column(group, column)
        truth = file.create_group("truth")
        for column in self._columns:
            create_column(truth, column)
        create_split(file)

    def append(
        self,
        images: Mapping[str, NDArray[Any]],
        maps: Mapping[str, NDArray[Any]],
        lists: Mapping[str, Ragged],
        truth: Mapping[str, NDArray[Any]],
        split: NDArray[np.uint8],
    ) -> None:
        """Add one batch of n events.

        Parameters
        ----------
        images, maps
            [n, channels, rows, columns] for every image and map of the file.
        lists
            A `Ragged` for every list.
        truth
            [n] for every truth column.
        split
            uint8 [n]: 0 train, 1 validation, 2 test.

        Raises
        ------
        LeveloneError
            If something is missing, has another length, or holds impossible values.
        """
        given: dict[str, Mapping[str, Any]] = {"images": images, "maps": maps, "lists": lists, "truth": truth}
        names = {kind: [spec.name for spec in specs] for kind, specs in self._pixels.items()}
        names |= {
            "lists": [each.name for each in self._lists],
            "truth": [each.name for each in self._columns],
        }
        for kind, found in given.items():
            if set(found) != set(names[kind]):
                raise LeveloneError(
                    f"a batch must bring exactly the {kind} {names[kind]}, got {sorted(found)}"
                )
        check_split(split)
        n = len(split)
        for kind, specs in self._pixels.items():
            for spec in specs:
                _check_image(kind, spec, given[kind][spec.name], n)
        for column in self._columns:
            check_column(
                column, _of_length(f"truth column '{column.name}'", np.asarray(truth[column.name]), n)
            )
        for each in self._lists:
            _check_list(each, lists[each.name], n)
        for kind, specs in self._pixels.items():
            for spec in specs:
                extend(self._file[f"{kind}/{spec.name}"], given[kind][spec.name])
        for each in self._lists:
            group, ragged = self._file[f"lists/{each.name}"], lists[each.name]
            extend(group["offsets"], ragged.offsets[1:] - ragged.offsets[0] + group["offsets"][-1])
            for name, values in ragged.columns.items():
                extend(group[name], values)
        for name, values in truth.items():
            extend(self._file[f"truth/{name}"], values)
        extend(self._file["split"], split)
        self.events += n


def _create_image(file: h5py.File, kind: str, spec: ImageSpec) -> None:
    rows = max(1, min(64, _CHUNK_BYTES // spec.nbytes))
    data = file.create_dataset(
        f"{kind}/{spec.name}",
        (0, *spec.shape),
        spec.dtype,
        maxshape=(None, *spec.shape),
        chunks=(rows, *spec.shape),
        **ZIPPED,
    )
    told = {"unit": spec.unit, "description": spec.description, "cell_unit": spec.cell_unit}
    data.attrs.update(told | {"cell": np.asarray(spec.cell, np.float64), "bits": spec.bits})
    data.attrs.update({"channels": json.dumps(spec.channels), "names": json.dumps(spec.names)})


def _check_image(kind: str, spec: ImageSpec, values: NDArray[Any], events: int) -> None:
    if values.shape != (events, *spec.shape) or values.dtype != np.dtype(spec.dtype):
        raise LeveloneError(
            f"the batch: '{kind}/{spec.name}' is {values.dtype} of shape {values.shape}, expected "
            f"{spec.dtype} of shape {(events, *spec.shape)}"
        )
    check_pixels("the batch", kind, spec, values)


def _check_list(spec: ListSpec, ragged: Ragged, events: int) -> None:
    names = [column.name for column in spec.columns]
    if set(ragged.columns) != set(names):
        raise LeveloneError(f"the batch: list '{spec.name}' must have the columns {names}")
    _of_length(f"list '{spec.name}'", ragged.lengths, events)
    entries = int(ragged.offsets[-1] - ragged.offsets[0])
    if np.any(ragged.lengths < 0):
        raise LeveloneError(f"the batch: list '{spec.name}' has offsets that fall")
    for column in spec.columns:
        values = np.asarray(ragged.columns[column.name])
        check_column(column, _of_length(f"column '{column.name}' of list '{spec.name}'", values, entries))
    check_entries("the batch", spec, ragged.columns)


def _of_length(what: str, values: NDArray[Any], length: int) -> NDArray[Any]:
    if len(values) != length:
        raise LeveloneError(f"the batch: {what} has {len(values)} entries, expected {length}")
    return values


@contextmanager
def create_images(
    path: Path,
    images: Sequence[ImageSpec],
    maps: Sequence[ImageSpec],
    lists: Sequence[ListSpec],
    columns: Sequence[Column],
    provenance: Mapping[str, Any],
) -> Iterator[ImageWriter]:
    """Write an image file; it appears under `path` only if the block ends without an error.

    Parameters
    ----------
    path
        The file to make (replaced if it exists).
    images, maps, lists, columns
        What every event holds.
    provenance
        JSON-serialisable facts: versions, seed, command. No machine paths.
    """
    with atomic_path(Path(path)) as scratch, h5py.File(scratch, "w", libver="v110") as file:
        write_head(file, SCHEMA, VERSION, provenance)
        writer = ImageWriter(file, images, maps, lists, columns)
        yield writer
        file.attrs["events"] = writer.events

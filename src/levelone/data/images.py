"""Events with images on disk: the `levelone-images` HDF5 schema, streamed (see docs/image-format.md).

An event is one or more named images, what is true of every pixel of them (maps), lists of any length (where
molecules are, which boxes there are), and numbers. Everything has a name, a unit and a description.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.hdf import HdfReader
from levelone.data.imagecheck import (
    SCHEMA,
    ImageSpec,
    ListSpec,
    check_entries,
    check_pixels,
    check_structure,
)
from levelone.data.imagewrite import ImageWriter, Ragged, create_images
from levelone.data.splitfile import BRIDGE, SplitFile, open_with, portions
from levelone.data.voxelcheck import check_column
from levelone.errors import LeveloneError
from levelone.hdffile import damaged

_HELD_BYTES = 1 << 26
"""Of the events between which a shuffled stream chooses."""

__all__ = ["ImageBatch", "ImageFile", "ImageWriter", "Ragged", "create_images", "open_images"]


@dataclass(frozen=True)
class ImageBatch:
    """A batch of n events.

    Attributes
    ----------
    events
        int64 [n], their numbers.
    images, maps
        Name -> [n, channels, rows, columns], in the types of the file.
    lists
        Name -> `Ragged`.
    truth
        Name -> [n].
    """

    events: NDArray[np.int64]
    images: dict[str, NDArray[Any]]
    maps: dict[str, NDArray[Any]]
    lists: dict[str, Ragged]
    truth: dict[str, NDArray[Any]]


class ImageFile(SplitFile):
    """An open image file (context manager). Numbers and lists are held; pixels are read when asked for.

    Attributes
    ----------
    path, provenance
        The file and the JSON facts stored in it.
    images, maps
        Name -> `ImageSpec`.
    lists
        Name -> `ListSpec`.
    columns
        Name -> `Column`.
    events
        Number of events.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self._file = path, file
        with damaged(path):
            found = check_structure(path, file)
            self.images, self.maps, self.lists = found.images, found.maps, found.lists
            self.columns, self.provenance, self._split = found.columns, found.provenance, found.split
            self._lists = {name: self._read_list(spec) for name, spec in self.lists.items()}
            self._truth = {name: self._read_column(name) for name in self.columns}
        self.events = len(self._split)

    def _read_list(self, spec: ListSpec) -> Ragged:
        group = self._file[f"lists/{spec.name}"]
        columns = {column.name: group[column.name][:] for column in spec.columns}
        offsets, entries = group["offsets"][:], len(columns[spec.columns[0].name])
        if offsets[0] != 0 or offsets[-1] != entries or np.any(np.diff(offsets) < 0):
            raise LeveloneError(
                f"{self.path}: 'lists/{spec.name}/offsets' must rise from 0 to the {entries} entries"
            )
        check_entries(str(self.path), spec, columns)
        return Ragged(offsets, columns)

    def _read_column(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = self._file[f"truth/{name}"][:]
        check_column(str(self.path), self.columns[name], values)
        return values

    def listed(self, name: str) -> Ragged:
        """The list called `name` of all events."""
        return self._lists[name]

    def read(self, events: NDArray[np.int64] | Sequence[int]) -> ImageBatch:
        """Everything of the chosen events, in any order (repeats allowed).

        Raises
        ------
        LeveloneError
            If an event number is out of range, or the data are damaged or impossible.
        """
        chosen = self._numbers(events)
        wanted, back = np.unique(chosen, return_inverse=True)
        images, maps = (
            {name: self._pixels(kind, spec, wanted)[back] for name, spec in specs.items()}
            for kind, specs in (("images", self.images), ("maps", self.maps))
        )
        lists = {name: ragged.take(chosen) for name, ragged in self._lists.items()}
        truth = {name: values[chosen] for name, values in self._truth.items()}
        return ImageBatch(chosen, images, maps, lists, truth)

    def _pixels(self, kind: str, spec: ImageSpec, events: NDArray[np.int64]) -> NDArray[Any]:
        """[n, *shape] of rising event numbers; neighbours are read in one go."""
        data = self._file[f"{kind}/{spec.name}"]
        found = np.empty((len(events), *spec.shape), spec.dtype)
        done = 0
        for run in np.split(events, np.flatnonzero(np.diff(events) > BRIDGE) + 1) if len(events) else []:
            first = int(run[0])
            with damaged(self.path):
                block = data[first : int(run[-1]) + 1]
            check_pixels(str(self.path), kind, spec, block, first)
            found[done : done + len(run)] = block[run - first]
            done += len(run)
        return found

    def batches(
        self,
        split: str,
        size: int = 256,
        *,
        seed: int | Sequence[int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[ImageBatch]:
        """Stream a split in batches; memory is that of one batch and of a window of 64 MB.

        Parameters
        ----------
        split
            "train", "validation" or "test".
        size
            Events per batch (the last may be smaller).
        seed
            None reads in file order. A seed shuffles: blocks of neighbours in random order, then at random
            within windows of 32 blocks. Several numbers (a seed and an epoch) make one seed.
        limit
            At most so many events.
        skip
            Begin behind so many events of that order.
        """
        order = self.select(split, limit)
        each = sum(spec.nbytes for spec in (*self.images.values(), *self.maps.values()))
        block = int(np.clip(_HELD_BYTES // (32 * each), 1, 64))

        def load(window: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], ImageBatch]:
            return partial(_take, self.read(window))

        yield from map(_joined, portions(order, size, load, seed=seed, skip=skip, block=block))

    def check(self, chunk: int = 1024) -> None:
        """Read the whole file once, in pieces, and raise the `LeveloneError` of the first bad value."""
        for start in range(0, self.events, chunk):
            self.read(np.arange(start, min(start + chunk, self.events)))


def _take(batch: ImageBatch, rows: NDArray[np.int64]) -> ImageBatch:
    return ImageBatch(
        batch.events[rows],
        {name: values[rows] for name, values in batch.images.items()},
        {name: values[rows] for name, values in batch.maps.items()},
        {name: ragged.take(rows) for name, ragged in batch.lists.items()},
        {name: values[rows] for name, values in batch.truth.items()},
    )


def _joined(parts: list[ImageBatch]) -> ImageBatch:
    if len(parts) == 1:
        return parts[0]

    def arrays(of: str) -> dict[str, NDArray[Any]]:
        return {
            name: np.concatenate([getattr(part, of)[name] for part in parts])
            for name in getattr(parts[0], of)
        }

    lists = {}
    for name, first in parts[0].lists.items():
        lengths = np.concatenate([part.lists[name].lengths for part in parts])
        columns = {c: np.concatenate([part.lists[name].columns[c] for part in parts]) for c in first.columns}
        lists[name] = Ragged(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), columns)
    events = np.concatenate([part.events for part in parts])
    return ImageBatch(events, arrays("images"), arrays("maps"), lists, arrays("truth"))


def open_images(path: Path) -> ImageFile:
    """Open an image file for reading.

    Raises
    ------
    LeveloneError
        If the file is missing, not HDF5, truncated, foreign, of a newer schema, or lacks a dataset or has it
        with another shape or type; the message names the file and the dataset.
    """
    return open_with(path, "image", ImageFile)


class _ImageReader(HdfReader):
    """`levelone-images`; see `levelone.data.opening.Reader`."""

    def open(self, path: Path) -> ImageFile:
        return open_images(path)


READER = _ImageReader("images", lambda file: file.attrs.get("schema") == SCHEMA, ImageFile)

"""Events of a `levelone-voxels` file: streamed from disk, dense batches made from sparse rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from levelone.errors import LeveloneError
from levelone.recipe import Recipe
from levelone.zoo.kit.events import SPLITS, Events, Source, Split
from levelone.zoo.kit.streamed import FileSource, named, refuse_missing
from levelone.zoo.kit.system import System

if TYPE_CHECKING:
    from levelone.data.opening import VoxelEvents
    from levelone.data.voxels import VoxelBatch


MOST = 1e6
"""Of a cell, or of a particle's energy, in the file's unit, GeV or keV: sums of more are no numbers soon."""


def check_batch(batch: VoxelBatch, positive: Collection[str]) -> None:
    """Refuse energies that no detector reads: columns `positive` that are not, anything above `MOST`.

    Raises
    ------
    LeveloneError
        At the first one, naming the event.
    """
    for name in positive:
        values = batch.truth[name]
        bad = np.flatnonzero((values <= 0) | (values > MOST))
        if len(bad):
            raise LeveloneError(
                f"'truth/{name}', event {batch.events[bad[0]]}: {values[bad[0]]:g} is not above 0, "
                f"or above {MOST:g}"
            )
    for name, cells in batch.images.items():
        if cells.size and cells.max() > MOST:
            at = int(cells.argmax())
            event = batch.events[at // (cells.size // len(cells))]
            raise LeveloneError(
                f"grid '{name}', event {event}: a cell of {cells.flat[at]:g}; {MOST:g} at most are read"
            )


@dataclass(frozen=True)
class VoxelSource(FileSource):
    """One split of a voxel file.

    Attributes
    ----------
    grids, columns
        What is read.
    prepare
        From voxels and truth to what enters the network and the loss.
    positive
        Columns whose values are above 0.
    """

    grids: tuple[str, ...]
    columns: tuple[str, ...]
    prepare: Callable[[VoxelBatch], Events]
    positive: tuple[str, ...] = ()

    def opened(self) -> VoxelEvents:
        from levelone.data.opening import open_voxel_events

        return open_voxel_events(self.path)

    def read(
        self, file: VoxelEvents, size: int, order: tuple[int, int] | None, skip: int
    ) -> Iterator[Events]:
        told = {"grids": self.grids, "truth": self.columns}
        for batch in file.batches(self.split, size, **told, seed=order, limit=self.limit, skip=skip):
            with named(self.path):
                check_batch(batch, self.positive)
                prepared = self.prepare(batch)
            yield prepared


class VoxelSystem(System):
    """A system whose events lie in a `levelone-voxels` file.

    Attributes
    ----------
    grids, columns
        What is read for every event: grids become images, columns truth.
    positive
        Columns of energies: values above 0, up to `MOST`.
    """

    grids: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[str, ...]]
    positive: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        """Network inputs and truth of a batch: fixed scaling only, nothing fitted to data."""

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> Source:
        """The first `limit` events of a split, streamed from disk; events are independent."""
        reads = partial(self.prepare, recipe)
        return VoxelSource(path, split, limit, self.grids, self.columns, reads, self.positive)

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_voxel_events

        with open_voxel_events(path) as file:
            return dict(file.provenance)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training: missing grids or columns, another shape, an empty split."""
        from levelone.data.opening import open_voxel_events

        with open_voxel_events(path) as file:
            refuse_missing(self.name, path, "grid", self.grids, tuple(file.grids))
            refuse_missing(self.name, path, "truth column", self.columns, tuple(file.columns))
            sizes = file.splits
        return super().check_data(recipe, path) | {f"{split} events": sizes[split] for split in SPLITS}

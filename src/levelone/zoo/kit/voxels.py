"""Events of a `levelone-voxels` file: streamed from disk, dense batches made from sparse rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from levelone.recipe import Recipe
from levelone.zoo.kit.events import SPLITS, Events, Source, Split
from levelone.zoo.kit.streamed import FileSource, named, refuse_missing
from levelone.zoo.kit.system import System

if TYPE_CHECKING:
    from levelone.data.opening import VoxelEvents
    from levelone.data.voxels import VoxelBatch


@dataclass(frozen=True)
class VoxelSource(FileSource):
    """One split of a voxel file.

    Attributes
    ----------
    grids, columns
        What is read.
    prepare
        From voxels and truth to what enters the network and the loss.
    """

    grids: tuple[str, ...]
    columns: tuple[str, ...]
    prepare: Callable[[VoxelBatch], Events]

    def opened(self) -> VoxelEvents:
        from levelone.data.opening import open_voxel_events

        return open_voxel_events(self.path)

    def read(
        self, file: VoxelEvents, size: int, order: tuple[int, int] | None, skip: int
    ) -> Iterator[Events]:
        told = {"grids": self.grids, "truth": self.columns}
        for batch in file.batches(self.split, size, **told, seed=order, limit=self.limit, skip=skip):
            with named(self.path):
                prepared = self.prepare(batch)
            yield prepared


class VoxelSystem(System):
    """A system whose events lie in a `levelone-voxels` file.

    Attributes
    ----------
    grids, columns
        What is read for every event: grids become images, columns truth.
    """

    grids: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[str, ...]]

    @abstractmethod
    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        """Network inputs and truth of a batch: fixed scaling only, nothing fitted to data."""

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> Source:
        """The first `limit` events of a split, streamed from disk; events are independent."""
        return VoxelSource(path, split, limit, self.grids, self.columns, partial(self.prepare, recipe))

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

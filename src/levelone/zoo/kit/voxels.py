"""Events of a `levelone-voxels` file: streamed from disk, dense batches made from sparse rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from levelone.errors import LeveloneError
from levelone.recipe import Recipe
from levelone.zoo.kit.events import SPLITS, Events, Source, Split
from levelone.zoo.kit.system import System

if TYPE_CHECKING:
    from levelone.data.voxels import VoxelBatch


@dataclass(frozen=True)
class VoxelSource(Source):
    """One split of a voxel file; nothing but the batch at hand is held (and a window of sparse events).

    Attributes
    ----------
    path, split, limit
        Which events: the first `limit` of a split, in file order.
    grids, columns
        What is read.
    prepare
        From voxels and truth to what enters the network and the loss.
    """

    path: Path
    split: Split
    limit: int | None
    grids: tuple[str, ...]
    columns: tuple[str, ...]
    prepare: Callable[[VoxelBatch], Events]

    @cached_property
    def _events(self) -> int:
        from levelone.data.opening import open_voxel_events

        with open_voxel_events(self.path) as file:
            return len(file.select(self.split, self.limit))

    def __len__(self) -> int:
        return self._events

    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """See `levelone.zoo.kit.events.Source`.

        Events are shuffled in blocks, then within windows of 2,048 (see `levelone.data.voxels`).
        """
        from levelone.data.opening import open_voxel_events

        with open_voxel_events(self.path) as file:
            read = file.batches(
                self.split,
                size,
                grids=self.grids,
                truth=self.columns,
                seed=order,
                limit=self.limit,
                skip=skip,
            )
            for batch in read:
                yield self.prepare(batch)

    def limited(self, events: int) -> VoxelSource:
        """The first `events` of these events."""
        return replace(self, limit=min(events, len(self)))


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

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> VoxelSource:
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
            for kind, wanted, found in (
                ("grid", self.grids, tuple(file.grids)),
                ("truth column", self.columns, tuple(file.columns)),
            ):
                missing = [name for name in wanted if name not in found]
                if missing:
                    raise LeveloneError(
                        f"{path} has no {kind} {missing[0]!r}, which system {self.name} reads",
                        hint=f"it has {', '.join(found)}; make one with: levelone simulate {self.name}",
                    )
            sizes = file.splits
        return super().check_data(recipe, path) | {f"{split} events": sizes[split] for split in SPLITS}

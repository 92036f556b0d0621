"""Events of a voxel file as a `Source`: dense batches made from sparse rows, one mini-batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from levelone.zoo.kit.system import Events, Split

if TYPE_CHECKING:
    from levelone.data.voxels import VoxelBatch


@dataclass(frozen=True)
class VoxelSource:
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
        from levelone.data.voxels import open_voxels

        with open_voxels(self.path) as file:
            return len(file.select(self.split, self.limit))

    def __len__(self) -> int:
        return self._events

    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """See `levelone.zoo.kit.system.Source`.

        Events are shuffled in blocks, then within windows of 2,048 (see `levelone.data.voxels`).
        """
        from levelone.data.voxels import open_voxels

        with open_voxels(self.path) as file:
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

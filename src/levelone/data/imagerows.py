"""Files of image events without splits and without lists, whose events are read by their numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from levelone.data.images import ImageBatch, Ragged
from levelone.data.splitfile import SplitFile, portions
from levelone.errors import LeveloneError


class ImageRows(SplitFile):
    """What such formats share of `levelone.data.opening.ImageEvents`; one says `_batch` and what there is."""

    def listed(self, name: str) -> Ragged:
        """There are no lists."""
        raise LeveloneError(f"{self.path}: there is no list '{name}'")

    def batches(
        self,
        split: str,
        size: int,
        *,
        seed: tuple[int, int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[ImageBatch]:
        """Events in batches, in the order of the file, or shuffled within windows of it by `seed`."""
        chosen = self.select(split, limit)
        for parts in portions(chosen, size, lambda window: window.__getitem__, seed=seed, skip=skip):
            yield self._batch(np.concatenate(parts))

    @abstractmethod
    def _batch(self, rows: NDArray[np.int64]) -> ImageBatch:
        """The events of these numbers, [n]."""

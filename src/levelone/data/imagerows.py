"""Files of image events without lists, and those of them whose events are read by their numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from levelone.data.images import ImageBatch, Ragged
from levelone.data.splitfile import SplitFile, portions
from levelone.errors import LeveloneError


class Unlisted(SplitFile):
    """A format of `levelone.data.opening.ImageEvents` without lists."""

    def listed(self, name: str) -> Ragged:
        """There are no lists."""
        raise LeveloneError(f"{self.path}: there is no list '{name}'")


class ImageRows(Unlisted):
    """One whose events are read by their numbers: it says `_batch` and what there is."""

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

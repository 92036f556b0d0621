"""Random symmetries of a square detector, for training events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class SquareSymmetry:
    """Which events are mirrored along either axis, and in which both are exchanged afterwards, [n] each."""

    first: Chosen
    second: Chosen
    exchanged: Chosen

    @staticmethod
    def draw(events: int, rng: np.random.Generator) -> SquareSymmetry:
        """Each for half of the events."""
        return SquareSymmetry(*(rng.random((3, events)) < 0.5))

    def of(self, images: NDArray[Any]) -> NDArray[Any]:
        """A copy of images [n, channels, first, second, ...] after it."""
        found = images.copy()
        found[self.first] = found[self.first, :, ::-1]
        found[self.second] = found[self.second, :, :, ::-1]
        found[self.exchanged] = found[self.exchanged].swapaxes(2, 3)
        return found

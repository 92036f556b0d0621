"""What convolutions and locally connected layers have in common: sums of products over a window."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Index
from levelone.graph.ops._weighted import WeightedSum
from levelone.graph.ops._window import Pads, Window
from levelone.graph.values import Codes, Value


@dataclass(frozen=True, eq=False)
class SlidingSum(WeightedSum):
    """Sums over the places of a window, zero padded.

    Attributes
    ----------
    weights, bias, weight_scale
        See `WeightedSum`.
    stride, dilation
        One entry per spatial axis.
    pads
        (begin, end) per spatial axis.
    groups
        Output channel ``j`` sees input channels of group ``j // (channels out / groups)``.
    step
        Product grid divided by accumulator grid: more than 1 where the bias is finer than the products.
    """

    stride: Index
    pads: Pads
    dilation: Index
    groups: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.window  # noqa: B018  (validates the geometry)

    @property
    def window(self) -> Window:
        return Window(self.weights.shape[len(self.own) : -2], self.stride, self.pads, self.dilation)

    def positions(self, name: str, x: Value) -> Index:
        """The output's axes of space.

        Raises
        ------
        LeveloneError
            If `x` has other channels than there are weights for, or the window does not fit.
        """
        channels = self.weights.shape[-2] * self.groups
        if x.shape[-1] != channels:
            raise LeveloneError(
                f"node {name}: weights for {channels} input channels, but {x.name} has {x.shape[-1]}"
            )
        return self.window.output_shape(name, x.shape[:-1])

    @abstractmethod
    def _scale(self, name: str, x: Value) -> tuple[Fraction, ...]:
        """Of the sums of every output channel."""

    def views(self, x: Codes) -> Iterator[Codes]:
        padded = self.window.pad(x, 0)
        out = self.window.output_shape(type(self).__name__, x.shape[1:-1])
        for tap in self.window.taps():
            yield self.window.at_tap(padded, tap, out)

    def places(self, position: Index, spatial: Index) -> NDArray[np.int64]:
        return self.window.places(position, spatial)

"""How a window slides over an image: its geometry in three dimensions, whichever block reads its taps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from levelone.graph.ops import Window
from levelone.rtl.netlist import Setting

AXES = 3
Index = tuple[int, int, int]
Row = tuple[int, int]


@dataclass(frozen=True)
class Sliding:
    """A window in three dimensions.

    Attributes
    ----------
    spatial, positions, kernel, stride, dilation, pads
        Pixels of the input, positions of the window, and the window; `pads` in front of each axis.
    """

    spatial: Index
    positions: Index
    kernel: Index
    stride: Index
    dilation: Index
    pads: Index

    @property
    def rows(self) -> Iterator[Row]:
        """Rows of positions, in order: their place along the first two axes."""
        return product(range(self.positions[0]), range(self.positions[1]))

    def first(self, row: Row) -> int:
        """The pixel, by its number in row-major order, that a row of positions begins at."""
        return self._pixel((*row, 0), (0, 0, 0))

    def last(self, row: Row) -> int:
        """The last pixel that a row of positions reads, likewise."""
        d, h, w = (k - 1 for k in self.kernel)
        return self._pixel((*row, self.positions[2] - 1), (d, h, w))

    def _pixel(self, position: Index, tap: Index) -> int:
        """The pixel under a tap; the nearest one if that lies in the padding."""
        number = 0
        for at, s, p, k, d, n in zip(
            position, self.stride, self.pads, tap, self.dilation, self.spatial, strict=True
        ):
            number = number * n + min(n - 1, max(0, at * s - p + k * d))
        return number

    def settings(self) -> dict[str, Setting]:
        """The parameters of a block that say all this."""
        return by_axis(
            I=self.spatial, O=self.positions, K=self.kernel, S=self.stride, D=self.dilation, P=self.pads
        )


def by_axis(**numbers: Sequence[int]) -> dict[str, Setting]:
    """Parameters of a block for depth, height and width: ``ID``, ``IH``, ``IW`` of ``I``."""
    return {
        f"{letter}{axis}": number
        for letter, three in numbers.items()
        for axis, number in zip("DHW", three, strict=True)
    }


def sliding(window: Window, spatial: Sequence[int], positions: Sequence[int], axes: Sequence[int]) -> Sliding:
    """A window on an image with these axes; `axes` says which of three each one is, -1 if it is left out."""

    def three(numbers: Sequence[int], idle: int) -> Index:
        found = dict(zip(axes, numbers, strict=True))
        return found.get(0, idle), found.get(1, idle), found.get(2, idle)

    return Sliding(
        three(spatial, 1),
        three(positions, 1),
        three(window.kernel, 1),
        three(window.stride, 1),
        three(window.dilation, 1),
        three([begin for begin, _ in window.pads], 0),
    )

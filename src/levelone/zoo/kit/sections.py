"""Parts of ``[model]`` sections that several systems share, and how windows divide a grid."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from levelone.recipe import Section, misfit
from levelone.zoo.kit.system import Reach


class Carried(Section):
    """A `[model]` section that says how far its network is carried."""

    reach: Reach = Field("firmware", description="how far the network is carried")


class Convolution(Section):
    """One convolution; a system says how many axes there are (the type of the sizes), and the defaults."""

    channels: int = Field(8, gt=0, description="output channels")
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    def output_grid(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """The grid behind it."""
        along = zip(grid, self.kernel, self.stride, self.padding, strict=True)
        return tuple(positions(*sizes) for sizes in along)


def check_convolution(key: str, conv: Convolution, grid: tuple[int, ...]) -> None:
    """Refuse sizes that do not fit into `grid`; the message names `key`."""
    for size, kernel, stride, padding in zip(grid, conv.kernel, conv.stride, conv.padding, strict=True):
        if kernel < 1 or stride < 1 or not 0 <= padding < kernel:
            raise misfit(key, f": kernel {kernel}, stride {stride}, padding {padding} make no sense")
        if kernel > size + 2 * padding:
            raise misfit(key, f": kernel {kernel} is larger than its input of {size} cells")


def check_dense(units: Iterable[int]) -> None:
    """Refuse dense layers (``model.dense``) without units."""
    units = list(units)
    if min(units, default=1) < 1:
        raise misfit("model.dense", f" = {units}: every layer needs a unit")


def positions(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """How many positions a window has along an axis of `size` cells, with `padding` cells at both ends."""
    return (size + 2 * padding - kernel) // stride + 1

"""The ``[model]`` section of `levelone.zoo.kit.poolednet`: convolutions with pooling, dense layers."""

from __future__ import annotations

from itertools import zip_longest
from typing import Literal

from pydantic import Field

from levelone.recipe import Section, misfit
from levelone.zoo.kit.sections import Convolution, check_convolution, check_dense, positions

Pair = tuple[int, int]


class PooledConv(Convolution):
    """One convolution and the pooling behind it; sizes are (rows, columns)."""

    kernel: Pair = Field((3, 3), description="size along rows, columns")
    stride: Pair = Field((1, 1), description="step along the same axes")
    padding: Pair = Field((1, 1), description="zeros at both ends of the same axes")
    pool: int = Field(
        2, ge=1, le=5, description="the largest of so many rows and columns is kept; 1: no pooling"
    )
    separable: bool = Field(
        False, description="the kernel over every channel for itself, then 1x1 over the channels"
    )
    local: bool = Field(
        False, description="locally connected: a kernel and biases of its own at every position"
    )
    squeeze: int = Field(
        0,
        ge=0,
        description="squeeze and excitation behind the pooling, with so many times fewer channels in "
        "between; 0: none",
    )

    def squeezed(self) -> int:
        """Channels in between of squeeze and excitation."""
        return max(self.channels // self.squeeze, 1)

    def weighted(self, number: int) -> tuple[str, ...]:
        """Names of the layers that have weights, of the convolution of this `number`."""
        depth = (f"depth{number}",) if self.separable else ()
        gate = (f"gate{number}_down", f"gate{number}_up") if self.squeeze else ()
        return *depth, f"conv{number}", *gate

    def pooled_grid(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """The grid behind the pooling."""
        return tuple(positions(size, self.pool, self.pool) for size in self.output_grid(grid))


class PooledModel(Section):
    """What such a network can be told; a system adds what enters it."""

    variant: Literal["compact", "published"] = Field(
        "compact", description="published: sizes that no trigger holds; trained, not converted to firmware"
    )
    convolutions: tuple[PooledConv, ...] = Field(
        (PooledConv(channels=8), PooledConv(channels=8), PooledConv(channels=12)),
        max_length=4,
        description="over the image; none: the dense layers read its pixels",
    )
    dense: tuple[int, ...] = Field((16,), description="units of the dense layers before the logit")
    pieces: tuple[int, ...] = Field(
        (),
        description="of each dense layer from the first: of so many sums the largest is a unit (MaxOut); 1, "
        "and where nothing is said: a rectifier",
    )

    def pieced(self) -> list[tuple[int, int]]:
        """Units and pieces of every dense layer before the logit."""
        return list(zip_longest(self.dense, self.pieces, fillvalue=1))

    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers that have weights: the keys allowed in ``[quant.layers]``."""
        convolutions = (
            name for number, conv in enumerate(self.convolutions, start=1) for name in conv.weighted(number)
        )
        return *convolutions, *(f"fc{number}" for number in range(1, len(self.dense) + 1)), "logit"


def check_sizes(section: PooledModel, grid: tuple[int, ...]) -> None:
    """Refuse sizes that do not fit together or to an image of `grid` pixels, naming the key."""
    for number, conv in enumerate(section.convolutions):
        where = f"model.convolutions.{number}"
        check_convolution(where, conv, grid)
        if conv.local and conv.separable:
            raise misfit(f"{where}.local", ": a locally connected layer cannot be separable")
        found = conv.output_grid(grid)
        if conv.pool > min(found):
            raise misfit(
                f"{where}.pool", f" = {conv.pool} is larger than the grid of {found[0]} x {found[1]}"
            )
        grid = conv.pooled_grid(grid)
    check_dense(section.dense)
    if min(section.pieces, default=1) < 1 or len(section.pieces) > len(section.dense):
        raise misfit(
            "model.pieces",
            f" = {list(section.pieces)}: at most one number, from 1, for each of {len(section.dense)} layers",
        )

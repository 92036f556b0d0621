"""Windows that exporters have written out: which sliding window the elements of sums come from.

`torch.nn.functional.unfold` and `Tensor.unfold` become chains of Pad, Gather, Transpose and Reshape, which
copy every element once for each window that it lies in. Where the sums that follow take these elements from
is traced back through all that only moved them, and a window is looked for there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from levelone.graph.operation import Index
from levelone.graph.ops import Pad, Reshape, Take, Transpose
from levelone.graph.ops._window import Pads, Window
from levelone.graph.reader.context import Context

MOST_AXES = 3
"""Axes over which a window can slide in any body."""


@dataclass(frozen=True, eq=False)
class Sliding:
    """A window, and what it gives to sums of so many terms at so many places.

    Attributes
    ----------
    value
        What it slides over, in the integer graph.
    window, out
        Its geometry, and how often it fits along each axis.
    groups
        Groups of channels, each summed for itself.
    position, group
        int64 [places]: the flat position of the window at each place, and which group is summed there.
    tap, channel
        int64 [terms]: the flat kernel position of each term, and its channel in the group.
    """

    value: str
    window: Window
    out: Index
    groups: int
    position: NDArray[np.int64]
    group: NDArray[np.int64]
    tap: NDArray[np.int64]
    channel: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Channels of a group."""
        return int(self.channel.max()) + 1


def sliding(ctx: Context, value: str, elements: NDArray[np.int64]) -> Sliding | None:
    """The window that meets the elements [places, terms] of a value, as far back as there is one."""
    for origin, there in reversed([*_origins(ctx, value, elements)]):
        found = _window(origin, ctx.builder.values[origin].shape, there)
        placed = None if found is None else _padded(ctx, *found)
        if placed is not None:
            return placed
    return None


def _origins(
    ctx: Context, value: str, elements: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Every value whose elements have only been moved to become `value`, and which they are there."""
    yield value, elements
    while (made := ctx.builder.made_by(value)) is not None and isinstance(
        made.op, Reshape | Take | Transpose
    ):
        (value,) = made.inputs
        source = ctx.builder.values[value]
        moved = made.op.evaluate(np.arange(source.size).reshape(1, *source.shape)).reshape(-1)
        elements = moved[elements]
        yield value, elements


def _window(
    name: str, shape: tuple[int, ...], elements: NDArray[np.int64]
) -> tuple[Sliding, tuple[int, ...]] | None:
    """(the window without padding, where it begins along each axis) in a value of this shape."""
    if not 2 <= len(shape) <= MOST_AXES + 1:
        return None
    at = np.stack(np.unravel_index(elements, shape), axis=-1)  # [place, term, axis], the channel last
    corner = at.min(axis=1)
    offset = at - corner[:, None]
    if (offset != offset[:1]).any():
        return None
    taps = offset[0]
    apart = [gcd(*(int(n) for n in axis)) or 1 for axis in taps[:, :-1].T]
    kernel = tuple(int(axis.max()) // d + 1 for axis, d in zip(taps[:, :-1].T, apart, strict=True))
    starts = [np.unique(axis, return_inverse=True) for axis in corner.T]
    steps = [np.unique(np.diff(places)) for places, _ in starts]
    if any(len(step) > 1 for step in steps):
        return None
    strides = [int(step[0]) if len(step) else 1 for step in steps]
    counts = [len(places) for places, _ in starts]
    (*out, groups), width = counts, int(taps[:, -1].max()) + 1
    whole = groups * width == shape[-1] and starts[-1][0][0] == 0 and (groups == 1 or strides[-1] == width)
    places = np.ravel_multi_index([number for _, number in starts], counts)
    if not whole or len(places) != prod(counts) or len(np.unique(places)) != len(places):
        return None
    rank = len(kernel)
    made = Sliding(
        name,
        Window(kernel, tuple(strides[:-1]), ((0, 0),) * rank, tuple(apart)),
        tuple(out),
        groups,
        places // groups,
        places % groups,
        np.ravel_multi_index(list(taps[:, :-1].T // np.array(apart)[:, None]), kernel),
        taps[:, -1],
    )
    return made, tuple(int(positions[0]) for positions, _ in starts[:-1])


def _padded(ctx: Context, found: Sliding, begins: tuple[int, ...]) -> Sliding | None:
    """`found` with the padding that makes it begin and end where it does; None if it would have to crop."""
    made = ctx.builder.made_by(found.value)
    if made is not None and isinstance(made.op, Pad):
        pad, (inside,) = made.op, made.inputs
        zeros = pad.mode == "constant" and pad.value == 0 and pad.pads[-1] == (0, 0)
        starts = tuple(before - begin for (before, _), begin in zip(pad.pads, begins, strict=False))
        placed = _fitting(ctx, replace(found, value=inside), starts) if zeros and min(starts) >= 0 else None
        if placed is not None:
            return placed
    return None if any(begins) else _fitting(ctx, found, begins)


def _fitting(ctx: Context, found: Sliding, before: tuple[int, ...]) -> Sliding | None:
    """`found` with so much padding before each axis, and as much as it takes after it."""
    window, spatial, pads = found.window, ctx.builder.values[found.value].shape[:-1], []
    for n, k, s, d, o, begin in zip(
        spatial, window.kernel, window.stride, window.dilation, found.out, before, strict=True
    ):
        pads.append((begin, max((o - 1) * s + d * (k - 1) + 1 - n - begin, 0)))
    padded: Pads = tuple(pads)
    fitting = replace(found, window=replace(window, pads=padded))
    return fitting if fitting.window.output_shape(found.value, spatial) == found.out else None

"""A sliding window over a stream of pixels: its buffer and its counters, in up to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ops import Window
from levelone.rtl.netlist import Netlist, address_bits, handshake
from levelone.rtl.streams import Stream

AXES = 3
Index = tuple[int, int, int]


@dataclass(frozen=True)
class WindowPlan:
    """A window in three dimensions; axes that are not there have length 1 and stand in front.

    Attributes
    ----------
    spatial, positions, kernel, stride, dilation, pads
        Pixels of the input, positions of the window, and the window; `pads` in front of each axis.
    need, keep
        For every row of positions: pixels of the event that have to be there before it starts, and pixels
        that nobody needs any more.
    address
        The buffer keeps ``2**address`` pixels.
    """

    spatial: Index
    positions: Index
    kernel: Index
    stride: Index
    dilation: Index
    pads: Index
    need: tuple[int, ...]
    keep: tuple[int, ...]
    address: int

    @property
    def taps(self) -> int:
        """Pixels under the window."""
        return prod(self.kernel)

    @property
    def count_bits(self) -> int:
        """Bits of modular numbers of pixels: twice what the buffer and an event hold, and the sign."""
        return (prod(self.spatial) + (1 << self.address)).bit_length() + 2


def plan_window(name: str, window: Window, spatial: Sequence[int], positions: Sequence[int]) -> WindowPlan:
    """The window on an input with these spatial axes.

    Raises
    ------
    UnsupportedError
        If it has more than three axes.
    """
    if window.rank > AXES:
        raise UnsupportedError(
            f"node {name}: a window of {window.rank} dimensions", hint="at most three are streamed"
        )

    def three(numbers: Sequence[int], idle: int) -> Index:
        front = (idle,) * (AXES - len(numbers))
        d, h, w = (*front, *numbers)
        return d, h, w

    size, places = three(spatial, 1), three(positions, 1)
    kernel, stride = three(window.kernel, 1), three(window.stride, 1)
    dilation, pads = three(window.dilation, 1), three([begin for begin, _ in window.pads], 0)
    need, low = [], []
    for row in product(range(places[0]), range(places[1])):
        first = [at * s - p for at, s, p in zip((*row, 0), stride, pads, strict=True)]
        last = [
            at * s - p + (k - 1) * d
            for at, s, p, k, d in zip((*row, places[2] - 1), stride, pads, kernel, dilation, strict=True)
        ]
        need.append(_number([min(n - 1, max(0, at)) for n, at in zip(size, last, strict=True)], size) + 1)
        low.append(_number([min(n - 1, max(0, at)) for n, at in zip(size, first, strict=True)], size))
    keep = np.minimum.accumulate(low[::-1])[::-1].tolist()
    # while a row is swept, the pixels of the next one come in
    step = stride[0] * size[1] * size[2] if size[0] > 1 else stride[1] * size[2]
    span = max(n - k for n, k in zip(need, keep, strict=True)) + max(size[2], step)
    return WindowPlan(
        size, places, kernel, stride, dilation, pads, tuple(need), tuple(keep), address_bits(span)
    )


def emit_window(
    name: str,
    plan: WindowPlan,
    pixel: Stream,
    wires: str,
    netlist: Netlist,
    *,
    groups: int = 1,
    simd: int,
    repeats: int = 1,
) -> str:
    """The block that sweeps the window; name of its stream, with ``_pad``, ``_first``, ``_last`` beside."""
    out = f"{name}_window"
    netlist.stream(out, Stream(1, groups * simd, pixel.width, pixel.signed))
    for mark in ("pad", "first", "last"):
        netlist.wire(f"{out}_{mark}")
    rows = address_bits(len(plan.need))
    netlist.wire(f"{out}_row", rows)
    need = netlist.table(f"{out}_need", plan.need, plan.count_bits, f"{out}_row", rows)
    keep = netlist.table(f"{out}_keep", plan.keep, plan.count_bits, f"{out}_row", rows)
    axes = {
        f"{letter}{axis}": number
        for letter, numbers in (
            ("I", plan.spatial),
            ("O", plan.positions),
            ("K", plan.kernel),
            ("S", plan.stride),
            ("D", plan.dilation),
            ("P", plan.pads),
        )
        for axis, number in zip("DHW", numbers, strict=True)
    }
    netlist.instance(
        "levelone_window",
        f"u_{out}",
        {
            "WIDTH": pixel.width,
            "GROUPS": groups,
            "CHUNKS": pixel.lanes // groups // simd,
            "SIMD": simd,
            "REPEATS": repeats,
            **axes,
            "ADDRESS": plan.address,
            "COUNT": plan.count_bits,
            "ROW": rows,
        },
        {
            **handshake({"i": wires, "o": out}),
            "o_pad": f"{out}_pad",
            "o_first": f"{out}_first",
            "o_last": f"{out}_last",
            "row": f"{out}_row",
            "need": need,
            "keep": keep,
        },
    )
    return out


def _number(at: Sequence[int], size: Index) -> int:
    """Place of a pixel in row-major order."""
    return (at[0] * size[1] + at[1]) * size[2] + at[2]

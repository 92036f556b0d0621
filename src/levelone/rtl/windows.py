"""A sliding window over a stream of pixels: its buffer and its counters, in up to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ops import Window
from levelone.rtl.netlist import Netlist, address_bits, handshake, literal
from levelone.rtl.pace import Pace, freed, room_of, swept
from levelone.rtl.sliding import AXES, Sliding, sliding
from levelone.rtl.streams import Stream


@dataclass(frozen=True)
class WindowPlan(Sliding):
    """A window whose taps are read one by one; axes that are not there have length 1 and stand in front.

    Attributes
    ----------
    need, keep
        For every row of positions: pixels of the event that have to be there before it starts, and pixels
        that nobody needs any more.
    address
        The buffer keeps ``2**address`` pixels.
    """

    need: tuple[int, ...]
    keep: tuple[int, ...]
    address: int

    @property
    def taps(self) -> int:
        """Pixels under the window."""
        return prod(self.kernel)

    @property
    def pixels(self) -> int:
        """Pixels that are kept."""
        return 1 << self.address

    @property
    def count_bits(self) -> int:
        """Bits of modular numbers of pixels: twice what the buffer and an event hold, and the sign."""
        return (prod(self.spatial) + (1 << self.address)).bit_length() + 2


def window_pace(plan: WindowPlan, inputs: int, beats: int, interval: int, behind: int) -> Pace:
    """Of a window and the blocks behind it, which take `behind` clocks after the last tap.

    Parameters
    ----------
    inputs
        Pixels of an event.
    beats
        Output beats of an event, each of which takes `interval` taps.
    """
    frees = freed(plan.keep, inputs, plan.pixels, beats)
    return swept(plan.need, beats, frees, depth=interval + behind, interval=interval, release=interval)


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

    along = sliding(window, spatial, positions, range(AXES - window.rank, AXES))
    need = [along.last(row) + 1 for row in along.rows]
    low = [along.first(row) for row in along.rows]
    keep = np.minimum.accumulate(low[::-1])[::-1].tolist()
    address = address_bits(room_of(need, keep, prod(spatial)))
    return WindowPlan(**vars(along), need=tuple(need), keep=tuple(keep), address=address)


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
    event = prod(plan.spatial)
    need, keep = (
        # to the next row, after the last of which the next event's first comes
        netlist.table(
            f"{out}_{called}",
            [now - then for now, then in pairwise([*rows_, rows_[0] + event])],
            plan.count_bits,
            f"{out}_row",
            rows,
        )
        for called, rows_ in (("need", plan.need), ("keep", plan.keep))
    )
    netlist.instance(
        "levelone_window",
        f"u_{out}",
        {
            "WIDTH": pixel.width,
            "GROUPS": groups,
            "CHUNKS": pixel.lanes // groups // simd,
            "SIMD": simd,
            "REPEATS": repeats,
            **plan.settings(),
            "ADDRESS": plan.address,
            "COUNT": plan.count_bits,
            "ROW": rows,
            "NEED": literal(plan.need[0], plan.count_bits),
            "KEEP": literal(plan.keep[0], plan.count_bits),
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

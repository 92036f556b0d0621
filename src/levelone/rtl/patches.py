"""All taps of a sliding window at once: lines and planes in banks, in up to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod

from levelone.graph.ops import Window
from levelone.rtl.netlist import Netlist, Setting, address_bits, handshake
from levelone.rtl.streams import Stream
from levelone.rtl.windows import AXES, Index

DEEPEST = 1 << 16
"""Pixels of a bank at most: addresses are modular in so many."""


@dataclass(frozen=True)
class PatchPlan:
    """A window in three dimensions, all of whose taps are read in one clock.

    Axes of one pixel that the window does not move along are left out; the others stand at the ends, so that
    rows of an image take the place of planes.

    Attributes
    ----------
    spatial, positions, kernel, stride, dilation, pads
        Pixels of the input, positions of the window, and the window; `pads` in front of each axis.
    lanes, together
        Neighbours in a row: pixels of an input beat, positions of an output beat.
    banks
        Along each axis.
    planes
        That a bank keeps; a power of two.
    need
        For every row of positions: beats of the event that have to be there before it starts.
    """

    spatial: Index
    positions: Index
    kernel: Index
    stride: Index
    dilation: Index
    pads: Index
    lanes: int
    together: int
    banks: Index
    planes: int
    need: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Pixels that a bank keeps."""
        rows, columns = (-(-n // b) for n, b in zip(self.spatial[1:], self.banks[1:], strict=True))
        return self.planes * rows * columns

    @property
    def pixels(self) -> int:
        """Pixels that are kept, unused places included."""
        return self.depth * prod(self.banks)

    @property
    def count_bits(self) -> int:
        """Bits of modular numbers of beats and planes, with a sign."""
        return (prod(self.spatial) + self.planes * self.banks[0] * prod(self.spatial[1:])).bit_length() + 3


def plan_patch(
    window: Window, spatial: Sequence[int], positions: Sequence[int], lanes: int, together: int
) -> PatchPlan:
    """The window on an input with these spatial axes.

    Parameters
    ----------
    lanes
        Pixels of an input beat: a divisor of `row_of` the input.
    together
        Positions of an output beat: a divisor of `row_of` the positions.
    """
    moved = moving_axes(window, spatial)

    def three(numbers: Sequence[int], idle: int) -> Index:
        kept = [numbers[axis] for axis in moved]
        width = kept[-1] if kept else idle
        height = kept[1] if len(kept) == AXES else idle
        return (kept[0] if len(kept) > 1 else idle), height, width

    size, places = three(spatial, 1), three(positions, 1)
    kernel, stride, dilation = (three(n, 1) for n in (window.kernel, window.stride, window.dilation))
    pads = three([begin for begin, _ in window.pads], 0)
    deep, high, wide = ((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    wide = -(-(wide + (together - 1) * stride[2]) // lanes) * lanes
    # planes of the next positions, and of the next event, come in while the present ones are read
    event = -(-size[0] // deep) * deep
    ahead = max(stride[0], event - (places[0] - 1) * stride[0])
    planes = 1 << (-(-(deep + ahead) // deep) - 1).bit_length()
    need = []
    for row in product(range(places[0]), range(places[1])):
        last = [
            min(n - 1, max(0, at * s - p + (k - 1) * d))
            for at, s, p, k, d, n in zip(
                (*row, places[2] - 1), stride, pads, kernel, dilation, size, strict=True
            )
        ]
        need.append(((last[0] * size[1] + last[1]) * size[2] + last[2]) // lanes + 1)
    return PatchPlan(
        size, places, kernel, stride, dilation, pads, lanes, together, (deep, high, wide), planes, tuple(need)
    )


def moving_axes(window: Window, spatial: Sequence[int]) -> list[int]:
    """Axes of more than one pixel, or of more than one tap or position."""
    return [
        axis
        for axis, (n, k, pad) in enumerate(zip(spatial, window.kernel, window.pads, strict=True))
        if n > 1 or k > 1 or any(pad)
    ]


def emit_patch(name: str, plan: PatchPlan, pixel: int, wires: str, netlist: Netlist) -> str:
    """The block that gives all taps of pixels of `pixel` bits; name of its stream, ``_pad`` beside it."""
    out = f"{name}_patch"
    taps = plan.together * prod(plan.kernel)
    netlist.stream(out, Stream(1, taps, pixel, False))
    netlist.wire(f"{out}_pad", taps)
    rows = address_bits(len(plan.need))
    netlist.wire(f"{out}_row", rows)
    need = netlist.table(f"{out}_need", plan.need, plan.count_bits, f"{out}_row", rows)
    steps = (plan.stride[0], plan.stride[1], plan.stride[2] * plan.together)
    units = [gcd(step, banks) for step, banks in zip(steps, plan.banks, strict=True)]
    settings: dict[str, Setting] = {
        f"{letter}{axis}": number
        for letter, numbers in (
            ("I", plan.spatial),
            ("O", plan.positions),
            ("K", plan.kernel),
            ("S", plan.stride),
            ("D", plan.dilation),
            ("P", plan.pads),
            ("B", plan.banks),
            ("U", units),
        )
        for axis, number in zip("DHW", numbers, strict=True)
    }
    netlist.instance(
        "levelone_patch",
        f"u_{out}",
        {
            "WIDTH": pixel,
            "LANES": plan.lanes,
            "POSITIONS": plan.together,
            **settings,
            "PLANES": plan.planes,
            "COUNT": plan.count_bits,
            "ROW": rows,
        },
        {
            **handshake({"i": wires, "o": out}),
            "o_pad": f"{out}_pad",
            "row": f"{out}_row",
            "need": need,
        },
    )
    return out

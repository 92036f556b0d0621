"""All taps of a sliding window at once: lines and planes in banks, in up to three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, prod

from levelone.graph.ops import Window
from levelone.graph.values import Value
from levelone.rtl.choosing import divisors, fewest, first_within
from levelone.rtl.netlist import Netlist, address_bits, handshake
from levelone.rtl.pace import Pace, freed, swept
from levelone.rtl.planes import RELEASE, planes_kept
from levelone.rtl.sliding import AXES, Index, Sliding, by_axis, sliding
from levelone.rtl.streams import Stream

STAGES = 3
"""Clocks from the address of a patch to its beat."""
DEEPEST = 1 << 16
"""Pixels of a bank at most: addresses are modular in so many."""


@dataclass(frozen=True)
class PatchPlan(Sliding):
    """A window on `crossed` axes, all of whose taps are read in one clock.

    Attributes
    ----------
    lanes, together
        Neighbours in a row: pixels of an input beat, positions of an output beat.
    banks
        Along each axis.
    planes
        That a bank keeps; a power of two.
    need
        For every row of positions: beats of the event that have to be there before it starts.
    """

    lanes: int
    together: int
    banks: Index
    planes: int
    need: tuple[int, ...]

    @property
    def taken(self) -> int:
        """Pixels of an output beat: the taps of all its positions."""
        return self.together * prod(self.kernel)

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


def crossed(window: Window, spatial: Sequence[int], positions: Sequence[int]) -> Sliding:
    """The window in three dimensions, for banks.

    Axes of one pixel that the window does not move along are left out; the others stand at the ends, so that
    rows of an image take the place of planes.
    """
    moved = [
        axis
        for axis, (n, k, pad) in enumerate(zip(spatial, window.kernel, window.pads, strict=True))
        if n > 1 or k > 1 or any(pad)
    ]
    places = {1: (2,), 2: (0, 2), AXES: (0, 1, 2)}.get(len(moved), ())
    place = dict(zip(moved, places, strict=True))
    return sliding(window, spatial, positions, [place.get(axis, -1) for axis in range(window.rank)])


def plan_patch(along: Sliding, lanes: int, together: int, interval: int) -> PatchPlan:
    """Banks for a window.

    Parameters
    ----------
    along
        It, on `crossed` axes.
    lanes
        Pixels of an input beat: a divisor of the pixels in a row.
    together
        Positions of an output beat: a divisor of the positions in a row.
    interval
        Clocks of an output beat.
    """
    deep, high, wide = ((k - 1) * d + 1 for k, d in zip(along.kernel, along.dilation, strict=True))
    wide = -(-(wide + (together - 1) * along.stride[2]) // lanes) * lanes
    need = tuple(along.last(row) // lanes + 1 for row in along.rows)
    planes = planes_kept(along, need, deep, lanes, together, interval)
    return PatchPlan(
        **vars(along), lanes=lanes, together=together, banks=(deep, high, wide), planes=planes, need=need
    )


def fitted_patch(
    window: Window,
    x: Value,
    output: Value,
    arriving: Stream,
    clocks: int,
    interval: Callable[[int], int] = lambda together: 1,
) -> PatchPlan | None:
    """A patch with as few pixels in, and positions out, per beat as an event of `clocks` allows.

    None if its banks would be too deep.

    Parameters
    ----------
    interval
        Positions of a beat -> clocks that it takes.
    """
    along = crossed(window, x.shape[:-1], output.shape[:-1])
    channels = x.shape[-1]
    lanes = first_within(
        divisors(along.spatial[2]), lambda pixels: arriving.clocks_to(pixels * channels), clocks
    )
    together = fewest(along.positions[2], prod(along.positions), clocks)
    patch = plan_patch(along, lanes, together, interval(together))
    return patch if patch.depth <= DEEPEST else None


def patch_pace(plan: PatchPlan, beats: int, interval: int, behind: int) -> Pace:
    """Of a patch and the blocks behind it, which take `behind` clocks after its beat.

    Parameters
    ----------
    beats
        Output beats of an event, each of which takes `interval` clocks.
    """
    depth, high, wide = plan.spatial
    size = high * wide // plan.lanes
    planes = [max(0, row * plan.stride[0] - plan.pads[0]) for row, _ in plan.rows]
    room = plan.planes * plan.banks[0]
    frees = [beat for beat in freed(planes, depth, room, beats) for _ in range(size)]
    return swept(plan.need, beats, frees, depth=STAGES + behind, interval=interval, release=RELEASE)


def emit_patch(name: str, plan: PatchPlan, pixel: int, wires: str, netlist: Netlist) -> str:
    """The block that gives all taps of pixels of `pixel` bits; name of its stream, with ``_pad`` beside."""
    out = f"{name}_patch"
    netlist.stream(out, Stream(1, plan.taken, pixel, False))
    netlist.wire(f"{out}_pad", plan.taken)
    rows = address_bits(len(plan.need))
    netlist.wire(f"{out}_row", rows)
    need = netlist.table(f"{out}_need", plan.need, plan.count_bits, f"{out}_row", rows)
    steps = (plan.stride[0], plan.stride[1], plan.stride[2] * plan.together)
    units = [gcd(step, banks) for step, banks in zip(steps, plan.banks, strict=True)]
    netlist.instance(
        "levelone_patch",
        f"u_{out}",
        {
            "WIDTH": pixel,
            "LANES": plan.lanes,
            "POSITIONS": plan.together,
            **plan.settings(),
            **by_axis(B=plan.banks, U=units),
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

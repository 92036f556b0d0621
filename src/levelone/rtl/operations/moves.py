"""Codes in another order: wires, where they come in the right one; else a buffer that is read by a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Pad, Reshape, Take, Transpose, Upsample
from levelone.graph.values import Value
from levelone.rtl.netlist import Netlist, address_bits, fitted, handshake, packed
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream

Move = Reshape | Transpose | Take | Upsample | Pad


@dataclass(frozen=True, eq=False)
class Gather:
    """Where the codes of a moved tensor come from.

    Attributes
    ----------
    taken, given
        Streams in and out.
    beat
        int64 [output beats]: the input beat; -1 where the constant stands.
    lane
        int64 [output lanes]: the lane of that beat.
    fill
        The constant.
    """

    taken: Stream
    given: Stream
    beat: NDArray[np.int64]
    lane: NDArray[np.int64]
    fill: int

    @property
    def address(self) -> int:
        """The buffer keeps ``2**address`` beats: two events."""
        return address_bits(2 * self.taken.beats)

    @property
    def buffer_bits(self) -> int:
        """Bits of the buffer."""
        return (1 << self.address) * self.given.bits


class Moves:
    """All operations that only move codes."""

    def plan(self, site: Site[Move]) -> LayerPlan:
        (x,), (stream,) = site.operands, site.streams
        source = origin(site.op, x)
        name = type(site.op).__name__
        if np.array_equal(source, np.arange(x.size)):
            return LayerPlan(
                site.name, name, (stream,), Stream.of(site.output, stream.lanes), clocks=stream.beats
            )
        moved = plan_gather(source, x, site.output, site.op.value if isinstance(site.op, Pad) else 0)
        return LayerPlan(
            site.name,
            name,
            (moved.taken,),
            moved.given,
            clocks=max(moved.taken.beats, moved.given.beats),
            buffer_bits=moved.buffer_bits,
            detail=moved,
        )

    def emit(self, site: Site[Move], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        if plan.detail is not None:
            emit_gather(site.name, plan.detail, wires[0], netlist)
            return
        netlist.connect(site.name, wires[0])


def plan_gather(source: NDArray[np.int64], x: Value, output: Value, fill: int = 0) -> Gather:
    """The buffer that gives flat element `source[i]` of `x` as element ``i`` of a tensor shaped as `output`.

    -1 stands for the constant `fill`. Codes are as wide as those of `x`, or as those of `output` where a
    constant is among them.
    """
    lanes_in, lanes_out, lane = _lanes(source, x, output)
    taken = Stream.of(x, lanes_in)
    first = source.reshape(-1, lanes_out)
    # padding fills whole beats, so that one lane tells
    beat = np.where(first[:, 0] < 0, -1, first[:, 0] // lanes_in)
    wide = output if (source < 0).any() else x
    given = Stream(len(beat), lanes_out, wide.width, wide.signed)
    return Gather(taken, given, beat, lane, fill)


def emit_gather(name: str, moved: Gather, wires: str, netlist: Netlist) -> None:
    """The buffer between the stream `wires` and the declared stream `name`."""
    taken, given = moved.taken, moved.given
    count = address_bits(taken.beats + (1 << moved.address)) + 1
    number = address_bits(given.beats)
    # codes are widened in front of the buffer, so that the constant fits
    into = netlist.stream(f"{name}_in", Stream(taken.beats, given.lanes, given.width, given.signed))
    netlist.control(into, wires)
    for at, lane in enumerate(moved.lane):
        code = fitted(wires, taken, int(lane), given.width)
        netlist.line(f"assign {into}_data[{at * given.width}+:{given.width}] = {code};")
    netlist.wire(f"{name}_beat", number)
    netlist.table(f"{name}_from", [max(int(b), 0) for b in moved.beat], count, f"{name}_beat", number)
    netlist.table(f"{name}_fill", [int(b < 0) for b in moved.beat], 1, f"{name}_beat", number)
    netlist.instance(
        "levelone_gather",
        f"u_{name}",
        {
            "WIDTH": given.bits,
            "INPUTS": taken.beats,
            "OUTPUTS": given.beats,
            "FILL": packed([moved.fill] * given.lanes, given.width),
            "ADDRESS": moved.address,
            "COUNT": count,
            "BEAT": number,
        },
        {
            **handshake({"i": into, "o": name}),
            "beat": f"{name}_beat",
            "from": f"{name}_from",
            "fill": f"{name}_fill",
        },
    )


def origin(op: Move, x: Value) -> NDArray[np.int64]:
    """int64 [output size]: the flat operand element at each flat element of the result; -1: a constant."""
    numbers = np.arange(x.size, dtype=np.int64).reshape(1, *x.shape)
    if isinstance(op, Pad):
        op = Pad(op.pads, op.mode, -1)
    return op.evaluate(numbers).reshape(-1)


def _lanes(source: NDArray[np.int64], x: Value, output: Value) -> tuple[int, int, NDArray[np.int64]]:
    """(lanes in, lanes out, lane in of each lane out): whole pixels where they stay together, else codes."""
    inner, outer = x.shape[-1], output.shape[-1]
    rows = source.reshape(-1, outer)
    data = rows[(rows >= 0).any(axis=1)]
    lane = data[0] % inner
    together = (data >= 0).all() and (data % inner == lane).all()
    if together and (data // inner == data[:, :1] // inner).all():
        return inner, outer, lane
    return 1, 1, np.zeros(1, dtype=np.int64)

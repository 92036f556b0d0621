"""Codes in another order: nothing, where they come in the right one; else a buffer that is read by a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Value
from levelone.graph.ops import Pad, Reshape, Take, Transpose, Upsample
from levelone.rtl.netlist import Netlist, address_bits, fitted, handshake, packed
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream

Move = Reshape | Transpose | Take | Upsample | Pad


@dataclass(frozen=True, eq=False)
class Gather:
    """Where the codes of a moved tensor come from.

    Attributes
    ----------
    beat
        int64 [output beats]: the input beat; -1 where the constant stands.
    lane
        int64 [output lanes]: the lane of that beat.
    fill
        The constant.
    address
        The buffer keeps ``2**address`` beats.
    """

    beat: NDArray[np.int64]
    lane: NDArray[np.int64]
    fill: int
    address: int


class Moves:
    """All operations that only move codes."""

    def plan(self, site: Site[Move]) -> LayerPlan:
        (x,), (stream,) = site.operands, site.streams
        source = origin(site.op, x)
        name = type(site.op).__name__
        if np.array_equal(source, np.arange(x.size)):
            return LayerPlan(site.name, name, (stream,), Stream.of(site.output, stream.lanes), clocks=stream.beats)
        lanes_in, lanes_out, lane = _lanes(source, x, site.output)
        taken = Stream.of(x, lanes_in)
        first = source.reshape(-1, lanes_out)
        # padding fills whole beats, so that one lane tells
        beat = np.where(first[:, 0] < 0, -1, first[:, 0] // lanes_in)
        address = address_bits(2 * taken.beats)
        fill = site.op.value if isinstance(site.op, Pad) else 0
        return LayerPlan(
            site.name,
            name,
            (taken,),
            Stream.of(site.output, lanes_out),
            clocks=max(taken.beats, len(beat)),
            buffer_bits=(1 << address) * taken.bits,
            detail=Gather(beat, lane, fill, address),
        )

    def emit(self, site: Site[Move], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        (x,), name, source, result = wires, site.name, plan.inputs[0], plan.output
        moved = plan.detail
        if moved is None:
            _assign(name, x, netlist)
            netlist.line(f"assign {name}_data = {x}_data;")
            return
        count = address_bits(source.beats + (1 << moved.address)) + 1
        number = address_bits(len(moved.beat))
        # codes are widened in front of the buffer, so that the constant fits
        width, lanes = result.width, result.lanes
        netlist.stream(f"{name}_in", Stream(source.beats, lanes, width, result.signed))
        _assign(f"{name}_in", x, netlist)
        for at, lane in enumerate(moved.lane):
            netlist.line(f"assign {name}_in_data[{at * width}+:{width}] = {fitted(x, source, int(lane), width)};")
        netlist.wire(f"{name}_beat", number)
        netlist.table(f"{name}_from", [max(int(b), 0) for b in moved.beat], count, f"{name}_beat", number)
        netlist.table(f"{name}_fill", [int(b < 0) for b in moved.beat], 1, f"{name}_beat", number)
        netlist.instance(
            "levelone_gather",
            f"u_{name}",
            {
                "WIDTH": result.bits,
                "INPUTS": source.beats,
                "OUTPUTS": len(moved.beat),
                "FILL": packed([moved.fill] * lanes, width),
                "ADDRESS": moved.address,
                "COUNT": count,
                "BEAT": number,
            },
            {
                **handshake({"i": f"{name}_in", "o": name}),
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
    """(lanes in, lanes out, lane in of each lane out): whole pixels if every one stays together, else codes."""
    inner, outer = x.shape[-1], output.shape[-1]
    rows = source.reshape(-1, outer)
    data = rows[(rows >= 0).any(axis=1)]
    lane = data[0] % inner
    together = (data >= 0).all() and (data % inner == lane).all()
    if together and (data // inner == data[:, :1] // inner).all():
        return inner, outer, lane
    return 1, 1, np.zeros(1, dtype=np.int64)


def _assign(target: str, source: str, netlist: Netlist) -> None:
    netlist.line(f"assign {target}_valid = {source}_valid;")
    netlist.line(f"assign {source}_ready = {target}_ready;")


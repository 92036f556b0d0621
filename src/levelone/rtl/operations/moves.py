"""Codes in another order: wires, where they come in the right one; else a buffer that is read by a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Pad, Reshape, Take, Transpose, Upsample
from levelone.graph.values import Value
from levelone.rtl.choosing import divisors, fewest, first_within
from levelone.rtl.netlist import Netlist, address_bits, fitted, handshake, packed, word_of
from levelone.rtl.pace import Pace, Taking
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream

Move = Reshape | Transpose | Take | Upsample | Pad


@dataclass(frozen=True, eq=False)
class Gather:
    """Where codes of a moved tensor come from, in parts: whole pixels where they stay together, else codes.

    Attributes
    ----------
    taken, given
        Streams in and out.
    inner
        Codes of a part as it comes in.
    lane
        int64 [codes of a part given]: each one's place in the part that it comes from.
    beat
        int64 [output beats, parts]: the input beat of each part; -1 where the constant stands.
    part
        int64 [output beats, parts]: which part of that beat.
    fill
        The constant.
    """

    taken: Stream
    given: Stream
    inner: int
    lane: NDArray[np.int64]
    beat: NDArray[np.int64]
    part: NDArray[np.int64]
    fill: int

    @property
    def parts(self) -> int:
        """Of an input beat: all whose numbers occur, and those before them."""
        return int(self.part.max()) + 1

    @property
    def copies(self) -> int:
        """Of the buffer: one if the parts of every beat come from one beat, else one for each part."""
        together = all(len(set(row[row >= 0].tolist())) <= 1 for row in self.beat)
        return 1 if together else self.beat.shape[1]

    @property
    def need(self) -> NDArray[np.int64]:
        """int64 [output beats]: input beats that have to be there; an event is not left before all are."""
        need = self.beat.max(axis=1) + 1
        need[-1] = self.taken.beats
        return need

    def taking(self, lag: int = 1) -> Taking:
        """How it takes its operand: there is room for an event and the next."""
        need = np.maximum.accumulate(self.need)
        return Taking([int(n) for n in need], lag, [-1] * self.taken.beats)

    @property
    def address(self) -> int:
        """The buffer keeps ``2**address`` beats: two events."""
        return address_bits(2 * self.taken.beats)

    @property
    def buffer_bits(self) -> int:
        """Bits of the buffer and its copies."""
        return (self.copies << self.address) * self.parts * len(self.lane) * self.given.width


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
        fill = site.op.value if isinstance(site.op, Pad) else 0
        moved = plan_gather(source, x, site.output, stream, site.clocks, fill=fill)
        return LayerPlan(
            site.name,
            name,
            (moved.taken,),
            moved.given,
            clocks=max(moved.taken.beats, moved.given.beats),
            buffer_bits=moved.buffer_bits,
            pace=Pace((moved.taking(),), 1),
            detail=moved,
        )

    def emit(self, site: Site[Move], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        if plan.detail is not None:
            emit_gather(site.name, plan.detail, wires[0], netlist)
            return
        netlist.connect(site.name, wires[0])


def plan_gather(
    source: NDArray[np.int64],
    x: Value,
    output: Value,
    arriving: Stream,
    clocks: int,
    *,
    lanes: int | None = None,
    fill: int = 0,
) -> Gather:
    """The buffer that gives flat element `source[i]` of `x` as element ``i`` of a tensor shaped as `output`.

    -1 stands for the constant `fill`. Codes are as wide as those of `x`, or as those of `output` where a
    constant is among them. A beat has as many parts as an event of `clocks` needs, or as make `lanes` codes.
    """
    inner, outer, lane = _parts(source, x, output)
    units = output.size // outer
    together = fewest(units, units, clocks) if lanes is None else lanes // outer
    apart = first_within(divisors(x.size // inner), lambda n: arriving.clocks_to(n * inner), clocks)
    # padding fills whole parts, so that one code tells
    part = source.reshape(-1, together, outer)[:, :, 0]
    number = np.where(part < 0, 0, part // inner)
    beat = np.where(part < 0, -1, number // apart)
    wide = output if (source < 0).any() else x
    given = Stream(units // together, together * outer, wide.width, wide.signed)
    return Gather(Stream.of(x, apart * inner), given, inner, lane, beat, number % apart, fill)


def emit_gather(name: str, moved: Gather, wires: str, netlist: Netlist) -> None:
    """The buffer between the stream `wires` and the declared stream `name`."""
    taken, given = moved.taken, moved.given
    count = address_bits(taken.beats + (1 << moved.address)) + 1
    number, part = address_bits(given.beats), address_bits(moved.parts)
    # codes are widened in front of the buffer, so that the constant fits
    lanes = moved.parts * len(moved.lane)
    into = netlist.stream(f"{name}_in", Stream(taken.beats, lanes, given.width, given.signed))
    netlist.control(into, wires)
    for at in range(lanes):
        whole, lane = divmod(at, len(moved.lane))
        code = fitted(wires, taken, whole * moved.inner + int(moved.lane[lane]), given.width)
        netlist.line(f"assign {into}_data[{at * given.width}+:{given.width}] = {code};")
    netlist.wire(f"{name}_beat", number)
    beats = np.maximum(moved.beat, 0)
    tables = {
        "need": ([int(n) for n in moved.need], count),
        "from": _words(beats.max(axis=1, keepdims=True) if moved.copies == 1 else beats, count),
        "which": _words(moved.part, part),
        "fill": _words(moved.beat < 0, 1),
    }
    for table, (words, bits) in tables.items():
        netlist.table(f"{name}_{table}", words, bits, f"{name}_beat", number)
    netlist.instance(
        "levelone_gather",
        f"u_{name}",
        {
            "WIDTH": len(moved.lane) * given.width,
            "TAKEN": moved.parts,
            "GIVEN": moved.beat.shape[1],
            "COPIES": moved.copies,
            "INPUTS": taken.beats,
            "OUTPUTS": given.beats,
            "FILL": packed([moved.fill] * len(moved.lane), given.width),
            "ADDRESS": moved.address,
            "COUNT": count,
            "BEAT": number,
            "PART": part,
        },
        {
            **handshake({"i": into, "o": name}),
            "beat": f"{name}_beat",
            **{table: f"{name}_{table}" for table in tables},
        },
    )


def part_of(source: NDArray[np.int64], x: Value, output: Value) -> int:
    """Codes of the output that stay together: a pixel, or one."""
    return _parts(source, x, output)[1]


def origin(op: Move, x: Value) -> NDArray[np.int64]:
    """int64 [output size]: the flat operand element at each flat element of the result; -1: a constant."""
    numbers = np.arange(x.size, dtype=np.int64).reshape(1, *x.shape)
    if isinstance(op, Pad):
        op = Pad(op.pads, op.mode, -1)
    return op.evaluate(numbers).reshape(-1)


def _parts(source: NDArray[np.int64], x: Value, output: Value) -> tuple[int, int, NDArray[np.int64]]:
    """(codes of a part in, codes of a part out, place in the one of each code of the other)."""
    inner, outer = x.shape[-1], output.shape[-1]
    rows = source.reshape(-1, outer)
    data = rows[(rows >= 0).any(axis=1)]
    lane = data[0] % inner
    together = (data >= 0).all() and (data % inner == lane).all()
    if together and (data // inner == data[:, :1] // inner).all():
        return inner, outer, lane
    return 1, 1, np.zeros(1, dtype=np.int64)


def _words(rows: NDArray[np.integer] | NDArray[np.bool_], bits: int) -> tuple[list[int], int]:
    """Words of a table, and their bits."""
    return [word_of([int(n) for n in row], bits) for row in rows.tolist()], bits * rows.shape[1]

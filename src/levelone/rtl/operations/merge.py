"""Two tensors become one: sums, products, concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Add, AddRequantise, Concat, Multiply, Requantise
from levelone.graph.values import IntRange, Value
from levelone.rtl.choosing import divisors, first_within
from levelone.rtl.netlist import Netlist, Setting, fitted, handshake, packed, signed_bits
from levelone.rtl.operations.moves import emit_gather, part_of, plan_gather
from levelone.rtl.operations.pointwise import emit_scaled, plan_scaled, proven, scaled_stages
from levelone.rtl.pace import Pace, Taking, piped
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream


class Arithmetic:
    """`Add` and `Multiply`; an operand of fewer elements is read again and again from a buffer."""

    def plan(self, site: Site[Add | Multiply]) -> LayerPlan:
        origins = tuple(_repeated(x, site.output) for x in site.operands)
        repeated = [
            part_of(origin, x, site.output)
            for origin, x in zip(origins, site.operands, strict=True)
            if origin is not None
        ]
        whole = [s for s, origin in zip(site.streams, origins, strict=True) if origin is None]
        lanes = _lanes(site.output, max(repeated, default=1), whole, site.clocks)
        moves = tuple(
            None if origin is None else plan_gather(origin, x, site.output, stream, site.clocks, lanes=lanes)
            for origin, x, stream in zip(origins, site.operands, site.streams, strict=True)
        )
        sources = tuple(
            stream.regrouped(lanes) if moved is None else moved.taken
            for stream, moved in zip(site.streams, moves, strict=True)
        )
        output = Stream.of(site.output, lanes)
        return LayerPlan(
            site.name,
            type(site.op).__name__,
            sources,
            output,
            clocks=output.beats,
            multipliers=lanes if isinstance(site.op, Multiply) else 0,
            buffer_bits=sum(moved.buffer_bits for moved in moves if moved is not None),
            pace=Pace(
                tuple(
                    Taking(range(1, output.beats + 1)) if moved is None else moved.taking(lag=2)
                    for moved in moves
                ),
                1,
            ),
            detail=moves,
        )

    def emit(
        self, site: Site[Add | Multiply], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        ways, streams = list(wires), list(plan.inputs)
        for i, moved in enumerate(plan.detail):
            if moved is not None:
                ways[i] = netlist.stream(f"{site.name}_repeated{i}", moved.given)
                streams[i] = moved.given
                emit_gather(ways[i], moved, wires[i], netlist)
        settings: dict[str, Setting] = {"PRODUCT": int(isinstance(site.op, Multiply))}
        emit_arithmetic(site.name, streams, plan.output, ways, netlist, settings)


class RequantisedSums:
    """`AddRequantise`: the weighted sum as an integer, then one requantisation of it.

    ``(a * first + b * second + term) / divisor`` is an integer over one divisor, so what rounds it is the
    requantisation of a single value, with the same proof.
    """

    def plan(self, site: Site[AddRequantise]) -> LayerPlan:
        total, op = total_of(site.op, site.operands, site.output)
        lanes = _lanes(site.output, site.output.shape[-1], site.streams, site.clocks)
        sources = tuple(stream.regrouped(lanes) for stream in site.streams)
        within = Site(site.name, op, (total,), site.output, (Stream.of(total, lanes),), site.clocks)
        scaled = plan_scaled(within, *proven(op, total, site.name))
        return LayerPlan(
            site.name,
            "AddRequantise",
            sources,
            scaled.output,
            clocks=sources[0].beats,
            multipliers=2 * lanes + scaled.multipliers,
            pace=piped(sources[0].beats, 1 + scaled_stages(scaled.detail), operands=2),
            proof=scaled.proof,
            detail=(total, scaled),
        )

    def emit(
        self, site: Site[AddRequantise], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        total, scaled = plan.detail
        forms = site.op.integer_form(site.output.shape[-1])
        times = plan.output.lanes // len(forms)
        first, second = ([form[i] for form in forms] for i in (0, 1))
        bits = signed_bits(*first, *second)
        name, summed = f"{site.name}_total", scaled.inputs[0]
        netlist.stream(name, summed)
        settings: dict[str, Setting] = {
            "FACTOR": bits,
            "FIRST": packed(first * times, bits),
            "SECOND": packed(second * times, bits),
            "TERM": packed([form[2] for form in forms] * times, summed.width),
        }
        emit_arithmetic(name, plan.inputs, summed, wires, netlist, settings)
        emit_scaled(site.name, total, scaled, name, netlist)


class Concatenation:
    """`Concat`: side by side along the channels, one after the other along any other axis."""

    def plan(self, site: Site[Concat]) -> LayerPlan:
        axis, shape = site.op.axis, site.output.shape
        pixels, channels = prod(shape[:-1]), shape[-1]
        if axis == len(shape) - 1 and pixels > 1:
            # pixels together, of each operand its own channels
            options = [(n * channels, *(n * x.shape[-1] for x in site.operands)) for n in divisors(pixels)]
        else:
            # codes together, as many of one operand as of the other
            codes = 1 if axis == len(shape) - 1 else channels
            runs = gcd(*(prod(x.shape[axis:]) for x in site.operands))
            options = [(n * codes,) * (1 + len(site.operands)) for n in divisors(runs // codes)]

        def clocks(lanes: tuple[int, ...]) -> int:
            arriving = (s.clocks_to(n) for s, n in zip(site.streams, lanes[1:], strict=True))
            return max(site.output.size // lanes[0], *arriving)

        given, *taken = first_within(options, clocks, site.clocks)
        sources = tuple(Stream.of(x, n) for x, n in zip(site.operands, taken, strict=True))
        output = Stream.of(site.output, given)
        if given > taken[0] or len(taken) == 1:
            pace = piped(output.beats, 0, operands=len(sources))
        else:
            outer = prod(shape[:axis])
            pace = Pace(tuple(map(Taking, _in_turn([source.beats // outer for source in sources], outer))), 0)
        return LayerPlan(site.name, "Concat", sources, output, clocks=output.beats, pace=pace)

    def emit(self, site: Site[Concat], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        target, name = plan.output, site.name
        widened = [
            _widened(f"{name}_{i}", source, target, x, netlist)
            for i, (source, x) in enumerate(zip(plan.inputs, wires, strict=True))
        ]
        if plan.output.lanes > plan.inputs[0].lanes:
            valid = " & ".join(f"{x}_valid" for x in widened)
            netlist.line(f"assign {name}_valid = {valid};")
            pixels = target.lanes // site.output.shape[-1]
            slices = [
                f"{x}_data[{at * (bits := source.lanes // pixels * target.width)}+:{bits}]"
                for at in range(pixels)
                for x, source in zip(widened, plan.inputs, strict=True)
            ]
            netlist.line(f"assign {name}_data = {{{', '.join(reversed(slices))}}};")
            for x in widened:
                netlist.line(f"assign {x}_ready = {name}_ready & {name}_valid;")
            return
        outer = prod(site.output.shape[: site.op.axis])
        present, beats = widened[0], plan.inputs[0].beats // outer
        for i, (x, source) in enumerate(zip(widened[1:], plan.inputs[1:], strict=True), start=1):
            joined = name if i == len(widened) - 1 else f"{name}_joined{i}"
            if joined != name:
                netlist.stream(joined, target)
            more = source.beats // outer
            netlist.instance(
                "levelone_concatenate",
                f"u_{joined}",
                {"WIDTH": target.bits, "FIRST": beats, "SECOND": more},
                handshake({"a": present, "b": x, "o": joined}),
            )
            present, beats = joined, beats + more
        if len(widened) == 1:
            netlist.connect(name, present)


def _in_turn(runs: Sequence[int], times: int) -> list[list[int]]:
    """Beats needed of each operand for every output beat, if `runs` of them come one after the other."""
    found: list[list[int]] = [[] for _ in runs]
    for start in range(times):
        for operand, run in enumerate(runs):
            for at in range(run):
                for other, needs in enumerate(found):
                    whole = runs[other] * (start + (other < operand))
                    needs.append(whole + at + 1 if other == operand else whole)
    return found


def emit_arithmetic(
    name: str,
    sources: Sequence[Stream],
    result: Stream,
    wires: Sequence[str],
    netlist: Netlist,
    settings: dict[str, Setting],
) -> None:
    """A sum or product of two streams, lane by lane."""
    a, b = sources
    netlist.instance(
        "levelone_arithmetic",
        f"u_{name}",
        {
            "LANES": a.lanes,
            "A": a.width,
            "A_SIGNED": int(a.signed),
            "B": b.width,
            "B_SIGNED": int(b.signed),
            "RESULT": result.width,
            **settings,
        },
        handshake({"a": wires[0], "b": wires[1], "o": name}),
    )


def _repeated(x: Value, output: Value) -> NDArray[np.int64] | None:
    """int64 [output size]: where an operand is repeated to the shape of the result; None if it has it."""
    if x.shape == output.shape:
        return None
    numbers = np.arange(x.size, dtype=np.int64).reshape(x.shape)
    return np.broadcast_to(numbers, output.shape).reshape(-1)


def _lanes(output: Value, together: int, streams: Sequence[Stream], clocks: int) -> int:
    """Codes per beat, a multiple of `together`: as the narrowest operand comes, if that is quick enough."""
    multiples = [together * n for n in divisors(output.size // together)]
    narrow = min((stream.lanes for stream in streams), default=together)
    return first_within(
        [narrow, *multiples] if narrow % together == 0 else multiples,
        lambda lanes: max(output.size // lanes, *(stream.clocks_to(lanes) for stream in streams)),
        clocks,
    )


def total_of(op: AddRequantise, operands: Sequence[Value], output: Value) -> tuple[Value, Requantise]:
    """The weighted sum as a value, and the operation that rounds it."""
    a, b = operands
    channels = output.shape[-1]
    forms = op.integer_form(channels)
    reach = []
    for i, (first, second, term, _) in enumerate(forms):
        ends = [first * x + second * y + term for x in _ends(a, i) for y in _ends(b, i)]
        reach.append(IntRange(min(ends), max(ends)))
    hull = IntRange(min(r.lo for r in reach), max(r.hi for r in reach))
    total = Value(f"{output.name}_total", output.shape, (Fraction(1),), hull, tuple(reach))
    rounds = Requantise(
        tuple(Fraction(1, divisor) for *_, divisor in forms),
        op.scale,
        op.range,
        op.rounding,
        zero_point=op.zero_point,
    )
    return total, rounds


def _ends(x: Value, channel: int) -> tuple[int, int]:
    own = x.channel_ranges[channel] if x.channel_ranges else x.range
    return own.lo, own.hi


def _widened(name: str, source: Stream, target: Stream, wires: str, netlist: Netlist) -> str:
    """The stream with codes as wide as the target's."""
    if source.width == target.width:
        return wires
    netlist.stream(name, Stream(source.beats, source.lanes, target.width, target.signed))
    netlist.control(name, wires)
    for lane in range(source.lanes):
        code = fitted(wires, source, lane, target.width)
        netlist.line(f"assign {name}_data[{lane * target.width}+:{target.width}] = {code};")
    return name

"""One code at a time: activations, quantisers, tables; constants may differ from channel to channel."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, gcd

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ops import Affine, Lookup, Power, Relu, Requantise, Staircase
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.rounding import boundary
from levelone.graph.values import IntRange, Rounding, Value
from levelone.hardware.choose import choose
from levelone.hardware.forms import Scaling, Thresholds
from levelone.hardware.proof import Proof
from levelone.hardware.prove import prove
from levelone.rtl.choosing import divisors, first_within
from levelone.rtl.netlist import Netlist, fitted, handshake, packed, signed_bits
from levelone.rtl.pace import piped
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream

MODES = (
    Rounding.FLOOR,
    Rounding.CEIL,
    Rounding.DOWN,
    Rounding.UP,
    Rounding.ROUND,
    Rounding.HALF_UP,
    Rounding.HALF_DOWN,
)
"""In the order of their numbers in ``levelone_scale.sv``."""


class Rectifiers:
    """`Relu`: wires and a multiplexer, no clock of its own."""

    def plan(self, site: Site[Relu]) -> LayerPlan:
        source = site.streams[0]
        output = Stream.of(site.output, source.lanes)
        return LayerPlan(site.name, "Relu", (source,), output, clocks=source.beats)

    def emit(self, site: Site[Relu], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        (x,), source, result = wires, plan.inputs[0], plan.output
        netlist.control(site.name, x)
        for lane in range(source.lanes):
            code = f"{x}_data[{lane * source.width}+:{min(source.width, result.width)}]"
            if source.signed:
                code = f"{x}_data[{(lane + 1) * source.width - 1}] ? {result.width}'d0 : {code}"
            netlist.line(f"assign {site.name}_data[{lane * result.width}+:{result.width}] = {code};")


class Quantisers:
    """`Requantise` and `Affine`: a proven multiplier, adder and shift, or thresholds."""

    def plan(self, site: Site[Requantise | Affine]) -> LayerPlan:
        (x,) = site.operands
        if isinstance(site.op, Affine):
            return plan_scaled(site, _scaling(site.op, x), None)
        return plan_scaled(site, *proven(site.op, x, site.name))

    def emit(
        self, site: Site[Requantise | Affine], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        emit_scaled(site.name, site.operands[0], plan, wires[0], netlist)


class Staircases:
    """`Staircase`: comparators."""

    def plan(self, site: Site[Staircase]) -> LayerPlan:
        source = lanes_for(site.streams[0], len(site.op.steps), site.clocks)
        output = Stream.of(site.output, source.lanes)
        return LayerPlan(
            site.name, "Staircase", (source,), output, clocks=source.beats, pace=piped(source.beats, 1)
        )

    def emit(self, site: Site[Staircase], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        op = site.op
        emit_steps(site.name, op.levels[:, 0], op.steps, np.diff(op.levels, axis=1), plan, wires[0], netlist)


class Powers:
    """`Power`: a multiplier and a clock for each further factor."""

    def plan(self, site: Site[Power]) -> LayerPlan:
        source = site.streams[0]
        output = Stream.of(site.output, source.lanes)
        multipliers = source.lanes * (site.op.exponent - 1)
        return LayerPlan(
            site.name,
            "Power",
            (source,),
            output,
            clocks=source.beats,
            multipliers=multipliers,
            pace=piped(source.beats, site.op.exponent - 1),
        )

    def emit(self, site: Site[Power], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        source = plan.inputs[0]
        netlist.instance(
            "levelone_power",
            f"u_{site.name}",
            {
                "LANES": source.lanes,
                "WIDTH": source.width,
                "SIGNED": int(source.signed),
                "EXPONENT": site.op.exponent,
                "RESULT": plan.output.width,
            },
            handshake({"i": wires[0], "o": site.name}),
        )


class Tables:
    """`Lookup`: a memory per lane."""

    def plan(self, site: Site[Lookup]) -> LayerPlan:
        tables = np.atleast_2d(site.op.table)
        source = lanes_for(site.streams[0], len(tables), site.clocks)
        output = Stream.of(site.output, source.lanes)
        bits = tables.shape[1] * output.width * source.lanes
        return LayerPlan(
            site.name,
            "Lookup",
            (source,),
            output,
            clocks=source.beats,
            rom_bits=bits,
            pace=piped(source.beats, 1),
        )

    def emit(self, site: Site[Lookup], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        (x,), name, source, result = wires, site.name, plan.inputs[0], plan.output
        tables, low = np.atleast_2d(site.op.table), site.op.lowest
        en = netlist.wire(f"{name}_en")
        netlist.instance(
            "levelone_stage",
            f"u_{name}",
            {"STAGES": 1},
            {
                "i_valid": f"{x}_valid",
                "i_ready": f"{x}_ready",
                "en": en,
                "o_valid": f"{name}_valid",
                "o_ready": f"{name}_ready",
            },
        )
        for lane in range(source.lanes):
            table = tables[lane % len(tables)]
            bits = max((len(table) - 1).bit_length(), 1)
            index = netlist.wire(f"{name}_index{lane}", bits)
            # modular: the difference is within the table
            netlist.line(f"assign {index} = {fitted(x, source, lane, bits)} - {bits}'d{low % (1 << bits)};")
            slot = f"{name}_data[{lane * result.width}+:{result.width}]"
            netlist.memory(f"table_{name}_{lane}", [int(v) for v in table], result.width, en, index, slot)


def proven(op: Requantise, x: Value, name: str) -> tuple[Scaling | Thresholds, Proof]:
    """The hardware of a requantisation, and the proof that it is exact.

    Raises
    ------
    UnsupportedError
        If none within the limits of `levelone.hardware.staircase` is exact.
    """
    try:
        hardware = choose(op, x)
        return hardware, prove(op, x, hardware)
    except LeveloneError as error:
        raise UnsupportedError(f"{name}: {error.message}", hint=error.hint) from error


def plan_scaled(
    site: Site[Requantise | Affine], hardware: Scaling | Thresholds, proof: Proof | None
) -> LayerPlan:
    """The plan of a layer that is this hardware."""
    rows = 1 if _uniform(hardware) else site.output.shape[-1]
    source = lanes_for(site.streams[0], rows, site.clocks)
    output = Stream.of(site.output, source.lanes)
    several = isinstance(hardware, Scaling) and any(f & (f - 1) for f in map(abs, hardware.factor))
    return LayerPlan(
        site.name,
        type(site.op).__name__,
        (source,),
        output,
        clocks=source.beats,
        multipliers=source.lanes if several else 0,
        pace=piped(source.beats, scaled_stages(hardware)),
        proof=proof,
        detail=hardware,
    )


def scaled_stages(hardware: Scaling | Thresholds) -> int:
    """Clocks of a requantisation."""
    return 2 if isinstance(hardware, Scaling) else 1


def emit_scaled(name: str, x: Value, plan: LayerPlan, wires: str, netlist: Netlist) -> None:
    """Blocks of a planned requantisation of codes in the ranges of `x`."""
    hardware, source, result = plan.detail, plan.inputs[0], plan.output
    if isinstance(hardware, Thresholds):
        rise = np.where(hardware.falling, -1, 1)[:, None] * np.ones_like(hardware.steps)
        emit_steps(name, np.array(hardware.first), hardware.steps, rise, plan, wires, netlist)
        return
    ranges = ranges_of(x, x.shape[-1])
    reach = hardware.product(ranges)
    # the product alone may reach further than its sum with the term
    ends = [e * f for r, f in zip(ranges, hardware.factor, strict=True) for e in (r.lo, r.hi)]
    limits = [_unlimited(hardware, i, r) for i, r in enumerate(ranges)]
    known = [end for pair in limits for end in pair if end is not None]
    product = max(signed_bits(*ends, *known, reach.lo, reach.hi), max(hardware.shift) + 1)
    factor = signed_bits(*hardware.factor)
    lanes = range(source.lanes)
    channels = len(hardware.factor)
    bounds = of_lanes(limits, source.lanes, IntRange(-(1 << product - 1), (1 << product - 1) - 1))
    netlist.instance(
        "levelone_scale",
        f"u_{name}",
        {
            "LANES": source.lanes,
            "WIDTH": source.width,
            "SIGNED": int(source.signed),
            "FACTOR": factor,
            "PRODUCT": product,
            "RESULT": result.width,
            "FACTORS": packed([hardware.factor[lane % channels] for lane in lanes], factor),
            "TERMS": packed([hardware.term[lane % channels] for lane in lanes], product),
            "SHIFTS": packed([hardware.shift[lane % channels] for lane in lanes], 8),
            "ROUNDING": MODES.index(hardware.rounding),
            "LEAST": packed([least for least, _ in bounds], product),
            "MOST": packed([most for _, most in bounds], product),
            "LOWEST": packed([hardware.clip.lo], result.width),
            "HIGHEST": packed([hardware.clip.hi], result.width),
        },
        handshake({"i": wires, "o": name}),
    )


def of_lanes(
    limits: Sequence[tuple[int | None, int | None]], lanes: int, every: IntRange
) -> list[tuple[int, int]]:
    """Least and most of every lane from those of the channels; what no limit changes has the ends of `every`.

    Where there are fewer lanes than channels, channels take turns on a lane: with the same constants, but not
    all of them reach as far as a limit.
    """
    turn = gcd(lanes, len(limits))
    served = [limits[lane % turn :: turn] for lane in range(lanes)]
    return [
        (
            max((least for least, _ in ends if least is not None), default=every.lo),
            min((most for _, most in ends if most is not None), default=every.hi),
        )
        for ends in served
    ]


def _unlimited(hardware: Scaling, channel: int, reach: IntRange) -> tuple[int | None, int | None]:
    """Least and most sum of product and term that the limits leave as it is; None: they change none there."""
    factor, term, shift = (part[channel] for part in (hardware.factor, hardware.term, hardware.shift))
    low, high = sorted((reach.lo * factor + term, reach.hi * factor + term))

    def first(level: int) -> int:
        """The first sum that is rounded to `level` or more."""
        bound, attained = boundary(level, hardware.rounding)
        total = bound * (1 << shift)
        return min(max(ceil(total) if attained else floor(total) + 1, low), high + 1)

    least, most = first(hardware.clip.lo), first(hardware.clip.hi + 1) - 1
    return None if least == low else least, None if most == high else most


def emit_steps(
    name: str,
    first: Sequence[int] | np.ndarray,
    steps: np.ndarray,
    rises: np.ndarray,
    plan: LayerPlan,
    wires: str,
    netlist: Netlist,
) -> None:
    """Comparators: `first` [rows], `steps` and `rises` [rows, steps]; one row, or one per channel."""
    source, result = plan.inputs[0], plan.output
    bits = source.width + 2
    # a step beyond the reach of the operand's type is never reached, or always
    reachable = np.clip(steps, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    rows = [lane % len(steps) for lane in range(source.lanes)]
    netlist.instance(
        "levelone_steps",
        f"u_{name}",
        {
            "LANES": source.lanes,
            "WIDTH": source.width,
            "SIGNED": int(source.signed),
            "STEPS": steps.shape[1],
            "RESULT": result.width,
            "FIRST": packed([int(first[row]) for row in rows], result.width),
            "AT": packed([int(step) for row in rows for step in reachable[row]], bits),
            "RISES": packed([int(rise) for row in rows for rise in rises[row]], result.width),
        },
        handshake({"i": wires, "o": name}),
    )


def lanes_for(stream: Stream, rows: int, clocks: int) -> Stream:
    """The stream with lanes on which each of `rows` sets of constants has its place."""
    if stream.lanes % rows == 0:
        return stream
    options = [n * rows for n in divisors(stream.beats * stream.lanes // rows)]
    return stream.regrouped(first_within(options, stream.clocks_to, clocks))


def _scaling(op: Affine, x: Value) -> Scaling:
    channels = x.shape[-1]
    factor, term = ((given * channels)[:channels] for given in (op.factor, op.term))
    everything = IntRange(-(1 << 63), (1 << 63) - 1)
    return Scaling(factor, term, (0,) * channels, Rounding.FLOOR, everything)


def _uniform(hardware: Scaling | Thresholds) -> bool:
    """Whether every channel has the same constants."""
    if isinstance(hardware, Scaling):
        return len(set(zip(hardware.factor, hardware.term, hardware.shift, strict=True))) == 1
    rows = zip(hardware.first, hardware.falling, map(tuple, hardware.steps.tolist()), strict=True)
    return len(set(rows)) == 1

"""Relu and requantisation: in hardware, assignments to the right type."""

from __future__ import annotations

from dataclasses import asdict, replace

from levelone.graph.ir import IntRange, Rounding, Value
from levelone.graph.ops import Relu, Requantise
from levelone.graph.rounding import round_fraction
from levelone.hardware.proof import prove
from levelone.hardware.staircase import Assignment
from levelone.hardware.types import AP_ROUNDING, FixedType, clipping_type, value_type
from levelone.hls.layers.requantise import lower_any_requantise
from levelone.hls.lowering.ranges import range_of
from levelone.hls.lowering.spec import LayerSpec, Site


def lower_relu(op: Relu, site: Site) -> list[LayerSpec]:
    """`Relu`, onto a type without a sign."""
    return [_activation("relu", value_type(site.output), site)]


def lower_requantise(op: Requantise, site: Site) -> list[LayerSpec]:
    """`Requantise`: a mere cast by the type's own rounding and saturation, anything else by a body."""
    source = site.operands[0]
    result = cast_type(op, source, site.output)
    if result is None:
        return lower_any_requantise(op, site)
    exponent = value_type(source).exponent
    # one rule for all channels, so that it is enough to look at all of their codes together
    whole = replace(source, shape=(1,), channel_ranges=())
    proof = asdict(prove(op, whole, Assignment(exponent, result)))
    proof |= range_of("rounded", _unclipped(op, source))
    made = replace(_activation("linear", result, site), proof=proof)
    dropped = result.exponent - exponent
    if result.rounding == AP_ROUNDING[Rounding.FLOOR] or dropped <= source.width:
        return [made]
    # The vendor's types look at the highest dropped bit even where the source has none: give it one.
    wide = replace(
        _activation("linear", replace(value_type(source), width=dropped), site),
        name=f"{site.name}_wide",
        value=None,
    )
    return [wide, replace(made, inputs=(wide.name,))]


def _unclipped(op: Requantise, source: Value) -> IntRange:
    """What is reached after rounding, before clipping, by a shift."""
    ends = (round_fraction(end * op.multiplier[0], op.rounding) for end in (source.range.lo, source.range.hi))
    return IntRange(*ends)


def cast_type(op: Requantise, source: Value, output: Value) -> FixedType | None:
    """The type whose own rounding and clipping are the requantisation; None if there is none."""
    if not op.is_cast(source) or source.exponent is None or output.exponent is None:
        return None
    rounding = Rounding.FLOOR if op.multiplier[0].denominator == 1 else op.rounding
    return clipping_type(output, op.range, rounding, _unclipped(op, source))


def _activation(function: str, result: FixedType, site: Site) -> LayerSpec:
    return LayerSpec(
        site.name,
        "Activation",
        site.inputs,
        site.output.shape,
        result,
        attributes={"activation": function, "n_in": site.output.size},
        value=site.output,
    )

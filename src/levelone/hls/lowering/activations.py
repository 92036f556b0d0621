"""Relu and requantisation: in hardware, assignments to the right type."""

from __future__ import annotations

from dataclasses import replace

from levelone.graph.ir import IntRange, Rounding
from levelone.graph.ops import Relu, Requantise
from levelone.graph.rounding import round_fraction
from levelone.hls.layers.requantise import lower_any_requantise
from levelone.hls.lowering.spec import LayerSpec, Site
from levelone.hls.types import AP_ROUNDING, FixedType, clipping_type, value_type


def lower_relu(op: Relu, site: Site) -> list[LayerSpec]:
    """`Relu`, onto a type without a sign."""
    return [_activation("relu", value_type(site.output), site)]


def lower_requantise(op: Requantise, site: Site) -> list[LayerSpec]:
    """`Requantise`: a mere cast by the type's own rounding and saturation, anything else by a body."""
    result = _cast_type(op, site)
    if result is None:
        return lower_any_requantise(op, site)
    source = value_type(site.operands[0])
    dropped = result.exponent - source.exponent
    if result.rounding == AP_ROUNDING[Rounding.FLOOR] or dropped <= source.width:
        return [_activation("linear", result, site)]
    # The vendor's types look at the highest dropped bit even where the source has none: give it one.
    wide = replace(
        _activation("linear", replace(source, width=dropped), site), name=f"{site.name}_wide", value=None
    )
    return [wide, replace(_activation("linear", result, site), inputs=(wide.name,))]


def _cast_type(op: Requantise, site: Site) -> FixedType | None:
    """The type whose own rounding and clipping are the requantisation; None if there is none."""
    source = site.operands[0]
    if not op.is_cast(source) or source.exponent is None or site.output.exponent is None:
        return None
    shift = op.multiplier[0]
    unclipped = IntRange(
        *(round_fraction(end * shift, op.rounding) for end in (source.range.lo, source.range.hi))
    )
    rounding = Rounding.FLOOR if shift.denominator == 1 else op.rounding
    return clipping_type(site.output, op.range, rounding, unclipped)


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

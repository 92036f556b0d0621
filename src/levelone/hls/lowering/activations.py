"""Relu and requantisation: in hardware, assignments to the right type."""

from __future__ import annotations

from dataclasses import replace

from levelone.errors import UnsupportedError
from levelone.graph.ir import IntRange, Rounding
from levelone.graph.ops import Relu, Requantise
from levelone.graph.rounding import round_fraction
from levelone.hls.lowering.spec import LayerSpec, Site
from levelone.hls.types import FixedType, clipping_type, value_type


def lower_relu(op: Relu, site: Site) -> list[LayerSpec]:
    """`Relu`, onto a type without a sign."""
    return [_activation("relu", value_type(site.output), site)]


def lower_requantise(op: Requantise, site: Site) -> list[LayerSpec]:
    """`Requantise` by a binary shift: the type's own rounding and saturation do it."""
    if not op.is_shift:
        raise UnsupportedError(
            f"{site.name}: requantisation by {op.multiplier[0]} (per channel: {len(op.multiplier) > 1}, "
            f"zero point {op.zero_point}) is not a binary shift",
            hint="train with power-of-two scales per tensor and no zero point",
        )
    if site.operands[0].exponent is None or site.output.exponent is None:
        raise UnsupportedError(f"{site.name}: requantisation between scales that are not powers of two")
    reach, shift = site.operands[0].range, op.multiplier[0]
    unclipped = IntRange(*(round_fraction(end * shift, op.rounding) for end in (reach.lo, reach.hi)))
    rounding = Rounding.FLOOR if shift.denominator == 1 else op.rounding
    result = clipping_type(site.output, op.range, rounding, unclipped)
    source = value_type(site.operands[0])
    dropped = result.exponent - source.exponent
    if rounding is Rounding.FLOOR or dropped <= source.width:
        return [_activation("linear", result, site)]
    # The vendor's types look at the highest dropped bit even where the source has none: give it one.
    wide = replace(
        _activation("linear", replace(source, width=dropped), site), name=f"{site.name}_wide", value=None
    )
    return [wide, replace(_activation("linear", result, site), inputs=(wide.name,))]


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

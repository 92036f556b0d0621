"""Proofs that nothing overflows: what a sum, product or accumulator reaches, and that its type holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.ir import IntRange, Op, Value
from levelone.graph.ops import Add, Affine, AveragePool, Multiply
from levelone.graph.ops._bounds import bounds, integers, scaled
from levelone.hardware.types import exact_type
from levelone.hls.lowering.spec import LayerSpec, Site


def range_of(what: str, reach: IntRange) -> dict[str, Any]:
    """The entries of a proof that say what is computed, its exact bounds and the bits that hold them."""
    return {"of": what, "lo": reach.lo, "hi": reach.hi, "bits": reach.width}


def with_range_proof(op: Op, site: Site, spec: LayerSpec) -> LayerSpec:
    """`spec` with the range of what it adds or multiplies, where it has no other proof.

    Raises
    ------
    LeveloneError
        If the type that is meant to hold it does not.
    """
    if spec.value is None or spec.proof is not None:
        return spec
    type_ = spec.result
    match op:
        case Add():
            what, reach = "sum", site.output.range
        case Multiply():
            what, reach = "product", site.output.range
        case Affine():
            # the C++ widens product and sum by itself: this is what they need
            what, reach = "sum", affine_range(op, site.operands[0])
            type_ = exact_type(reach, 0)
        case AveragePool():
            type_ = spec.types["accum"]
            unit = 1 if spec.body else op.divisor(site.operands[0].shape[:-1])
            what, reach = "accumulator", pool_range(op, site.operands[0], unit)
        case _:
            return spec
    if reach.lo not in type_.range or reach.hi not in type_.range:
        raise LeveloneError(f"{spec.name}: {type_.ap} does not hold {reach.lo} ... {reach.hi}")
    return replace(spec, proof={"method": "range"} | range_of(what, reach))


def affine_range(op: Affine, x: Value) -> IntRange:
    """Every product, and every sum with its term."""
    factor, term = integers(op.factor), integers(op.term)
    return _hull(*scaled(bounds(x), factor), *scaled(bounds(x), factor, term))


def pool_range(op: AveragePool, x: Value, unit: int) -> IntRange:
    """Sums of some elements of a window, in steps of ``1 / unit`` codes of `x`; padding is zero."""
    spatial = x.shape[:-1]
    most = int(op.window.counts(spatial, op.window.output_shape(x.name, spatial)).max()) * unit
    return IntRange(min(x.range.lo, 0) * most, max(x.range.hi, 0) * most)


def _hull(*ends: Any) -> IntRange:
    return IntRange(min(int(np.min(end)) for end in ends), max(int(np.max(end)) for end in ends))

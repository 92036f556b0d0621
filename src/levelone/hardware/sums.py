"""The types of a sum of products: weights, bias and the register that sums, with its proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.graph import ops
from levelone.graph.ops import Affine, AveragePool, ElementAffine
from levelone.graph.ops._bounds import bounds, integers, scaled
from levelone.graph.values import IntRange, Value
from levelone.hardware.proof import RangeProof, bounds_of
from levelone.hardware.types import FixedType, Parameter, exact_type, exponent_of


@dataclass(frozen=True)
class WeightedSum:
    """What a layer of weighted sums is made of.

    Attributes
    ----------
    weight, bias
        Constants with their exact types.
    accumulator
        Type of the register that sums: it holds everything on the way, in any order.
    proof
        What the accumulator reaches, and the bits that the widths of the operands alone would ask for.
    """

    weight: Parameter
    bias: Parameter
    accumulator: FixedType
    proof: RangeProof


def weighted_sum(
    op: ops.WeightedSum, x: Value, output: Value, weights: NDArray[np.int64], *, tight: bool = True
) -> WeightedSum:
    """Types of the weighted sum `output` of `x` that hold everything on the way.

    Parameters
    ----------
    weights
        int64: those of `op` as the layer lays them out, with zeros where it has more. A factor of the step
        that is no power of two goes into them.
    tight
        Whether the accumulator is as narrow as the very weights allow; otherwise it holds every sum that
        weights and biases of the same types could give.
    """
    _, step = op.held_weights()
    shift = step.bit_length() - 1
    held = weights * (op.step >> shift)
    exponent = exponent_of(output)
    any_weights = op.width_only_range(x)
    reach = op.accumulator_range(x) if tight else any_weights
    return WeightedSum(
        Parameter(held, exact_type(IntRange.of_codes(held), exponent + shift - exponent_of(x))),
        Parameter(op.bias, exact_type(IntRange.of_codes(op.bias), exponent)),
        exact_type(reach, exponent),
        RangeProof(**bounds_of("accumulator", reach), width_only_bits=any_weights.width),
    )


def affine_range(op: Affine, x: Value) -> IntRange:
    """Every product, and every sum with its term."""
    factor, term = integers(op.factor), integers(op.term)
    (low, high), (least, most) = scaled(bounds(x), factor), scaled(bounds(x), factor, term)
    return IntRange(int(min(low.min(), least.min())), int(max(high.max(), most.max())))


def element_range(op: ElementAffine, x: Value) -> IntRange:
    """Likewise, with the constants of every element."""
    factor, term = (part.astype(object) for part in op.constants(x.shape))
    products = [factor * end for end in (side.astype(object) for side in bounds(x))]
    ends = [int(f(part)) for f in (np.min, np.max) for part in (*products, *(p + term for p in products))]
    return IntRange(min(ends), max(ends))


def pool_range(op: AveragePool, x: Value, unit: int = 1) -> IntRange:
    """Sums of some elements of a window, in steps of ``1 / unit`` codes of `x`; padding is zero."""
    spatial = x.shape[:-1]
    most = int(op.window.counts(spatial, op.window.output_shape(x.name, spatial)).max()) * unit
    return IntRange(min(x.range.lo, 0) * most, max(x.range.hi, 0) * most)

"""The types of a sum of products: operands, weights, bias, accumulator and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ir import IntRange, Value
from levelone.hls.lowering.spec import Parameter, Site
from levelone.hls.types import MOST, TRACE_BITS, FixedType, exact_type, exponent_of


@dataclass(frozen=True)
class Sum:
    """What a layer of weighted sums is made of.

    Attributes
    ----------
    parameters
        Weights and biases with their exact types.
    accumulator
        Type of the register that sums.
    proof
        Bits of the accumulator, and what the widths of the operands alone would ask for.
    """

    parameters: dict[str, Parameter]
    accumulator: FixedType
    proof: Mapping[str, Any]


def weighted_sum(site: Site, weights: NDArray[np.int64], bias: NDArray[np.int64], step: int) -> Sum:
    """Types of a weighted sum that hold everything on the way.

    Parameters
    ----------
    weights
        int64 [..., out]; every further axis is summed over.
    step
        Product grid divided by accumulator grid; a factor that is no power of two goes into the weights.

    Raises
    ------
    UnsupportedError
        If the accumulator is wider than a trace shows exactly.
    """
    shift = (step & -step).bit_length() - 1
    if max(abs(int(weights.min())), abs(int(weights.max()))) * (step >> shift) > MOST:
        raise UnsupportedError(
            f"{site.name}: products are {step} steps of the bias's grid: no weight holds that",
            hint="use scales whose ratios are shorter numbers",
        )
    weights = weights * (step >> shift)
    exponent = exponent_of(site.output)
    parameters = {
        "weight": Parameter(
            weights, exact_type(codes_range(weights), exponent + shift - exponent_of(site.operands[0]))
        ),
        "bias": Parameter(bias, exact_type(codes_range(bias), exponent)),
    }
    reach = accumulator_range(site.operands[0], weights, bias, 1 << shift, site.output)
    any_weights = width_only_range(site.operands[0], weights, bias, 1 << shift)
    proof = {
        "method": "range",
        "accumulator_bits": (reach if site.config.tight else any_weights).width,
        "width_only_bits": any_weights.width,
    }
    if not site.config.tight:
        reach = any_weights
    if reach.width > TRACE_BITS:
        raise UnsupportedError(
            f"{site.name}: the accumulator needs {reach.width} bits, more than {TRACE_BITS}"
        )
    return Sum(parameters, exact_type(reach, exponent), proof)


def width_only_range(x: Value, weights: NDArray[np.int64], bias: NDArray[np.int64], step: int) -> IntRange:
    """What sums could reach if weights and biases were any codes of their types.

    Parameters
    ----------
    weights
        int64 [..., out]; every further axis is summed over.
    step
        Product grid divided by accumulator grid.
    """
    operand, weight, constant = (
        exact_type(r, 0).range for r in (x.range, codes_range(weights), codes_range(bias))
    )
    products = [a * b for a in (operand.lo, operand.hi) for b in (weight.lo, weight.hi)]
    terms = step * (weights.size // weights.shape[-1])
    return IntRange(
        min(0, *products) * terms + min(0, constant.lo), max(0, *products) * terms + max(0, constant.hi)
    )


def codes_range(codes: NDArray[np.int64]) -> IntRange:
    """Smallest range that holds every code."""
    return IntRange(int(codes.min()), int(codes.max()))


def accumulator_range(
    x: Value, weights: NDArray[np.int64], bias: NDArray[np.int64], step: int, output: Value
) -> IntRange:
    """Everything that an accumulator register holds on its way: products, bias, partial sums in *any* order.

    Parameters
    ----------
    weights
        int64 [..., out]; every further axis is summed over.
    step
        Product grid divided by accumulator grid.
    """
    table = weights.reshape(-1, weights.shape[-1]).astype(object) * step
    # a partial sum lacks some terms, padding is zero: either is a term of value 0
    ends = [table * min(x.range.lo, 0), table * max(x.range.hi, 0)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    sums_low, sums_high = bias + low.sum(axis=0), bias + high.sum(axis=0)
    everything = [low.min(), high.max(), *bias, *sums_low, *sums_high, output.range.lo, output.range.hi]
    return IntRange(int(min(everything)), int(max(everything)))

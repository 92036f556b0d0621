"""The types of a sum of products: operands, weights, bias, accumulator and result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ops import Conv, Dense
from levelone.graph.ops._bounds import largest
from levelone.graph.sums import accumulator_range, codes_range, held_weights, width_only_range
from levelone.hardware.types import MOST, TRACE_BITS, FixedType, exact_type, exponent_of
from levelone.hls.lowering.ranges import range_of
from levelone.hls.lowering.spec import Parameter, Site


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
        What the accumulator reaches, and the bits that the widths of the operands alone would ask for.
    """

    parameters: dict[str, Parameter]
    accumulator: FixedType
    proof: Mapping[str, Any]


def weighted_sum(site: Site, op: Conv | Dense, weights: NDArray[np.int64]) -> Sum:
    """Types of a weighted sum that hold everything on the way.

    Parameters
    ----------
    weights
        int64: those of `op` as the layer lays them out, with zeros where it has more. A factor of the step
        that is no power of two goes into them.

    Raises
    ------
    UnsupportedError
        If the accumulator is wider than a trace shows exactly.
    """
    held, step = held_weights(op)
    if largest(held) > MOST:
        raise UnsupportedError(
            f"{site.name}: products are {op.step} steps of the bias's grid: no weight holds that",
            hint="use scales whose ratios are shorter numbers",
        )
    shift = step.bit_length() - 1
    weights = weights * (op.step >> shift)
    exponent = exponent_of(site.output)
    parameters = {
        "weight": Parameter(
            weights, exact_type(codes_range(weights), exponent + shift - exponent_of(site.operands[0]))
        ),
        "bias": Parameter(op.bias, exact_type(codes_range(op.bias), exponent)),
    }
    any_weights = width_only_range(op, site.operands[0])
    reach = accumulator_range(op, site.operands[0]) if site.config.tight else any_weights
    if reach.width > TRACE_BITS:
        raise UnsupportedError(
            f"{site.name}: the accumulator needs {reach.width} bits, more than {TRACE_BITS}"
        )
    proof = {"method": "range"} | range_of("accumulator", reach) | {"width_only_bits": any_weights.width}
    return Sum(parameters, exact_type(reach, exponent), proof)

"""What every operation multiplies and compares, counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np
from twins import positions

from levelone.graph import Value
from levelone.graph.ops import (
    Add,
    AddRequantise,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    ElementAffine,
    LocallyConnected,
    Lookup,
    MatMul,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)


@dataclass
class Count:
    """Multiplications with weights, and bits of operands times bits of constants."""

    macs: int = 0
    ebops: int = 0

    def product(self, constant: int, width: int) -> None:
        self.ebops += len(bin(abs(constant))[2:].strip("0")) * width


def conv(op: Conv, x: Value) -> Count:
    count = Count()
    per_group, channels = op.weights.shape[-2:]
    for _, pairs in positions(op, x.shape[:-1]):
        for tap, _ in pairs:
            for i in range(per_group):
                for j in range(channels):
                    count.macs += 1
                    count.product(int(op.weights[(*tap, i, j)]), x.width)
    return count


def locally_connected(op: LocallyConnected, x: Value) -> Count:
    """Each weight is met once."""
    count = Count()
    for weight in op.weights.reshape(-1).tolist():
        count.macs += 1
        count.product(weight, x.width)
    return count


def dense(op: Dense, x: Value) -> Count:
    count = Count()
    for _ in range(prod(x.shape[:-1])):
        for weight in op.weights.reshape(-1).tolist():
            count.macs += 1
            count.product(weight, x.width)
    return count


def affine(op: Affine, x: Value) -> Count:
    count = Count()
    for element in range(x.size):
        count.product(op.factor[element % x.shape[-1] % len(op.factor)], x.width)
    return count


def power(op: Power, x: Value) -> Count:
    """Each factor meets the product of those before it, whose bits are those of its own range."""
    count, ends = Count(), [x.range.lo, x.range.hi]
    reached = [*ends, *((0,) if ends[0] < 0 < ends[1] else ())]
    for factors in range(1, op.exponent):
        products = [code**factors for code in reached]
        signed = min(products) < 0
        width = max(
            max(products).bit_length(), (-min(products) - 1).bit_length() if signed else 0, 1 - signed
        )
        count.ebops += x.size * (width + signed) * x.width
    return count


def matmul(op: MatMul, a: Value, b: Value) -> Count:
    count = Count()
    for _ in range(prod(a.shape) * b.shape[-1]):
        count.macs += 1
        count.ebops += a.width * b.width
    return count


def element_affine(op: ElementAffine, x: Value) -> Count:
    count = Count()
    for factor in np.broadcast_to(op.factor, x.shape).reshape(-1).tolist():
        count.product(factor, x.width)
    return count


def multiply(op: Multiply, a: Value, b: Value) -> Count:
    elements = prod(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    return Count(ebops=elements * a.width * b.width)


def add_requantise(op: AddRequantise, a: Value, b: Value) -> Count:
    count = Count()
    for element in range(a.size):
        channel = element % a.shape[-1]
        constants = [Fraction(given[channel % len(given)]) for given in (*op.multipliers, op.offset)]
        common = lcm(*(constant.denominator for constant in constants))
        for constant, value in zip(constants, (a, b), strict=False):
            count.product(int(constant * common), value.width)
    return count


def average_pool(op: AveragePool, x: Value) -> Count:
    """Sums of fewer elements are multiplied, so that all have one scale; then all pass the multiplier."""
    count = Count()
    seen = [len([s for _, s in pairs if s is not None]) for _, pairs in positions(op, x.shape[:-1])]
    if op.include_pad or len(set(seen)) == 1:
        return count
    sums = [n * code for n in seen for code in (x.range.lo, x.range.hi)]
    unsigned = max(sums).bit_length() if max(sums) > 0 else 0
    width = max(1, unsigned) if min(sums) >= 0 else 1 + max(unsigned, (-min(sums) - 1).bit_length())
    for n in seen * x.shape[-1]:
        count.product(lcm(*seen) // n, width)
    return count


def staircase(op: Staircase, x: Value) -> Count:
    count = Count()
    for element in range(x.size):
        channel = element % x.shape[-1]
        reach = x.channel_ranges[channel] if x.channel_ranges and len(op.steps) > 1 else x.range
        for step in {int(s) for s in op.steps[channel % len(op.steps)]}:
            count.ebops += x.width * (reach.lo < step <= reach.hi)
    return count


def nothing(op: object, *inputs: Value) -> Count:
    return Count()


COSTS = {
    Add: nothing,
    AddRequantise: add_requantise,
    Affine: affine,
    AveragePool: average_pool,
    Concat: nothing,
    Conv: conv,
    Dense: dense,
    ElementAffine: element_affine,
    LocallyConnected: locally_connected,
    Lookup: nothing,
    MatMul: matmul,
    MaxPool: nothing,
    Multiply: multiply,
    Pad: nothing,
    Power: power,
    Relu: nothing,
    Requantise: nothing,
    Reshape: nothing,
    Staircase: staircase,
    Take: nothing,
    Transpose: nothing,
    Upsample: nothing,
}

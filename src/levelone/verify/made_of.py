"""What one code of a layer is made of: operands, weights, products, the number before it is rounded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from levelone.graph.ir import Node
from levelone.graph.ops import (
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Lookup,
    MaxPool,
    Pad,
    Relu,
    Requantise,
    Reshape,
    Transpose,
    Upsample,
)
from levelone.graph.values import Codes

MAX_TERMS = 512
"""Terms of a sum that are listed; all of them count."""


def made_of(node: Node, operands: Sequence[Codes], position: tuple[int, ...]) -> dict[str, Any]:
    """The operands of one code, and what is computed from them, as plain JSON values.

    Parameters
    ----------
    operands
        One event: int64 [*shape] each.
    position
        Of the code, channel last.
    """
    op = node.op
    match op:
        case Conv() | Dense():
            return _sum(op, operands[0], position)
        case Requantise():
            code = int(operands[0][position])
            number = exact(op, code, position[-1])
            return {
                "code": code,
                "multiplier": str(op.multiplier[position[-1] % len(op.multiplier)]),
                "offset": str(op.offset[position[-1] % len(op.offset)]),
                "before_rounding": str(number),
                "as_decimal": float(number),
                "is_tie": (2 * number).denominator == 1 and number.denominator == 2,
                "rounding": op.rounding.value,
                "clip": [op.range.lo, op.range.hi],
                "zero_point": op.zero_point,
            }
        case Relu() | Affine() | Lookup():
            return {"code": int(operands[0][position])}
        case MaxPool() | AveragePool():
            return {"window": _window(op, operands[0], position)}
        case Concat() | Reshape() | Transpose() | Pad() | Upsample():
            return _source(node, operands, position)
        case _:
            return {"codes": [_broadcast(codes, position) for codes in operands]}


def terms(
    op: Conv | Dense, operand: Codes, position: tuple[int, ...]
) -> list[tuple[tuple[int, ...], int, int]]:
    """What one result is made of, without padding: (index of an operand, its code, the weight's).

    Parameters
    ----------
    operand
        One event.
    position
        Of the result, channel last.
    """
    if isinstance(op, Dense):
        at = position[:-1]
        return [
            ((*at, i), int(operand[(*at, i)]), int(op.weights[i, position[-1]]))
            for i in range(len(op.weights))
        ]
    width = op.weights.shape[-2]
    group = position[-1] // (op.weights.shape[-1] // op.groups)
    found = []
    for tap in itertools.product(*(range(k) for k in op.window.kernel)):
        at = tuple(
            p * s + t * d - begin
            for p, s, t, d, (begin, _) in zip(
                position[:-1], op.stride, tap, op.dilation, op.pads, strict=True
            )
        )
        if all(0 <= i < n for i, n in zip(at, operand.shape, strict=False)):
            for i in range(width):
                index = (*at, group * width + i)
                found.append((index, int(operand[index]), int(op.weights[(*tap, i, position[-1])])))
    return found


def exact(op: Requantise, code: int, channel: int) -> Fraction:
    """The number that a requantisation rounds."""
    factors, terms, divisors = op.integer_form()
    factor, term, divisor = (int(a[channel % len(a)]) for a in (factors, terms, divisors))
    return Fraction(code * factor + term, divisor)


def _sum(op: Conv | Dense, operand: Codes, position: tuple[int, ...]) -> dict[str, Any]:
    everything = terms(op, operand, position)
    live = [(at, code, weight) for at, code, weight in everything if code and weight]
    bias = int(op.bias[position[-1]])
    partial, listed = bias, []
    for at, code, weight in live:
        product = code * weight * op.step
        partial += product
        listed.append(
            {"at": list(at), "code": code, "weight": weight, "product": product, "partial_sum": partial}
        )
    shape = (*op.window.kernel, op.weights.shape[-2]) if isinstance(op, Conv) else op.weights.shape[:1]
    return {
        "terms": math.prod(shape),
        "in_padding": math.prod(shape) - len(everything),
        "not_zero": len(live),
        "listed": listed[:MAX_TERMS],
        "bias": bias,
        "step": op.step,
        "sum": partial,
    }


def _window(op: MaxPool | AveragePool, operand: Codes, position: tuple[int, ...]) -> list[int]:
    found = []
    for tap in op.window.taps():
        at = tuple(
            p * s + t * d - begin
            for p, s, t, d, (begin, _) in zip(position, op.stride, tap, op.dilation, op.pads, strict=False)
        )
        if all(0 <= i < n for i, n in zip(at, operand.shape, strict=False)):
            found.append(int(operand[(*at, position[-1])]))
    return found


def _source(node: Node, operands: Sequence[Codes], position: tuple[int, ...]) -> dict[str, Any]:
    """Which element of which operand is moved here: the operation itself, run on numbered elements."""
    starts = np.cumsum([1, *(codes.size for codes in operands)])
    numbered = [
        np.arange(start, start + codes.size).reshape(1, *codes.shape)
        for start, codes in zip(starts, operands, strict=False)
    ]
    number = int(node.op.evaluate(*numbered)[(0, *position)])
    which = int(np.searchsorted(starts, number, side="right")) - 1
    if not 0 <= which < len(operands) or (isinstance(node.op, Pad) and number == node.op.value):
        return {"padding": True}
    at = np.unravel_index(number - int(starts[which]), operands[which].shape)
    return {
        "operand": node.inputs[which],
        "at": [int(i) for i in at],
        "code": int(operands[which].reshape(-1)[number - int(starts[which])]),
    }


def _broadcast(codes: Codes, position: tuple[int, ...]) -> int | None:
    """The element that meets `position`; None if the shapes do not tell."""
    if codes.ndim != len(position):
        return None
    at = tuple(0 if n == 1 else i for n, i in zip(codes.shape, position, strict=True))
    return int(codes[at]) if all(i < n for i, n in zip(at, codes.shape, strict=True)) else None

"""Constants that differ from element to element of a large tensor, as an integer operation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.graph.ops import ElementAffine
from levelone.graph.reader.axes import MAX_SINGLE
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import TooWideError
from levelone.graph.reader.tensors import Activation, Fractions, fractions, rational_gcd
from levelone.graph.reader.waiting import one_scale, settle

MAX_ELEMENTS = 2**18
"""Elements of an event up to which each may have a constant: the firmware holds them all."""


def with_factors(
    ctx: Context,
    node: onnx.NodeProto,
    x: Activation,
    array: NDArray[Any],
    how: Callable[[Fraction], Fraction] = Fraction,
) -> Activation | None:
    """``x * how(array)`` by element; None where the constant is one per channel, or the tensor is small."""
    found = _elements(ctx, x, array)
    if found is None:
        return None
    x, scale, given, which = found
    numbers = tuple(map(how, given))
    grid = rational_gcd([number * scale for number in numbers]) or Fraction(1)
    factor = _codes(ctx, x, [number * scale / grid for number in numbers], which)
    return ctx.emit_like(node.output[0], ElementAffine(factor, np.zeros_like(factor[:1]), grid), x)


def with_terms(ctx: Context, node: onnx.NodeProto, x: Activation, array: NDArray[Any]) -> Activation | None:
    """``x + array`` by element, likewise."""
    found = _elements(ctx, x, array)
    if found is None:
        return None
    x, scale, numbers, which = found
    grid = rational_gcd([scale, *numbers])
    term = _codes(ctx, x, [number / grid for number in numbers], which)
    factor = np.full((1,) * term.ndim, _whole(x, [scale / grid])[0])
    return ctx.emit_like(node.output[0], ElementAffine(factor, term, grid), x)


def _elements(
    ctx: Context, x: Activation, array: NDArray[Any]
) -> tuple[Activation, Fraction, Fractions, NDArray[np.int64]] | None:
    """`x` as an integer value, its scale, the numbers that occur and which of them each element has.

    None where the constant is one per channel, or the tensor is small.
    """
    full = _by_element(x, array)
    if full is None:
        return None
    x = one_scale(ctx, settle(ctx, x))
    (scale,) = ctx.value(x).scale
    return (x, scale, *_distinct(full, x))


def _by_element(x: Activation, array: NDArray[Any]) -> NDArray[Any] | None:
    """The constant of every ONNX element, if it varies along several axes and these are too many channels."""
    if not MAX_SINGLE < len(x.order) <= MAX_ELEMENTS or array.size == 1:
        return None
    try:
        full = np.broadcast_to(array, (1, *x.shape))[0]
    except ValueError:
        return None  # whoever takes it by channel says so
    varying = [a for a in range(full.ndim) if (full != full.take([0], axis=a)).any()]
    return full if len(varying) > 1 else None


def _distinct(full: NDArray[Any], x: Activation) -> tuple[Fractions, NDArray[np.int64]]:
    """The numbers that occur, and which of them each element of the graph's value has."""
    numbers, which = np.unique(full, return_inverse=True)
    there = np.empty(len(x.order), dtype=np.int64)
    there[x.order] = which.reshape(-1)
    return fractions(numbers), there


def _codes(
    ctx: Context, x: Activation, numbers: list[Fraction], which: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whole numbers, laid out as the graph's value."""
    return np.array(_whole(x, numbers), dtype=np.int64)[which].reshape(ctx.value(x).shape)


def _whole(x: Activation, numbers: list[Fraction]) -> list[int]:
    """Whole numbers that every body can hold."""
    codes = [int(number) for number in numbers]
    if max(map(abs, codes)) >= 2**62:
        raise TooWideError(
            f"{x.value}: constants of {max(map(abs, codes)).bit_length()} bits are needed to be exact",
            hint="quantise the constants, with a scale of their own",
        )
    return codes

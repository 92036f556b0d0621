"""Causes that any operation can have: the type of its result, the order of what it reads, old data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import AveragePool, Concat, MaxPool, Transpose
from levelone.graph.values import Codes
from levelone.hls.ap_fixed import ApFixed
from levelone.verify.hls.causes.case import Case, Hypothesis
from levelone.verify.hls.fixed import IN_WORDS, bits_in_words, overflow

LOST_BITS = 6


def search(case: Case) -> Iterator[Hypothesis]:
    """Hypotheses for every operation, tried after its own."""
    value = case.graph.values[case.evidence.node.name]
    for bits in range(value.width + 1, 0, -1):
        for saturation in ("WRAP", "SAT"):
            for signed in (True, False):
                fixed = ApFixed(bits, case.exponent, signed, saturation=saturation)
                yield Hypothesis(
                    "result type",
                    f"the result {IN_WORDS[saturation]} at {bits_in_words(bits)}, "
                    f"{'' if signed else 'un'}signed",
                    lambda x, f=fixed: overflow(x[0], f),
                    on_result=True,
                )
    for lost in range(1, LOST_BITS):
        yield Hypothesis(
            "result type",
            f"the last {lost} bit{'s' * (lost > 1)} of the result are cut off",
            lambda x, n=lost: x[0] // 2**n * 2**n,
            on_result=True,
        )
    yield from _pools(case)
    yield from _orders(case)
    yield Hypothesis(
        "old data", "the result is that of the event before", lambda x: np.roll(x[0], 1, axis=0), True
    )
    yield Hypothesis("old data", "the result is never written: all codes are 0", lambda x: x[0] * 0, True)


def _pools(case: Case) -> Iterator[Hypothesis]:
    op = case.evidence.node.op
    if isinstance(op, MaxPool):
        mean = AveragePool(op.kernel, op.stride, op.pads, op.dilation)
        size = int(np.prod(op.kernel))
        yield Hypothesis(
            "operation", "the mean is taken, not the maximum", lambda x: mean.evaluate(*x) // size
        )
        yield Hypothesis(
            "padding", "padding counts as 0 and wins over negative codes", lambda x: _zero_padded(op, x[0])
        )
        yield Hypothesis(
            "operation", "the minimum is taken, not the maximum", lambda x: -op.evaluate(*(-c for c in x))
        )
    if isinstance(op, AveragePool):
        largest = MaxPool(op.kernel, op.stride, op.pads, op.dilation)
        size = int(np.prod(op.kernel))
        yield Hypothesis(
            "operation", "the maximum is taken, not the mean", lambda x: largest.evaluate(*x) * size
        )
    if isinstance(op, (MaxPool, AveragePool)):
        for axis, stride in enumerate(op.stride):
            for other in range(1, stride + 3):
                if other != stride:
                    strides = (*op.stride[:axis], other, *op.stride[axis + 1 :])
                    yield Hypothesis(
                        "stride",
                        f"the window moves by {other} along axis {axis}; the graph says {stride}",
                        lambda x, s=strides: _cut(case, replace(op, stride=s).evaluate(*x)),
                    )


def _orders(case: Case) -> Iterator[Hypothesis]:
    evidence, op = case.evidence, case.evidence.node.op
    if len(evidence.operands) > 1:
        for order in itertools.permutations(range(len(evidence.operands))):
            if order != tuple(range(len(order))):
                yield Hypothesis(
                    "operand order",
                    f"the operands are taken in the order {[evidence.node.inputs[i] for i in order]}",
                    lambda x, o=order: op.evaluate(*(x[i] for i in o)) if _alike(case, x, o) else x[0],
                )
    for number, name in enumerate(evidence.node.inputs):
        yield Hypothesis("operation", f"{name} passes through unchanged", lambda x, n=number: x[n])
    if isinstance(op, Transpose):
        for axes in itertools.permutations(range(len(op.axes))):
            yield Hypothesis(
                "axis order",
                f"axes are moved to {list(axes)}; the graph says {list(op.axes)}",
                lambda x, a=axes: Transpose(a).evaluate(*x),
            )
    rank = evidence.found.ndim - 1
    for axis in range(rank):
        what = "channels" if axis == rank - 1 else f"positions along axis {axis}"
        yield Hypothesis(
            "channel order" if axis == rank - 1 else "axis order",
            f"the {what} of the result are in reverse order",
            lambda x, a=axis + 1: np.flip(x[0], a),
            on_result=True,
        )
    for axes in itertools.permutations(range(rank)):
        if axes != tuple(range(rank)):
            yield Hypothesis(
                "axis order",
                f"the result is written with its axes in the order {list(axes)}",
                lambda x, a=axes: _rewritten(x[0], a),
                on_result=True,
            )
    yield from _exchanged(case)


def _exchanged(case: Case) -> Iterator[Hypothesis]:
    """Single elements of the operand that a moving or pointwise layer reads in each other's place."""
    channels = case.evidence.found.shape[-1]
    for a, b in itertools.islice(itertools.combinations(range(channels), 2), 500):
        order = np.arange(channels)
        order[[a, b]] = order[[b, a]]
        yield Hypothesis(
            "channel order",
            f"channels {a} and {b} of the result are exchanged",
            lambda x, o=order: x[0][..., o],
            on_result=True,
        )


def _alike(case: Case, x: tuple[Codes, ...], order: tuple[int, ...]) -> bool:
    """Whether the operation accepts its operands in another order."""
    return isinstance(case.evidence.node.op, Concat) or all(x[i].shape == x[0].shape for i in order)


def _rewritten(made: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    return np.ascontiguousarray(made.transpose(0, *(a + 1 for a in axes))).reshape(made.shape)


def _cut(case: Case, made: NDArray[Any]) -> NDArray[Any]:
    return made[(slice(None), *(slice(0, n) for n in case.evidence.found.shape[1:]))]


def _zero_padded(op: MaxPool, x: Codes) -> NDArray[Any]:
    padded = op.window.pad(x, 0)
    return replace(op, pads=tuple((0, 0) for _ in op.pads)).evaluate(padded)

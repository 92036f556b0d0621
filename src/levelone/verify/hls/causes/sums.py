"""Causes of a wrong sum: types of its registers, its parameters, the window it reads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import AveragePool, Conv, LocallyConnected, MaxPool, WeightedSum
from levelone.graph.values import Codes
from levelone.hls.ap_fixed import ApFixed
from levelone.verify.hls.causes.case import Case, Hypothesis
from levelone.verify.hls.causes.replay import typed_code, typed_sum, with_parameters
from levelone.verify.hls.fixed import IN_WORDS, bits_in_words, overflow

FRACTION_BITS = 4
SHIFTS = 6


def search(case: Case, op: WeightedSum) -> Iterator[Hypothesis]:
    """Everything that is tried without a look at the project's files, the likeliest first."""
    yield from registers(case, op)
    yield from one_parameter(case, op)
    yield from grids(case, op)
    if isinstance(op, Conv):
        yield from windows(case, op)
    if isinstance(op, LocallyConnected):
        yield from positions(op)
    yield from orders(case, op)


def registers(case: Case, op: WeightedSum) -> Iterator[Hypothesis]:
    """Accumulators and results with fewer bits."""
    meant = case.meant("accum") or case.meant("result")
    width = 63 if meant is None else meant.width
    where = "accumulator or the result"
    for bits in range(width - 1, 0, -1):
        for saturation in ("WRAP", "SAT"):
            for signed in (True, False):
                fixed = ApFixed(bits, case.exponent, signed, saturation=saturation)
                sign = "" if signed else " without a sign"
                yield Hypothesis(
                    "overflow",
                    f"the {where} {IN_WORDS[saturation]} at {bits_in_words(bits)}{sign}: "
                    f"it holds {fixed.range.lo} to {fixed.range.hi} only",
                    lambda x, f=fixed: overflow(x[0], f),
                    on_result=True,
                )
    for lost in range(1, FRACTION_BITS + 1):
        for rounding in ("TRN", "RND_CONV"):
            coarse = ApFixed(width + 1, case.exponent + lost, True, rounding)
            told = f"without the last {lost} bit{'s' * (lost > 1)} of the grid ({IN_WORDS[rounding]})"
            yield Hypothesis(
                "accumulator type",
                f"products are accumulated {told}",
                lambda x, f=coarse: typed(case, op, x, f, None),
            )
            yield Hypothesis(
                "result type",
                f"the sum is stored {told}",
                lambda x, f=coarse: typed(case, op, x, None, f),
            )


def typed(
    case: Case,
    op: WeightedSum,
    operands: tuple[Codes, ...],
    accumulator: ApFixed | None,
    result: ApFixed | None,
) -> NDArray[Any]:
    """`typed_sum` of a layer; for a single event, nothing more is computed if the first code is another."""
    evidence = case.evidence
    if len(operands[0]) == 1:
        code = typed_code(op, operands[0], case.exponent, accumulator, result, evidence.position)
        if code != evidence.found[evidence.first]:
            return evidence.expected[:1]
    return typed_sum(op, operands[0], case.exponent, accumulator, result, out=_out(case))


def one_parameter(case: Case, op: WeightedSum) -> Iterator[Hypothesis]:
    """A single weight or bias that acts as if it were another code."""
    evidence = case.evidence
    channel = evidence.position[-1]
    residual = (evidence.found - evidence.expected)[..., channel]
    delta = int(residual[evidence.first[:-1]])
    bias, own = op.bias.copy(), evidence.position[: len(op.own)]
    bias[(*own, channel)] += delta
    where = f" at position {own}" if own else ""
    yield Hypothesis(
        "bias code",
        f"the bias of channel {channel}{where} acts as {bias[(*own, channel)]}, "
        f"the graph has {op.bias[(*own, channel)]}",
        lambda x: with_parameters(op, None, bias).evaluate(*x),
    )
    for index, seen in _operands_of(op, evidence.operands[0], own, channel):
        at = int(seen[evidence.first[:-1]]) * op.step
        if at == 0 or delta % at or (residual != seen * op.step * (delta // at)).any():
            continue
        weights = op.weights.copy()
        weights[(*index, channel)] += delta // at
        yield Hypothesis(
            "weight code",
            f"the weight at {place((*index, channel), len(own))} acts as {weights[(*index, channel)]}, "
            f"the graph has {op.weights[(*index, channel)]}",
            lambda x, w=weights: with_parameters(op, w, None).evaluate(*x),
        )


def grids(case: Case, op: WeightedSum) -> Iterator[Hypothesis]:
    """Biases missing, or on another grid than the products."""
    yield Hypothesis(
        "bias", "the bias is not added", lambda x: with_parameters(op, None, op.bias * 0).evaluate(*x)
    )
    for shift in [s for n in range(1, SHIFTS + 1) for s in (n, -n)]:
        times = f"2**{shift}"
        if shift > 0 or not (op.bias % 2**-shift).any():
            moved = op.bias * 2**shift if shift > 0 else op.bias // 2**-shift
            yield Hypothesis(
                "scale",
                f"the bias is added {times} times too large",
                lambda x, b=moved: with_parameters(op, None, b).evaluate(*x),
            )
        yield Hypothesis(
            "scale",
            f"the products are {times} times too large beside the bias",
            lambda x, s=shift: _shifted(op.evaluate(*x) - op.bias, s) + op.bias,
        )
        yield Hypothesis(
            "scale", f"the sum is {times} times too large", lambda x, s=shift: _shifted(op.evaluate(*x), s)
        )


def windows(case: Case, op: Conv) -> Iterator[Hypothesis]:
    """Other strides, paddings and dilations, the result cut to its shape or read on in row-major order."""
    for axis in range(op.window.rank):
        for stride in range(1, op.stride[axis] + 4):
            if stride != op.stride[axis]:
                moved = replace(op, stride=_set(op.stride, axis, stride))
                told = f"the window moves by {stride} along axis {axis}, the graph says {op.stride[axis]}"
                yield Hypothesis("stride", told, partial(cropped, case, moved))
                yield Hypothesis("stride", f"{told}; read on row by row", partial(flowed, case, moved))
    for axis in range(op.window.rank):
        begin, _ = op.pads[axis]
        for other in range(begin + op.window.kernel[axis] + 1):
            if other != begin:
                told = f"{other} elements of padding before axis {axis}, the graph says {begin}"
                padded = replace(op, pads=_set(op.pads, axis, (other, 0)))
                yield Hypothesis("padding", told, partial(cropped, case, padded))
        for dilation in range(1, op.dilation[axis] + 2):
            if dilation != op.dilation[axis]:
                told = f"dilation {dilation} along axis {axis}, the graph says {op.dilation[axis]}"
                wide = replace(op, dilation=_set(op.dilation, axis, dilation))
                yield Hypothesis("dilation", told, partial(cropped, case, wide))


def positions(op: LocallyConnected) -> Iterator[Hypothesis]:
    """Weights and biases that belong to other positions."""
    rank = len(op.own)

    def moved(numbers: NDArray[Any], by: int | None) -> NDArray[Any]:
        """Those of the position so many before, in row-major order, or of the first everywhere."""
        rows = numbers.reshape(-1, *numbers.shape[rank:])
        found = np.broadcast_to(rows[:1], rows.shape) if by is None else np.roll(rows, by, axis=0)
        return found.reshape(numbers.shape)

    for by, whose in ((None, "the first position"), (1, "the position before"), (-1, "the position after")):
        weights, bias = moved(op.weights, by), moved(op.bias, by)
        for what, w, b in (
            ("kernel and the biases", weights, bias),
            ("kernel", weights, None),
            ("biases", None, bias),
        ):
            yield Hypothesis(
                "position",
                f"every position has the {what} of {whose}",
                lambda x, w=w, b=b: with_parameters(op, w, b).evaluate(*x),
            )


def orders(case: Case, op: WeightedSum) -> Iterator[Hypothesis]:
    """Kernels and channels in another order."""
    w = op.weights
    turned = {"reversed": op.bias[..., ::-1], "those of the channel after": np.roll(op.bias, -1, -1)}
    turned["those of the channel before"] = np.roll(op.bias, 1, -1)
    for told, bias in turned.items():
        yield Hypothesis(
            "channel order",
            f"the biases of the channels are {told}",
            lambda x, b=bias: with_parameters(op, None, b).evaluate(*x),
        )
    own = len(op.own)
    spatial = range(own, w.ndim - 2)
    for count in range(1, len(spatial) + 1):
        for axes in itertools.combinations(spatial, count):
            yield _other(
                op,
                "kernel order",
                f"the kernel is flipped along axes {[axis - own for axis in axes]}",
                np.flip(w, axes),
            )
    for order in itertools.permutations(spatial):
        if order != tuple(spatial) and tuple(w.shape[i] for i in order) == w.shape[own:-2]:
            moved = w.transpose(*range(own), *order, w.ndim - 2, w.ndim - 1)
            axes_told = [i - own for i in order]
            yield _other(op, "kernel order", f"the kernel's axes are in the order {axes_told}", moved)
    if w.shape[-1] == w.shape[-2]:
        yield _other(
            op,
            "channel order",
            "input and output channels of the weights are exchanged",
            np.swapaxes(w, -1, -2),
        )
    as_rows = np.ascontiguousarray(np.moveaxis(w, -1, 0)).reshape(w.shape)
    yield _other(op, "channel order", "the weights are read as if outputs came first", as_rows)
    channels_first = np.moveaxis(w.reshape(w.shape[-2], *w.shape[:-2], w.shape[-1]), 0, -2)
    yield _other(op, "channel order", "the weights are read as if input channels came first", channels_first)
    for axis, what in ((-2, "input"), (-1, "output")):
        yield _other(op, "channel order", f"the weights' {what} channels are reversed", np.flip(w, axis))
        for a, b in itertools.islice(itertools.combinations(range(w.shape[axis]), 2), 300):
            yield _other(
                op,
                "channel order",
                f"the weights' {what} channels {a} and {b} are exchanged",
                _swapped(w, axis, a, b),
            )


def place(index: tuple[int, ...], own: int = 0) -> str:
    """Where a weight sits, in words; the first `own` numbers say at which position of the result."""
    if len(index) == 2:
        return f"input {index[0]}, output {index[1]}"
    kernel = ", ".join(map(str, index[own:-2]))
    where = f"position ({', '.join(map(str, index[:own]))}), " if own else ""
    return f"{where}kernel position ({kernel}), input channel {index[-2]}, output channel {index[-1]}"


def _operands_of(
    op: WeightedSum, operand: Codes, own: tuple[int, ...], channel: int
) -> Iterator[tuple[tuple[int, ...], Codes]]:
    """For every weight of an output channel, at its `own` position: its index, and what it meets where."""
    group = channel // (op.weights.shape[-1] // op.groups)
    width = op.weights.shape[-2]
    for tap, seen in zip(np.ndindex(op.weights.shape[len(own) : -2]), op.views(operand), strict=True):
        met = seen
        if own:
            here = np.zeros(seen.shape[1:], dtype=bool)
            here[own] = True
            met = np.where(here, seen, 0)
        for i in range(width):
            yield (*own, *tap, i), met[..., group * width + i]


def _other(op: WeightedSum, kind: str, text: str, weights: NDArray[Any]) -> Hypothesis:
    return Hypothesis(kind, text, lambda x: with_parameters(op, weights, None).evaluate(*x))


def _swapped(weights: NDArray[Any], axis: int, a: int, b: int) -> NDArray[Any]:
    order = np.arange(weights.shape[axis])
    order[[a, b]] = order[[b, a]]
    return weights.take(order, axis=axis)


def _set(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


Windowed = Conv | MaxPool | AveragePool


def _roomy(op: Windowed, x: Codes, out: tuple[int, ...]) -> Windowed:
    """The same windows with padding after the end, so that they fit as often as `out` says."""
    pads = []
    for n, k, s, d, (begin, _), o in zip(
        x.shape[1:-1], op.window.kernel, op.stride, op.dilation, op.pads, out, strict=True
    ):
        pads.append((begin, max(0, (o - 1) * s + d * (k - 1) + 1 - n - begin)))
    return replace(op, pads=tuple(pads))


def cropped(case: Case, op: Windowed, operands: tuple[Codes, ...]) -> NDArray[Any]:
    """The result of other windows, cut to the shape of the layer's."""
    (x,), out = operands, _out(case)
    made = _roomy(op, x, out[:-1]).evaluate(x)
    return made[(slice(None), *(slice(0, n) for n in out))]


def flowed(case: Case, op: Windowed, operands: tuple[Codes, ...]) -> NDArray[Any]:
    """The result of other windows, read on in row-major order until the layer's shape is full."""
    (x,), out = operands, _out(case)
    made = op.evaluate(x).reshape(len(x), -1)[:, : int(np.prod(out))]
    return made.reshape(len(x), *out) if made.shape[1] == np.prod(out) else made


def _out(case: Case) -> tuple[int, ...]:
    return case.evidence.found.shape[1:]


def _shifted(codes: NDArray[Any], shift: int) -> NDArray[Any]:
    return codes * 2**shift if shift >= 0 else codes // 2**-shift

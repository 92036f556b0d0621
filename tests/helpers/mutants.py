"""Wrong bodies of every operation, which the suite must tell from the right one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from levelone.graph import Rounding
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


def _padded_with_one(op, x):
    wide = np.pad(x, ((0, 0), *op.pads, (0, 0)), constant_values=1)
    return replace(op, pads=((0, 0),) * len(op.pads)).evaluate(wide)


def _zero_padded_maximum(op, x):
    wide = np.pad(x, ((0, 0), *op.pads, (0, 0)))
    return replace(op, pads=((0, 0),) * len(op.pads)).evaluate(wide)


def _swapped_pads(op, x):
    return replace(op, pads=tuple((e, b) for b, e in op.pads)).evaluate(x)


def _reversed(field):
    return lambda op, x: replace(op, **{field: getattr(op, field)[::-1]}).evaluate(x)


def _flipped_kernel(op, x):
    axes = tuple(range(op.weights.ndim - 2))
    return replace(op, weights=np.flip(op.weights, axes)).evaluate(x)


def _rounded(to):
    def mutant(op, x):
        return replace(op, rounding=to if op.rounding is not to else Rounding.FLOOR).evaluate(x)

    return mutant


def _wrapping(op, x):
    lo, hi = op.range.lo, op.range.hi
    huge = replace(op, range=type(op.range)(-(2**60), 2**60), zero_point=0).evaluate(x)
    return (huge - lo) % (hi - lo + 1) + lo - op.zero_point


def _first_kernel(op, x):
    """A convolution: the kernel of the first position everywhere."""
    first = op.weights[(slice(0, 1),) * len(op.own)]
    return replace(op, weights=np.broadcast_to(first, op.weights.shape)).evaluate(x)


def _next_kernel(op, x):
    """Each position takes the kernel of the one after, in row-major order."""
    kernels = op.weights.reshape(-1, *op.weights.shape[len(op.own) :])
    return replace(op, weights=np.roll(kernels, -1, axis=0).reshape(op.weights.shape)).evaluate(x)


MUTANTS = {
    "conv: padding value": (Conv, _padded_with_one),
    "conv: begin and end padding swapped": (Conv, _swapped_pads),
    "conv: stride order": (Conv, _reversed("stride")),
    "conv: dilation order": (Conv, _reversed("dilation")),
    "conv: kernel flipped": (Conv, _flipped_kernel),
    "conv: no bias": (Conv, lambda op, x: replace(op, bias=op.bias * 0).evaluate(x)),
    "conv: step forgotten": (Conv, lambda op, x: replace(op, step=1).evaluate(x)),
    "conv: input channels reversed": (Conv, lambda op, x: op.evaluate(x[..., ::-1])),
    "dense: one weight off by one": (
        Dense,
        lambda op, x: replace(op, weights=op.weights + np.eye(*op.weights.shape, dtype=int)).evaluate(x),
    ),
    "dense: no bias": (Dense, lambda op, x: replace(op, bias=op.bias * 0).evaluate(x)),
    "dense: step forgotten": (Dense, lambda op, x: replace(op, step=1).evaluate(x)),
    **{f"requantise: {mode.value}": (Requantise, _rounded(mode)) for mode in Rounding},
    "requantise: wraps": (Requantise, _wrapping),
    "requantise: zero point forgotten": (
        Requantise,
        lambda op, x: replace(op, zero_point=0).evaluate(x),
    ),
    "requantise: offset forgotten": (Requantise, lambda op, x: replace(op, offset=(0,)).evaluate(x)),
    "requantise: first channel's multiplier": (
        Requantise,
        lambda op, x: replace(op, multiplier=op.multiplier[:1]).evaluate(x),
    ),
    "power: one factor less": (Power, lambda op, x: x ** (op.exponent - 1)),
    "power: of the magnitude": (Power, lambda op, x: op.evaluate(np.abs(x))),
    "relu: absolute value": (Relu, lambda op, x: np.abs(x)),
    "max pool: padding wins": (MaxPool, _zero_padded_maximum),
    "max pool: stride order": (MaxPool, _reversed("stride")),
    "max pool: minimum": (MaxPool, lambda op, x: -op.evaluate(-x)),
    "average pool: padding counted the other way": (
        AveragePool,
        lambda op, x: replace(op, include_pad=not op.include_pad).evaluate(x),
    ),
    "average pool: padding value": (AveragePool, _padded_with_one),
    "add: difference": (Add, lambda op, a, b: a - b),
    "add requantise: offset forgotten": (
        AddRequantise,
        lambda op, a, b: replace(op, offset=(Fraction(0),)).evaluate(a, b),
    ),
    "add requantise: operands exchanged": (
        AddRequantise,
        lambda op, a, b: replace(op, multipliers=op.multipliers[::-1]).evaluate(a, b),
    ),
    "affine: term forgotten": (Affine, lambda op, x: replace(op, term=(0,)).evaluate(x)),
    "matmul: second matrices flipped": (MatMul, lambda op, a, b: op.evaluate(a, np.flip(b, -1))),
    "matmul: rows reversed": (MatMul, lambda op, a, b: op.evaluate(np.flip(a, -2), b)),
    "matmul: last term left out": (MatMul, lambda op, a, b: np.matmul(a[..., :-1], b[..., :-1, :])),
    "multiply: sum": (Multiply, lambda op, a, b: a + b),
    "element affine: terms forgotten": (
        ElementAffine,
        lambda op, x: replace(op, term=op.term * 0).evaluate(x),
    ),
    "element affine: one position's factors": (
        ElementAffine,
        lambda op, x: replace(op, factor=op.factor[:1]).evaluate(x),
    ),
    "locally connected: one kernel for all": (LocallyConnected, _first_kernel),
    "locally connected: kernel of the next position": (LocallyConnected, _next_kernel),
    "locally connected: padding value": (LocallyConnected, _padded_with_one),
    "locally connected: first position's bias": (
        LocallyConnected,
        lambda op, x: replace(
            op, bias=np.broadcast_to(op.bias[(slice(0, 1),) * len(op.own)], op.bias.shape)
        ).evaluate(x),
    ),
    "locally connected: step forgotten": (LocallyConnected, lambda op, x: replace(op, step=1).evaluate(x)),
    "lookup: off by one entry": (
        Lookup,
        lambda op, x: replace(op, table=np.roll(op.table, 1, axis=-1)).evaluate(x),
    ),
    "lookup: first channel's table": (
        Lookup,
        lambda op, x: replace(op, table=op.table.reshape(-1, op.table.shape[-1])[0]).evaluate(x),
    ),
    "staircase: a step later": (
        Staircase,
        lambda op, x: replace(op, steps=op.steps + 1).evaluate(x),
    ),
    "staircase: first channel's steps": (
        Staircase,
        lambda op, x: replace(op, steps=op.steps[:1], levels=op.levels[:1]).evaluate(x),
    ),
    "pad: zero instead of the value": (Pad, lambda op, x: replace(op, value=0).evaluate(x)),
    "pad: border repeated": (
        Pad,
        lambda op, x: (
            np.pad(x, ((0, 0), *op.pads), mode="symmetric") if op.mode == "reflect" else op.evaluate(x)
        ),
    ),
    "upsample: tiled": (
        Upsample,
        lambda op, x: np.tile(x, (1, *op.factors, 1)),
    ),
    "upsample: order of factors": (Upsample, _reversed("factors")),
    "concat: order": (Concat, lambda op, *parts: op.evaluate(*parts[::-1])),
    "reshape: column major": (
        Reshape,
        lambda op, x: np.stack([e.reshape(op.shape, order="F") for e in x]),
    ),
    "take: sorted": (
        Take,
        lambda op, x: replace(op, indices=tuple(sorted(op.indices))).evaluate(x),
    ),
    "take: counted from the end": (Take, lambda op, x: op.evaluate(np.flip(x, op.axis + 1))),
    "transpose: inverse": (
        Transpose,
        lambda op, x: replace(op, axes=tuple(int(a) for a in np.argsort(op.axes))).evaluate(x),
    ),
}

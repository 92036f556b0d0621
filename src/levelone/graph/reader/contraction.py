"""Sums of products with constants over any axes: locally connected layers, as they are written in PyTorch.

PyTorch has no such layer. It is written as an unfold, a product with weights of each position, and a sum:
Mul and ReduceSum, Einsum, or MatMul with one matrix per position. All are one form, in which each axis of
operand, weights and result has a label as in Einsum's equations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ops import Conv, LocallyConnected
from levelone.graph.ops._bounds import spread
from levelone.graph.reader import moves
from levelone.graph.reader.axes import as_onnx
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation, Constant
from levelone.graph.reader.waiting import activation, one_scale
from levelone.graph.reader.weights import bias_codes, weight_codes
from levelone.graph.reader.windows import Sliding, sliding

Labels = Sequence[object]
"""One label per axis of an event."""


def read_einsum(ctx: Context, node: onnx.NodeProto) -> Activation:
    """One activation and constant weights, the batch axis first."""
    equation = str(attributes(node).get("equation", "")).replace(" ", "")
    match = re.fullmatch(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)", equation)
    nearest = "an equation of one activation and constant weights that names each axis, as 'nkl,fkl->nfl'"
    if match is None or any(len(set(labels)) < len(labels) for labels in match.groups()):
        raise unsupported(node, f"equation {equation!r}", nearest)
    first, second, result = match.groups()
    weighs = isinstance(ctx.tensor(node, 0), Constant)
    x_labels, w_labels = (second, first) if weighs else (first, second)
    if not isinstance(ctx.tensor(node, 0 if weighs else 1), Constant):
        raise unsupported(node, "multiplies two activations", "MatMul of two activations")
    batch = x_labels[0]
    if result[0] != batch or batch in w_labels:
        raise unsupported(node, f"the axis of the events does not stay first in {equation!r}", nearest)
    if not {*result} <= {*first, *second}:
        raise LeveloneError(f"{describe(node)}: equation {equation!r} has an axis of no operand")
    x, weight = activation(ctx, node, 1 if weighs else 0), ctx.constant(node, 0 if weighs else 1, "weights")
    return contracted(ctx, node, node.output[0], x, weight, (x_labels[1:], w_labels, result[1:]))


def read_matrices(ctx: Context, node: onnx.NodeProto, weight: Constant, *, left: bool) -> Activation:
    """MatMul with a constant of several matrices, on the `left` or on the right."""
    x, given = activation(ctx, node, 1 if left else 0), weight.values.shape
    if given[0] == 1 and len(given) == len(x.shape) + 1:  # the axis of the events
        weight = weight.moved(lambda a: a[0])
    ahead = weight.values.ndim - 2
    if len(x.shape) < 2 or ahead > len(x.shape) - 2:
        raise unsupported(node, f"a constant of shape {given}", "one matrix for every event")
    before = list(range(len(x.shape) - 2))
    some = before[len(before) - ahead :]
    matrix, other, result = ("row", "term"), ("term", "column"), ("row", "column")
    w_labels, x_labels = (matrix, other) if left else (other, matrix)
    labels = ([*before, *x_labels], [*some, *w_labels], [*before, *result])
    return contracted(ctx, node, node.output[0], x, weight, labels)


def summed_product(ctx: Context, node: onnx.NodeProto, position: int, by: Constant) -> Activation | None:
    """Mul by constants that differ from place to place, and the ReduceSum that follows: one sum of products.

    None if that is not what follows, or if each product is worth an operation of its own.
    """
    add = ctx.sole_consumer(node.output[0], "ReduceSum")
    if add is None or (len(add.input) > 1 and add.input[1] not in ctx.tensors):
        return None
    x = ctx.tensor(node, position)
    rank = by.values.ndim
    if not isinstance(x, Activation) or not 1 < rank <= len(x.shape) + 1:
        return None
    if rank == len(x.shape) + 1:
        if by.values.shape[0] != 1:
            return None
        by = by.moved(lambda a: a[0])
    axes = list(range(len(x.shape)))
    sizes = dict(zip(axes[::-1], by.values.shape[::-1], strict=False))
    together = [max(n, sizes.get(axis, 1)) for axis, n in enumerate(x.shape)]
    listed = moves.integers(ctx, add, 1, "axes")
    if not listed or any(n not in (1, together[a]) for a, n in enumerate(x.shape)):
        return None
    summed = set(moves.inner_axes(add, listed, len(together) + 1))
    x_labels = [a for a in axes if x.shape[a] > 1 or together[a] == 1]
    w_labels = [a for a in axes if sizes.get(a, 1) > 1]
    places = [a for a in w_labels if a not in summed]
    if not places or not summed.intersection(w_labels) or (by.codes is None and x.shape == (*together,)):
        return None
    x = activation(ctx, node, position)
    x = replace(x, shape=tuple(x.shape[a] for a in x_labels) or (1,))
    weight = by.moved(lambda a: a.reshape([n for n in a.shape if n > 1]))
    kept = [a for a in axes if a not in summed]
    result = contracted(ctx, node, add.output[0], x, weight, (x_labels, w_labels, kept), together)
    if attributes(add).get("keepdims", 1):
        result = replace(result, shape=tuple(1 if a in summed else n for a, n in enumerate(together)))
    ctx.absorbed.add(add.output[0])
    ctx.tensors[add.output[0]] = result
    return result


def with_own_bias(
    ctx: Context, node: onnx.NodeProto, x: Activation, by: Constant, sign: int
) -> Activation | None:
    """A constant that is added to what a locally connected layer gives: the biases of its positions.

    None if `x` is no such result, or if the constant has no common grid with the products.
    """
    made = ctx.builder.made_by(x.value)
    if made is None or not isinstance(made.op, LocallyConnected) or made.op.bias.any() or x.pending:
        return None
    if by.values.ndim > len(x.shape) + 1 or (by.values.ndim == len(x.shape) + 1 and by.values.shape[0] != 1):
        return None
    try:
        given = by.moved(lambda a: np.broadcast_to(a, (1, *x.shape)).reshape(-1))
    except ValueError:
        return None  # whoever takes it by channel says so
    back = np.argsort(x.order)
    channels, positions = made.op.weights.shape[-1], prod(made.op.own)
    products = spread(ctx.value(x).scale, channels) * positions
    codes, step, late = bias_codes(node, given.moved(lambda a: a[back]), products)
    if set(late) != {Fraction(0)}:
        return None
    op = replace(made.op, bias=sign * codes.reshape(*made.op.own, channels), step=step)
    source = replace(x, value=made.inputs[0])
    return ctx.emit(node.output[0], op, source, shape=x.shape, order=x.order)


@dataclass(frozen=True, eq=False)
class _Sums:
    """``y[place, output] = sum(x[elements[place, term]] * weights[place, term, output])``.

    Attributes
    ----------
    elements
        int64 [places, terms]: flat elements of the ONNX tensor.
    weights
        [places, terms, outputs].
    shape
        Of the result in ONNX, without the batch axis.
    order
        int64 [places * outputs]: which of them each element of the result is.
    """

    elements: NDArray[np.int64]
    weights: Constant
    shape: tuple[int, ...]
    order: NDArray[np.int64]


def contracted(
    ctx: Context,
    node: onnx.NodeProto,
    name: str,
    x: Activation,
    weight: Constant,
    labels: tuple[Labels, Labels, Labels],
    together: Sequence[int] | None = None,
) -> Activation:
    """The sum of products of `x` and weights, with labels of their axes and of the result's.

    Parameters
    ----------
    together
        Sizes of axes that neither operand has, by label.
    """
    node = _weights_last(ctx, node)
    sums = _sums(ctx, node, x, weight, labels, together)
    elements = x.order[sums.elements]
    found = sliding(ctx, x.value, elements)
    if found is None:  # one place after the other
        rows = replace(x, shape=elements.shape, order=elements.reshape(-1))
        x = as_onnx(ctx, rows, node)
        found = sliding(ctx, x.value, np.arange(elements.size).reshape(elements.shape))
        assert found is not None  # noqa: S101  (every row is a window of one element)
    value = ctx.builder.values[found.value]
    source = one_scale(ctx, Activation(found.value, value.shape, np.arange(value.size)))
    codes, scale = weight_codes(node, sums.weights, axis=2)
    outputs, channels = codes.shape[2], codes.shape[2] * found.groups
    kernels = _kernels(found, codes)
    scales = scale if len(scale) == 1 else scale * found.groups
    window, zeros = found.window, np.zeros((*found.out, channels), dtype=np.int64)
    op: Conv | LocallyConnected
    if (kernels == kernels[:1]).all():
        shared = kernels[0].reshape(*window.kernel, found.width, channels)
        none = np.zeros(channels, dtype=np.int64)
        op = Conv(shared, none, scales, window.stride, window.pads, window.dilation, found.groups)
    else:
        own = kernels.reshape(*found.out, *window.kernel, found.width, channels)
        op = LocallyConnected(own, zeros, scales, window.stride, window.pads, window.dilation, found.groups)
        # what only ever meets padding is no weight
        alive = op.alive(value.shape[:-1])[..., None, None]
        op = replace(op, weights=np.where(alive, own, 0))
    table = found.position * channels + found.group * outputs
    order = (table[:, None] + np.arange(outputs)).reshape(-1)[sums.order]
    return ctx.emit(name, op, source, shape=sums.shape, order=order)


def _weights_last(ctx: Context, node: onnx.NodeProto) -> onnx.NodeProto:
    """A copy for messages, in which the weights are the second operand."""
    named = onnx.NodeProto()
    named.CopyFrom(node)
    if isinstance(ctx.tensor(node, 0), Constant):
        named.input[:] = [*node.input][::-1]
    return named


def _sums(
    ctx: Context,
    node: onnx.NodeProto,
    x: Activation,
    weight: Constant,
    labels: tuple[Labels, Labels, Labels],
    together: Sequence[int] | None,
) -> _Sums:
    of_x, of_w, of_y = labels
    if (len(of_x) != len(x.shape) and x.shape != (1,)) or len(of_w) != weight.values.ndim:
        raise LeveloneError(
            f"{describe(node)}: operands of shapes {x.shape} and {weight.values.shape} do not have its axes"
        )
    sizes = dict(enumerate(together or ())) | dict(zip(of_x, x.shape, strict=False))
    for label, n in zip(of_w, weight.values.shape, strict=True):
        if sizes.setdefault(label, n) != n and label in of_x:
            raise LeveloneError(f"{describe(node)}: axes of {sizes[label]} and {n} elements do not match")
        sizes[label] = n
    places = [label for label in of_y if label in of_x]
    terms = [label for label in of_x if label not in of_y]
    outputs = [label for label in of_y if label not in of_x]
    alone = [label for label in of_w if label not in of_x and label not in of_y]
    if alone:
        raise unsupported(node, "sums weights that meet no operand", "weights that are summed already")
    count = [prod(sizes[label] for label in part) for part in (places, terms, outputs)]
    ctx.spend(prod(count), node)
    axes = [*places, *terms, *outputs]

    def spread_out(a: NDArray[np.generic]) -> NDArray[np.generic]:
        """Weights [places, terms, outputs], repeated along the axes that they do not have."""
        here = [label for label in axes if label in of_w]
        moved = a.transpose([list(of_w).index(label) for label in here])
        wide = moved.reshape([sizes[label] if label in of_w else 1 for label in axes])
        return np.broadcast_to(wide, [sizes[label] for label in axes]).reshape(count)

    index = np.arange(len(x.order)).reshape([sizes[label] for label in of_x])
    elements = index.transpose([list(of_x).index(label) for label in [*places, *terms]])
    given = [*places, *outputs]
    numbers = np.arange(count[0] * count[2]).reshape([sizes[label] for label in given])
    order = numbers.transpose([given.index(label) for label in of_y]).reshape(-1)
    shape = tuple(sizes[label] for label in of_y) or (1,)
    return _Sums(elements.reshape(count[:2]), weight.moved(spread_out), shape, order)


def _kernels(found: Sliding, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes [places, terms, outputs] as [positions, taps, channels of a group, channels out]."""
    outputs = codes.shape[2]
    result = np.zeros(
        (prod(found.out), prod(found.window.kernel), found.width, outputs * found.groups), dtype=np.int64
    )
    filters = found.group[:, None, None] * outputs + np.arange(outputs)
    np.add.at(
        result,
        (found.position[:, None, None], found.tap[:, None], found.channel[:, None], filters),
        codes,
    )
    return result

"""ConvTranspose as an ordinary convolution with more channels, whose results are then dealt out over space.

Along one axis with stride s, the result at ``o = m * s + p`` is the sum over taps t with ``t * d - b = a * s
+ p`` of ``x[m - a] * w[t]`` (b: padding at the beginning, d: dilation). For each phase p that is a
convolution over m. The phases become channels of one Conv, and a transpose interleaves them: no
multiplication by an inserted zero is left.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Conv
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import channels_last
from levelone.graph.reader.context import MAX_VALUE, Context
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.shapes import taken
from levelone.graph.reader.tensors import Activation
from levelone.graph.reader.waiting import activation, one_scale
from levelone.graph.reader.weights import bias_codes, weight_codes


def read_conv_transpose(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = one_scale(ctx, channels_last(ctx, activation(ctx, node, 0), node))
    weight = ctx.constant(node, 1, "weight")  # [in, out / groups, *kernel]
    rank = weight.values.ndim - 2
    given = attributes(node)
    groups = int(given.get("group", 1))
    if rank < 1 or len(x.shape) != rank + 1 or weight.values.shape[0] != x.shape[0]:
        raise LeveloneError(
            f"{describe(node)}: weight {weight.values.shape} for an operand of shape {x.shape}"
        )
    if groups < 1 or x.shape[0] % groups:
        raise LeveloneError(f"{describe(node)}: {x.shape[0]} channels in {groups} groups")
    codes, scale = weight_codes(node, weight, axis=1)
    inside, channels, kernel = x.shape[0] // groups, codes.shape[1], codes.shape[2:]
    plans = _plans(node, kernel, x.shape[1:])
    phases = [plan.stride for plan in plans]
    taps = [plan.high - plan.low + 1 for plan in plans]
    if prod(taps) * prod(phases) * codes.size // prod(kernel) > MAX_VALUE:
        raise LeveloneError(f"{describe(node)}: strides {phases} make it too large to compute with")
    # [*taps, in / groups, groups, *phases, out / groups]
    spreaded = np.zeros((*taps, inside, groups, *phases, channels), dtype=np.int64)
    by_group = codes.reshape(groups, inside, channels, *kernel)
    for tap in product(*(range(k) for k in kernel)):
        places = [plan.place(t) for plan, t in zip(plans, tap, strict=True)]
        at: tuple[Any, ...] = tuple(plan.high - a for plan, (a, _) in zip(plans, places, strict=True))
        for group in range(groups):
            one: tuple[Any, ...] = (group, slice(None), slice(None), *tap)
            spreaded[(*at, slice(None), group, *(p for _, p in places))] += by_group[one]
    products = tuple(ctx.value(x).scale[0] * s for s in spread(scale, channels) * groups)
    bias = ctx.constant(node, 2, "bias") if ctx.has(node, 2) else None
    offsets, step, late = bias_codes(node, bias, products)
    copies = prod(phases)
    conv = Conv(
        spreaded.reshape(*taps, inside, groups * copies * channels),
        np.repeat(offsets.reshape(groups, 1, channels), copies, axis=1).reshape(-1),
        scale if len(scale) == 1 else scale * (groups * copies),
        (1,) * rank,
        tuple((plan.high, plan.after) for plan in plans),
        (1,) * rank,
        groups=groups,
        step=step,
    )
    name, sizes = node.output[0], [plan.size for plan in plans]
    whole = all(size % phase == 0 for size, phase in zip(sizes, phases, strict=True))
    result = ctx.emit_last(name if whole and copies == 1 else f"{name}_phases", conv, x)
    ctx.not_the_tensor(result)
    result = _interleaved(ctx, node, result, groups, phases, name if whole else "")
    ctx.not_the_tensor(result)  # what the last phase computes beyond the end is cut off next
    result = taken(ctx, node, name, result, {i + 1: tuple(range(n)) for i, n in enumerate(sizes)})
    layout = ctx.builder.layouts[result.value]
    ctx.builder.layout(result.value, replace(layout, tensor=name))
    finished = replace(result, bias=late)
    if finished.pending:
        ctx.not_the_tensor(finished)
    return finished


class Plan:
    """One axis: where each tap goes, and how far the convolution reaches.

    Attributes
    ----------
    low, high
        Smallest and largest shift ``a`` (see the module), 0 included.
    after
        Padding at the end of the convolution's operand.
    size
        Of the result.
    """

    def __init__(
        self, n: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int], extra: int
    ) -> None:
        self.stride, self.dilation, self.begin = stride, dilation, pads[0]
        self.size = (n - 1) * stride + extra + dilation * (kernel - 1) + 1 - sum(pads)
        shifts = [self.place(t)[0] for t in (0, kernel - 1)]
        steps = -(-self.size // stride)
        self.high = max(*shifts, 0)
        self.low = min(*shifts, 0, steps - n)
        self.after = steps - n - self.low

    def place(self, tap: int) -> tuple[int, int]:
        """(a, p) of a tap."""
        return divmod(tap * self.dilation - self.begin, self.stride)


def _plans(node: onnx.NodeProto, kernel: tuple[int, ...], spatial: tuple[int, ...]) -> list[Plan]:
    given, rank = attributes(node), len(kernel)
    stride = [int(s) for s in given.get("strides") or [1] * rank]
    dilation = [int(d) for d in given.get("dilations") or [1] * rank]
    extra = [int(e) for e in given.get("output_padding") or [0] * rank]
    flat = [int(p) for p in given.get("pads") or [0] * (2 * rank)]
    auto = given.get("auto_pad") or "NOTSET"
    if "output_shape" in given or auto not in ("NOTSET", "VALID"):
        raise unsupported(node, "output_shape or automatic padding", "explicit pads and output_padding")
    if {len(stride), len(dilation), len(extra), len(spatial)} != {rank} or len(flat) != 2 * rank:
        raise LeveloneError(f"{describe(node)}: attributes do not fit {rank} spatial axes")
    if (
        min(*stride, *dilation) < 1
        or min(*extra, *flat) < 0
        or tuple(given.get("kernel_shape", kernel)) != kernel
    ):
        raise LeveloneError(f"{describe(node)}: attributes out of range")
    pads = zip(flat[:rank], flat[rank:], strict=True)
    plans = [Plan(*row) for row in zip(spatial, kernel, stride, dilation, pads, extra, strict=True)]
    if any(plan.size < 1 or max(plan.size, plan.high, plan.after) > MAX_VALUE for plan in plans):
        raise LeveloneError(f"{describe(node)}: its result would have axes {[plan.size for plan in plans]}")
    return plans


def _interleaved(
    ctx: Context, node: onnx.NodeProto, x: Activation, groups: int, phases: list[int], name: str
) -> Activation:
    """[*m, (groups, *phases, channels)] -> [*(m * phases), groups * channels], called `name` if given."""
    rank, spatial = len(phases), x.shape[1:]
    # ONNX order of x: (groups, *phases, channels, *m)
    parts = x.order.reshape(groups, *phases, -1, *spatial)
    axes = [0, rank + 1, *(a for i in range(rank) for a in (rank + 2 + i, 1 + i))]
    shape = (x.shape[0] // prod(phases), *(m * p for m, p in zip(spatial, phases, strict=True)))
    order = parts.transpose(axes).reshape(-1)
    return channels_last(ctx, replace(x, shape=shape, order=order), node, name)

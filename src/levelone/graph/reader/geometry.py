"""Kernel, stride, padding and dilation attributes of ONNX convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Window
from levelone.graph.reader.nodes import attributes, describe, unsupported


def window_of(node: onnx.NodeProto, kernel: Sequence[int], spatial: Sequence[int]) -> Window:
    """The window of a node whose operand has these spatial axes; `auto_pad` becomes explicit."""
    given = attributes(node)
    rank = len(kernel)
    stride = tuple(given.get("strides") or (1,) * rank)
    dilation = tuple(given.get("dilations") or (1,) * rank)
    flat = tuple(given.get("pads") or (0,) * (2 * rank))
    auto = given.get("auto_pad") or "NOTSET"
    if {len(stride), len(dilation), len(spatial)} != {rank} or len(flat) != 2 * rank:
        raise LeveloneError(f"{describe(node)}: attributes do not fit {rank} spatial axes")
    pads = tuple(zip(flat[:rank], flat[rank:], strict=True))
    if min(flat) < 0:
        raise unsupported(node, "negative padding crops", "a Slice before it, or no padding")
    if min(*stride, *dilation, *kernel) < 1:
        raise LeveloneError(f"{describe(node)}: kernel, strides and dilations must be positive")
    if auto == "VALID":
        pads = ((0, 0),) * rank
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        upper = auto == "SAME_UPPER"
        pads = tuple(
            _same(n, k, s, d, upper) for n, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)
        )
    elif auto != "NOTSET":
        raise unsupported(node, f"auto_pad {auto!r}", "explicit pads")
    return Window(tuple(kernel), stride, pads, dilation)


def _same(size: int, kernel: int, stride: int, dilation: int, upper: bool) -> tuple[int, int]:
    """Padding that makes ``ceil(size / stride)`` positions; the odd element goes at the end if `upper`."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if upper else (large, small)


def with_ceiling(node: onnx.NodeProto, window: Window, spatial: Sequence[int]) -> Window:
    """The window with the end padding that `ceil_mode` adds; positions that start in padding are dropped."""
    if not attributes(node).get("ceil_mode", 0):
        return window
    pads = []
    for n, k, s, (begin, end), d in zip(
        spatial, window.kernel, window.stride, window.pads, window.dilation, strict=True
    ):
        extent = d * (k - 1) + 1
        positions = -(-(n + begin + end - extent) // s) + 1
        if (positions - 1) * s >= n + begin:
            positions -= 1
        pads.append((begin, max(end, (positions - 1) * s + extent - n - begin)))
    return Window(window.kernel, window.stride, tuple(pads), window.dilation)

"""Convolution and dense layers: weights in hls4ml's layout, accumulators that hold everything on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Conv, Dense
from levelone.hardware.types import value_type
from levelone.hls.layers.window import lower_window_conv, together
from levelone.hls.lowering.accumulator import weighted_sum
from levelone.hls.lowering.spec import LayerSpec, Parameter, Site

_AXES = {1: ("width",), 2: ("height", "width")}
_SIDES = {1: (("left", "right"),), 2: (("top", "bottom"), ("left", "right"))}


def lower_dense(op: Dense, site: Site) -> list[LayerSpec]:
    """`Dense`, on tensors of higher rank a convolution with a kernel of one element."""
    rank = len(site.operands[0].shape) - 1
    if rank > 0:
        weights = op.weights.reshape((1,) * rank + op.weights.shape)
        ones, none = (1,) * rank, ((0, 0),) * rank
        return lower_conv(Conv(weights, op.bias, op.weight_scale, ones, none, ones, 1, op.step), site)
    made = weighted_sum(site, op, op.weights)
    return [
        LayerSpec(
            site.name,
            "Dense",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types={"accum": made.accumulator},
            parameters=made.parameters,
            proof=made.proof,
            attributes={"n_in": op.weights.shape[0], "n_out": op.weights.shape[1]},
            value=site.output,
        )
    ]


def lower_conv(op: Conv, site: Site) -> list[LayerSpec]:
    """`Conv`: hls4ml's layers in one and two dimensions, our own in three.

    hls4ml has neither dilation nor groups (but one channel per group): the kernel is written out with the
    zeros that they mean, which cost nothing in unrolled logic. In a stream, padding is a layer of its own.
    """
    (x,) = site.operands
    rank = op.window.rank
    channels, filters = x.shape[-1], op.weights.shape[-1]
    depthwise = op.groups == channels == filters and channels > 1
    # hls4ml's unrolled depthwise convolution knows the latency strategy only
    unknown = depthwise and not site.stream and site.config.strategy == "resource"
    if rank not in _AXES or unknown:
        return lower_window_conv(op, site)
    weights = _dilated(op.weights, op.dilation)
    if not depthwise:
        weights = _ungrouped(weights, op.groups)
    pads = op.pads
    if site.stream and rank == 2 and weights.shape[0] == 1 and op.stride[0] > 1:
        weights, pads = _two_rows(weights, op, x.shape[0])
    specs, source, spatial, left = pad_first(site, x.shape, pads) if site.stream else _unpadded(site, pads)
    made = weighted_sum(site, op, weights)
    parameters = dict(made.parameters)
    if depthwise:  # hls4ml keeps [*kernel, channel, multiplier]
        weight = parameters["weight"]
        parameters["weight"] = Parameter(np.swapaxes(weight.codes, -1, -2), weight.type)
    attributes: dict[str, Any] = {"data_format": "channels_last", "n_chan": channels, "n_filt": filters}
    if depthwise:
        attributes["depth_multiplier"] = 1
    for i, axis in enumerate(_AXES[rank]):
        attributes |= {
            f"in_{axis}": spatial[i],
            f"out_{axis}": site.output.shape[i],
            f"filt_{axis}": weights.shape[i],
            f"stride_{axis}": op.stride[i],
        }
        attributes |= {f"pad_{side}": pad for side, pad in zip(_SIDES[rank][i], left[i], strict=True)}
    settings: dict[str, Any] = {}
    if not site.stream and (site.config.strategy == "latency" or site.config.partition_factor):
        # every output pixel at once, unless asked for less: left alone, hls4ml walks over them one by one
        positions = int(np.prod(site.output.shape[:-1]))
        settings["ParallelizationFactor"] = together(site) if site.config.partition_factor else positions
    if not site.stream and site.config.strategy == "resource":
        # hls4ml's unrolled layer shares a multiplier among the terms of one sum at most
        settings["ReuseFactor"] = min(site.config.reuse_factor, int(np.prod(weights.shape[:-1])))
    specs.append(
        LayerSpec(
            site.name,
            f"{'Depthwise' if depthwise else ''}Conv{rank}D",
            (source,),
            site.output.shape,
            value_type(site.output),
            types={"accum": made.accumulator},
            parameters=parameters,
            proof=made.proof,
            attributes=attributes,
            settings=settings,
            value=site.output,
        )
    )
    return specs


Pads = Sequence[tuple[int, int]]


def pad_first(
    site: Site, shape: tuple[int, ...], pads: Pads
) -> tuple[list[LayerSpec], str, tuple[int, ...], Pads]:
    """(padding layer if any, what to read, its spatial shape, what padding is left to do)."""
    rank = len(shape) - 1
    spatial = tuple(n + begin + end for n, (begin, end) in zip(shape, pads, strict=False))
    none = [(0, 0)] * rank
    if not any(map(any, pads)):
        return [], site.inputs[0], spatial, none
    name = f"{site.name}_pad"
    attributes: dict[str, Any] = {"data_format": "channels_last", "n_chan": shape[-1]}
    for i, axis in enumerate(_AXES[rank]):
        attributes |= {f"in_{axis}": shape[i], f"out_{axis}": spatial[i]}
        attributes |= {f"pad_{side}": pad for side, pad in zip(_SIDES[rank][i], pads[i], strict=True)}
    spec = LayerSpec(
        name,
        f"ZeroPadding{rank}D",
        site.inputs,
        (*spatial, shape[-1]),
        value_type(site.operands[0]),
        attributes=attributes,
    )
    return [spec], name, spatial, none


def _unpadded(site: Site, pads: Pads) -> tuple[list[LayerSpec], str, tuple[int, ...], Pads]:
    return [], site.inputs[0], site.operands[0].shape[:-1], pads


def _dilated(weights: NDArray[np.int64], dilation: tuple[int, ...]) -> NDArray[np.int64]:
    shape = tuple(d * (k - 1) + 1 for k, d in zip(weights.shape, dilation, strict=False))
    result = np.zeros((*shape, *weights.shape[-2:]), dtype=np.int64)
    result[tuple(slice(None, None, d) for d in dilation)] = weights
    return result


def _two_rows(
    weights: NDArray[np.int64], op: Conv, height: int
) -> tuple[NDArray[np.int64], tuple[tuple[int, int], ...]]:
    """The same convolution with a second kernel row of zeros: (weights, pads).

    hls4ml's streamed convolution with a single kernel row ignores the vertical stride.
    """
    (begin, end), stride = op.pads[0], op.stride[0]
    padded = height + begin + end
    needed = (padded - 1) // stride * stride + 2
    return (
        np.concatenate([weights, np.zeros_like(weights)]),
        ((begin, end + max(needed - padded, 0)), *op.pads[1:]),
    )


def _ungrouped(weights: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    if groups == 1:
        return weights
    channels, filters = weights.shape[-2], weights.shape[-1] // groups
    result = np.zeros((*weights.shape[:-2], channels * groups, weights.shape[-1]), dtype=np.int64)
    for g in range(groups):
        out = slice(g * filters, (g + 1) * filters)
        result[..., g * channels : (g + 1) * channels, out] = weights[..., out]
    return result

"""`Conv` and `Dense`: hls4ml's layers over one or two axes, our own over three; `LocallyConnected`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ops import Conv, Dense, LocallyConnected
from levelone.graph.ops._bounds import largest
from levelone.hardware.sums import WeightedSum, weighted_sum
from levelone.hardware.types import Parameter
from levelone.hls.operations.window import (
    HLS4ML_AXES,
    HLS4ML_SIDES,
    Pads,
    geometry,
    pad_first,
    padded_first,
    starts_in_padding,
    together,
)
from levelone.hls.spec import MOST, Body, LayerSpec, Site


def lower_dense(op: Dense, site: Site) -> list[LayerSpec]:
    """`Dense`, on tensors of higher rank a convolution with a kernel of one element."""
    rank = len(site.operands[0].shape) - 1
    if rank > 0:
        weights = op.weights.reshape((1,) * rank + op.weights.shape)
        ones, none = (1,) * rank, ((0, 0),) * rank
        return lower_conv(Conv(weights, op.bias, op.weight_scale, ones, none, ones, 1, op.step), site)
    return [
        site.layer(
            "Dense",
            attributes={"n_in": op.weights.shape[0], "n_out": op.weights.shape[1]},
            **_fields(_summed(site, op, op.weights)),
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
    if rank not in HLS4ML_AXES or unknown:
        return _lower_own_conv(op, site)
    weights = _dilated(op.weights, op.dilation)
    if not depthwise:
        weights = _ungrouped(weights, op.groups)
    pads = op.pads
    if site.stream and rank == 2 and weights.shape[0] == 1 and op.stride[0] > 1:
        weights, pads = _two_rows(weights, op, x.shape[0])
    specs, source, spatial, left = pad_first(site, x.shape, pads) if site.stream else _unpadded(site, pads)
    made = _summed(site, op, weights)
    if depthwise:  # hls4ml keeps [*kernel, channel, multiplier]
        swapped = np.swapaxes(made.weight.codes, -1, -2)
        made = replace(made, weight=Parameter(swapped, made.weight.type))
    attributes: dict[str, Any] = {"data_format": "channels_last", "n_chan": channels, "n_filt": filters}
    if depthwise:
        attributes["depth_multiplier"] = 1
    for i, axis in enumerate(HLS4ML_AXES[rank]):
        attributes |= {
            f"in_{axis}": spatial[i],
            f"out_{axis}": site.output.shape[i],
            f"filt_{axis}": weights.shape[i],
            f"stride_{axis}": op.stride[i],
        }
        attributes |= {f"pad_{side}": pad for side, pad in zip(HLS4ML_SIDES[rank][i], left[i], strict=True)}
    settings: dict[str, Any] = {}
    if not site.stream and (site.config.strategy == "latency" or site.config.partition_factor):
        # every output pixel at once, unless asked for less: left alone, hls4ml walks over them one by one
        positions = int(np.prod(site.output.shape[:-1]))
        settings["ParallelizationFactor"] = together(site) if site.config.partition_factor else positions
    if not site.stream and site.config.strategy == "resource":
        # hls4ml's unrolled layer shares a multiplier among the terms of one sum at most
        settings["ReuseFactor"] = min(site.config.reuse_factor, int(np.prod(weights.shape[:-1])))
    kind = f"{'Depthwise' if depthwise else ''}Conv{rank}D"
    layer = site.layer(kind, inputs=(source,), attributes=attributes, settings=settings, **_fields(made))
    return [*specs, layer]


def _lower_own_conv(op: Conv, site: Site) -> list[LayerSpec]:
    """`Conv` over one to three axes, with its groups and dilation."""
    if starts_in_padding(op.window):
        padding, inside = padded_first(op.window, site)
        return [*padding, *_lower_own_conv(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    constants = geometry(op.window, site) | {"groups": op.groups}
    reuse, copies = site.config.reuse_factor, constants["partition"]
    constants["multiplier_limit"] = max(1, -(-int(np.count_nonzero(op.weights)) * copies // reuse))
    shared = reuse if site.config.strategy == "resource" else 1
    constants["weight_banks"] = -(-op.weights.size // shared)
    body = Body("levelone_conv.h", "levelone::conv", constants, shares=True)
    return [site.layer(f"Conv{op.window.rank}D", body=body, **_fields(_summed(site, op, op.weights)))]


def lower_locally_connected(op: LocallyConnected, site: Site) -> list[LayerSpec]:
    """`LocallyConnected`: the kernels of all positions in a memory, or each in logic of its own."""
    if starts_in_padding(op.window):
        padding, inside = padded_first(op.window, site)
        return [*padding, *lower_locally_connected(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    constants = geometry(op.window, site) | {"groups": op.groups}
    reuse, copies = site.config.reuse_factor, constants["partition"]
    kernels = op.weights.reshape(-1, op.fan_in * op.weights.shape[-1])
    # as many multipliers as the positions that are computed together need at most
    needed = np.count_nonzero(kernels, axis=1).reshape(-1, copies).sum(axis=1)
    constants["multiplier_limit"] = max(1, -(-int(needed.max()) // reuse))
    shared = reuse if site.config.strategy == "resource" else 1
    constants["kernel_size"] = kernels.shape[1]
    constants["weight_banks"] = -(-kernels.shape[1] * copies // shared)
    body = Body("levelone_locally_connected.h", "levelone::locally_connected", constants, shares=True)
    kind = f"LocallyConnected{op.window.rank}D"
    return [site.layer(kind, body=body, **_fields(_summed(site, op, op.weights)))]


def _summed(site: Site, op: Conv | Dense | LocallyConnected, weights: NDArray[np.int64]) -> WeightedSum:
    """Constants and accumulator of a layer, with weights that hls4ml is handed exactly."""
    if largest(op.held_weights()[0]) > MOST:
        raise UnsupportedError(
            f"{site.name}: products are {op.step} steps of the bias's grid: no weight holds that",
            hint="use scales whose ratios are shorter numbers",
        )
    return weighted_sum(op, site.operands[0], site.output, weights, tight=site.config.tight)


def _fields(made: WeightedSum) -> dict[str, Any]:
    """What a layer of weighted sums says of itself."""
    return {
        "types": {"accum": made.accumulator},
        "parameters": {"weight": made.weight, "bias": made.bias},
        "proof": made.proof,
    }


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

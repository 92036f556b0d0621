"""Convolution and pooling over up to three axes, where hls4ml has no layer: windows that slide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ir import IntRange
from levelone.graph.ops import AveragePool, Conv, MaxPool, Pad, Window
from levelone.hls.layers.gather import lower_gather
from levelone.hls.lowering.accumulator import weighted_sum
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site
from levelone.hls.types import codes_type, exact_type, value_type

AXES = ("depth", "height", "width")
UNROLLED_POSITIONS = 1024
"""More positions than this are computed one after the other: no device holds that many copies of a kernel."""


def lower_window_conv(op: Conv, site: Site) -> list[LayerSpec]:
    """`Conv` over one to three axes, with its groups and dilation."""
    if _starts_in_padding(op.window):
        padding, inside = _padded_first(op.window, site)
        return [*padding, *lower_window_conv(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    made = weighted_sum(site, op.weights, op.bias, op.step)
    constants = geometry(op.window, site) | {"groups": op.groups}
    reuse, copies = site.config.reuse_factor, constants["partition"]
    constants["multiplier_limit"] = max(1, -(-int(np.count_nonzero(op.weights)) * copies // reuse))
    shared = reuse if site.config.strategy == "resource" else 1
    constants["weight_banks"] = -(-op.weights.size // shared)
    return [
        LayerSpec(
            site.name,
            f"Conv{op.window.rank}D",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types={"accum": made.accumulator},
            parameters=made.parameters,
            value=site.output,
            proof=made.proof,
            body=Body("levelone_conv.h", "levelone::conv", constants),
        )
    ]


def lower_window_max_pool(op: MaxPool, site: Site) -> list[LayerSpec]:
    """`MaxPool`; padding never wins."""
    return [
        LayerSpec(
            site.name,
            f"MaxPool{op.window.rank}D",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            value=site.output,
            body=Body("levelone_pool.h", "levelone::max_pool", geometry(op.window, site)),
        )
    ]


def lower_window_average_pool(op: AveragePool, site: Site) -> list[LayerSpec]:
    """`AveragePool`: the sum, times a factor where windows at the border hold fewer elements."""
    if _starts_in_padding(op.window):
        padding, inside = _padded_first(op.window, site)
        return [*padding, *lower_window_average_pool(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    x = site.operands[0]
    spatial = x.shape[:-1]
    counts = op.window.counts(spatial, op.window.output_shape(site.name, spatial))
    factors = np.zeros(int(np.prod(op.kernel)) + 1, dtype=np.int64)
    factors[counts] = op.factors(spatial)
    most = int(counts.max())
    sums = exact_type(IntRange(min(x.range.lo, 0) * most, max(x.range.hi, 0) * most), 0)
    return [
        LayerSpec(
            site.name,
            f"AveragePool{op.window.rank}D",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types={"accum": sums},
            parameters={"factor": Parameter(factors, codes_type(factors))},
            value=site.output,
            body=Body("levelone_pool.h", "levelone::average_pool", geometry(op.window, site)),
        )
    ]


def _starts_in_padding(window: Window) -> bool:
    """Whether the first window meets no data: a stream would have to give it before it reads anything."""
    extent = (d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True))
    return any(begin >= size for (begin, _), size in zip(window.pads, extent, strict=True))


def _padded_first(window: Window, site: Site) -> tuple[list[LayerSpec], Site]:
    """(layer that writes the zeros out, where what reads them stands)."""
    name = f"{site.name}_pad"
    pad = Pad((*window.pads, (0, 0)))
    value = pad.infer(name, site.operands[0])
    specs = lower_gather(pad, replace(site, name=name, output=value))
    return [replace(spec, value=None) for spec in specs], replace(site, inputs=(name,), operands=(value,))


def geometry(window: Window, site: Site) -> dict[str, int]:
    """Constants of the C++ windows: every layer has three axes, the missing ones are leading and of length 1.

    Raises
    ------
    UnsupportedError
        For more than three axes.
    """
    x, missing = site.operands[0], len(AXES) - window.rank
    if missing < 0:
        raise UnsupportedError(
            f"{site.name}: a window over {window.rank} axes; up to {len(AXES)} can be carried"
        )
    ones = (1,) * missing
    sizes = {
        "in": ones + x.shape[:-1],
        "out": ones + site.output.shape[:-1],
        "filt": ones + window.kernel,
        "stride": ones + window.stride,
        "dilation": ones + window.dilation,
        "pad": (0,) * missing + tuple(begin for begin, _ in window.pads),
    }
    constants = {
        f"{key}_{axis}": n for key, found in sizes.items() for axis, n in zip(AXES, found, strict=True)
    }
    constants |= {"channels": x.shape[-1], "out_channels": site.output.shape[-1]}
    return constants | {"partition": together(site)}


def together(site: Site) -> int:
    """Output positions that are computed at once, a divisor of their number.

    All of them in a fully unrolled design, unless asked for less or no device holds so many kernels.
    """
    positions = int(np.prod(site.output.shape[:-1]))
    asked = site.config.partition_factor
    if site.stream:
        return 1
    if asked == 0:
        unrolled = site.config.strategy == "latency" and positions <= UNROLLED_POSITIONS
        return positions if unrolled else 1
    return next(n for n in range(min(asked, positions), 0, -1) if positions % n == 0)

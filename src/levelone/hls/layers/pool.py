"""Pooling over up to three axes, where hls4ml has no layer: windows that slide, or meet nothing twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from levelone.graph.ops import AveragePool, MaxPool, Window
from levelone.hardware.types import exact_type, value_type
from levelone.hls.layers.window import AXES, geometry, padded_first, starts_in_padding
from levelone.hls.lowering.ranges import pool_range
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site

SLIDING, REDUCING = "levelone_pool.h", "levelone_reduce.h"


def lower_window_max_pool(op: MaxPool, site: Site) -> list[LayerSpec]:
    """`MaxPool`; padding never wins."""
    reduced = site.stream and apart(op.window, site)
    return [
        LayerSpec(
            site.name,
            f"MaxPool{op.window.rank}D",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types={"accum": value_type(site.operands[0])} if reduced else {},
            value=site.output,
            body=_body(op.window, site, "levelone::reduce_max" if reduced else "levelone::max_pool"),
        )
    ]


def lower_window_average_pool(op: AveragePool, site: Site) -> list[LayerSpec]:
    """`AveragePool`: the sum, times a factor where windows at the border hold fewer elements."""
    if starts_in_padding(op.window):
        padding, inside = padded_first(op.window, site)
        return [*padding, *lower_window_average_pool(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    x = site.operands[0]
    spatial = x.shape[:-1]
    counts = op.window.counts(spatial, op.window.output_shape(site.name, spatial))
    factors = op.factors(spatial)
    weighted = bool((factors != 1).any())
    reduced = site.stream and apart(op.window, site)
    if reduced:
        function = "levelone::reduce_mean" if weighted else "levelone::reduce_sum"
        table = factors.reshape(-1)  # by position
    else:
        function = "levelone::average_pool" if weighted else "levelone::sum_pool"
        table = np.zeros(int(np.prod(op.kernel)) + 1, dtype=np.int64)  # by number of elements
        table[counts] = factors
    return [
        LayerSpec(
            site.name,
            f"AveragePool{op.window.rank}D",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types={"accum": exact_type(pool_range(op, x, 1), 0)},
            parameters={"factor": Parameter.of_integers(table)} if weighted else {},
            value=site.output,
            body=_body(op.window, site, function, shares=weighted),
        )
    ]


def apart(window: Window, site: Site) -> bool:
    """Whether no element lies under two windows: a stream can then be added up as it arrives."""
    extents = (d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True))
    axes = zip(site.output.shape[:-1], window.stride, extents, strict=True)
    return all(positions == 1 or stride >= extent for positions, stride, extent in axes)


def _body(window: Window, site: Site, function: str, *, shares: bool = False) -> Body:
    constants = geometry(window, site)
    if not function.startswith("levelone::reduce"):
        return Body(SLIDING, function, constants, shares)
    for axis in AXES:
        if constants[f"out_{axis}"] == 1:  # where there is no second window, it cannot overlap
            extent = constants[f"dilation_{axis}"] * (constants[f"filt_{axis}"] - 1) + 1
            constants[f"stride_{axis}"] = max(constants[f"stride_{axis}"], extent)
    return Body(REDUCING, function, constants, shares)

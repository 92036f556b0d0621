"""`MaxPool` and `AveragePool`: hls4ml's layers where they are right, our own elsewhere."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from levelone.graph.ops import AveragePool, MaxPool, Window
from levelone.graph.values import IntRange
from levelone.hardware.proof import RangeProof, range_proof
from levelone.hardware.sums import pool_range
from levelone.hardware.types import FixedType, Parameter, exact_type, exponent_of, value_type
from levelone.hls.operations.window import (
    AXES,
    HLS4ML_AXES,
    HLS4ML_SIDES,
    geometry,
    pad_first,
    padded_first,
    starts_in_padding,
)
from levelone.hls.spec import Body, LayerSpec, Site

SLIDING, REDUCING = "levelone_pool.h", "levelone_reduce.h"
LARGEST_HELD = 16
"""Elements; hls4ml's streamed pools of larger windows give way to one that adds up as it goes."""


def lower_max_pool(op: MaxPool, site: Site) -> list[LayerSpec]:
    """`MaxPool`; padding never wins.

    hls4ml pads with the pattern 100...0, which is the least signed but a large unsigned number: unsigned
    tensors are padded with zeros, which never win, by a layer of their own.
    """
    x = site.operands[0]
    padded = any(map(any, op.pads))
    if not _needs_own_layer(op, site) and not (padded and x.signed and site.stream):
        return _hls4ml_pool("Max", op, site, value_type(x), explicit_pads=padded and not x.signed)
    reduced = site.stream and _apart(op.window, site)
    return [
        site.layer(
            f"MaxPool{op.window.rank}D",
            types={"accum": value_type(x)} if reduced else {},
            body=_body(op.window, site, "levelone::reduce_max" if reduced else "levelone::max_pool"),
        )
    ]


def lower_average_pool(op: AveragePool, site: Site) -> list[LayerSpec]:
    """`AveragePool`: hls4ml's layer where the division is a shift that loses nothing, else our own.

    hls4ml divides, which is right only where types carry the real numbers: with any other scale they carry
    codes, and the code of the mean is the sum.
    """
    x = site.operands[0]
    divisor = op.divisor(x.shape[:-1])
    padded = any(map(any, op.pads))
    real = x.exponent is not None and divisor & (divisor - 1) == 0
    if _needs_own_layer(op, site) or not real or (padded and not op.include_pad):
        return _own_average_pool(op, site)
    # the register holds sums before the division, on the grid after it
    low, high = min(site.output.range.lo, 0) * divisor, max(site.output.range.hi, 0) * divisor
    accumulator = exact_type(IntRange(low, high), exponent_of(site.output))
    proof = range_proof(site.name, "accumulator", pool_range(op, x, divisor), accumulator)
    return _hls4ml_pool("Average", op, site, accumulator, explicit_pads=padded, proof=proof)


def _own_average_pool(op: AveragePool, site: Site) -> list[LayerSpec]:
    """The sum, times a factor where windows at the border hold fewer elements."""
    if starts_in_padding(op.window):
        padding, inside = padded_first(op.window, site)
        return [*padding, *_own_average_pool(replace(op, pads=((0, 0),) * op.window.rank), inside)]
    x = site.operands[0]
    spatial = x.shape[:-1]
    counts = op.window.counts(spatial, op.window.output_shape(site.name, spatial))
    factors = op.factors(spatial)
    weighted = bool((factors != 1).any())
    reduced = site.stream and _apart(op.window, site)
    if reduced:
        function = "levelone::reduce_mean" if weighted else "levelone::reduce_sum"
        table = factors.reshape(-1)  # by position
    else:
        function = "levelone::average_pool" if weighted else "levelone::sum_pool"
        table = np.zeros(int(np.prod(op.kernel)) + 1, dtype=np.int64)  # by number of elements
        table[counts] = factors
    reach = pool_range(op, x)
    accumulator = exact_type(reach, 0)
    return [
        site.layer(
            f"AveragePool{op.window.rank}D",
            types={"accum": accumulator},
            parameters={"factor": Parameter.of_integers(table)} if weighted else {},
            proof=range_proof(site.name, "accumulator", reach, accumulator),
            body=_body(op.window, site, function, shares=weighted),
        )
    ]


def _needs_own_layer(op: MaxPool | AveragePool, site: Site) -> bool:
    """Three axes, dilation, and in a stream windows that overlap or leave gaps, are unknown to hls4ml.

    It holds a streamed window in registers, which is right for a small one only.
    """
    rank = op.window.rank
    if rank not in HLS4ML_AXES or max(op.dilation) > 1:
        return True
    large = prod(op.kernel) > LARGEST_HELD and _apart(op.window, site)
    return site.stream and (large or (rank == 2 and op.stride != op.kernel))


def _apart(window: Window, site: Site) -> bool:
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


def _hls4ml_pool(
    kind: str,
    op: MaxPool | AveragePool,
    site: Site,
    accumulator: FixedType,
    *,
    explicit_pads: bool,
    proof: RangeProof | None = None,
) -> list[LayerSpec]:
    x = site.operands[0]
    rank = op.window.rank
    specs: list[LayerSpec] = []
    source, spatial, pads = site.inputs[0], x.shape[:-1], tuple(op.pads)
    if explicit_pads:
        specs, source, spatial, left = pad_first(site, x.shape, op.pads)
        pads = tuple(left)
    attributes: dict[str, Any] = {
        "class_name": f"{kind}Pooling{rank}D",  # hls4ml takes the operation from this name
        "data_format": "channels_last",
        "n_filt": x.shape[-1],
        "count_pad": True,
    }
    for i, axis in enumerate(HLS4ML_AXES[rank]):
        sizes = {"in": spatial[i], "out": site.output.shape[i]}
        attributes |= {f"pool_{axis}": op.kernel[i], f"stride_{axis}": op.stride[i]}
        attributes |= {f"n_{key}" if rank == 1 else f"{key}_{axis}": size for key, size in sizes.items()}
        attributes |= {f"pad_{side}": pad for side, pad in zip(HLS4ML_SIDES[rank][i], pads[i], strict=True)}
    types = {"accum": accumulator}
    layer = site.layer(f"Pooling{rank}D", inputs=(source,), types=types, attributes=attributes, proof=proof)
    return [*specs, layer]

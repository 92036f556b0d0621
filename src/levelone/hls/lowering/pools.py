"""Pooling: hls4ml's layers over one or two axes where they are right, our own elsewhere."""

from __future__ import annotations

from math import prod
from typing import Any

from levelone.graph.ir import IntRange
from levelone.graph.ops import AveragePool, MaxPool
from levelone.hardware.types import FixedType, exact_type, exponent_of, value_type
from levelone.hls.layers.pool import apart, lower_window_average_pool, lower_window_max_pool
from levelone.hls.lowering.spec import LayerSpec, Site
from levelone.hls.lowering.sums import _AXES, _SIDES, pad_first

LARGEST_HELD = 16
"""Elements; hls4ml's streamed pools of larger windows give way to one that adds up as it goes."""


def lower_max_pool(op: MaxPool, site: Site) -> list[LayerSpec]:
    """`MaxPool`.

    hls4ml pads with the pattern 100...0, which is the least signed but a large unsigned number: unsigned
    tensors are padded with zeros, which never win, by a layer of their own.
    """
    x = site.operands[0]
    padded = any(map(any, op.pads))
    if _needs_own_layer(op, site) or (padded and x.signed and site.stream):
        return lower_window_max_pool(op, site)
    return _pool("Max", op, site, value_type(x), explicit_pads=padded and not x.signed)


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
        return lower_window_average_pool(op, site)
    # the register holds sums before the division, on the grid after it
    low, high = min(site.output.range.lo, 0) * divisor, max(site.output.range.hi, 0) * divisor
    accumulator = exact_type(IntRange(low, high), exponent_of(site.output))
    return _pool("Average", op, site, accumulator, explicit_pads=padded)


def _needs_own_layer(op: MaxPool | AveragePool, site: Site) -> bool:
    """Three axes, dilation, and in a stream windows that overlap or leave gaps, are unknown to hls4ml.

    It holds a streamed window in registers, which is right for a small one only.
    """
    rank = op.window.rank
    if rank not in _AXES or max(op.dilation) > 1:
        return True
    large = prod(op.kernel) > LARGEST_HELD and apart(op.window, site)
    return site.stream and (large or (rank == 2 and op.stride != op.kernel))


def _pool(
    kind: str, op: MaxPool | AveragePool, site: Site, accumulator: FixedType, *, explicit_pads: bool
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
    for i, axis in enumerate(_AXES[rank]):
        sizes = {"in": spatial[i], "out": site.output.shape[i]}
        attributes |= {f"pool_{axis}": op.kernel[i], f"stride_{axis}": op.stride[i]}
        attributes |= {f"n_{key}" if rank == 1 else f"{key}_{axis}": size for key, size in sizes.items()}
        attributes |= {f"pad_{side}": pad for side, pad in zip(_SIDES[rank][i], pads[i], strict=True)}
    specs.append(
        LayerSpec(
            site.name,
            f"Pooling{rank}D",
            (source,),
            site.output.shape,
            value_type(site.output),
            types={"accum": accumulator},
            attributes=attributes,
            value=site.output,
        )
    )
    return specs

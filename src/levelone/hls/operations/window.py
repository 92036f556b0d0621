"""Windows that slide over up to three axes: what convolutions and pools share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ops import Pad, Window
from levelone.hardware.types import value_type
from levelone.hls.operations.gather import lower_gather
from levelone.hls.spec import LayerSpec, Site

AXES = ("depth", "height", "width")
"""Axes of our own layers."""
HLS4ML_AXES = {1: ("width",), 2: ("height", "width")}
"""Axes of hls4ml's layers, by rank."""
HLS4ML_SIDES = {1: (("left", "right"),), 2: (("top", "bottom"), ("left", "right"))}
"""What hls4ml calls the two sides of each axis, by rank."""
UNROLLED_POSITIONS = 1024
"""More positions than this are computed one after the other: no device holds that many copies of a kernel."""


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
    for i, axis in enumerate(HLS4ML_AXES[rank]):
        attributes |= {f"in_{axis}": shape[i], f"out_{axis}": spatial[i]}
        attributes |= {f"pad_{side}": pad for side, pad in zip(HLS4ML_SIDES[rank][i], pads[i], strict=True)}
    spec = LayerSpec(
        name,
        f"ZeroPadding{rank}D",
        site.inputs,
        (*spatial, shape[-1]),
        value_type(site.operands[0]),
        attributes=attributes,
    )
    return [spec], name, spatial, none


def starts_in_padding(window: Window) -> bool:
    """Whether the first window meets no data: a stream would have to give it before it reads anything."""
    extent = (d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True))
    return any(begin >= size for (begin, _), size in zip(window.pads, extent, strict=True))


def padded_first(window: Window, site: Site) -> tuple[list[LayerSpec], Site]:
    """(layer that writes the zeros out, where what reads them stands)."""
    name = f"{site.name}_pad"
    pad = Pad((*window.pads, (0, 0)))
    value = pad.infer(name, site.operands[0])
    specs = lower_gather(pad, replace(site, name=name, output=value))
    return [replace(spec, value=None) for spec in specs], replace(site, inputs=(name,), operands=(value,))


def geometry(window: Window, site: Site) -> dict[str, int]:
    """Constants of the C++ windows: every layer has three axes, the missing ones are leading and of length 1.

    Axes along which nothing happens go to the front, too: a line is one row, whichever of the three axes it
    lies on.

    Raises
    ------
    UnsupportedError
        For more than three axes.
    """
    x = site.operands[0]
    if window.rank > len(AXES):
        raise UnsupportedError(
            f"{site.name}: a window over {window.rank} axes; up to {len(AXES)} can be carried"
        )
    sizes = {
        "in": x.shape[:-1],
        "out": site.output.shape[:-1],
        "filt": window.kernel,
        "stride": window.stride,
        "dilation": window.dilation,
        "pad": tuple(begin for begin, _ in window.pads),
    }
    rest = dict.fromkeys(sizes, 1) | {"pad": 0}
    axes = [dict(zip(sizes, axis, strict=True)) for axis in zip(*sizes.values(), strict=True)]
    order = hardware_axes(window, x.shape[:-1], site.output.shape[:-1])
    constants = {
        f"{key}_{name}": (rest if i is None else axes[i])[key]
        for key in sizes
        for name, i in zip(AXES, order, strict=True)
    }
    constants |= {"channels": x.shape[-1], "out_channels": site.output.shape[-1]}
    return constants | {"partition": together(site)}


def hardware_axes(window: Window, size: tuple[int, ...], out: tuple[int, ...]) -> tuple[int | None, ...]:
    """The window's axis that stands for each of depth, height and width; None for a missing one.

    Parameters
    ----------
    size, out
        Elements of input and output along the window's axes.
    """

    def idle(i: int) -> bool:
        return size[i] == out[i] == window.kernel[i] == 1 and window.pads[i][0] == 0

    # stable: the others keep their order
    return (None,) * (len(AXES) - window.rank) + tuple(sorted(range(window.rank), key=lambda i: not idle(i)))


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

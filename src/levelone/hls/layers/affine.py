"""`Affine`: an integer multiply and add per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ops import Affine
from levelone.hardware.types import MOST, TRACE_BITS, value_type
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site


def lower_affine(op: Affine, site: Site) -> list[LayerSpec]:
    """`Affine`, with one factor and one term per channel."""
    channels = site.output.shape[-1]
    return [
        LayerSpec(
            site.name,
            "Affine",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            parameters={
                "factor": per_channel(site.name, op.factor, channels),
                "term": per_channel(site.name, op.term, channels),
            },
            value=site.output,
            body=Body(
                "levelone_affine.h",
                "levelone::affine",
                {"size": site.output.size, "channels": channels},
                shares=True,
            ),
        )
    ]


def per_channel(name: str, values: Sequence[int], channels: int) -> Parameter:
    """One integer per channel, from one or from all of them; `UnsupportedError` if one is too large."""
    if max(map(abs, values)) > MOST:
        raise UnsupportedError(
            f"{name}: constants beyond 2**{TRACE_BITS}, the largest integer that hls4ml is handed exactly",
            hint="use scales whose ratios are shorter numbers",
        )
    codes = np.array(list(values) * (channels if len(values) == 1 else 1), dtype=np.int64)
    return Parameter.of_integers(codes)

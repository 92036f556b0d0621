"""`Affine`: an integer multiply and add per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from levelone.graph.ops import Affine
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site
from levelone.hls.types import codes_type, value_type


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
                "factor": per_channel(op.factor, channels),
                "term": per_channel(op.term, channels),
            },
            value=site.output,
            body=Body(
                "levelone_affine.h", "levelone::affine", {"size": site.output.size, "channels": channels}
            ),
        )
    ]


def per_channel(values: Sequence[int], channels: int) -> Parameter:
    """One integer per channel, from one or from all of them."""
    codes = np.array(list(values) * (channels if len(values) == 1 else 1), dtype=np.int64)
    return Parameter(codes, codes_type(codes))

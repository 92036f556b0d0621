"""`Affine`: an integer multiply and add per channel."""

from __future__ import annotations

import numpy as np

from levelone.graph.ops import Affine
from levelone.hardware.proof import range_proof
from levelone.hardware.sums import affine_range
from levelone.hardware.types import Parameter
from levelone.hls.spec import LARGEST, Body, LayerSpec, Site, check_size


def lower_affine(op: Affine, site: Site) -> list[LayerSpec]:
    """`Affine`, with one factor and one term per channel."""
    channels = site.output.shape[-1]
    parameters = {}
    for key, values in {"factor": op.factor, "term": op.term}.items():
        check_size(f"{site.name}: its {key}", *values, most=LARGEST)
        codes = np.array(list(values) * (channels if len(values) == 1 else 1), dtype=np.int64)
        parameters[key] = Parameter.of_integers(codes)
    constants = {"size": site.output.size, "channels": channels}
    return [
        site.layer(
            "Affine",
            parameters=parameters,
            # the C++ widens product and sum by itself
            proof=range_proof(site.name, "sum", affine_range(op, site.operands[0])),
            body=Body("levelone_affine.h", "levelone::affine", constants, shares=True),
        )
    ]

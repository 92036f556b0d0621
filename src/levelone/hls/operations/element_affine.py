"""`ElementAffine`: constants of every element, from a memory that is read in the order of the elements."""

from __future__ import annotations

import numpy as np

from levelone.graph.ops import ElementAffine
from levelone.hardware.proof import range_proof
from levelone.hardware.sums import element_range
from levelone.hardware.types import Parameter
from levelone.hls.spec import Body, LayerSpec, Site


def lower_element_affine(op: ElementAffine, site: Site) -> list[LayerSpec]:
    """`ElementAffine`: what is the same everywhere is one number."""
    parameters = {}
    for key, values in zip(("factor", "term"), op.constants(site.output.shape), strict=True):
        flat = np.array(values.reshape(-1))
        parameters[key] = Parameter.of_integers(flat[:1] if (flat == flat[0]).all() else flat)
    return [
        site.layer(
            "ElementAffine",
            parameters=parameters,
            # the C++ widens product and sum by itself
            proof=range_proof(site.name, "sum", element_range(op, site.operands[0])),
            body=Body(
                "levelone_element_affine.h",
                "levelone::element_affine",
                {"size": site.output.size},
                shares=True,
            ),
        )
    ]

"""`Power`: an element multiplied with itself."""

from __future__ import annotations

from levelone.graph.ops import Power
from levelone.hardware.proof import range_proof
from levelone.hardware.types import value_type
from levelone.hls.spec import Body, LayerSpec, Site


def lower_power(op: Power, site: Site) -> list[LayerSpec]:
    """`Power`: the C++ multiplies in the type of the result, which no product of fewer factors leaves."""
    constants = {"size": site.output.size, "channels": site.output.shape[-1], "exponent": op.exponent}
    return [
        site.layer(
            "Power",
            proof=range_proof(site.name, "product", site.output.range, value_type(site.output)),
            body=Body("levelone_power.h", "levelone::power", constants, shares=True),
        )
    ]

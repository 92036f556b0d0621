"""`Reshape` where it has to be a layer: the same codes in the same order, under another shape."""

from __future__ import annotations

from math import gcd

from levelone.hardware.types import value_type
from levelone.hls.lowering.spec import Body, LayerSpec, Site


def lower_copy(site: Site) -> list[LayerSpec]:
    """The codes of the operand in row-major order, in beats of the result's shape."""
    x, out = site.operands[0], site.output
    constants = {"size": out.size, "together": gcd(x.shape[-1], out.shape[-1])}
    return [
        LayerSpec(
            site.name,
            "Copy",
            site.inputs,
            out.shape,
            value_type(out),
            value=out,
            body=Body("levelone_copy.h", "levelone::copy", constants),
        )
    ]

"""`MatMul`: the product of two computed tensors of matrices."""

from __future__ import annotations

from math import prod

from levelone.graph.ops import MatMul
from levelone.hardware.proof import range_proof
from levelone.hardware.types import exact_type, exponent_of
from levelone.hls.spec import Body, LayerSpec, Site


def lower_matmul(op: MatMul, site: Site) -> list[LayerSpec]:
    """`MatMul`: in a stream the second operand is held, matrix by matrix."""
    a, b = site.operands
    reach = op.accumulator_range(a, b)
    accumulator = exact_type(reach, exponent_of(site.output))
    constants = {
        "batch": prod(a.shape[:-2]),
        "rows": a.shape[-2],
        "inner": op.inner,
        "columns": b.shape[-1],
        "a_size": a.size,
        "b_size": b.size,
        "out_size": site.output.size,
    }
    return [
        site.layer(
            "MatMul",
            types={"accum": accumulator},
            proof=range_proof(site.name, "accumulator", reach, accumulator),
            body=Body("levelone_matmul.h", "levelone::matmul", constants, shares=True),
        )
    ]

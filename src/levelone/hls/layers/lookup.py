"""`Lookup`: any function of one code, as a table."""

from __future__ import annotations

from levelone.graph.ops import Lookup
from levelone.hardware.types import value_type
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site

LARGEST_LOGIC = 1024
"""Entries; a larger table is a memory (`largest_logic` in the header), whose ports can be shared."""


def lower_lookup(op: Lookup, site: Site) -> list[LayerSpec]:
    """`Lookup`; only the entries that the operand reaches are kept."""
    x = site.operands[0]
    table = op.table[..., x.range.lo - op.lowest : x.range.hi - op.lowest + 1]
    return [
        LayerSpec(
            site.name,
            "Lookup",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            parameters={"table": Parameter.of_integers(table)},
            value=site.output,
            body=Body(
                "levelone_lookup.h",
                "levelone::lookup",
                {
                    "size": site.output.size,
                    "channels": 1 if table.ndim == 1 else len(table),
                    "entries": table.shape[-1],
                    "lowest": x.range.lo,
                },
                shares=table.size > LARGEST_LOGIC,
            ),
        )
    ]

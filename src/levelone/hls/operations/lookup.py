"""`Lookup`: any function of one code, as a table."""

from __future__ import annotations

from levelone.graph.ops import Lookup
from levelone.hardware.types import Parameter
from levelone.hls.spec import Body, LayerSpec, Site

LARGEST_LOGIC = 1024
"""Entries; a larger table is a memory (`largest_logic` in the header), whose ports can be shared."""


def lower_lookup(op: Lookup, site: Site) -> list[LayerSpec]:
    """`Lookup`; only the entries that the operand reaches are kept."""
    x = site.operands[0]
    table = op.table[..., x.range.lo - op.lowest : x.range.hi - op.lowest + 1]
    constants = {
        "size": site.output.size,
        "channels": 1 if table.ndim == 1 else len(table),
        "entries": table.shape[-1],
        "lowest": x.range.lo,
    }
    return [
        site.layer(
            "Lookup",
            parameters={"table": Parameter.of_integers(table)},
            body=Body("levelone_lookup.h", "levelone::lookup", constants, shares=table.size > LARGEST_LOGIC),
        )
    ]

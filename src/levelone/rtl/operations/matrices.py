"""`MatMul`: matrices of two computed tensors."""

from __future__ import annotations

from math import prod

from levelone.graph.ops import MatMul
from levelone.rtl.netlist import Netlist, handshake
from levelone.rtl.pace import Pace, Taking
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream


class Matrices:
    """`MatMul`: a multiplier per column; each clock one term of all sums of a row."""

    def plan(self, site: Site[MatMul]) -> LayerPlan:
        a, b = site.operands
        rows, columns = a.shape[-2], b.shape[-1]
        sources = (Stream.of(a, site.op.inner), Stream.of(b, columns))
        output = Stream.of(site.output, columns)
        # a row arrives, its terms are summed, and it leaves
        each = site.op.inner + rows * (site.op.inner + 2)
        return LayerPlan(
            site.name,
            "MatMul",
            sources,
            output,
            clocks=prod(a.shape[:-2]) * each,
            multipliers=columns,
            buffer_bits=site.op.inner * sources[1].bits,
            pace=_pace(rows, site.op.inner, prod(a.shape[:-2])),
            detail=rows,
        )

    def emit(self, site: Site[MatMul], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        a, b = plan.inputs
        netlist.instance(
            "levelone_matmul",
            f"u_{site.name}",
            {
                "ROWS": plan.detail,
                "INNER": site.op.inner,
                "COLUMNS": plan.output.lanes,
                "A": a.width,
                "A_SIGNED": int(a.signed),
                "B": b.width,
                "B_SIGNED": int(b.signed),
                "RESULT": plan.output.width,
            },
            handshake({"a": wires[0], "b": wires[1], "o": site.name}),
        )


def _pace(rows: int, inner: int, matrices: int) -> Pace:
    """The second operand of each matrix is held whole, then rows of the first come one by one."""
    held = Taking(
        [inner * (n // rows + 1) for n in range(matrices * rows)],
        1,
        [i // inner * rows - 1 for i in range(matrices * inner)],
        inner + 2,
    )
    return Pace((Taking(range(1, matrices * rows + 1)), held), inner + 1, inner + 2)

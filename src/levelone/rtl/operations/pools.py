"""Pools: the largest or the sum of what a window meets, channel by channel."""

from __future__ import annotations

from typing import Any

from levelone.graph.ops import AveragePool, MaxPool
from levelone.rtl.netlist import Netlist, address_bits, handshake
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream
from levelone.rtl.windows import emit_window, plan_window


class Pools:
    """`MaxPool` and `AveragePool`; a pool over everything needs a register per channel and no buffer."""

    def plan(self, site: Site[MaxPool | AveragePool]) -> LayerPlan:
        op, (x,) = site.op, site.operands
        spatial = x.shape[:-1]
        source = Stream.of(x, x.shape[-1])
        whole = op.kernel == spatial and not any(map(any, op.pads))
        window = None if whole else plan_window(site.name, op.window, spatial, site.output.shape[:-1])
        clocks = source.beats if window is None else site.output.size // x.shape[-1] * window.taps
        return LayerPlan(
            site.name,
            type(op).__name__,
            (source,),
            Stream.of(site.output, x.shape[-1]),
            clocks=clocks,
            buffer_bits=0 if window is None else (1 << window.address) * source.bits,
            detail=window,
        )

    def emit(
        self, site: Site[MaxPool | AveragePool], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        (operands,), name, source = wires, site.name, plan.inputs[0]
        pad = "1'b0"
        if plan.detail is None:
            first, last = netlist.wire(f"{name}_first"), netlist.wire(f"{name}_last")
            netlist.instance(
                "levelone_count",
                f"u_{name}_count",
                {"COUNT": source.beats},
                {"beat": f"{operands}_valid & {operands}_ready", "first": first, "last": last},
            )
        else:
            operands = emit_window(name, plan.detail, source, operands, netlist, simd=source.lanes)
            pad, first, last = (f"{operands}_{mark}" for mark in ("pad", "first", "last"))
        netlist.stream(f"{name}_reduced", plan.output)
        netlist.instance(
            "levelone_reduce",
            f"u_{name}_reduce",
            {
                "WIDTH": source.width,
                "SIGNED": int(source.signed),
                "LANES": source.lanes,
                "RESULT": plan.output.width,
                "LARGEST": int(isinstance(site.op, MaxPool)),
            },
            {
                **handshake({"i": operands, "o": f"{name}_reduced"}),
                "i_pad": pad,
                "i_first": first,
                "i_last": last,
            },
        )
        reduced = f"{name}_reduced"
        if isinstance(site.op, AveragePool):
            reduced = _weighed(site.op, site, plan, reduced, netlist)
        netlist.instance(
            "levelone_fifo",
            f"u_{name}_out",
            {"WIDTH": plan.output.bits, "DEPTH": 2},
            handshake({"i": reduced, "o": name}),
        )


def _weighed(op: AveragePool, site: Site[Any], plan: LayerPlan, sums: str, netlist: Netlist) -> str:
    """Sums of different numbers of elements on one grid; name of their stream."""
    factors = [int(f) for f in op.factors(site.operands[0].shape[:-1]).reshape(-1)]
    if set(factors) == {1}:
        return sums
    name, beat, bits = f"{site.name}_weighed", address_bits(len(factors)), max(factors).bit_length()
    netlist.stream(name, plan.output)
    netlist.wire(f"{name}_beat", beat)
    netlist.table(f"{name}_factor", factors, bits, f"{name}_beat", beat)
    netlist.instance(
        "levelone_weigh",
        f"u_{name}",
        {
            "LANES": plan.output.lanes,
            "WIDTH": plan.output.width,
            "FACTOR": bits,
            "BEATS": len(factors),
            "BEAT": beat,
        },
        {**handshake({"i": sums, "o": name}), "beat": f"{name}_beat", "factor": f"{name}_factor"},
    )
    return name

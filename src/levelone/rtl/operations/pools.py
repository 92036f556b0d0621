"""Pools: the largest or the sum of what a window meets, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

from levelone.graph.ops import AveragePool, MaxPool
from levelone.rtl.choosing import divisors, first_within
from levelone.rtl.netlist import Netlist, address_bits, handshake, word_of
from levelone.rtl.pace import OUT, OUT_BEATS, Pace, Taking, grouped, tree
from levelone.rtl.patches import PatchPlan, emit_patch, fitted_patch, patch_pace
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream
from levelone.rtl.windows import WindowPlan, emit_window, plan_window, window_pace

Pool = MaxPool | AveragePool


@dataclass(frozen=True)
class Pooling:
    """How a pool meets its operands.

    Attributes
    ----------
    window
        Tap by tap, or a patch of all taps at once; None: every pixel of the event, as it comes.
    lanes, together
        Pixels of an input beat, positions of an output beat.
    """

    window: WindowPlan | PatchPlan | None
    lanes: int = 1
    together: int = 1


class Pools:
    """`MaxPool` and `AveragePool`.

    A pool over everything needs a register per channel and no buffer. Any other that is too slow with one
    tap per clock, or pixel in, gets all taps of a position, or of several, from a patch.
    """

    def plan(self, site: Site[Pool]) -> LayerPlan:
        op, (x,), (arriving,) = site.op, site.operands, site.streams
        spatial, channels = x.shape[:-1], x.shape[-1]
        positions = site.output.size // channels
        if op.kernel == spatial and not any(map(any, op.pads)):
            options = [Pooling(None, lanes) for lanes in divisors(x.size // channels)]
        else:
            swept = plan_window(site.name, op.window, spatial, site.output.shape[:-1])
            patch = fitted_patch(op.window, x, site.output, arriving, site.clocks)
            options = [Pooling(swept)]
            if patch is not None:
                options.append(Pooling(patch, patch.lanes, patch.together))

        def clocks(pooling: Pooling) -> int:
            taps = pooling.window.taps if isinstance(pooling.window, WindowPlan) else 1
            return max(x.size // channels // pooling.lanes, positions // pooling.together * taps)

        pooling = first_within(
            options, lambda p: max(clocks(p), arriving.clocks_to(p.lanes * channels)), site.clocks
        )
        source = Stream.of(x, pooling.lanes * channels)
        return LayerPlan(
            site.name,
            type(op).__name__,
            (source,),
            Stream.of(site.output, pooling.together * channels),
            clocks=clocks(pooling),
            buffer_bits=0 if pooling.window is None else pooling.window.pixels * channels * source.width,
            pace=_pace(site, pooling, source.beats, positions // pooling.together),
            detail=pooling,
        )

    def emit(self, site: Site[Pool], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        (operands,), name, source, output = wires, site.name, plan.inputs[0], plan.output
        pooling: Pooling = plan.detail
        window, channels = pooling.window, site.output.shape[-1]
        if isinstance(window, PatchPlan):
            patch = emit_patch(name, window, channels * source.width, operands, netlist)
            taps = window.taken // window.together
            reduced = _meet(site, f"{name}_reduced", patch, taps, f"{patch}_pad", source, output, netlist)
        else:
            if pooling.lanes > 1:
                # pixels of a beat first
                met = Stream(source.beats, channels, max(source.width, output.width), source.signed)
                none = f"{pooling.lanes}'d0"
                operands = _meet(site, f"{name}_met", operands, pooling.lanes, none, source, met, netlist)
                source = met
            reduced = _sweep(site, pooling, operands, source, output, netlist)
        if isinstance(site.op, AveragePool):
            reduced = _weighed(site.op, site, plan, reduced, netlist)
        netlist.instance(
            "levelone_fifo",
            f"u_{name}_out",
            {"WIDTH": output.bits, "DEPTH": OUT_BEATS},
            handshake({"i": reduced, "o": name}),
        )


def _pace(site: Site[Pool], pooling: Pooling, inputs: int, beats: int) -> Pace:
    window, op = pooling.window, site.op
    weighed = isinstance(op, AveragePool) and bool((op.factors(site.operands[0].shape[:-1]) != 1).any())
    behind = OUT + int(weighed)
    if isinstance(window, WindowPlan):
        return window_pace(window, inputs, beats, window.taps, 1 + behind)
    if isinstance(window, PatchPlan):
        return patch_pace(window, beats, 1, 1 + tree(window.taken // window.together) + behind)
    met = 1 + tree(pooling.lanes) if pooling.lanes > 1 else 0
    return Pace((Taking(grouped(inputs, beats)),), met + 1 + behind, hold=OUT_BEATS)


def _meet(
    site: Site[Pool],
    name: str,
    operands: str,
    taps: int,
    pad: str,
    source: Stream,
    result: Stream,
    netlist: Netlist,
) -> str:
    """`taps` pixels at once become one, of each position of a beat; `name`, their stream."""
    channels = site.output.shape[-1]
    netlist.stream(name, result)
    netlist.instance(
        "levelone_pool",
        f"u_{name}",
        {
            "WIDTH": source.width,
            "SIGNED": int(source.signed),
            "POSITIONS": result.lanes // channels,
            "TAPS": taps,
            "CHANNELS": channels,
            "RESULT": result.width,
            "LARGEST": int(isinstance(site.op, MaxPool)),
        },
        {**handshake({"i": operands, "o": name}), "i_pad": pad},
    )
    return name


def _sweep(
    site: Site[Pool], pooling: Pooling, operands: str, source: Stream, result: Stream, netlist: Netlist
) -> str:
    """A register per channel, through which taps or pixels go one by one; name of the stream of results."""
    name = site.name
    if isinstance(pooling.window, WindowPlan):
        operands = emit_window(name, pooling.window, source, operands, netlist, simd=source.lanes)
        pad, first, last = (f"{operands}_{mark}" for mark in ("pad", "first", "last"))
    else:
        pad, first, last = "1'b0", netlist.wire(f"{name}_first"), netlist.wire(f"{name}_last")
        netlist.instance(
            "levelone_count",
            f"u_{name}_count",
            {"COUNT": source.beats},
            {"beat": f"{operands}_valid & {operands}_ready", "first": first, "last": last},
        )
    reduced = netlist.stream(f"{name}_reduced", result)
    netlist.instance(
        "levelone_reduce",
        f"u_{name}_reduce",
        {
            "WIDTH": source.width,
            "SIGNED": int(source.signed),
            "LANES": source.lanes,
            "RESULT": result.width,
            "LARGEST": int(isinstance(site.op, MaxPool)),
        },
        {**handshake({"i": operands, "o": reduced}), "i_pad": pad, "i_first": first, "i_last": last},
    )
    return reduced


def _weighed(op: AveragePool, site: Site[Pool], plan: LayerPlan, sums: str, netlist: Netlist) -> str:
    """Sums of different numbers of elements on one grid; name of their stream."""
    factors = op.factors(site.operands[0].shape[:-1]).reshape(plan.output.beats, -1)
    if (factors == 1).all():
        return sums
    name, beat, bits = f"{site.name}_weighed", address_bits(len(factors)), int(factors.max()).bit_length()
    positions = factors.shape[1]
    netlist.stream(name, plan.output)
    netlist.wire(f"{name}_beat", beat)
    words = [word_of([int(f) for f in row], bits) for row in factors]
    netlist.table(f"{name}_factor", words, bits * positions, f"{name}_beat", beat)
    netlist.instance(
        "levelone_weigh",
        f"u_{name}",
        {
            "POSITIONS": positions,
            "LANES": plan.output.lanes // positions,
            "WIDTH": plan.output.width,
            "FACTOR": bits,
            "BEATS": len(factors),
            "BEAT": beat,
        },
        {**handshake({"i": sums, "o": name}), "beat": f"{name}_beat", "factor": f"{name}_factor"},
    )
    return name

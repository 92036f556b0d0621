"""Weighted sums: convolutions behind a window, and sums over a stream as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Conv, Dense
from levelone.graph.values import IntRange
from levelone.rtl.netlist import Netlist, address_bits, handshake, literal, packed, word_of
from levelone.rtl.patches import DEEPEST, PatchPlan, crossed, emit_patch, plan_patch
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream
from levelone.rtl.windows import WindowPlan, emit_window, plan_window

BLOCK_STAGES = 2
"""Beats between a sum and what follows: its ready does not reach the multipliers in the same clock."""


@dataclass(frozen=True)
class Folding:
    """How the products of a layer share multipliers.

    Attributes
    ----------
    window
        The window in front: tap by tap, or a patch of all taps at once. None if the operands come in the
        order in which they are summed.
    groups
        Groups of channels, worked on at the same time.
    simd
        Operands of a group per clock.
    sweeps
        How often each position is swept, for another part of the outputs each time.
    taps
        Clocks of a sweep.
    weight_bits
        Bits of a weight, signed.
    """

    window: WindowPlan | PatchPlan | None
    groups: int
    simd: int
    sweeps: int
    taps: int
    weight_bits: int

    @property
    def together(self) -> int:
        """Positions that are summed at once."""
        return self.window.together if isinstance(self.window, PatchPlan) else 1

    def clocks(self, positions: int) -> int:
        """For so many positions."""
        return positions // self.together * self.sweeps * self.taps


class Sums:
    """`Conv` and `Dense`: operands of every lane per clock, all outputs of a sweep at once.

    A convolution that is too slow with one tap per clock, or pixel in, gets all taps of a position, or of
    several, from a patch.
    """

    def plan(self, site: Site[Conv | Dense]) -> LayerPlan:
        op, (x,) = site.op, site.operands
        weights = _weights(op)
        fan_in, outputs = op.weights.shape[-2:]
        groups = op.groups if isinstance(op, Conv) else 1
        width = IntRange(min(int(weights.min()), -1), max(int(weights.max()), 0)).width
        if _in_order(op, x.shape):
            terms = len(weights)
            sums = site.output.size // outputs
            simd = _smallest(terms if terms < x.shape[-1] else x.shape[-1], sums * terms, site.clocks)
            folding = Folding(None, 1, simd, 1, terms // simd, width)
            source = Stream.of(x, simd)
        else:
            assert isinstance(op, Conv)  # noqa: S101  (a dense layer's operands come in order)
            spatial, positions = x.shape[:-1], site.output.shape[:-1]
            window = plan_window(site.name, op.window, spatial, positions)
            work = prod(positions) * window.taps * fan_in
            simd = _smallest(fan_in, work, site.clocks)
            sweeps = _most(outputs, work // simd, site.clocks) if groups == 1 else 1
            folding = Folding(window, groups, simd, sweeps, window.taps * fan_in // simd, width)
            source = Stream.of(x, x.shape[-1])
            if max(source.beats, work // simd) > site.clocks:
                source, folding = _parallel(op, site, folding, source)
        lanes = outputs // folding.sweeps * folding.together
        clocks = folding.clocks(site.output.size // outputs)
        buffer = 0
        if isinstance(folding.window, PatchPlan):
            buffer = folding.window.pixels * x.shape[-1] * source.width
            clocks = max(clocks, source.beats)
        elif folding.window is not None:
            buffer = (1 << folding.window.address) * source.bits
        return LayerPlan(
            site.name,
            type(op).__name__,
            (source,),
            Stream.of(site.output, lanes),
            clocks=clocks,
            multipliers=lanes * folding.simd,
            rom_bits=op.weights.size * width + outputs * site.output.width,
            buffer_bits=buffer,
            detail=folding,
        )

    def emit(
        self, site: Site[Conv | Dense], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist
    ) -> None:
        folding: Folding = plan.detail
        (operands,), name = wires, site.name
        if isinstance(folding.window, PatchPlan):
            operands = _emit_parts(site, folding, plan.inputs[0], operands, netlist)
        elif folding.window is not None:
            operands = emit_window(
                name,
                folding.window,
                plan.inputs[0],
                operands,
                netlist,
                groups=folding.groups,
                simd=folding.simd,
                repeats=folding.sweeps,
            )
        outputs, bits = plan.output.lanes // folding.together, site.output.width
        word = outputs * folding.simd * folding.weight_bits
        address, sweep = address_bits(folding.sweeps * folding.taps), address_bits(folding.sweeps)
        netlist.wire(f"{name}_en")
        netlist.wire(f"{name}_tap", address)
        netlist.wire(f"{name}_sweep", sweep)
        netlist.wire(f"{name}_weights", word)
        netlist.wire(f"{name}_biases", outputs * bits)
        words = [word_of(row.tolist(), folding.weight_bits) for row in _words(site.op, folding)]
        if len(words) == 1:
            netlist.line(f"assign {name}_weights = {literal(words[0], word)};")
        else:
            netlist.memory(f"weights_{name}", words, word, f"{name}_en", f"{name}_tap", f"{name}_weights")
        biases = np.reshape(site.op.bias, (folding.sweeps, outputs))
        if folding.sweeps == 1:
            netlist.line(f"assign {name}_biases = {packed([int(b) for b in biases[0]], bits)};")
        else:
            netlist.memory(
                f"biases_{name}",
                [word_of(row.tolist(), bits) for row in biases],
                outputs * bits,
                f"{name}_en",
                f"{name}_sweep",
                f"{name}_biases",
            )
        netlist.stream(f"{name}_sum", plan.output)
        netlist.instance(
            "levelone_mac",
            f"u_{name}_mac",
            {
                "WIDTH": plan.inputs[0].width,
                "SIGNED": int(plan.inputs[0].signed),
                "POSITIONS": folding.together,
                "GROUPS": folding.groups,
                "SIMD": folding.simd,
                "OUTPUTS": outputs,
                "WEIGHT": folding.weight_bits,
                "SUM": bits,
                "TAPS": folding.taps,
                "SWEEPS": folding.sweeps,
                "ADDRESS": address,
                "SWEEP": sweep,
            },
            {
                **handshake({"i": operands, "o": f"{name}_sum"}),
                "en": f"{name}_en",
                "tap": f"{name}_tap",
                "sweep": f"{name}_sweep",
                "weights": f"{name}_weights",
                "biases": f"{name}_biases",
            },
        )
        netlist.instance(
            "levelone_fifo",
            f"u_{name}_out",
            {"WIDTH": plan.output.bits, "DEPTH": BLOCK_STAGES},
            handshake({"i": f"{name}_sum", "o": name}),
        )


def _parallel(op: Conv, site: Site[Conv | Dense], serial: Folding, pixels: Stream) -> tuple[Stream, Folding]:
    """All taps at once, and as many positions and pixels as it takes; `serial` if that is no slower."""
    (x,), (stream,) = site.operands, site.streams
    channels, outputs = x.shape[-1], op.weights.shape[-1]
    positions = prod(site.output.shape[:-1])
    along = crossed(op.window, x.shape[:-1], site.output.shape[:-1])
    wide = along.spatial[2]
    terms = prod(op.weights.shape[:-1])

    def beats(lanes: int) -> int:
        return x.size // gcd(stream.lanes, lanes * channels)

    lanes = min(
        (n for n in range(1, wide + 1) if wide % n == 0),
        key=lambda n: (max(beats(n), site.clocks), n),
    )
    together = _smallest(along.positions[2], positions, site.clocks)
    work = positions // together * terms
    simd = _smallest(terms, work, site.clocks)
    once = serial.groups == 1 and together == 1
    sweeps = _most(outputs, work // simd, site.clocks) if once else 1
    source, patch = Stream.of(x, lanes * channels), plan_patch(along, lanes, together)
    folding = Folding(patch, serial.groups, simd, sweeps, terms // simd, serial.weight_bits)
    now, before = (max(s.beats, f.clocks(positions)) for s, f in ((source, folding), (pixels, serial)))
    return (pixels, serial) if now >= before or patch.depth > DEEPEST else (source, folding)


def _emit_parts(
    site: Site[Conv | Dense], folding: Folding, source: Stream, wires: str, netlist: Netlist
) -> str:
    """A patch, and its operands in `Folding.taps` parts, `Folding.sweeps` times; name of their stream."""
    patch, name, width = folding.window, site.name, source.width
    assert isinstance(patch, PatchPlan)  # noqa: S101  (only then it is asked for)
    channels = source.lanes // patch.lanes
    found = emit_patch(name, patch, channels * width, wires, netlist)
    numbers = np.arange(patch.together * prod(patch.kernel) * channels)
    # positions, taps, groups, channels: the terms of a group are its taps and channels, cut into parts
    terms = numbers.reshape(patch.together, -1, folding.groups, channels // folding.groups)
    parts = terms.transpose(0, 2, 1, 3).reshape(patch.together, folding.groups, folding.taps, folding.simd)
    order = parts.transpose(2, 0, 1, 3).reshape(-1)
    lanes = len(order) // folding.taps
    out = f"{name}_terms"
    netlist.stream(out, Stream(1, len(order), width, source.signed))
    netlist.control(out, found)
    if np.array_equal(order, numbers):
        netlist.line(f"assign {out}_data = {found}_data;")
    else:
        codes = ", ".join(f"{found}_data[{at * width}+:{width}]" for at in order[::-1].tolist())
        netlist.line(f"assign {out}_data = {{{codes}}};")
    if folding.taps * folding.sweeps == 1:
        return out
    part = f"{name}_parts"
    netlist.stream(part, Stream(1, lanes, width, source.signed))
    netlist.instance(
        "levelone_serialise",
        f"u_{part}",
        {"WIDTH": lanes * width, "COUNT": folding.taps, "REPEATS": folding.sweeps},
        handshake({"i": out, "o": part}),
    )
    return part


def _in_order(op: Conv | Dense, shape: tuple[int, ...]) -> bool:
    """Whether each sum takes consecutive codes, every code once: no window is needed."""
    if isinstance(op, Dense):
        return True
    if op.groups > 1 or any(map(any, op.pads)) or any(d > 1 for d in op.dilation):
        return False
    kernel = op.weights.shape[:-2]
    point = all(k == 1 for k in kernel) and all(s == 1 for s in op.stride)
    return point or kernel == shape[:-1]


def _weights(op: Conv | Dense) -> NDArray[np.int64]:
    """int64 [taps * channels in of a group, channels out], the step multiplied in."""
    return op.weights.reshape(-1, op.weights.shape[-1]) * op.step


def _words(op: Conv | Dense, folding: Folding) -> NDArray[np.int64]:
    """int64 [sweeps * taps, outputs * simd]: what the multipliers meet in each clock."""
    weights = _weights(op).reshape(folding.taps, folding.simd, folding.sweeps, -1)
    return weights.transpose(2, 0, 3, 1).reshape(folding.sweeps * folding.taps, -1)


def _smallest(most: int, work: int, clocks: int) -> int:
    """The smallest divisor of `most` that, as many operands at once, makes `work` fit; else `most`."""
    return next((n for n in range(1, most + 1) if most % n == 0 and work // n <= clocks), most)


def _most(most: int, work: int, clocks: int) -> int:
    """The largest divisor of `most` by which `work` may be repeated."""
    return next((n for n in range(most, 0, -1) if most % n == 0 and work * n <= clocks), 1)

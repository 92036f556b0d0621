"""Weighted sums: convolutions behind a window, and sums over a stream as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Conv, Dense, LocallyConnected
from levelone.rtl.choosing import divisors, fewest, first_within, largest
from levelone.rtl.netlist import Netlist, address_bits, handshake, literal, packed, signed_bits, word_of
from levelone.rtl.pace import ADDED, OUT, OUT_BEATS, READ, Pace, Taking, grouped, tree
from levelone.rtl.patches import PatchPlan, emit_patch, fitted_patch, patch_pace
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream
from levelone.rtl.windows import WindowPlan, emit_window, plan_window, window_pace

Summed = Conv | Dense | LocallyConnected

ALWAYS = "1'b1"
"""The enable of a memory in front of what never stands still."""


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
    together
        Positions that are summed at once.
    own
        Positions that have weights of their own; 1 where all share them.
    """

    window: WindowPlan | PatchPlan | None
    groups: int
    simd: int
    sweeps: int
    taps: int
    weight_bits: int
    together: int = 1
    own: int = 1

    @property
    def sets(self) -> int:
        """Sets of weights that are met in turn, in `taps` clocks each."""
        return self.own * self.sweeps

    @property
    def in_parts(self) -> bool:
        """Whether the operands of a position take several beats: part by part, or for several sweeps."""
        return self.interval > 1

    @property
    def interval(self) -> int:
        """Clocks of the positions that are summed at once."""
        return self.taps * self.sweeps

    def clocks(self, positions: int) -> int:
        """For so many positions."""
        return positions // self.together * self.interval

    def taken(self, channels: int) -> int:
        """Codes of a beat that comes in, of pixels with so many channels."""
        if self.window is None:
            return self.simd * self.together
        return channels * (self.window.lanes if isinstance(self.window, PatchPlan) else 1)


class Sums:
    """`Conv`, `Dense`, `LocallyConnected`: operands of every lane per clock, all outputs of a sweep at once.

    A convolution that is too slow with one tap per clock, or pixel in, gets all taps of a position, or of
    several, from a patch. Operands that come in order are taken as many at once as it takes. Where every
    position has weights of its own, they are as many sweeps, each of which meets other operands.
    """

    def plan(self, site: Site[Summed]) -> LayerPlan:
        op, (x,), (arriving,) = site.op, site.operands, site.streams
        channels, outputs = x.shape[-1], op.weights.shape[-1]
        positions = site.output.size // outputs

        def clocks(folding: Folding) -> int:
            return max(x.size // folding.taken(channels), folding.clocks(positions))

        folding = first_within(
            _foldings(site, positions),
            lambda folding: max(clocks(folding), arriving.clocks_to(folding.taken(channels))),
            site.clocks,
        )
        source = Stream.of(x, folding.taken(channels))
        lanes = outputs // folding.sweeps * folding.together
        kept = 0 if folding.window is None else folding.window.pixels
        return LayerPlan(
            site.name,
            type(op).__name__,
            (source,),
            Stream.of(site.output, lanes),
            clocks=clocks(folding),
            multipliers=lanes * folding.simd,
            rom_bits=op.weights.size * folding.weight_bits + op.bias.size * site.output.width,
            buffer_bits=kept * channels * source.width,
            pace=_pace(folding, source.beats, site.output.size // lanes),
            detail=folding,
        )

    def emit(self, site: Site[Summed], plan: LayerPlan, wires: tuple[str, ...], netlist: Netlist) -> None:
        folding: Folding = plan.detail
        (operands,), name = wires, site.name
        assert plan.pace is not None  # noqa: S101  (sums take clocks)
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
        address, sweep = address_bits(folding.sets * folding.taps), address_bits(folding.sets)
        netlist.wire(f"{name}_tap", address)
        netlist.wire(f"{name}_sweep", sweep)
        netlist.wire(f"{name}_weights", word)
        netlist.wire(f"{name}_biases", outputs * bits)
        words = [word_of(row.tolist(), folding.weight_bits) for row in _words(site.op, folding)]
        if len(words) == 1:
            netlist.line(f"assign {name}_weights = {literal(words[0], word)};")
        else:
            netlist.memory(f"weights_{name}", words, word, ALWAYS, f"{name}_tap", f"{name}_weights")
        biases = np.reshape(site.op.bias, (folding.sets, outputs))
        if folding.sets == 1:
            netlist.line(f"assign {name}_biases = {packed([int(b) for b in biases[0]], bits)};")
        else:
            netlist.memory(
                f"biases_{name}",
                [word_of(row.tolist(), bits) for row in biases],
                outputs * bits,
                ALWAYS,
                f"{name}_sweep",
                f"{name}_biases",
            )
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
                "SWEEPS": folding.sets,
                "ADDRESS": address,
                "SWEEP": sweep,
                "ROOM": plan.pace.hold,
            },
            {
                **handshake({"i": operands, "o": name}),
                "tap": f"{name}_tap",
                "sweep": f"{name}_sweep",
                "weights": f"{name}_weights",
                "biases": f"{name}_biases",
            },
        )


def _pace(folding: Folding, inputs: int, beats: int) -> Pace:
    window, taps = folding.window, folding.taps
    # from the operands of the last tap on
    summed = ADDED + READ * (taps * folding.sets > 1) + tree(folding.simd) + OUT
    if isinstance(window, WindowPlan):
        return window_pace(window, inputs, beats, taps, summed)
    if isinstance(window, PatchPlan):
        return patch_pace(window, beats, taps, summed + taps * folding.in_parts)
    hold = OUT_BEATS + -(-summed // taps)
    return Pace((Taking(grouped(inputs, beats)),), summed, hold=hold)


def _foldings(site: Site[Summed], positions: int) -> list[Folding]:
    """What a layer can do, from few multipliers to many."""
    op, (x,), (arriving,) = site.op, site.operands, site.streams
    weights, outputs = _weights(op), op.weights.shape[-1]
    bits = signed_bits(int(weights.min()), int(weights.max()))
    own, terms = weights.shape[:2]
    if _in_order(op, x.shape):
        some = [Folding(None, 1, simd, 1, terms // simd, bits, own=own) for simd in divisors(terms)]
        several = divisors(positions) if own == 1 else []
        return some + [Folding(None, 1, terms, 1, 1, bits, n) for n in several]
    assert not isinstance(op, Dense)  # noqa: S101  (a dense layer's operands come in order)
    groups = op.groups

    def folding(window: WindowPlan | PatchPlan | None, most: int, together: int = 1) -> Folding:
        simd = fewest(most, positions // together * terms, site.clocks)
        work = positions // together * terms // simd
        sweeps = largest(outputs, work, site.clocks) if groups == together == 1 else 1
        return Folding(window, groups, simd, sweeps, terms // simd, bits, together, own)

    swept = plan_window(site.name, op.window, x.shape[:-1], site.output.shape[:-1])
    patch = fitted_patch(
        op.window, x, site.output, arriving, site.clocks, lambda n: folding(None, terms, n).interval
    )
    serial = folding(swept, op.weights.shape[-2])
    if patch is None or (own > 1 and patch.together > 1):
        return [serial]
    return [serial, folding(patch, terms, patch.together)]


def _emit_parts(site: Site[Summed], folding: Folding, source: Stream, wires: str, netlist: Netlist) -> str:
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
    if not folding.in_parts:
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


def _in_order(op: Summed, shape: tuple[int, ...]) -> bool:
    """Whether each sum takes consecutive codes, every code once: no window is needed."""
    if isinstance(op, Dense):
        return True
    if op.groups > 1 or any(map(any, op.pads)) or any(d > 1 for d in op.dilation):
        return False
    kernel = op.window.kernel
    point = all(k == 1 for k in kernel) and all(s == 1 for s in op.stride)
    return point or kernel == shape[:-1]


def _weights(op: Summed) -> NDArray[np.int64]:
    """int64 [own, taps * channels in of a group, channels out], the step multiplied in."""
    return op.weights.reshape(prod(op.own), -1, op.weights.shape[-1]) * op.step


def _words(op: Summed, folding: Folding) -> NDArray[np.int64]:
    """int64 [own * sweeps * taps, outputs * simd]: what the multipliers meet in each clock."""
    weights = _weights(op).reshape(folding.own, folding.taps, folding.simd, folding.sweeps, -1)
    return weights.transpose(0, 3, 1, 4, 2).reshape(folding.sets * folding.taps, -1)

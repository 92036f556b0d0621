"""Small graphs whose every input can be tried, and many copies of them side by side in one project.

Copies share nothing, so that one build can carry a fault in each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from levelone.graph import Graph, GraphBuilder, IntRange, Rounding
from levelone.graph.ops import (
    Add,
    AddRequantise,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    ElementAffine,
    LocallyConnected,
    Lookup,
    MatMul,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)

U1, U2, S2, S3, U3, U4, S4 = (
    IntRange(0, 1),
    IntRange(0, 3),
    IntRange(-2, 1),
    IntRange(-4, 3),
    IntRange(0, 7),
    IntRange(0, 15),
    IntRange(-8, 7),
)


def _power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


class _Maker:
    def __init__(self, name: str, seed: int = 5) -> None:
        self.b = GraphBuilder(name)
        self.rng = np.random.default_rng(seed)

    def conv(
        self,
        name: str,
        source: str,
        filters: int,
        kernel: Sequence[int],
        stride: Sequence[int],
        pads: Sequence[tuple[int, int]],
        groups: int = 1,
        dilation: Sequence[int] | None = None,
    ) -> str:
        channels = self.b.values[source].shape[-1]
        weights = self.rng.integers(-7, 8, (*kernel, channels // groups, filters))
        bias = self.rng.integers(-12, 13, filters)
        apart = (1,) * len(kernel) if dilation is None else tuple(dilation)
        op = Conv(weights, bias, (_power(-3),), tuple(stride), tuple(pads), apart, groups)
        return self.b.node(name, op, source)

    def dense(self, name: str, source: str, outputs: int) -> str:
        weights = self.rng.integers(-7, 8, (self.b.values[source].shape[-1], outputs))
        return self.b.node(name, Dense(weights, self.rng.integers(-12, 13, outputs), (_power(-3),)), source)

    def quantise(self, name: str, source: str, dropped: int, clip: IntRange, mode: Rounding) -> str:
        value = self.b.values[source]
        assert value.exponent is not None
        return self.b.requantise(name, source, _power(value.exponent + dropped), clip, mode)


def pack(graphs: Sequence[Graph], copies: int) -> Graph:
    """One graph that holds every given one `copies` times; value ``x`` of graph 2, copy 0 is ``g2c0_x``."""
    b, outputs = GraphBuilder("packed"), []
    for number, graph in enumerate(graphs):
        for copy in range(copies):
            prefix = f"g{number}c{copy}_"
            for port in graph.inputs:
                quantiser = port.quantiser
                b.input(
                    prefix + port.value.name,
                    port.value.shape,
                    quantiser.scale,
                    quantiser.range,
                    rounding=quantiser.rounding,
                    zero_point=quantiser.zero_point,
                )
            for node in graph:
                b.node(prefix + node.name, node.op, *(prefix + name for name in node.inputs))
            outputs += [prefix + name for name in graph.outputs]
    return b.build(*outputs)


def small_graphs(io: str) -> list[Graph]:
    """At most 4096 inputs each: hls4ml's layers and levelone's own, every rounding mode, general scales."""
    made = [_image(), _line(), _vector(), _pair(), _cube(io), _scales(), _volume(), _moves(), _block()]
    return [*made, _ports(), _wide()]


def looped_graphs() -> list[Graph]:
    """4096 inputs, and windows of so many elements that loops gather them in an unrolled convolution."""
    p = _Maker("looped")
    x = p.b.input("x_q", (2, 3, 2), _power(-1), U1)
    p.conv("image", x, 2, (6, 7), (1, 1), ((5, 5), (6, 6)))
    p.b.node("flat", Reshape((6, 2)), x)
    p.conv("line", "flat", 2, (46,), (1,), ((45, 45),))
    # in steps, with less in front
    p.conv("apart", "flat", 1, (70,), (2,), ((64, 69),))
    p.conv("steps", x, 1, (9, 10), (2, 3), ((8, 7), (9, 12)))
    return [
        p.b.build(
            *(p.quantise(f"{name}_act", name, 2, S4, Rounding.ROUND) for name in ("image", "line")),
            "apart",
            "steps",
        )
    ]


def large_graphs() -> list[Graph]:
    """65,536 inputs each, of which the standard vectors can try but a few per cent."""
    return [_large_image(), _large_vector(), _large_scales(), _large_rare()]


def _image() -> Graph:
    p = _Maker("image")
    x = p.b.input("x_q", (3, 4, 1), _power(-1), U1)
    p.conv("conv", x, 2, (2, 2), (2, 1), ((1, 0), (0, 1)))
    p.b.node("positive", Relu(), "conv")
    p.quantise("act", "positive", 2, U2, Rounding.ROUND)
    p.b.node("pool", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), "act")
    p.b.node("flat", Reshape((4,)), "pool")
    return p.b.build(p.dense("last", "flat", 2))


def _line() -> Graph:
    p = _Maker("line")
    x = p.b.input("x_q", (6, 1), _power(-2), S2)
    p.conv("conv", x, 2, (3,), (1,), ((1, 1),))
    p.quantise("act", "conv", 2, S3, Rounding.FLOOR)
    p.b.node("pool", AveragePool((2,), (2,), ((0, 0),), (1,)), "act")
    return p.b.build(p.quantise("last", "pool", 1, S2, Rounding.HALF_UP))


def _vector() -> Graph:
    p = _Maker("vector")
    x = p.b.input("x_q", (4,), _power(-3), S3)
    p.dense("one", x, 3)
    p.quantise("act", "one", 2, S4, Rounding.HALF_DOWN)
    p.dense("two", "act", 3)
    p.b.node("positive", Relu(), "two")
    p.quantise("narrow", "positive", 3, U3, Rounding.ROUND)
    return p.b.build(p.dense("last", "narrow", 1))


def _pair() -> Graph:
    p = _Maker("pair")
    x = p.b.input("x_q", (2,), _power(-2), IntRange(-32, 31))
    p.dense("one", x, 3)
    p.quantise("act", "one", 3, IntRange(-31, 31), Rounding.DOWN)
    return p.b.build(p.dense("last", "act", 2))


def _cube(io: str) -> Graph:
    p, none = _Maker("cube"), ((0, 0), (0, 0))
    x = p.b.input("x_q", (2, 2, 3), _power(-1), U1)
    p.b.node("turned", Transpose((1, 0, 2)), x)
    p.conv("conv", "turned", 3, (1, 1), (1, 1), none)
    p.quantise("act", "conv", 1, S4, Rounding.ROUND)
    p.conv("other", "turned", 3, (2, 2), (1, 1), ((0, 1), (1, 0)), groups=3 if io == "parallel" else 1)
    p.quantise("side", "other", 1, S4, Rounding.HALF_UP)
    p.b.node("total", Add(), "act", "side")
    p.b.node("joined", Concat(2), "total", "act")
    p.b.node("flat", Reshape((24,)), "joined")
    return p.b.build(p.dense("last", "flat", 2))


def _scales() -> Graph:
    """Scales that are no powers of two, one per channel; a table; integer factors per channel."""
    p = _Maker("scales")
    x = p.b.input("x_q", (3,), _power(-3), S4)
    p.dense("one", x, 3)
    multiplier = (Fraction(3, 37), Fraction(-5, 101), Fraction(7, 59))
    offset = (Fraction(1, 3), Fraction(0), Fraction(-2, 7))
    p.b.node("act", Requantise(multiplier, (Fraction(1),), S4, Rounding.ROUND, offset), "one")
    p.b.node("tabled", Lookup(-8, np.round(7 * np.tanh(np.arange(-8, 8) / 5)), (Fraction(1),)), "act")
    p.b.node("scaled", Affine((3, -2, 5), (1, 0, -4), (Fraction(1),)), "tabled")
    p.b.node("narrow", Requantise((Fraction(2, 9),), (Fraction(1),), S3, Rounding.HALF_UP), "scaled")
    return p.b.build(p.dense("last", "narrow", 2))


def _volume() -> Graph:
    p = _Maker("volume")
    x = p.b.input("x_q", (3, 2, 2, 1), _power(-1), U1)
    p.conv("conv", x, 2, (2, 2, 2), (1, 1, 1), ((0, 1), (1, 0), (0, 0)))
    p.b.node("positive", Relu(), "conv")
    p.quantise("act", "positive", 1, U3, Rounding.ROUND)
    p.b.node("pool", MaxPool((3, 1, 1), (3, 1, 1), ((0, 0),) * 3, (1, 1, 1)), "act")
    p.b.node("flat", Reshape((4,)), "pool")
    return p.b.build(p.dense("last", "flat", 2))


def _block() -> Graph:
    """A residual block of general scales, rounded once, and a function of few levels."""
    p = _Maker("block")
    x = p.b.input("x_q", (2,), _power(-1), U3)
    p.dense("one", x, 2)
    p.dense("other", x, 2)
    both = ((Fraction(3, 37), Fraction(-2, 41)), (Fraction(5, 29), Fraction(1, 13)))
    one = (Fraction(1),)
    p.b.node("joint", AddRequantise(both, (Fraction(1, 3),), one, S4, Rounding.ROUND), "one", "other")
    steps, levels = np.array([[-9, -2, 5, 30]]), np.array([[-3, 1, 0, 2, 3]])
    p.b.node("climbed", Staircase(steps, levels, one), "one")
    p.b.node("squared", Power(2), "climbed")
    return p.b.build(p.dense("last", "joint", 2), "squared")


def _ports() -> Graph:
    """Two inputs and two outputs of one size each, which a bridge can exchange."""
    p = _Maker("ports")
    a = p.b.input("a_q", (2,), _power(-1), U2)
    b = p.b.input("b_q", (2,), _power(-1), S2)
    p.dense("one", a, 2)
    p.dense("other", b, 2)
    p.b.node("total", Add(), "one", "other")
    p.quantise("last", "total", 2, S3, Rounding.ROUND)
    return p.b.build("last", p.quantise("apart", "other", 1, S3, Rounding.FLOOR))


def _wide() -> Graph:
    """Sums of more bits than a double holds, at the output and in front of a rounding."""
    p = _Maker("wide")
    x = p.b.input("x_q", (3,), _power(0), S3)
    weights = p.rng.integers(2**51, 2**52, (3, 2)) * np.array([1, -1])
    p.b.node("long", Dense(weights, p.rng.integers(-7, 8, 2), (_power(-4),)), x)
    return p.b.build("long", p.quantise("short", "long", 52, S2, Rounding.FLOOR))


def _moves() -> Graph:
    """Four axes, which hls4ml does not know: all that levelone moves, repeats, joins and slides by itself."""
    p = _Maker("moves")
    x = p.b.input("x_q", (2, 1, 3, 2), _power(-1), U1)
    p.b.node("turned", Transpose((3, 1, 2, 0)), x)
    p.b.node("padded", Pad(((0, 1), (0, 0), (1, 0), (0, 0)), value=1), x)
    p.b.node("picked", Take(0, (2, 0, 1)), "padded")
    p.b.node("repeated", Upsample((1, 2, 1)), x)
    p.b.node("across", Transpose((0, 1, 3, 2)), x)
    p.b.node("scores", MatMul(2), "turned", "across")
    factors, terms = p.rng.integers(-3, 4, (2, 1, 3, 2)), p.rng.integers(-9, 9, (2, 1, 3, 1))
    p.b.node("placed", ElementAffine(factors, terms, Fraction(1, 4)), x)
    p.b.node("row", Take(2, (1,)), "picked")
    p.b.node("gated", Multiply(), "picked", "row")
    p.b.node("total", Add(), "picked", "row")
    p.b.node("beside", Concat(2), "picked", "row")
    p.b.node("channels", Concat(3), "total", "picked")
    p.conv("conv", "channels", 2, (2, 1, 2), (1, 1, 1), ((0, 0),) * 3, groups=2, dilation=(2, 1, 1))
    few = Requantise((Fraction(1, 17), Fraction(-2, 45)), (Fraction(1),), S2, Rounding.HALF_DOWN)
    p.b.node("few", few, "conv")
    many = Requantise((Fraction(3, 7), Fraction(-5, 11)), (Fraction(1),), IntRange(-31, 31), Rounding.ROUND)
    p.b.node("many", many, "conv")
    half = Requantise((Fraction(3, 8), Fraction(5, 8)), (Fraction(1),), IntRange(-9, 20), Rounding.ROUND)
    p.b.node("half", half, "conv")
    pads = ((1, 0), (0, 0), (0, 1))
    p.b.node("mean", AveragePool((2, 1, 2), (1, 1, 1), pads, (1, 1, 1), include_pad=False), "turned")
    p.b.node("flat", Reshape((12,)), "turned")
    p.b.node("largest", MaxPool((2, 1, 2), (1, 1, 1), ((1, 0), (0, 0), (0, 0)), (1, 1, 1)), "total")
    p.b.node("whole", AveragePool((3, 1, 4), (1, 1, 1), ((0, 0),) * 3, (1, 1, 1)), "total")
    kernels, biases = p.rng.integers(-3, 4, (2, 1, 2, 1, 1, 2, 2, 2)), p.rng.integers(-5, 6, (2, 1, 2, 2))
    still, none = (1, 1, 1), ((0, 0),) * 3
    p.b.node("own", LocallyConnected(kernels, biases, (_power(-3),), still, none, still), x)
    moved = ("flat", "repeated", "gated", "beside", "placed", "scores", "own")
    return p.b.build(*moved, "few", "many", "half", "mean", "largest", "whole")


def _large_image() -> Graph:
    p = _Maker("large_image")
    x = p.b.input("x_q", (4, 2, 2), _power(-1), U1)
    p.conv("conv", x, 4, (2, 2), (2, 1), ((0, 0), (1, 0)))
    p.b.node("positive", Relu(), "conv")
    p.quantise("act", "positive", 2, U4, Rounding.ROUND)
    p.b.node("flat", Reshape((16,)), "act")
    p.dense("fc", "flat", 4)
    p.b.node("fc_positive", Relu(), "fc")
    p.quantise("fc_act", "fc_positive", 4, U4, Rounding.ROUND)
    return p.b.build(p.dense("last", "fc_act", 1))


def _large_vector() -> Graph:
    p = _Maker("large_vector")
    x = p.b.input("x_q", (4,), _power(-3), S4)
    p.dense("one", x, 5)
    p.quantise("act", "one", 2, S4, Rounding.HALF_UP)
    p.dense("two", "act", 4)
    p.b.node("positive", Relu(), "two")
    p.quantise("narrow", "positive", 3, U4, Rounding.ROUND)
    return p.b.build(p.dense("last", "narrow", 2))


def _large_rare() -> Graph:
    """A row of weights that one input of 65,536 reaches, and one that no input reaches."""
    p = _Maker("large_rare")
    x = p.b.input("x_q", (4,), _power(-3), S4)
    weights = np.array([[1, 1, 3], [1, -1, -5], [1, 1, 2], [1, -1, -7]])
    p.b.node("one", Dense(weights, np.array([-27, -31, 4]), (_power(-3),)), x)
    p.b.node("positive", Relu(), "one")
    p.quantise("act", "positive", 0, U4, Rounding.ROUND)
    return p.b.build(p.dense("last", "act", 3))


def _large_scales() -> Graph:
    """Float32 scales per channel, as trained: a factor off by one moves few steps, by one code."""
    p = _Maker("large_scales", seed=3)
    x = p.b.input("x_q", (4,), _power(-3), S4)
    for name, source, outputs, scale, clip in (
        ("one", x, 8, 0.02, IntRange(0, 31)),
        ("two", "one_act", 6, 0.005, IntRange(-32, 31)),
    ):
        weights = p.rng.integers(-31, 32, (p.b.values[source].shape[-1], outputs))
        p.b.node(name, Dense(weights, p.rng.integers(-99, 100, outputs), (_power(-3),)), source)
        gains = p.rng.uniform(scale, 8 * scale, outputs).astype(np.float32)
        multiplier = tuple(Fraction(float(gain)) for gain in gains)
        p.b.node(f"{name}_act", Requantise(multiplier, (Fraction(1),), clip, Rounding.ROUND), name)
    return p.b.build("two_act")

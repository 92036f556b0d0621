"""The cost table against counting by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from levelone.graph import GraphBuilder, IntRange, layer_table, totals
from levelone.graph.operation import effective_bits
from levelone.graph.ops import Affine, Conv, Dense, Multiply, Relu, Reshape

ONE = (Fraction(1),)


def test_table_of_a_small_network() -> None:
    b = GraphBuilder("small")
    x = b.input("x_q", (4, 4, 2), Fraction(1), IntRange(0, 15))
    weights = np.zeros((3, 3, 2, 3), dtype=int)
    weights[0, 0] = [[6, 0, -7], [1, 0, 0]]
    c = b.node("conv", Conv(weights, np.zeros(3), ONE, (1, 1), ((0, 0), (0, 0)), (1, 1)), x)
    flat = b.node("flat", Reshape((12,)), b.node("relu", Relu(), c))
    graph = b.build(b.node("fc", Dense(np.full((12, 2), 3), np.array([1, 0]), ONE), flat))
    table = {layer.name: layer for layer in layer_table(graph)}
    conv, fc = table["conv"], table["fc"]
    assert (conv.macs, conv.weights, conv.weight_width, conv.weight_lo, conv.weight_hi) == (
        4 * 54, 54, 4, -7, 6,
    )  # fmt: skip
    assert conv.ebops == 4 * (2 + 3 + 1) * 4  # 6 = 0b110 has two effective bits, 7 three, 1 one
    assert (conv.lo, conv.hi, conv.width, conv.input_widths) == (-105, 105, 8, (4,))
    # weights -8..7 times operands 0..15, 18 of them: -2160..1890
    assert (conv.width_bound, conv.saved_bits, conv.weight_bits) == (13, 5, 216)
    assert (table["relu"].macs, table["relu"].width, table["relu"].saved_bits) == (0, 7, 0)
    assert (fc.macs, fc.ebops, fc.hi) == (24, 24 * 2 * 7, 3 * (4 * 105) + 1)
    assert totals(list(table.values())) == {
        "macs": 216 + 24, "ebops": 96 + 336, "weights": 78, "weight_bits": 216 + 48,
    }  # fmt: skip
    assert conv.to_dict()["saved_bits"] == 5


def test_the_width_bound_is_never_below_the_exact_width() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        b = GraphBuilder("bound")
        lo = int(rng.integers(-20, 5))
        x = b.input("x_q", (5,), Fraction(1), IntRange(lo, lo + int(rng.integers(0, 30))))
        op = Dense(rng.integers(-9, 10, (5, 3)), rng.integers(-99, 99, 3), ONE, int(rng.integers(1, 4)))
        (layer,) = layer_table(b.build(b.node("y", op, x)))
        assert layer.saved_bits >= 0


def test_what_is_on_its_way_may_be_wider_than_the_result() -> None:
    b = GraphBuilder("sum")
    x = b.input("x_q", (2,), Fraction(1), IntRange(10, 15))
    op = Dense(np.array([[9], [-9]]), np.array([0]), ONE)
    (layer,) = layer_table(b.build(b.node("y", op, x)))
    assert (layer.lo, layer.hi, layer.width) == (-45, 45, 7)
    assert layer.accumulator_width == IntRange(-135, 135).width == 9
    # weights -16..15, operands 0..15, two of them, and a bias of one bit
    assert layer.saved_bits == IntRange(-480, 451).width - 9


def test_products_with_constants_and_of_tensors() -> None:
    b = GraphBuilder("products")
    x = b.input("x_q", (3, 2), Fraction(1), IntRange(0, 15))
    y = b.node("scaled", Affine((6, -7), (1, 0), ONE), x)
    b.node("half", Affine((3,), (0,), ONE), x)
    z = b.node("times", Multiply(), x, y)
    graph = b.build(z, "half")
    table = {layer.name: layer for layer in layer_table(graph)}
    assert table["scaled"].ebops == 3 * (2 + 3) * 4
    assert table["half"].ebops == 6 * 2 * 4
    assert table["times"].ebops == 6 * 4 * graph.values["scaled"].width
    assert table["times"].macs == table["times"].saved_bits == 0


def test_effective_bits() -> None:
    assert effective_bits(np.array([0, 1, 2, 3, -4, 5, 6, -7, 8, 12, 96])).tolist() == [
        0, 1, 1, 2, 1, 3, 2, 3, 1, 2, 2,
    ]  # fmt: skip

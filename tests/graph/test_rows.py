"""Kernels on rows: equal to the meaning, chosen where transposing costs more, and broken ones are caught."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from cases import CASES, Pick, seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.graph import Executor, Graph, GraphBuilder, IntRange, Rounding
from levelone.graph.kernels import rows
from levelone.graph.kernels.carrier import EVENTS_INNERMOST, EVENTS_OUTERMOST, carrier
from levelone.graph.ops import Concat, Conv, Dense, MaxPool, Relu, Requantise, Reshape
from levelone.graph.plan import plan

ONE = (Fraction(1),)
FLOATS = (np.float32, np.float64)


@pytest.mark.parametrize("op_type", rows.MAKERS, ids=lambda t: t.__name__)
def test_every_kernel_gives_the_meaning(op_type: type) -> None:
    compared = 0
    for seed in range(150):
        case = CASES[op_type](seeded(seed))
        output = case.op.infer("y", *case.inputs)
        if any(carrier(value) not in FLOATS for value in (*case.inputs, output)):
            continue
        kernel = rows.MAKERS[op_type](case.op, case.inputs, output)
        if kernel is None:
            continue
        flat = [
            codes.reshape(len(codes), -1).astype(carrier(value))
            for codes, value in zip(case.codes, case.inputs, strict=True)
        ]
        kept = [array.copy() for array in flat]
        found = kernel.run(*flat)
        meant = case.op.evaluate(*case.codes)
        assert found.dtype == carrier(output)
        assert (found == meant.reshape(len(meant), -1)).all()
        assert all((a == b).all() for a, b in zip(flat, kept, strict=True)), "an operand was overwritten"
        if kernel.pointwise is not None:
            assert (kernel.pointwise(*flat) == meant.reshape(len(meant), -1)).all()
        compared += 1
    assert compared > 50


def small_network(pick: Pick) -> Graph:
    """Convolutions, dense layers, branches that share memory: all that has a kernel on rows."""
    b = GraphBuilder("small")
    rng = np.random.default_rng(pick(0, 2**32 - 1))
    values = [
        b.input("x_q", (pick(2, 5), pick(2, 5), pick(1, 3)), Fraction(1), IntRange(-15, 15)),
        b.input("f_q", (pick(1, 4),), Fraction(1), IntRange(0, 31)),
    ]
    for number in range(pick(3, 8)):
        source = values[pick(0, len(values) - 1)]
        name, value = f"v{number}", b.values[source]
        channels = value.shape[-1]
        kind = pick(0, 5)
        if kind == 0:
            values.append(b.node(name, Relu(), source))
        elif kind == 1:
            multiplier = tuple(Fraction(pick(1, 9), pick(3, 9)) for _ in range((1, channels)[pick(0, 1)]))
            offset = tuple(Fraction(pick(-9, 9), 4) for _ in multiplier)
            mode = list(Rounding)[pick(0, len(Rounding) - 1)]
            op = Requantise(multiplier, ONE, IntRange(-8, 7), mode, offset=offset)
            values.append(b.node(name, op, source))
        elif kind == 2:
            values.append(b.node(name, Reshape((value.size,)), source))
        elif kind == 3 and len(value.shape) == 3:
            kernel = tuple(pick(1, n) for n in value.shape[:2])
            weights = rng.integers(-3, 4, (*kernel, channels, pick(1, 3)))
            bias = rng.integers(-9, 9, weights.shape[-1])
            pads = tuple((pick(0, 1), pick(0, 1)) for _ in kernel)
            stride = (pick(1, 3), pick(1, 3))
            values.append(b.node(name, Conv(weights, bias, ONE, stride, pads, (1, 1)), source))
        elif kind == 4 and len(set(value.scale)) == 1:
            weights = rng.integers(-3, 4, (channels, pick(1, 4)))
            op = Dense(weights, rng.integers(-9, 9, weights.shape[1]), ONE)
            values.append(b.node(name, op, source))
        elif kind == 5:
            same = [
                v for v in values if b.values[v].shape == value.shape and b.values[v].scale == value.scale
            ]
            axis = pick(0, len(value.shape) - 1)
            values.append(b.node(name, Concat(axis), source, same[pick(0, len(same) - 1)]))
    return b.build(*[v for v in values[2:] if pick(0, 1)] or values[-1:])


def differs(graph: Graph) -> bool:
    rng = np.random.default_rng(3)
    codes = {
        p.value.name: rng.integers(p.value.range.lo, p.value.range.hi + 1, (37, *p.value.shape))
        for p in graph.inputs
    }
    meant = dict(codes)
    for node in graph:
        meant[node.name] = node.op.evaluate(*(meant[name] for name in node.inputs))
    executor = Executor(graph, "outputs", threads=1)
    executor.block = 16
    return any((found != meant[name]).any() for name, found in executor.run(codes).items())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_small_networks(data: st.DataObject) -> None:
    assert not differs(small_network(lambda lo, hi: data.draw(st.integers(lo, hi))))


def test_most_of_them_run_on_rows() -> None:
    """Else the test above would say little about rows."""
    graphs = [small_network(seeded(seed)) for seed in range(60)]
    on_rows = [plan(graph, graph.outputs).arrangement is EVENTS_OUTERMOST for graph in graphs]
    assert sum(on_rows) > 30


@pytest.mark.parametrize("fault", ["operand", "result", "weights", "order"])
def test_a_broken_band_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = rows.bands

    def broken(*arguments):
        for source, into, matrix in good(*arguments):
            if fault == "operand" and source.start > 0:
                source = slice(source.start - 1, source.stop - 1)
            yield {
                "weights": (source, into, -matrix),
                "order": (source, into, matrix[:, ::-1]),
                "result": (source, slice(0, into.stop - into.start), matrix),
            }.get(fault, (source, into, matrix))

    graphs = [small_network(seeded(seed)) for seed in range(60)]
    monkeypatch.setattr(rows, "bands", lambda *arguments: list(broken(*arguments)))
    assert any(map(differs, graphs))


def convolution(edge: int, kernel: int, stride: int) -> Graph:
    b = GraphBuilder("convolution")
    x = b.input("x_q", (edge, edge, 2), Fraction(1), IntRange(0, 15))
    weights = np.random.default_rng(0).integers(-3, 4, (kernel, kernel, 2, 8))
    op = Conv(weights, np.zeros(8, dtype=np.int64), ONE, (stride, stride), ((0, 0),) * 2, (1, 1))
    return b.build(b.node("y", op, x))


def test_rows_are_chosen_where_transposing_costs_more() -> None:
    def chosen(graph: Graph) -> bool:
        return plan(graph, graph.outputs).arrangement is EVENTS_OUTERMOST

    assert chosen(convolution(16, 4, 4))  # windows that do not overlap: few products with zeros
    assert not chosen(convolution(24, 3, 1))
    assert not chosen(convolution(64, 4, 4))
    b = GraphBuilder("pool")
    x = b.input("x_q", (4, 4, 1), Fraction(1), IntRange(0, 15))
    pooled = b.build(b.node("y", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), x))
    assert plan(pooled, pooled.outputs).arrangement is EVENTS_INNERMOST  # no kernel on rows


def test_products_with_zeros_are_counted() -> None:
    graph = convolution(8, 4, 4)
    (node,) = graph.nodes
    x, y = graph.values["x_q"], graph.values["y"]
    # each of 2 rows of 2 positions meets 4 * 8 * 2 elements, of which a position needs 4 * 4 * 2
    dense, needed = 2 * (4 * 8 * 2) * (2 * 8), 4 * (4 * 4 * 2) * 8
    nonzero = replace(node.op, weights=np.ones_like(node.op.weights))
    assert rows.banded_products(nonzero, x, y) == dense - needed

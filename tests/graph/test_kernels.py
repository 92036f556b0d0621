"""The kernels on arrays large enough to be cut into parts, the steps they are joined to, and broken ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest
from cases import CASES, seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.graph import Executor, Graph, GraphBuilder, IntRange, Rounding, execute, plan
from levelone.graph.kernels import convolution, requantise
from levelone.graph.kernels.carrier import events_last, gathered, scattered
from levelone.graph.kernels.convolution import Unrolled, unrolled_kernel
from levelone.graph.kernels.requantise import Scaling
from levelone.graph.ops import Add, AveragePool, Conv, MaxPool, Relu, Requantise, Reshape, Transpose

ONE = (Fraction(1),)
SOME = settings(max_examples=40, deadline=None, derandomize=True)


def meaning(graph: Graph, codes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = dict(codes)
    for node in graph:
        values[node.name] = node.op.evaluate(*(values[name] for name in node.inputs))
    return values


def large_conv(pick) -> tuple[Graph, Conv]:
    """A convolution whose buffer does not fit in one part, with every kind of geometry."""
    rank = pick(1, 3)
    groups = (1, 1, 2, 3, 12)[pick(0, 4)]
    channels, filters = groups * pick(1, 3 if groups < 12 else 1), groups * pick(1, 3)
    kernel, stride, dilation = (tuple(pick(1, top) for _ in range(rank)) for top in (4, 3, 2))
    pads = tuple((pick(0, 3), pick(0, 3)) for _ in range(rank))
    edge = {1: 200, 2: 17, 3: 8}[rank]
    spatial = tuple(edge + pick(0, 3) for _ in range(rank))
    rng = np.random.default_rng(pick(0, 2**32 - 1))
    weights = rng.integers(-9, 10, (*kernel, channels // groups, filters))
    bias = rng.integers(-99, 99, filters)
    op = Conv(weights, bias, ONE, stride, pads, dilation, groups, pick(1, 3))
    b = GraphBuilder("large")
    x = b.input("x_q", (*spatial, channels), Fraction(1), IntRange(-128, 127))
    y = b.node("y", op, x)
    low = b.values[y].scale[0]
    return b.build(b.requantise("z", b.node("relu", Relu(), y), low * 4, IntRange(0, 255))), op


def codes_for(graph: Graph, events: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        p.value.name: rng.integers(p.value.range.lo, p.value.range.hi + 1, (events, *p.value.shape))
        for p in graph.inputs
    }


@SOME
@given(data=st.data())
def test_convolutions_in_parts(data: st.DataObject) -> None:
    graph, _ = large_conv(lambda lo, hi: data.draw(st.integers(lo, hi)))
    codes = codes_for(graph, 33)
    meant = meaning(graph, codes)
    for keep in ("outputs", "all"):
        for name, found in Executor(graph, keep, threads=1).run(codes).items():
            assert (found == meant[name]).all(), name


def test_the_cases_are_large_enough_to_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would say nothing about parts."""
    monkeypatch.setattr(convolution, "TILE_BYTES", 2**14)
    cut = 0
    for seed in range(20):
        graph, op = large_conv(seeded(seed))
        shape, out = graph.values["x_q"].shape, graph.values["y"].shape
        plan_ = Unrolled.of(op, shape[:-1], out[:-1])
        row = 4 * 33 * (plan_.row_size + prod(plan_.out[1:]) * out[-1])
        cut += plan_.out[0] > 1 and 2**14 // row < plan_.out[0]
        codes = codes_for(graph, 33)
        assert (execute(graph, codes, keep="outputs")["z"] == meaning(graph, codes)["z"]).all()
    assert cut >= 10


BROKEN_PLANS = {
    "strides": lambda p: replace(p, stride=tuple(s + 1 for s in p.stride)),
    "padding": lambda p: replace(p, pads=tuple((e, b) for b, e in p.pads)),
    "dilation": lambda p: replace(p, dilation=tuple(3 - d for d in p.dilation)),
    "taps": lambda p: replace(p, taps=p.taps[::-1]),
    "window": lambda p: replace(p, slides=(p.slides[0], p.slides[1] + 1) if p.slides[1] > 1 else p.slides),
    "groups": lambda p: replace(p, grouped=p.grouped[::-1]),
    "order in a window": lambda p: replace(p, grouped=p.grouped[..., ::-1]),
}


@pytest.mark.parametrize("fault", [None, *BROKEN_PLANS])
def test_a_broken_convolution_is_caught(fault: str | None) -> None:
    caught = False
    for seed in range(40):
        case = CASES[Conv](seeded(seed))
        (x,) = case.inputs
        output = case.op.infer("y", x)
        if max(x.width, output.width) > 20:
            continue
        good = Unrolled.of(case.op, x.shape[:-1], output.shape[:-1])
        codes = case.codes[0].astype(np.int64)
        broken = good if fault is None else BROKEN_PLANS[fault](good)
        kernel = unrolled_kernel(broken, case.op.bias, np.float64, x, output)
        try:
            found = kernel.run(gathered(codes, np.float64))
        except (ValueError, TypeError):  # a shape that does not fit is caught, too
            caught = True
            continue
        caught |= bool((found != events_last(case.op.evaluate(codes))).any())
    assert caught == (fault is not None)


def tangled(pick) -> Graph:
    """Branches that share memory: views, values used twice, pointwise operations on them in any order."""
    b = GraphBuilder("tangled")
    x = b.input("x_q", (4, 4, 2), Fraction(1), IntRange(-100, 100))
    values = [x]
    for number in range(pick(3, 9)):
        source = values[pick(0, len(values) - 1)]
        name, value = f"v{number}", b.values[source]
        kind = pick(0, 7)
        if kind == 0:
            values.append(b.node(name, Relu(), source))
        elif kind == 1:
            values.append(b.requantise(name, source, Fraction(2), IntRange(-8, 7), Rounding.FLOOR))
        elif kind == 2:
            op = Requantise((Fraction(pick(1, 9), 7),), ONE, IntRange(0, 15), Rounding.ROUND)
            values.append(b.node(name, op, source))
        elif kind == 3:
            values.append(b.node(name, Reshape((value.size,)), source))
        elif kind == 4:
            values.append(b.node(name, Transpose(tuple(range(len(value.shape)))), source))
        elif kind == 5 and len(value.shape) == 3:
            pool = (MaxPool, AveragePool)[pick(0, 1)]
            k = pick(1, min(2, *value.shape[:2]))
            values.append(b.node(name, pool((k, k), (k, k), ((0, 0), (0, 0)), (1, 1)), source))
        elif kind == 6:
            rng = np.random.default_rng(number)
            if len(value.shape) == 3:
                weights = rng.integers(-3, 4, (1, 1, value.shape[-1], 2))
                op = Conv(weights, rng.integers(-9, 9, 2), ONE, (1, 1), ((0, 0),) * 2, (1, 1))
                values.append(b.node(name, op, source))
        else:
            other = values[pick(0, len(values) - 1)]
            if b.values[other].shape == value.shape and b.values[other].scale == value.scale:
                values.append(b.node(name, Add(), source, other))
    return b.build(*[v for v in values[1:] if pick(0, 1)] or values[-1:])


def differs(graph: Graph) -> bool:
    codes = codes_for(graph, 19)
    meant = meaning(graph, codes)
    found = execute(graph, codes, keep="outputs")
    return any((found[name] != meant[name]).any() for name in graph.outputs)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_nothing_is_overwritten_that_is_still_needed(data: st.DataObject) -> None:
    assert not differs(tangled(lambda lo, hi: data.draw(st.integers(lo, hi))))


def test_overwriting_too_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = [tangled(seeded(seed)) for seed in range(60)]
    assert not any(map(differs, graphs))
    fused = plan._fused
    monkeypatch.setattr(
        plan, "_fused", lambda graph, chain, kernels, free: fused(graph, chain, kernels, True)
    )
    assert any(map(differs, graphs))


def rectified(mode: Rounding, offset: Fraction) -> Graph:
    b = GraphBuilder("rectified")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-90, 90))
    op = Requantise((Fraction(1, 3),), ONE, IntRange(0, 15), mode, (offset,))
    return b.build(b.node("y", op, b.node("relu", Relu(), b.node("twice", Add(), x, x))))


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("offset", [Fraction(0), Fraction(5, 2), Fraction(-5, 2)])
def test_a_rectifier_is_left_out_only_where_it_does_nothing(mode: Rounding, offset: Fraction) -> None:
    assert not differs(rectified(mode, offset))


def test_leaving_out_any_rectifier_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "cuts_negative", lambda op: True)
    assert differs(rectified(Rounding.ROUND, Fraction(5, 2)))


@SOME
@given(
    numerators=st.lists(st.integers(1, 10**6), min_size=3, max_size=3),
    denominator=st.integers(1, 10**7),
    sign=st.sampled_from([-1, 1]),
    offset=st.fractions(-40, 40, max_denominator=97),
    mode=st.sampled_from(list(Rounding)),
    reach=st.sampled_from([300, 5000]),
    zero_point=st.integers(-3, 3),
)
def test_general_requantisation_of_every_code(
    numerators, denominator, sign, offset, mode, reach, zero_point
) -> None:
    multiplier = tuple(Fraction(sign * n, denominator) for n in numerators)
    op = Requantise(multiplier, ONE, IntRange(-20, 43), mode, (offset,), zero_point)
    b = GraphBuilder("general")
    x = b.input("x_q", (3,), Fraction(1), IntRange(-reach, reach))
    graph = b.build(b.node("y", op, x))
    codes = np.repeat(np.arange(-reach, reach + 1)[:, None], 3, axis=1)
    assert (execute(graph, {"x_q": codes})["y"] == op.evaluate(codes)).all()


def test_a_float_scaling_that_is_wrong_at_one_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof sees a difference at any single step, at either end of the range too."""
    b = GraphBuilder("proof")
    x = b.values[b.input("x_q", (1,), Fraction(1), IntRange(-700, 700))]
    op = Requantise((Fraction(3, 10),), ONE, IntRange(-200, 200), Rounding.FLOOR)
    steps = np.array(op.thresholds(1))
    assert requantise.fitted(op, x, steps) is not None
    right = Scaling.__call__
    for where in (-200, -199, -7, 0, 13, 198, 199):
        monkeypatch.setattr(Scaling, "__call__", lambda self, y, at=where: _off_by_one(right(self, y), at))
        assert requantise.fitted(op, x, steps) is None
        monkeypatch.setattr(Scaling, "__call__", right)


def _off_by_one(y: np.ndarray, where: int) -> np.ndarray:
    """As a scaling whose step from `where` comes too late: the codes above it stay behind."""
    return np.where(y == where + 1, where, y)


@pytest.mark.parametrize("events", [1, 15, 16, 17, 40])
def test_events_move_to_the_end_and_back(events: int) -> None:
    codes = np.random.default_rng(0).integers(-9, 9, (events, 3, 2, 5))
    there = gathered(codes, np.float32)
    assert there.flags.c_contiguous
    assert (there == np.moveaxis(codes, 0, -1)).all()
    back = np.empty_like(codes)
    scattered(there, back)
    assert (back == codes).all()

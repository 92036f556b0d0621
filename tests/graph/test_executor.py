"""The executor: which arithmetic it chooses, how it splits events, what it refuses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import Executor, Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.kernels.carrier import carrier, float_for
from levelone.graph.kernels.linear import sum_bound
from levelone.graph.ops import Add, Affine, Concat, Conv, Dense, MaxPool, Relu, Requantise, Reshape
from levelone.graph.plan import kernel_for

ONE = (Fraction(1),)


def network(seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("network")
    x = b.input("x_q", (9, 7, 2), Fraction(1, 4), IntRange(0, 15))
    f = b.input("f_q", (3,), Fraction(1, 4), IntRange(-32, 31))
    weights = rng.integers(-7, 8, (3, 3, 2, 4))
    c = b.node("conv", Conv(weights, rng.integers(-40, 40, 4), ONE, (2, 1), ((1, 0), (1, 1)), (1, 1)), x)
    a = b.requantise("act", b.node("relu", Relu(), c), Fraction(8), IntRange(0, 31))
    p = b.node("pool", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), a)
    flat = b.node("flat", Reshape((b.values[p].size,)), p)
    aligned = b.node("f_up", Requantise.aligning(b.values[f], Fraction(1, 8)), f)
    wide = b.node("flat_up", Requantise.aligning(b.values[flat], Fraction(1, 8)), flat)
    joined = b.node("joined", Concat(0), wide, aligned)
    size = b.values[joined].size
    logit = b.node("logit", Dense(rng.integers(-9, 10, (size, 2)), np.array([3, -4]), ONE), joined)
    return b.build(logit)


def random_codes(graph: Graph, events: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        p.value.name: rng.integers(p.value.range.lo, p.value.range.hi + 1, (events, *p.value.shape))
        for p in graph.inputs
    }


def by_meaning(graph: Graph, codes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = dict(codes)
    for node in graph:
        values[node.name] = node.op.evaluate(*(values[name] for name in node.inputs))
    return values


@pytest.mark.parametrize("events", [0, 1, 15, 16, 17, 500])
@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_and_threads_change_nothing(events: int, threads: int) -> None:
    graph = network()
    codes = random_codes(graph, events)
    executor = Executor(graph, "all", threads=threads)
    executor.block = 16
    found = executor.run(codes)
    meant = by_meaning(graph, codes)
    assert set(found) == set(graph.values)
    for name, array in found.items():
        assert array.dtype == np.int64
        assert array.shape == (events, *graph.values[name].shape)
        assert (array == meant[name]).all()


def test_keep_chooses_values() -> None:
    graph = network()
    codes = random_codes(graph, 5)
    everything = execute(graph, codes)
    assert list(execute(graph, codes, keep="outputs")) == ["logit"]
    some = execute(graph, codes, keep=["act", "x_q"])
    assert set(some) == {"act", "x_q"}
    assert all((some[name] == everything[name]).all() for name in some)
    with pytest.raises(LeveloneError, match="no value called 'nothing'"):
        execute(graph, codes, keep=["nothing"])


def test_values_are_dropped_after_their_last_use() -> None:
    executor = Executor(network(), "outputs")
    dead = [name for step in executor._plan.steps for name in step.dead]
    assert sorted(dead) == sorted({"x_q", "f_q"} | {step.name for step in executor._plan.steps})


def test_pointwise_operations_join_the_step_before_them() -> None:
    names = [step.name for step in Executor(network(), "outputs")._plan.steps]
    assert names == ["act", "pool", "flat_up", "f_up", "joined", "logit"]
    assert "relu" in [step.name for step in Executor(network(), ["relu", "logit"])._plan.steps]


def test_what_no_kept_value_needs_is_not_computed() -> None:
    assert [step.name for step in Executor(network(), ["act"])._plan.steps] == ["act"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_any_integer_type_is_taken(dtype) -> None:
    b = GraphBuilder("tiny")
    graph = b.build(b.node("y", Relu(), b.input("x_q", (3,), Fraction(1), IntRange(0, 15))))
    codes = np.array([[1, 2, 15]], dtype=dtype)
    assert execute(graph, {"x_q": codes})["y"].tolist() == [[1, 2, 15]]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({}, "codes of input port 'x_q' are missing"),
        ({"x_q": np.zeros((2, 9, 7, 2))}, "integer codes expected, found dtype float64"),
        ({"x_q": np.zeros((2, 9, 7), int)}, r"shape \(2, 9, 7\), expected \(events, 9, 7, 2\)"),
        ({"x_q": np.full((2, 9, 7, 2), 16)}, "codes from 16 to 16, but it carries 0 to 15"),
        ({"x_q": np.full((2, 9, 7, 2), -1)}, "codes from -1 to -1, but it carries 0 to 15"),
        ({"x_q": np.zeros((3, 9, 7, 2), int)}, "different numbers of events"),
        ({"y_q": np.zeros((3, 9, 7, 2), int)}, "no input port is called 'y_q'"),
    ],
)
def test_bad_codes_are_refused(codes, message) -> None:
    full = {"f_q": np.zeros((2, 3), int)} | codes
    with pytest.raises(LeveloneError, match=message):
        execute(network(), full)


def dense(fan_in: int, weight: int, reach: IntRange, bias: int = 0, step: int = 1) -> Graph:
    b = GraphBuilder("edge")
    x = b.input("x_q", (fan_in,), Fraction(1), reach)
    op = Dense(np.full((fan_in, 1), weight), np.array([bias]), ONE, step)
    return b.build(b.node("y", op, x))


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (dense(1, 2**12, IntRange(0, 2**12)), np.float32),  # largest sum 2**24: the last exact one
        (dense(1, 2**12, IntRange(0, 2**12), bias=1), np.float64),
        (dense(2, 2**12, IntRange(0, 2**12), step=2), np.float64),
        (dense(1, 2**26, IntRange(-(2**27), 0)), np.float64),  # 2**53
        (dense(1, 2**26, IntRange(-(2**27), 0), bias=-1), None),
    ],
)
def test_the_arithmetic_follows_the_range(graph: Graph, expected) -> None:
    op, x = graph.node("y").op, graph.values["x_q"]
    assert float_for(sum_bound(op.weights, op.bias, op.step, x)) is expected


@pytest.mark.parametrize("bits", [20, 23, 24, 25, 30, 40, 52, 53, 54, 58, 61])
def test_sums_stay_exact_at_every_width(bits: int) -> None:
    """Odd sums near each power of two: where a float would have to round, the executor must not use it."""
    half = bits // 2
    graph = dense(3, 2 ** (bits - half) - 1, IntRange(-(2**half), 2**half - 1), bias=1)
    rng = np.random.default_rng(bits)
    codes = rng.integers(-(2**half), 2**half, (300, 3))
    codes[:2] = [[2**half - 1] * 3, [-(2**half)] * 3]
    found = execute(graph, {"x_q": codes})["y"]
    exact = [[sum(int(c) for c in row) * (2 ** (bits - half) - 1) + 1] for row in codes]
    assert found.tolist() == exact


def test_a_sum_that_passes_through_large_numbers() -> None:
    """The final sum is small, but partial sums are not: their bound decides, not the result's range."""
    b = GraphBuilder("cancel")
    x = b.input("x_q", (2,), Fraction(1), IntRange(2**24 - 1, 2**24))
    weights = np.array([[3], [-3]])
    graph = b.build(b.node("y", Dense(weights, np.array([0]), ONE), x))
    assert graph.values["y"].width <= 3
    found = execute(graph, {"x_q": np.array([[2**24, 2**24 - 1], [2**24 - 1, 2**24]])})["y"]
    assert found.tolist() == [[3], [-3]]


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("lo", [-(2**20), -(2**30), -(2**56)])
def test_requantise_is_exact_around_every_tie(mode: Rounding, lo: int) -> None:
    b = GraphBuilder("ties")
    x = b.input("x_q", (1,), Fraction(1), IntRange(lo, -lo))
    y = b.requantise("y", x, Fraction(8), IntRange(lo, -lo), mode)
    z = b.node("z", Requantise((Fraction(3, 7),), ONE, IntRange(-99, 99), mode, (Fraction(1, 14),)), x)
    graph = b.build(y, z)
    codes = np.concatenate([c + np.arange(-40, 41) for c in (0, lo // 2, lo + 40, -lo - 40)])[:, None]
    found = execute(graph, {"x_q": codes})
    meant = by_meaning(graph, {"x_q": codes})
    assert (found["y"] == meant["y"]).all()
    assert (found["z"] == meant["z"]).all()


@pytest.mark.parametrize(
    ("reach", "codes", "mode", "way"),
    [
        (2**10, 255, Rounding.ROUND, "Scaling"),
        (2**24 - 1, 255, Rounding.ROUND, "Scaling"),
        (2**30, 255, Rounding.ROUND, "Scaling"),
        (2**10, 255, Rounding.HALF_DOWN, "gather"),  # ties that round one way above zero, the other below
        (2**24 - 1, 255, Rounding.HALF_DOWN, "_search"),
        (2**24 - 1, 2**20, Rounding.HALF_DOWN, "kernel_for"),
    ],
)
def test_general_multipliers_by_floats_table_thresholds_or_meaning(reach, codes, mode, way) -> None:
    b = GraphBuilder("table")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-reach, reach))
    limits = IntRange(-(codes // 2), codes - codes // 2)
    op = Requantise((Fraction(1, 6), Fraction(2, 7)), ONE, limits, mode)
    graph = b.build(b.node("y", op, x))
    kernel = kernel_for(graph, graph.node("y"))
    assert kernel.run.__qualname__.split(".")[0] == way
    rng = np.random.default_rng(0)
    near = min(reach, 2000)
    found = np.concatenate(
        [rng.integers(-reach, reach + 1, (400, 2)), np.repeat(np.arange(-near, near + 1)[:, None], 2, 1)]
    )
    assert (execute(graph, {"x_q": found})["y"] == op.evaluate(found)).all()


def test_values_beyond_64_bits_are_refused_only_if_returned() -> None:
    b = GraphBuilder("huge")
    x = b.input("x_q", (1,), Fraction(1), IntRange(-(2**40), 2**40))
    wide = b.node("wide", Affine((2**40,), (1,), ONE), x)
    graph = b.build(b.requantise("y", wide, Fraction(2**50), IntRange(-(2**31), 2**31 - 1)))
    assert carrier(graph.values["wide"]) is object
    with pytest.raises(UnsupportedError, match="wide needs 82 bits"):
        execute(graph, {"x_q": np.array([[1]])})
    found = execute(graph, {"x_q": np.array([[2**40], [-(2**40)], [3]])}, keep="outputs")["y"]
    assert found.tolist() == [[2**30], [-(2**30)], [0]]


def test_a_branch_that_is_used_twice() -> None:
    b = GraphBuilder("residual")
    x = b.input("x_q", (4, 4, 2), Fraction(1), IntRange(-8, 7))
    y = b.node("y", Relu(), x)
    graph = b.build(b.node("sum", Add(), b.node("twice", Add(), y, y), x), y)
    codes = random_codes(graph, 33)
    meant = by_meaning(graph, codes)
    found = execute(graph, codes, keep="outputs")
    assert (found["sum"] == meant["sum"]).all()
    assert (found["y"] == meant["y"]).all()


def test_a_wrong_kernel_is_noticed() -> None:
    """The comparison used here does tell a kernel that rounds the other way."""
    b = GraphBuilder("wrong")
    x = b.input("x_q", (1,), Fraction(1), IntRange(0, 15))
    graph = b.build(b.requantise("y", x, Fraction(2), IntRange(0, 15), Rounding.HALF_UP))
    other = Requantise.between(graph.values["x_q"], Fraction(2), IntRange(0, 15), Rounding.ROUND)
    codes = np.arange(16)[:, None]
    assert (execute(graph, {"x_q": codes})["y"] != other.evaluate(codes)).any()

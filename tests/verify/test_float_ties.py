"""Ties that float32 rounds the other way: told apart from faults, and not counted twice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from levelone.graph import Codes, Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import AddRequantise, Dense, Requantise, Staircase
from levelone.hls import convert
from levelone.report.words import ties_in_words
from levelone.verify import Outcome, check_project
from levelone.verify.ties import FloatTies, compare_module, gamma

ONE = (Fraction(1),)
SCALE, WEIGHT, OUT = np.float32(0.1), np.float32(0.05), np.float32(0.07)


def network(scale: float = SCALE, weight: float = WEIGHT, out: float = OUT) -> Graph:
    """Two quantised layers; the scales are the exact values of float32 numbers."""
    rng = np.random.default_rng(2)
    b = GraphBuilder("ties")
    x = b.input("x_q", (6,), Fraction(float(scale)), IntRange(-32, 31))
    b.node("sum", Dense(rng.integers(-31, 32, (6, 5)), np.zeros(5), (Fraction(float(weight)),)), x)
    b.requantise("act", "sum", Fraction(float(out)), IntRange(-256, 255))
    b.node("after", Dense(rng.integers(-7, 8, (5, 3)), np.zeros(3), (Fraction(float(weight)),)), "act")
    b.requantise("last", "after", Fraction(1, 2), IntRange(-64, 63))
    return b.build("last")


def in_float32(
    graph: Graph, codes: dict[str, Codes], rounding: Rounding = Rounding.ROUND
) -> dict[str, Codes]:
    """The same network as a framework computes it: real numbers in float32, divided and rounded."""
    reals = {name: found.astype(np.float32) * np.float32(0.1) for name, found in codes.items()}
    result: dict[str, Codes] = {}
    scales = {"x_q": SCALE}
    for node in graph:
        x = reals[node.inputs[0]]
        if isinstance(node.op, Dense):
            weights = node.op.weights.astype(np.float32) * WEIGHT
            reals[node.name] = (x @ weights).astype(np.float32)
            continue
        assert isinstance(node.op, Requantise)
        scale = np.float32(node.op.scale[0])
        rounded = np.rint(x / scale) if rounding is Rounding.ROUND else np.floor(x / scale)
        found = np.clip(rounded, node.op.range.lo, node.op.range.hi)
        result[node.name] = found.astype(np.int64)
        reals[node.name] = found.astype(np.float32) * scale
        scales[node.name] = scale
    return result


def judged(
    graph: Graph, codes: dict[str, Codes], module: dict[str, Codes]
) -> tuple[FloatTies, dict[str, int]]:
    ties = FloatTies()
    found = compare_module(graph, codes, module, execute(graph, codes), ties, 100)
    return ties, {part.name: part.mismatches for part in found}


def tie_inputs(graph: Graph, count: int = 200_000) -> dict[str, Codes]:
    rng = np.random.default_rng(5)
    return {"x_q": rng.integers(-32, 32, (count, 6))}


def test_float_ties_are_found_by_their_exact_numbers() -> None:
    """Every disagreement of a float32 execution lies next to a border; none is called a mismatch."""
    graph = network(np.float32(0.1), np.float32(0.05), np.float32(0.01))
    codes = tie_inputs(graph)
    reference = execute(graph, codes)
    module = in_float32(graph, codes)
    differing = int(np.count_nonzero(module["act"] != reference["act"]))
    assert differing > 0  # 0.1 * 0.05 / 0.01 is nearly one half: ties everywhere
    ties, mismatches = judged(graph, codes, module)
    assert ties.layers["act"] == differing and mismatches["act"] == 0 and mismatches["last"] == 0
    example = ties.to_dict()["example"]
    assert example is not None and abs(example["expected"] - example["found"]) == 1
    assert abs(float(example["exact"]) - float(Fraction(example["border"]))) < 1e-4
    assert example["event"] >= 100


def test_what_follows_from_a_tie_is_not_counted_again() -> None:
    graph = network(np.float32(0.1), np.float32(0.05), np.float32(0.01))
    codes = tie_inputs(graph, 2000)
    reference = execute(graph, codes)
    module = in_float32(graph, codes)
    changed = (module["act"] != reference["act"]).any(axis=1)
    consequences = changed & (module["last"] != reference["last"]).any(axis=1)
    assert consequences.any()
    ties, mismatches = judged(graph, codes, module)
    assert mismatches == {"act": 0, "last": 0}
    assert ties.layers.get("last", 0) < np.count_nonzero(consequences)


def test_a_fault_is_not_excused_as_a_tie() -> None:
    graph = network()
    codes = tie_inputs(graph, 2000)
    module = in_float32(graph, codes)
    module["act"][7, 2] += 1 if module["act"][7, 2] < 255 else -1
    _, mismatches = judged(graph, codes, module)
    assert mismatches["act"] == 1
    truncated = in_float32(graph, codes, Rounding.FLOOR)
    _, mismatches = judged(graph, codes, truncated)
    assert mismatches["act"] > 1000


def test_with_binary_scales_float32_is_no_excuse() -> None:
    """An exact tie that a module rounds the other way is a wrong rounding mode there, not a float tie."""
    b = GraphBuilder("binary")
    x = b.input("x_q", (4,), Fraction(1, 4), IntRange(-8, 7))
    graph = b.build(b.requantise("act", x, Fraction(1, 2), IntRange(-8, 7)))
    codes = {"x_q": np.arange(-8, 8).reshape(4, 4)}
    half_up = np.floor(codes["x_q"] / 2 + 0.5).astype(np.int64)
    ties, mismatches = judged(graph, codes, {"act": half_up})
    assert ties.count == 0 and mismatches["act"] == 4


def wide(inputs: int, scales: tuple[Fraction, Fraction, Fraction]) -> Graph:
    """One sum of many products; scales of input, weight and output."""
    rng = np.random.default_rng(7)
    b = GraphBuilder("wide")
    x = b.input("x_q", (inputs,), scales[0], IntRange(-128, 127))
    b.node("sum", Dense(rng.integers(-100, 101, (inputs, 2)), np.zeros(2), (scales[1],)), x)
    return b.build(b.requantise("act", "sum", scales[2], IntRange(-(2**20), 2**20)))


@pytest.mark.parametrize("operations", [1, 7, 1000])
def test_the_bound_is_highams(operations: int) -> None:
    unit = Fraction(1, 2**24)
    assert gamma(operations) == operations * unit / (1 - operations * unit)
    grown = Fraction(1)
    for _ in range(operations):
        grown *= 1 + unit
    assert grown - 1 <= gamma(operations) <= (grown - 1) * Fraction(10002, 10000)


@pytest.mark.parametrize("inputs", [16, 256, 2048])
def test_the_bound_grows_with_the_number_of_terms(inputs: int) -> None:
    """Float32 sums of many products, in three orders: every code that is off by one is told as a tie."""
    scales = (Fraction(float(SCALE)), Fraction(float(WEIGHT)), Fraction(float(np.float32(0.0137))))
    graph = wide(inputs, scales)
    codes = {"x_q": np.random.default_rng(inputs).integers(-128, 128, (4000, inputs))}
    reals = codes["x_q"].astype(np.float32) * SCALE
    op = graph.node("sum").op
    assert isinstance(op, Dense)
    weights = op.weights.astype(np.float32) * WEIGHT
    one_by_one = np.zeros((4000, 2), np.float32)
    for x, w in zip(reals.T, weights, strict=True):
        one_by_one += x[:, None] * w
    products = reals[:, :, None] * weights
    found = 0
    for total in (reals @ weights, one_by_one, products.sum(axis=1, dtype=np.float32)):
        act = np.rint(total / np.float32(0.0137)).astype(np.int64)
        ties, mismatches = judged(graph, codes, {"act": act})
        differing = int(np.count_nonzero(act != execute(graph, codes)["act"]))
        assert mismatches == {"act": 0} and ties.count == differing
        found += differing
    assert found > 0 or inputs < 256


def test_a_code_farther_from_the_border_than_float32_reaches_is_a_mismatch() -> None:
    graph = wide(256, (Fraction(float(SCALE)), Fraction(float(WEIGHT)), Fraction(60)))
    codes = {"x_q": np.random.default_rng(1).integers(-128, 128, (300, 256))}
    exact, sums = (execute(graph, codes, keep="all")[name] for name in ("act", "sum"))
    op = graph.node("act").op
    assert isinstance(op, Requantise)
    before = sums * float(op.multiplier[0])
    other = np.where(before > exact, exact + 1, exact - 1)  # the neighbour that is nearer
    ties, mismatches = judged(graph, codes, {"act": other})
    assert ties.count + mismatches["act"] == exact.size
    x, w = codes["x_q"], graph.node("sum").op.weights  # type: ignore[union-attr]
    largest = (np.abs(x) @ np.abs(w)) * float(op.multiplier[0]) + np.abs(exact) + 1
    surely_wrong = np.abs(np.abs(before - exact) - 0.5) > float(gamma(270)) * largest
    assert mismatches["act"] >= np.count_nonzero(surely_wrong) > 0.9 * exact.size


def test_next_to_a_border_exact_float_arithmetic_is_no_excuse() -> None:
    """Powers of two and partial sums of at most 24 bits: float32 gives the exact tie, whatever the fan-in."""
    graph = wide(1024, (Fraction(1, 8), Fraction(1, 4), Fraction(1, 16)))
    codes = {"x_q": np.random.default_rng(2).integers(-128, 128, (500, 1024))}
    exact, sums = (execute(graph, codes, keep="all")[name] for name in ("act", "sum"))
    half_up = np.floor(sums / 2 + 0.5).astype(np.int64)
    wrong = int(np.count_nonzero(half_up != exact))
    op = graph.node("sum").op
    assert isinstance(op, Dense)
    largest = np.abs(codes["x_q"]) @ np.abs(op.weights)
    assert wrong > 100 and largest.max() < 2**24
    ties, mismatches = judged(graph, codes, {"act": half_up})
    assert ties.count == 0 and mismatches["act"] == wrong


def test_sums_beyond_a_mantissa_may_be_rounded_by_float32() -> None:
    """The same scales, but partial sums that float32 cannot hold."""
    graph = wide(4096, (Fraction(1, 8), Fraction(1, 4), Fraction(1, 16)))
    codes = {"x_q": np.full((1, 4096), 127)}
    exact, sums = (execute(graph, codes, keep="all")[name] for name in ("act", "sum"))
    half_up = np.floor(sums / 2 + 0.5).astype(np.int64)
    for seed in range(50):
        if (half_up != exact).any():
            break
        codes["x_q"][0, :] = np.random.default_rng(seed).choice([-128, -127, 126, 127], 4096)
        exact, sums = (execute(graph, codes, keep="all")[name] for name in ("act", "sum"))
        half_up = np.floor(sums / 2 + 0.5).astype(np.int64)
    op = graph.node("sum").op
    assert isinstance(op, Dense) and (np.abs(codes["x_q"]) @ np.abs(op.weights)).min() >= 2**24
    wrong = int(np.count_nonzero(half_up != exact))
    ties, mismatches = judged(graph, codes, {"act": half_up})
    assert wrong > 0 and ties.count == wrong and mismatches["act"] == 0


def test_ties_of_a_sum_of_two_tensors_are_counted() -> None:
    """Two scales, a bias, one rounding: halves everywhere, of which float32 puts some on the other side."""
    first, second, bias, out = (Fraction(float(np.float32(s))) for s in (0.1, 0.05, 0.3, 0.1))
    b = GraphBuilder("residual")
    x, z = (b.input(name, (64,), s, IntRange(-32, 31)) for name, s in (("x_q", first), ("z_q", second)))
    both = ((first / out,), (second / out,))
    b.node("y", AddRequantise(both, (bias / out,), (out,), IntRange(-32, 31)), x, z)
    graph = b.build("y")
    rng = np.random.default_rng(3)
    codes = {name: rng.integers(-32, 32, (400, 64)) for name in ("x_q", "z_q")}
    real = codes["x_q"].astype(np.float32) * np.float32(0.1) + np.float32(0.3)
    real += codes["z_q"].astype(np.float32) * np.float32(0.05)
    exact = execute(graph, codes)["y"]
    made = np.clip(np.rint(real / np.float32(0.1)), -32, 31).astype(np.int64)
    ties, mismatches = judged(graph, codes, {"y": made})
    assert mismatches == {"y": 0} and ties.count == np.count_nonzero(made != exact) > 100
    floored = np.clip(np.floor(real / np.float32(0.1)), -32, 31).astype(np.int64)
    ties, mismatches = judged(graph, codes, {"y": floored})
    assert mismatches["y"] > 100 and ties.count + mismatches["y"] == np.count_nonzero(floored != exact)


@pytest.mark.parametrize("joined", [AddRequantise, Staircase])
def test_what_was_rounded_is_an_integer_again(joined: type) -> None:
    """A tie of a quantiser behind is judged on these integers, not on what they were made of."""
    b = GraphBuilder("twice")
    x = b.input("x_q", (4,), Fraction(1), IntRange(-(2**20), 2**20))
    if joined is AddRequantise:
        b.node("y", AddRequantise(((Fraction(1, 2**18),), (Fraction(0),)), ONE, ONE, IntRange(-8, 7)), x, x)
    else:
        b.node("y", Staircase(np.array([[-5, 3]]), np.array([[-2, 0, 5]]), ONE), x)
    b.node("last", Requantise((Fraction(1, 2),), ONE, IntRange(-8, 7)), "y")
    graph = b.build("last")
    codes = {"x_q": np.random.default_rng(1).integers(-(2**20), 2**20, (50, 4))}
    half_up = np.floor(execute(graph, codes)["y"] / 2 + 0.5).astype(np.int64)
    ties, mismatches = judged(graph, codes, {"last": half_up})
    assert ties.count == 0 and mismatches["last"] > 5  # numbers of four bits: float32 is exact


def test_a_lossless_change_of_grid_does_not_forget_what_float32_did_before() -> None:
    """Sums of many products are brought to a finer grid before another tensor is added to them."""
    scale, weight, out = (Fraction(float(s)) for s in (SCALE, WEIGHT, np.float32(0.0137)))
    rng = np.random.default_rng(7)
    op = Dense(rng.integers(-100, 101, (2048, 2)), np.zeros(2), (weight,))
    b = GraphBuilder("aligned")
    b.node("sum", op, b.input("x_q", (2048,), scale, IntRange(-128, 127)))
    b.node("aligned", Requantise.aligning(b.values["sum"], scale * weight / 4), "sum")
    graph = b.build(b.requantise("act", "aligned", out, IntRange(-(2**20), 2**20)))
    codes = {"x_q": rng.integers(-128, 128, (4000, 2048))}
    total = (codes["x_q"].astype(np.float32) * SCALE) @ (op.weights.astype(np.float32) * WEIGHT)
    act = np.rint(total / np.float32(0.0137)).astype(np.int64)
    ties, mismatches = judged(graph, codes, {"act": act})
    assert (
        mismatches == {"act": 0} and ties.count == np.count_nonzero(act != execute(graph, codes)["act"]) > 0
    )


@pytest.mark.slow
def test_the_verdict_keeps_ties_apart(tmp_path: Path) -> None:
    """C simulation against the reference stays exact; ties stand on a line of their own."""
    graph = network(np.float32(0.1), np.float32(0.05), np.float32(0.01))
    project = convert(graph, tmp_path / "project").project
    codes = {"x_q": tie_inputs(graph, 5000)["x_q"]}
    module = in_float32(graph, codes)
    differing = int(np.count_nonzero(module["act"] != execute(graph, codes)["act"]))
    check = check_project(project, codes, module, graph=graph)
    document = check.to_dict()
    assert check.outcome is Outcome.EXACT and document["module"]["verdict"] == "exact"
    ties = document["float_ties"]
    assert ties["layers"]["act"] == differing > 0 and ties["count"] >= differing
    shown = ties["example"]
    assert abs(shown["expected"] - shown["found"]) == 1 and 0 < float(shown["reach"]) < 0.01
    line = ties_in_words(ties, "the trained module")
    assert f"float32 rounds {ties['count']:,} codes of the trained module" in line and "position" not in line
    assert check_project(project, codes, graph=graph).to_dict()["float_ties"] is None
    module["act"][11, 3] += 1 if module["act"][11, 3] < 255 else -1
    assert check_project(project, codes, module, graph=graph).outcome is Outcome.MISMATCH

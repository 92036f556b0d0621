"""Ties that float32 rounds the other way: told apart from faults, and not counted twice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from levelone.graph import Codes, Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import Dense, Requantise
from levelone.hls import convert
from levelone.verify import Outcome, check_project, random_vectors
from levelone.verify.ties import FloatTies, compare_module

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
    ties = FloatTies({})
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


@pytest.mark.slow
def test_the_verdict_keeps_ties_apart(tmp_path: Path) -> None:
    """C simulation against the reference stays exact; ties stand on a line of their own."""
    b = GraphBuilder("dyadic")
    x = b.input("x_q", (4,), Fraction(1, 4), IntRange(-8, 7))
    graph = b.build(b.requantise("act", x, Fraction(1, 2), IntRange(-8, 7)))
    project = convert(graph, tmp_path / "project").project
    codes = random_vectors(graph, 30, seed=1)
    module = {"act": execute(graph, codes)["act"]}
    check = check_project(project, codes, module, graph=graph)
    document = check.to_dict()
    assert check.outcome is Outcome.EXACT
    assert document["float_ties"] == {"count": 0, "layers": {}, "example": None}
    assert check_project(project, codes, graph=graph).to_dict()["float_ties"] is None

"""What a verdict says its vectors reached, counted by hand on networks small enough for that."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from levelone.graph import Graph, GraphBuilder, IntRange, execute
from levelone.graph.ops import Dense, Lookup, Requantise
from levelone.verify import coverage as module
from levelone.verify.coverage import Coverage


def one_of(op_of, low: int = 0, high: int = 15) -> Graph:
    b = GraphBuilder("one")
    x = b.input("x", (1,), Fraction(1), IntRange(low, high))
    return b.build(b.node("y", op_of(b.values[x]), x))


def reached(graph: Graph, *parts: list[int]) -> dict:
    found = Coverage(graph)
    for part in parts:
        codes = {"x": np.array(part, dtype=np.int64)[:, None]}
        found.add(codes | execute(graph, codes, keep="all"))
    assert found.vectors == sum(map(len, parts))
    return found.to_dict()["layers"][0] | {"share": found.share}


def table(x) -> Lookup:
    return Lookup(0, np.arange(16)[::-1].copy(), (Fraction(1),))


def test_entries_of_a_table() -> None:
    graph = one_of(table)
    assert reached(graph, [3, 3, 4])["entries"] == {"reached": 2, "of": 16}
    all_of_them = reached(graph, list(range(8)), list(range(8, 16)))
    assert all_of_them["entries"] == {"reached": 16, "of": 16} and all_of_them["share"] == 1.0


def test_both_sides_of_steps_saturation_included() -> None:
    """``round(x / 4)`` clipped to 1 ... 2 changes once."""
    graph = one_of(lambda x: Requantise.between(x, Fraction(4), IntRange(1, 2)))
    steps = np.flatnonzero(np.diff(execute(graph, {"x": np.arange(16)[:, None]})["y"][:, 0])).tolist()
    assert len(steps) == 1
    (step,) = steps
    assert reached(graph, [0, 15])["steps"]["reached"] == 0
    assert reached(graph, [step])["steps"] == {"reached": 1, "of": 2}
    assert reached(graph, [step], [step + 1])["steps"] == {"reached": 2, "of": 2}


def test_a_change_of_grid_rounds_nothing_and_is_asked_for_nothing() -> None:
    """Two dense layers of different scales: the sum needs the coarser one on the finer one's grid."""
    graph = one_of(lambda x: Requantise.aligning(x, Fraction(1, 8)))
    assert "steps" not in reached(graph, [0, 15]) and reached(graph, [3])["share"] == 1.0


def test_what_multiplies_by_an_integer_is_asked_where_it_saturates() -> None:
    """``2 * x`` clipped: above at 21, which the codes 10 and 11 show; below at 5, which 2 and 3 show."""
    low, high = IntRange(-1, 21), IntRange(5, 30)
    for limits, codes in ((low, [10, 11]), (high, [2, 3]), (IntRange(5, 21), [2, 3, 10, 11])):
        graph = one_of(lambda x, limits=limits: Requantise.between(x, Fraction(1, 2), limits))
        images = execute(graph, {"x": np.arange(16)[:, None]})["y"][:, 0]
        assert len(set(images.tolist())) == len(np.unique(np.clip(2 * np.arange(16), limits.lo, limits.hi)))
        assert reached(graph, [0, 5, 8, 15])["steps"] == {"reached": 0, "of": len(codes)}
        assert reached(graph, codes)["steps"] == {"reached": len(codes), "of": len(codes)}
        assert reached(graph, codes[1:])["steps"]["reached"] == len(codes) - 1


def test_ends_of_a_range_and_signs_of_operands() -> None:
    graph = one_of(lambda x: Dense(np.array([[3]]), np.array([1]), (Fraction(1),)), -2, 3)
    first = reached(graph, [1, 2])
    assert (first["lo"], first["hi"], first["lowest"], first["highest"]) == (4, 7, -5, 10)
    assert first["operands"] == {"reached": 1, "of": 2}
    both = reached(graph, [1, 2], [-2, 3])
    assert (both["lo"], both["hi"]) == (-5, 10) and both["operands"] == {"reached": 2, "of": 2}


def test_operands_that_cannot_be_negative_are_not_asked_to_be() -> None:
    graph = one_of(lambda x: Dense(np.array([[3]]), np.array([1]), (Fraction(1),)), 0, 3)
    assert reached(graph, [0])["operands"] == {"reached": 0, "of": 1}
    assert reached(graph, [2])["operands"] == {"reached": 1, "of": 1}


def test_work_is_bounded_and_never_counts_too_much(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 32)  # two events of sixteen entries
    graph = one_of(table)
    assert reached(graph, [1, 2, 3], [4])["entries"] == {"reached": 2, "of": 16}


def test_enough() -> None:
    graph = one_of(table)
    for codes, enough in (([3] * 200, False), (list(range(16)) * 6, False), (list(range(16)) * 7, True)):
        found = Coverage(graph)
        given = {"x": np.array(codes)[:, None]}
        found.add(given | execute(graph, given, keep="all"))
        assert found.enough is enough

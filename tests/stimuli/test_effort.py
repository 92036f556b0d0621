"""What a search costs: counted in events that are evaluated, and in numbers that are held."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from levelone.graph import Executor, Graph, GraphBuilder, IntRange
from levelone.graph.ops import Conv
from levelone.stimuli import effort, random_vectors, work_per_event
from levelone.stimuli.extremes import ROUNDS, extreme_vectors


def image(size: int) -> Graph:
    rng = np.random.default_rng(0)
    b = GraphBuilder("image")
    x = b.input("x_q", (size, size, 2), Fraction(1, 4), IntRange(0, 15))
    weights = rng.integers(-7, 8, (3, 3, 2, 4))
    op = Conv(weights, np.zeros(4, dtype=np.int64), (Fraction(1, 8),), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    return b.build(b.requantise("y", b.node("c", op, x), Fraction(1, 4), IntRange(0, 15)))


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Events that the reference evaluates, and plans that are made."""
    count: Counter[str] = Counter()

    class Counting(Executor):
        def __init__(self, *given, **more) -> None:
            count["plans"] += 1
            super().__init__(*given, **more)

        def run(self, codes):
            count["events"] += len(next(iter(codes.values())))
            return super().run(codes)

    monkeypatch.setattr(effort, "Executor", Counting)
    return count


def test_the_search_for_extremes_judges_no_event_twice(evaluated: Counter[str]) -> None:
    graph = image(8)
    start = random_vectors(graph, 3, 1)
    evaluated.clear()
    extreme_vectors(graph, start, 10, 1)
    population = effort.events_to_try(graph) // 8 // ROUNDS
    aimed = 2 * 4  # both ends of four channels
    assert evaluated["events"] == 3 + aimed + ROUNDS * population
    assert evaluated["plans"] == 1


def test_where_an_event_is_much_work_few_are_evaluated(
    evaluated: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = image(8)
    monkeypatch.setattr(effort, "WORK", work_per_event(graph))
    assert len(random_vectors(graph, 100, 1)["x_q"]) == 100
    few, aimed = effort.EVENTS[0], 2 * 4
    extremes, covering = few + aimed + few, 100 // 4 + few // 4 + 2 * few
    assert 0 < evaluated["events"] <= extremes + covering


def test_few_vectors_are_not_searched_for(evaluated: Counter[str]) -> None:
    assert len(random_vectors(image(8), 4, 1)["x_q"]) == 4
    assert not evaluated

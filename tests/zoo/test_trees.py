"""Boosted trees work on one thread, whatever is allowed outside: more spin for minutes on busy cores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.ensemble
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from levelone.zoo.kit.boosting import kind_trees, logit_trees, quantity_trees
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.trees import classifier

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(7)
SEEN = RNG.normal(size=(300, 4)).astype(np.float32)
KIND = (SEEN.sum(1) > 0).astype(int)


def openmp() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp"}


@pytest.fixture
def two_threads() -> Iterator[None]:
    """As on a machine of two cores, whatever this one has and `OMP_NUM_THREADS` says."""
    torch_had = torch.get_num_threads()
    with threadpool_limits(2, user_api="openmp"):
        torch.set_num_threads(2)
        yield
    torch.set_num_threads(torch_had)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[int]]:
    """Method of scikit-learn's trees -> the numbers of threads that it was called with."""
    found: dict[str, set[int]] = {}

    def watch(kind: type, name: str) -> None:
        method = getattr(kind, name)

        def watched(self: Any, *given: Any, **named: Any) -> Any:
            found.setdefault(name, set()).update(openmp())
            return method(self, *given, **named)

        monkeypatch.setattr(kind, name, watched)

    for name in ("fit", "decision_function", "predict_proba"):
        watch(sklearn.ensemble.HistGradientBoostingClassifier, name)
    for name in ("fit", "predict"):
        watch(sklearn.ensemble.HistGradientBoostingRegressor, name)
    return found


def logits() -> np.ndarray:
    return logit_trees(SEEN, KIND, 1, 5)(SEEN)


def kinds() -> np.ndarray:
    return kind_trees(SEEN, KIND + (SEEN[:, 0] > 1), 3, 1, 5)(SEEN)


def quantity() -> np.ndarray:
    wanted = 1 + SEEN[:40, 0] ** 2
    fitted = quantity_trees(SEEN[:40], wanted, lambda events: events.inputs["x"], "energy", 1.0, 1)
    return fitted(Events({"x": SEEN[:40]}, {}))["energy"]


@pytest.mark.parametrize(
    ("answer", "asked"), [(logits, "decision_function"), (kinds, "predict_proba"), (quantity, "predict")]
)
def test_one_thread_inside_and_two_again_outside(
    answer: Callable[[], np.ndarray], asked: str, inside: dict[str, set[int]], two_threads: None
) -> None:
    assert openmp() == {2}
    answer()
    assert {"fit", asked} <= set(inside)
    assert all(threads == {1} for threads in inside.values())
    assert openmp() == {2}
    assert torch.get_num_threads() == 2


def test_two_again_after_an_error(two_threads: None) -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(SEEN, KIND[:-1])
    assert openmp() == {2}


@pytest.mark.parametrize("answer", [logits, kinds, quantity])
def test_answers_do_not_depend_on_the_threads_outside(answer: Callable[[], np.ndarray]) -> None:
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="openmp"):
            found.append(answer())
    np.testing.assert_array_equal(*found)


def test_nobody_else_makes_trees() -> None:
    places = [
        str(path.relative_to(ROOT))
        for folder in ("src", "benchmarks", "docs", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"HistGradientBoosting\w+\(", path.read_text(encoding="utf-8"))
    ]
    assert places == ["src/levelone/zoo/kit/trees.py"]

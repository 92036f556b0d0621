"""Boosted trees of scikit-learn, fitted and asked on one thread: the only place that makes them.

Threads of scikit-learn meet several times for every leaf that grows, tens of thousands of times for 150 trees
however few the events, and spin while they wait for one that other programs keep from its core. On two busy
cores, 30 trees for 26 columns of 1,000, 10,000 and 100,000 events took one thread 0.8, 1.6 and 8 seconds, of
which 0.1, 0.2 and 1.1 of a processor; two threads had done none of them after a minute. What more threads can
win is less than they can lose at all these sizes, so none gets them. The trees are the same to the last bit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]

Numbers = NDArray[Any]


class Trees:
    """An estimator of scikit-learn that works on one thread; others have theirs back after each call."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def fit(self, columns: Numbers, wanted: Numbers, weight: Numbers | None = None) -> Trees:
        """Learn `wanted` [n] from `columns` [n, columns]; each event counts `weight` [n], or all the same."""
        with _one_thread():
            self._model.fit(columns, wanted, sample_weight=weight)
        return self

    def predict(self, columns: Numbers) -> Numbers:
        """The quantity, [n]."""
        with _one_thread():
            return np.asarray(self._model.predict(columns))

    def decision_function(self, columns: Numbers) -> Numbers:
        """The logit of the second of two classes, [n]."""
        with _one_thread():
            return np.asarray(self._model.decision_function(columns))

    def predict_proba(self, columns: Numbers) -> Numbers:
        """The probability of each class, [n, classes]."""
        with _one_thread():
            return np.asarray(self._model.predict_proba(columns))


def classifier(**options: Any) -> Trees:
    """Trees for classes, with the options of scikit-learn's `HistGradientBoostingClassifier`."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return Trees(HistGradientBoostingClassifier(**options))


def regressor(**options: Any) -> Trees:
    """Trees for a quantity, with the options of scikit-learn's `HistGradientBoostingRegressor`."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return Trees(HistGradientBoostingRegressor(**options))


def _one_thread() -> Any:
    return _openmp().limit(limits=1)


@cache
def _openmp() -> Any:
    """The OpenMP of all that is loaded, found once: scikit-learn's is among it as soon as there are trees."""
    return ThreadpoolController().select(user_api="openmp")

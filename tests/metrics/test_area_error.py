"""The error of an area of which only the numbers of events are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from levelone.metrics.ranking import area_error


@pytest.mark.parametrize("apart", [0.3, 1.2, 2.0])
def test_it_is_how_areas_of_so_many_events_scatter(apart: float) -> None:
    rng = np.random.default_rng(1)
    target = np.r_[np.ones(300), np.zeros(200)]
    areas = [roc_auc_score(target, rng.standard_normal(500) + apart * target) for _ in range(300)]
    assert area_error(float(np.mean(areas)), 300, 200) == pytest.approx(np.std(areas), rel=0.15)


def test_the_example_of_its_authors() -> None:
    """Hanley and McNeil: 51 abnormal and 58 normal cases, an area of 0.893, an error of 0.032."""
    assert area_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0006)

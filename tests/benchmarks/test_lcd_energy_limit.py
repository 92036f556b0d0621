"""What least squares of the lcd network's numbers can do: against numpy, and never on their own events."""

from __future__ import annotations

import numpy as np
from benchmarks.lcd_energy_limit import BENDS_GEV, bent, cross_fitted

from levelone.zoo.lcd.section import UNIT_GEV


def test_an_exact_relation_is_found():
    rng = np.random.default_rng(1)
    columns = rng.exponential(1.0, (2000, 5))
    columns[:, 4] = 0
    wanted = columns @ np.array([0.3, -0.2, 0.1, 0.7, 0]) + 0.4
    np.testing.assert_allclose(cross_fitted(columns, wanted, rng.random(2000) + 0.1, 1), wanted, atol=1e-4)


def test_no_event_tells_of_itself():
    """A column for each event would say everything of it: without the event it says nothing."""
    rng = np.random.default_rng(2)
    wanted = rng.standard_normal(60)
    found = cross_fitted(np.eye(60), wanted, np.ones(60), 1)
    assert abs(np.corrcoef(found, wanted)[0, 1]) < 0.5
    assert np.abs(found).max() < 0.5


def test_bends_are_distances_below_an_energy():
    told = np.zeros((2, 36))
    told[0, :26] = 20 / 26 / UNIT_GEV
    told[1, 3] = 200 / UNIT_GEV
    told[:, 26:] = 9.0
    found = bent(told) * UNIT_GEV
    np.testing.assert_allclose(found[0, 36:], np.maximum(BENDS_GEV - 20, 0), atol=1e-9)
    assert not found[1, 36:].any()
    np.testing.assert_array_equal(bent(told)[:, :36], told)

"""Muons through the sensors of pixelseed, by Geant4 itself."""

from __future__ import annotations

import numpy as np
import pytest
from with_geant4 import needs_geant4

from levelone.simulate.geant4 import pixelseed
from levelone.simulate.geant4.running import started
from levelone.simulate.materials import Floats
from levelone.simulate.pixelseed.gun import CHUNK, fire
from levelone.simulate.pixelseed.section import Geometry
from levelone.simulate.pixelseed.sensors import SENSORS
from levelone.simulate.processes import Each


@needs_geant4
def test_both_sensors_straight_and_inclined() -> None:
    """Medians over the way grow with its logarithm only, and every muon leaves something in its sensor."""

    def lost(geometry: Geometry, cot_theta: float, each: Each) -> Floats:
        found = fire(geometry, 1.0, cot_theta, CHUNK, 1, pixelseed.pass_through, each)
        return np.concatenate(list(found))

    with started(pixelseed.Sensors, 1, 1) as (pool, facts):
        straight, inclined = lost("generic", 0.0, pool.map), lost("generic", 2.0, pool.map)
        thick, again = lost("cms", 0.0, pool.map), lost("generic", 0.0, pool.map)
    assert facts["production_cut_mm"] == 0.001
    assert np.array_equal(straight, again)  # whatever ran before
    assert straight.min() > 15
    way = SENSORS["cms"].thickness_mm / SENSORS["generic"].thickness_mm
    assert way < np.median(thick) / np.median(straight) < 1.15 * way
    assert np.sqrt(5) < np.median(inclined) / np.median(straight) < 1.15 * np.sqrt(5)
    parametrised = np.concatenate(list(fire("generic", 1.0, 0.0, 20 * CHUNK, 1)))
    assert np.median(straight) == pytest.approx(np.median(parametrised), rel=0.03)

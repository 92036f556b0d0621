"""What pixels collect of particles that cross sensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from doublet_factory import detector

from levelone.data.detector import reconstruct
from levelone.simulate.pixelseed.clusters import make_clusters
from levelone.simulate.pixelseed.collection import collect
from levelone.simulate.pixelseed.drift import LORENTZ_PER_TESLA, STEP_MM
from levelone.simulate.pixelseed.sensors import SENSORS, PixelSensor, gain_spread
from levelone.simulate.pixelseed.transport import Crossings

SENSOR = SENSORS["cms"]
QUIET = PixelSensor("quiet", 0.100, 0.150, 0.285, 500.0, 0.0)
TURNED = replace(detector(), lorentz_tangent=2 * LORENTZ_PER_TESLA)


def crossings(n: int, slope: float, seed: int = 1) -> tuple[np.ndarray, Crossings]:
    """Pions of 2 GeV from the inside, somewhere on the first module, with a slope along the beam."""
    rng = np.random.default_rng(seed)
    module = np.zeros(n, np.int64)
    where = rng.uniform(-5, 5, (2, n))
    layout = detector()
    offset = where[0, :, None] * layout.axis_x[0] + where[1, :, None] * layout.axis_y[0]
    flight = layout.normal[0] + slope * layout.axis_y[0]
    return module, Crossings(
        module=module.astype(np.uint64),
        position_mm=layout.center_mm[0] + offset,
        direction=np.tile(flight / np.linalg.norm(flight), (n, 1)),
        particle=np.arange(n),
        primary=np.arange(n),
        beta_gamma=np.full(n, 14.0),
        pt_gev=np.full(n, 2.0),
    )


def test_charge_drifts_against_the_normal_times_z() -> None:
    # Barrel: the normal leads outward, so electrons are turned along +phi, which is local x.
    np.testing.assert_allclose(TURNED.drift[:16], [[2 * LORENTZ_PER_TESLA, 0]] * 16, atol=1e-6)
    assert not TURNED.drift[16:].any()  # endcap: the drift is along the field
    assert not detector().drift.any()


@pytest.mark.parametrize("slope", [0.0, 1.5])
def test_reconstruction_takes_the_drift_back(slope: float) -> None:
    # The mean over many positions inside a pixel; without the correction it would be 30 um off.
    module, found = crossings(4000, slope)
    cells = collect(TURNED, module, found, np.random.default_rng(2))
    moved = (cells.row + 0.5 - TURNED.rows / 2) * TURNED.pitch_x_mm
    total = np.bincount(cells.primary, cells.electrons)
    mean = np.bincount(cells.primary, cells.electrons * moved) / total
    true = (found.position_mm - TURNED.center_mm[0]) @ TURNED.axis_x[0].astype(float)
    shift = 2 * LORENTZ_PER_TESLA * TURNED.thickness_mm / 2
    assert (mean - true).mean() == pytest.approx(shift, abs=0.003)
    one = replace(found, **{name: getattr(found, name)[:1] for name in found.__dataclass_fields__})
    clusters, _ = make_clusters(
        TURNED, QUIET, collect(TURNED, module[:1], one, np.random.default_rng(2)), np.random.default_rng(3)
    )
    hits = reconstruct(TURNED, clusters)
    across = hits.r * np.sin(hits.phi)
    assert across.min() == pytest.approx(true[0], abs=0.06)


def test_what_leaves_the_module_is_lost_and_the_path_ends_there() -> None:
    module, found = crossings(60, 300.0)  # nearly parallel: 85 mm of the 72 mm long module
    cells = collect(TURNED, module, found, np.random.default_rng(2))
    assert cells.column.min() == 0
    assert cells.column.max() == TURNED.columns - 1
    assert cells.electrons.max() < 1e6


def test_nothing_crosses() -> None:
    module, found = crossings(0, 0.0)
    cells = collect(TURNED, module, found, np.random.default_rng(2))
    assert cells.electrons.size == 0
    assert len(make_clusters(TURNED, SENSOR, cells, np.random.default_rng(3))[0]) == 0


@pytest.mark.parametrize("slope", [0.0, 2.5])
def test_halving_the_step_changes_no_summary_quantity(slope: float) -> None:
    n = 8_000

    def summary(step_mm: float, seed: int) -> dict[str, tuple[float, float]]:
        """Value and standard error of each quantity."""
        module, found = crossings(n, slope)
        cells = collect(TURNED, module, found, np.random.default_rng(seed), step_mm)
        alive = cells.electrons > SENSOR.threshold_electrons
        row, column, who = cells.row[alive], cells.column[alive], cells.primary[alive]
        charge = np.bincount(cells.primary, cells.electrons, n) / 1000
        pixels = np.bincount(who, minlength=n)
        largest = np.zeros(n)
        np.maximum.at(largest, cells.primary, cells.electrons / 1000)
        ends = [np.full(n, start) for start in (10_000, -1)]
        np.minimum.at(ends[0], who, column)
        np.maximum.at(ends[1], who, column)
        columns: dict[str, np.ndarray] = {
            "charge below a cut of 60 ke": np.minimum(charge, 60),
            "low charge": charge < 20 * np.hypot(1, slope),
            "high charge": charge > 30 * np.hypot(1, slope),
            "largest pixel": np.minimum(largest, 60),
            "pixels": pixels,
            "single pixel": pixels == 1,
            "length": ends[1] - ends[0],
            "row of the charge": np.bincount(who, row, n) / np.maximum(pixels, 1) - 84,
        }
        return {
            name: (float(np.mean(values)), float(np.std(values) / n**0.5)) for name, values in columns.items()
        }

    coarse, fine = summary(STEP_MM, 5), summary(STEP_MM / 2, 6)
    for name, (value, error) in coarse.items():
        # The positions are the same: only straggling differs, so that four standard errors are generous.
        assert abs(value - fine[name][0]) < 4 * max(error, 1e-4), name


def test_the_spread_of_gains_is_that_of_the_software() -> None:
    charge = np.array([2000.0, 4000.0, 24000.0])
    np.testing.assert_allclose(gain_spread(charge), [357.6, 267.6, 2519.6])

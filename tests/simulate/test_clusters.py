from __future__ import annotations

import numpy as np
import pytest
from doublet_factory import detector
from scipy import ndimage

from levelone.data.detector import reconstruct
from levelone.simulate.pixelseed import clusters as module_under_test
from levelone.simulate.pixelseed.clusters import CHARGE_UNIT_KE, make_clusters
from levelone.simulate.pixelseed.collection import Cells
from levelone.simulate.pixelseed.sensors import PixelSensor

QUIET = PixelSensor("quiet", 0.100, 0.150, 0.285, 1000.0, 0.0)


def cells(
    rows: list, columns: list, ke: list, particle: list | None = None, module: np.ndarray | None = None
) -> Cells:
    n = len(rows)
    particle = [1] * n if particle is None else particle
    return Cells(
        module=np.zeros(n, np.int64) if module is None else module,
        row=np.array(rows, np.int64),
        column=np.array(columns, np.int64),
        electrons=1000.0 * np.array(ke, float),
        particle=np.array(particle, np.int64),
        primary=np.array(particle, np.int64),
        pt_gev=np.ones(n),
    )


@pytest.fixture
def equal_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "gain_spread", np.zeros_like)


def make(c: Cells):
    return make_clusters(detector(), QUIET, c, np.random.default_rng(0))


def test_threshold_sum_and_window(equal_gains: None) -> None:
    # Two particles share pixel (10, 20); the pixel (10, 22) stays below the threshold.
    found, truth = make(cells([10, 10, 10, 10], [20, 20, 21, 22], [2.0, 3.0, 4.0, 0.9], [1, 2, 2, 2]))
    assert len(found) == 1
    assert (found.size_x[0], found.size_y[0]) == (1, 2)
    # The corner puts the cluster at the centre: row 8, columns 7 and 8 of the window.
    assert (found.row[0], found.column[0]) == (2, 13)
    assert found.pixel_index.tolist() == [8 * 16 + 7, 8 * 16 + 8]
    assert found.pixel_charge.tolist() == [np.float32(50 * CHARGE_UNIT_KE), np.float32(40 * CHARGE_UNIT_KE)]
    # Particle 1 gave 2 of 9, particle 2 gave 7 of 9: both above a fifth.
    assert truth.particle.tolist() == [1, 2]


def test_small_contributions_do_not_count() -> None:
    _, truth = make(cells([10, 10], [20, 21], [1.0, 9.0], [1, 2]))
    assert truth.particle.tolist() == [2]


def test_diagonal_pixels_touch_and_modules_do_not() -> None:
    found, _ = make(cells([10, 11, 12], [20, 21, 20], [5.0, 5.0, 5.0]))
    assert len(found) == 1
    # Opposite edges of one module, and equal pixels of two modules.
    found, _ = make(cells([0, 1, 5, 5], [479, 0, 7, 7], [5.0] * 4, None, np.array([0, 0, 0, 1])))
    assert len(found) == 4


def test_long_clusters_overflow_and_keep_their_middle(equal_gains: None) -> None:
    found, _ = make(cells([30] * 21, list(range(100, 121)), [2.0] * 21))
    hits = reconstruct(detector(), found)
    assert found.size_y[0] == 21
    assert hits.overflow[0] == 1.0
    assert found.pixel_index.size == 16
    assert found.column[0] == 102
    assert hits.charge_ke[0] == pytest.approx(32.0)


def test_labels_equal_those_of_an_image_library() -> None:
    rng = np.random.default_rng(3)
    for density in (0.01, 0.05, 0.15):
        image = rng.random((2, QUIET.rows, QUIET.columns)) < density
        module, row, column = np.nonzero(image)
        found, truth = make(cells(row.tolist(), column.tolist(), [3.0] * row.size, None, module))
        expected = [ndimage.label(layer, np.ones((3, 3)))[1] for layer in image]
        assert np.bincount(found.module, minlength=2).tolist() == expected
        assert truth.cluster.size == sum(expected)


def test_no_cells() -> None:
    found, truth = make(cells([], [], []))
    assert len(found) == 0
    assert truth.cluster.size == 0

"""Valid files that hold too little, or all the same: a result with gaps or one message, never an accident."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from levelone.data.voxels import VoxelBatch
from levelone.errors import LeveloneError
from levelone.metrics.ranking import Ranking, roc_curve, thinned
from levelone.zoo import find_system
from levelone.zoo.kit import taggingpanels
from levelone.zoo.kit.boosting import kind_trees, logit_trees, quantity_trees
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.kit.system import System
from levelone.zoo.kit.voxels import MOST, check_batch
from levelone.zoo.lartpc.baselines import fit_surroundings
from levelone.zoo.next import panels as of_next
from levelone.zoo.nova.features import of_view
from levelone.zoo.smlm.baselines import fit_control, fit_trees

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("events", [1, 2, 3, 5, 12, 21])
@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_trees_of_any_number_of_events(events: int, kinds: int) -> None:
    seen, kind = RNG.normal(size=(events, 4)), np.arange(events) % kinds
    answer = kind_trees(seen, kind, 4, seed=1)(seen)
    assert answer.shape == (events, 4)
    assert np.isfinite(answer).all()
    there = np.unique(kind)
    np.testing.assert_allclose(np.exp(answer[:, there]).sum(1), 1, rtol=1e-5)
    assert (np.delete(answer, there, axis=1) < -20).all()
    assert np.isfinite(logit_trees(seen, kind > 0, seed=1)(seen)).all()
    events_of = Events({"x": seen.astype(np.float32)}, {})
    found = quantity_trees(seen, 1.0 + kind, lambda each: each.inputs["x"], "y", 1.0, 1)(events_of)
    assert np.isfinite(found["y"]).all()


def test_a_column_without_any_number_tells_nothing() -> None:
    seen, kind = RNG.normal(size=(60, 3)), np.arange(60) % 2
    blank = np.concatenate([seen, np.full((60, 1), np.nan)], axis=1)
    np.testing.assert_array_equal(
        logit_trees(blank, kind, seed=1)(blank), logit_trees(seen, kind, seed=1)(seen)
    )


def test_an_event_without_light_has_no_median_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of_view(np.zeros((2, 8, 10), np.float32))
    assert np.isnan(found).sum() == 2


def test_a_curve_of_one_class_is_empty() -> None:
    score, weight = RNG.normal(size=40), np.ones(40)
    both = (np.arange(40) % 3 == 0).astype(np.uint8)
    false, true = Ranking.of(score, both).roc(weight)
    kept = thinned(false)
    for mine, theirs in zip(roc_curve(score, both, weight), (false[kept], true[kept]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for target, counted in ((np.zeros_like(both), weight), (np.ones_like(both), weight), (both, 0 * weight)):
        assert [len(part) for part in roc_curve(score, target, counted)] == [0, 0]


@pytest.mark.parametrize("cards", [of_next.cards, taggingpanels.cards])
def test_one_class_in_the_test_split_has_no_figures(cards: Any) -> None:
    metrics: Mapping[str, Any] = {"models": {"quantised": {}, "float": {}}, "differences": {}}
    assert cards(metrics) == []


def frames(there: NDArray[np.bool_]) -> MemorySource:
    """Two frames of smlm with molecules in these pixels [8, 8]."""
    n, shape = 2, there.shape
    image = RNG.normal(size=(n, 1, *shape)).astype(np.float32)
    truth = np.zeros((n, 4, *shape), np.float32)
    truth[:, 0] = there
    return MemorySource({"frame": image}, {"map": truth, "event": np.arange(n)})


@pytest.mark.parametrize("molecules", [0, 1])
def test_frames_with_no_molecule_or_one(molecules: int) -> None:
    there = np.zeros((8, 8), bool)
    there[3, 3] = molecules
    source = frames(there)
    (events,) = source.batches(2)
    for fit in (fit_trees, fit_control):
        found = fit(source, 1)(events)
        assert np.isfinite(found["logit"]).all()
        assert molecules or (found["logit"] < -20).all()


def test_crops_without_a_class_are_refused() -> None:
    shape = (2, 1, 16, 16)
    truth = {"class": np.zeros(shape, np.uint8), "event": np.arange(2)}
    with pytest.raises(LeveloneError, match="no pixel of the training events has charge and a class"):
        fit_surroundings(MemorySource({"charge": np.ones(shape, np.float32)}, truth), 1)


def test_one_training_event_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    system = find_system("nova")
    shapes = system.input_shapes(system.read_recipe())
    one = Events({name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()}, {})
    monkeypatch.setattr(type(system), "load", lambda *told: one)
    with pytest.raises(LeveloneError, match=r"e\.h5: the split 'train' has one event"):
        System.check_data(system, system.read_recipe(), tmp_path / "e.h5")


CELLS = np.zeros((3, 2, 2), np.float32)
ENERGY = np.array([1.0, 2.0, 3.0], np.float32)
IMPOSSIBLE = {
    "a cell": (2 * MOST, 1.0, r"grid 'calo', event 8: a cell of 2e\+06; 1e\+06 at most"),
    "no energy": (0.0, 0.0, r"'truth/energy', event 8: 0 is not above 0, or above 1e\+06"),
    "any energy": (0.0, 3e38, r"'truth/energy', event 8: 3e\+38 is not above 0, or above 1e\+06"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_energies_that_no_detector_reads_are_refused(case: str) -> None:
    cell, energy, message = IMPOSSIBLE[case]
    cells, energies = CELLS.copy(), ENERGY.copy()
    cells[1, 1, 0], energies[1] = cell, energy
    batch = VoxelBatch(np.array([7, 8, 9]), {"calo": cells}, {"energy": energies})
    with pytest.raises(LeveloneError, match=message):
        check_batch(batch, ("energy",))
    check_batch(VoxelBatch(np.array([7, 8, 9]), {"calo": CELLS}, {"energy": ENERGY}), ("energy",))

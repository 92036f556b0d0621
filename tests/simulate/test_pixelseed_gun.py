"""Muons through one sensor, and what of their loss a comparison with Geant4's sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.generator_references import reference

from levelone.simulate.materials import MUON_MEV, Floats
from levelone.simulate.pixelseed import charge
from levelone.simulate.pixelseed.gun import CHUNK, Muons, fire, pass_through
from levelone.simulate.pixelseed.summary import LANDMARKS, QUANTITIES, summarise
from levelone.simulate.summaries import compare, distributions, placed


def test_few_muons_are_the_first_of_many() -> None:
    few = list(fire("cms", 1.0, 0.0, CHUNK + 3, 1))
    many = list(fire("cms", 1.0, 0.0, 2 * CHUNK, 1))
    assert [len(part) for part in few] == [CHUNK, 3]
    assert np.array_equal(np.concatenate(few), np.concatenate(many)[: CHUNK + 3])
    assert not np.array_equal(many[0], next(fire("cms", 1.0, 0.0, CHUNK, 2)))


def test_the_loss_is_that_of_the_whole_way_at_once() -> None:
    """Through 285 um, inclined: sqrt(5) times the thickness, and beta gamma from the muon's mass."""
    rng = np.random.default_rng(1)
    n, path = 100_000, np.array([0.285 * np.sqrt(5)])
    whole = charge.freed_electrons(rng, path, np.array([1000 / MUON_MEV]), np.array([n]))
    steps = np.concatenate(list(fire("cms", 1.0, 2.0, 20 * CHUNK, 1)))
    for share in (0.1, 0.5, 0.9):
        expected = charge.KEV_PER_ELECTRON * np.quantile(whole, share)
        assert np.quantile(steps, share) == pytest.approx(expected, rel=0.015)


def test_a_muon_flies_as_it_is_told() -> None:
    assert Muons("cms", 1.0, 0.0).direction == pytest.approx([0, 0, 1])
    assert Muons("cms", 1.0, 2.0).direction == pytest.approx(np.array([0, 2, 1]) / np.sqrt(5))


def wrong(change: Callable[[Floats], Floats] = lambda lost: lost) -> set[str]:
    """What disagrees with Geant4's muons of 1 GeV, straight through 285 um, if losses are changed."""
    chunks = fire("cms", 1.0, 0.0, 40_000, 1, lambda muons, rng: change(pass_through(muons, rng)))
    made = distributions(summarise(chunks, "cms", 1.0, 0.0), QUANTITIES)
    geant4 = {name: reference("pixelseed")[name] for name in made}
    found = [*compare(made, geant4, QUANTITIES), *placed(made, geant4, QUANTITIES, LANDMARKS)]
    return {one.name for one in found if not one.agrees}


def test_a_loss_that_is_wrong_by_some_percent_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong() == set()
    assert {"loss", "loss, most probable", "loss, median"} <= wrong(lambda lost: 1.03 * lost)
    assert {"loss", "loss, median"} <= wrong(lambda lost: 0.97 * lost)
    monkeypatch.setattr(charge, "DELTA_LIMIT_KEV", 600.0)  # which the distance does not see
    assert wrong() == {"loss, 99 % quantile"}
    monkeypatch.setattr(charge, "DELTA_LIMIT_KEV", 150.0)
    assert "loss, 99 % quantile" in wrong()


def test_a_width_without_bound_electrons_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charge, "SHELL_KEV", 0.0)
    assert "loss" in wrong()

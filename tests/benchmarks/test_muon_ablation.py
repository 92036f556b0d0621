"""The table of the muon ablation, by hand, and what is not trained twice."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from benchmarks.muon_ablation import RECIPE, figures_of, measured, relative, table

from levelone.files import sha256
from levelone.recipe import digest, load_recipe
from levelone.zoo.muon.section import ABLATIONS

ROOT = Path(__file__).parents[2]


def test_changes_are_taken_seed_by_seed() -> None:
    """Two seeds that differ by much, each changed by a tenth of the mean: no error is left."""
    assert relative([0.6, 1.4], [0.5, 1.3]) == pytest.approx((100 * 0.1 / 0.9, 0.0))
    mean, error = relative([0.5, 1.6], [0.5, 1.3])
    assert (mean, error) == pytest.approx((100 * 0.15 / 0.9, 100 * 0.15 / 0.9))
    assert math.isnan(relative([1.0], [2.0])[1])


def test_the_table_gives_the_default_and_the_changes_against_it() -> None:
    figures = {
        "none": [{"improvement": 0.20, "loss": 0.5}, {"improvement": 0.22, "loss": 0.5}],
        "no_cnn": [{"improvement": 0.10, "loss": 0.6}, {"improvement": 0.12, "loss": 0.6}],
    }
    changed = "| no convolutions: high-level features only | 2 | -47.6 % ± 0.0 % | +20.0 % ± 0.0 % |"
    lines = table(figures).splitlines()
    assert lines[2:] == ["| default | 2 | 0.2100 ± 0.0100 | 0.5000 ± 0.0000 |", changed]
    figures["none"].append({"improvement": 0.90, "loss": 9.0})
    assert table(figures).splitlines()[3] == changed, "a seed that is not there has no part in it"


def test_the_loss_is_that_of_the_training_and_energies_that_fade_out_have_no_part_in_it() -> None:
    """By hand: squared error over true energy, below a bin's 68 % quantile; next to nothing at 7.9 TeV."""
    recipe = load_recipe(RECIPE)
    energy = np.array([1000.0, 1000.0, 1000.0, 7900.0])
    answers = np.array([[1.1], [1.1], [1.1], [7.0]])
    found = figures_of(recipe, energy, answers)
    assert found["loss"] == pytest.approx(3 * 0.1**2 / 4, abs=1e-3)
    assert figures_of(recipe, energy[:3], answers[:3])["loss"] == pytest.approx(0.1**2, rel=1e-5)


def test_what_was_measured_is_read_back_for_the_same_recipe_and_events(tmp_path) -> None:
    data = tmp_path / "events.h5"
    data.write_bytes(b"no events: a training would fail")
    recipe = load_recipe(RECIPE)
    kept = {"improvement": 0.2, "loss": 0.4}
    origin = digest([recipe.model_dump(mode="json"), sha256(data)])
    (tmp_path / "ablation.json").write_text(json.dumps({"origin": origin, "figures": kept}))
    assert measured(recipe, data, tmp_path) == kept
    with pytest.raises(Exception, match=r"events\.h5"):
        measured(load_recipe(RECIPE, ["seed=2"]), data, tmp_path)


def test_the_page_has_the_table_of_the_committed_figures() -> None:
    figures = json.loads((ROOT / "benchmarks" / "results" / "muon_ablation.json").read_text())
    assert set(figures) == set(ABLATIONS)
    seeds = {name: len(runs) for name, runs in figures.items()}
    assert min(seeds.values()) >= 2
    assert {seeds[name] for name in ("none", "no_cnn", "no_bn", "no_identity")} == {3}
    assert table(figures) in (ROOT / "docs" / "muon.md").read_text(encoding="utf-8")

"""Test events of lcd like those of another file, and the figures that stand at the head of its page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from benchmarks.lcd_like_geant4 import alike

from levelone.zoo.kit.control import CONTROL
from levelone.zoo.lcd import SYSTEM as LCD

PROJECT = Path(__file__).parents[2] / "hls_projects" / "lcd"


def test_kinds_and_energies_decide() -> None:
    truth = {"particle": np.array([0, 0, 2, 3, 1]), "energy": np.array([9.0, 10.0, 100.0, 50.0, 101.0])}
    other = {"particles": ["electron", "photon", "pi0"], "energy_gev": [10.0, 100.0]}
    assert alike(truth, other).tolist() == [False, True, True, False, False]


def test_the_area_has_an_error_of_its_number_of_events() -> None:
    area, width = LCD.headlines()
    errors = {}
    for name in ("training", "geant4-like", "geant4"):
        metrics = json.loads((PROJECT / f"{name}.json").read_text())["metrics"]
        found = area.figure(metrics, "quantised")
        assert found is not None
        assert found["value"] == metrics["models"]["quantised"]["identification"]["auc"]["electron-photon"]
        errors[name] = found["error"]
        assert area.gain(metrics, "quantised", CONTROL) is None
        assert (area.gain(metrics, "quantised", "boosting") is None) == (name == "training")
        assert width.figure(metrics, CONTROL) is None
        assert area.figure(metrics, "sums") is None
    assert errors["training"] < errors["geant4-like"] < errors["geant4"]

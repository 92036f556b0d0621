"""Single particles in the segmented scintillator, and what is computed of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.generator_references import reference

from levelone.simulate.nova.detector import CELL_CM
from levelone.simulate.nova.generator import pass_through
from levelone.simulate.nova.gun import CHUNK, fire
from levelone.simulate.nova.readout import BEFORE, LONG, WIDE
from levelone.simulate.nova.summary import QUANTITIES, measured, summarise
from levelone.simulate.passage.particles import Deposits, Kind
from levelone.simulate.summaries import compare, distributions


def test_quantities_of_four_cells() -> None:
    light = np.zeros((1, 2, WIDE, LONG))
    light[0, 0, WIDE // 2, BEFORE] = 3.0  # plane 0
    light[0, 1, WIDE // 2 + 1, BEFORE] = 1.0  # plane 1
    light[0, 1, WIDE // 2 + 3, BEFORE] = 1.0
    light[0, 0, WIDE // 2, BEFORE + 2] = 5.0  # plane 4
    found = {name: values[0] for name, values in measured(light, 100.0).items()}
    assert found == pytest.approx(
        {
            "response": 0.1,
            "cells": 4,
            "length": 5,
            "depth": (0 * 3 + 1 * 2 + 4 * 5) / 10,
            "maximum": 4,
            "width": CELL_CM * np.sqrt((0 + 1) / 2),
            "core": 0.9,
            "front": 5,
            "track": 5,
            "median plane": 3,
        }
    )


def test_few_events_are_the_first_of_many() -> None:
    few = list(fire(Kind.MUON, 100.0, CHUNK + 3, 1))
    many = list(fire(Kind.MUON, 100.0, 2 * CHUNK, 1))
    assert [len(part) for part in few] == [CHUNK, 3]
    assert np.array_equal(np.concatenate(few), np.concatenate(many)[: CHUNK + 3])
    assert not np.array_equal(many[0], next(fire(Kind.MUON, 100.0, CHUNK, 2)))


def wrong(
    kind: Kind, energy: float, change: Callable[[Deposits], Deposits] = lambda deposits: deposits
) -> set[str]:
    """Quantities that disagree with Geant4's if deposits are changed."""
    chunks = fire(kind, energy, 200, 1, lambda started, rng: change(pass_through(started, rng)))
    made = distributions(summarise(chunks, kind, energy), QUANTITIES)
    geant4 = {name: reference("nova")[name] for name in made}
    return {found.quantity.name for found in compare(made, geant4, QUANTITIES) if not found.agrees}


def stretched(across: float, along: float) -> Callable[[Deposits], Deposits]:
    """All is so many times as wide and as long."""
    scale = np.array([across, across, along])
    return lambda d: Deposits(d.event, d.kind, d.position * scale, d.signal)


def dimmed(share: float) -> Callable[[Deposits], Deposits]:
    """Less light."""
    return lambda d: Deposits(d.event, d.kind, d.position, d.signal * share)


def test_a_transport_that_is_wrong_by_some_percent_is_found_out() -> None:
    assert wrong(Kind.ELECTRON, 1000.0) == wrong(Kind.MUON, 1000.0) == set()
    assert "response" in wrong(Kind.ELECTRON, 1000.0, dimmed(0.95))
    assert {"depth", "maximum"} <= wrong(Kind.ELECTRON, 1000.0, stretched(1, 1.4))
    assert {"width", "core"} <= wrong(Kind.ELECTRON, 1000.0, stretched(2, 1))
    assert {"median plane", "response"} <= wrong(Kind.MUON, 1000.0, dimmed(0.92))
    assert "track" in wrong(Kind.MUON, 1000.0, stretched(1, 0.95))

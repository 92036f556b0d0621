"""The parametrised generators beside the committed distributions of Geant4's events."""

from __future__ import annotations

from importlib import import_module

import pytest
from benchmarks.generator_references import RESULTS, compared, kept

SYSTEMS = tuple(kept())


def test_what_is_committed_is_small_and_says_how_it_was_made() -> None:
    assert RESULTS.stat().st_size < 300_000
    for name, entry in kept().items():
        assert entry["command"] == f"python -m benchmarks.generator_references --write --only {name}"
        assert entry["geant4"]["version"].startswith("geant4-11-04")
        assert entry["geant4"]["left_out"] == ["fluorescence", "photonuclear interactions", "hadrons"]
        quantities = import_module(f"levelone.simulate.{name}.summary").QUANTITIES
        assert {q.name for q in quantities} == {key for values in entry["kinds"].values() for key in values}
        for values in entry["kinds"].values():
            for q in (q for q in quantities if q.name in values):
                assert len(values[q.name]["counts"]) == len(q.edges) - 1
                assert sum(values[q.name]["counts"]) == values[q.name]["events"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_generator_differs_from_geant4_as_stated(system: str) -> None:
    """By `Quantity.differs`, which says why, and what samples of this size differ by."""
    found = compared(system)
    assert found
    wrong = {
        f"{c.kind}, {c.name}": (round(c.distance, 3), round(c.allowed, 3)) for c in found if not c.agrees
    }
    assert wrong == {}

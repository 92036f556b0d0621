"""What the committed figures must go on saying: no leak in a generator, above what is published."""

from __future__ import annotations

import json
from math import hypot
from pathlib import Path
from typing import Any

import pytest

from levelone.zoo.kit.control import CONTROL
from levelone.zoo.pixelseed import SYSTEM as PIXELSEED

ROOT = Path(__file__).parents[1] / "hls_projects"


def models(system: str, name: str) -> dict[str, Any]:
    """Figures of every model in a file of a committed project."""
    found: dict[str, Any] = json.loads((ROOT / system / name).read_text(encoding="utf-8"))["metrics"][
        "models"
    ]
    return found


@pytest.mark.parametrize(
    ("system", "below"),
    [
        # Two electrons have two dense ends: what is honest was 0.692 with clouds fine enough, 0.71 +- 0.01
        # Geant4 allows (docs/next.md).
        ("next", 0.74),
        ("nova", 0.53),  # chance is 0.5
    ],
)
def test_a_leak_control_knows_no_more_on_own_events_than_on_those_of_geant4(
    system: str, below: float
) -> None:
    found = [models(system, name)[CONTROL] for name in ("training.json", "geant4.json")]
    own, geant4 = (control["all"]["auc"] if "all" in control else control["auc"] for control in found)
    assert own["value"] < below
    assert geant4["value"] < below
    assert abs(own["value"] - geant4["value"]) < 3 * hypot(own["error"], geant4["error"])


def test_pixelseed_is_above_the_published_efficiencies() -> None:
    """In the natural mixture, one threshold on what the firmware gives; errors taken off."""
    published = PIXELSEED.published()["efficiency"]
    assert len(published) == 4
    ours = models("pixelseed", "training.json")["quantised"]["natural"]["all"]["efficiency"]
    assert set(ours) == set(published)
    for rejection, theirs in published.items():
        assert ours[rejection]["value"] - 2 * ours[rejection]["error"] > theirs, f"at {rejection} %"

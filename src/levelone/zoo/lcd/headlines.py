"""By what lcd is judged: how well electrons are told from photons, and how narrow their energy is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from levelone.metrics.ranking import area_error
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.headline import Figure, Headline, measured_at
from levelone.zoo.lcd.panels import NAMES
from levelone.zoo.lcd.results import SUMS, TREES

_PAIR = ("electron", "photon")


def headlines(published: Mapping[str, float]) -> tuple[Headline, ...]:
    """Both; `published` are widths by particle, in percent."""
    return (
        PairArea(
            "AUC, electron against photon",
            ("identification",),
            NAMES,
            trees=TREES,
            why_not={
                "classical": "no single classical quantity tells the kinds",
                "difference": "kinds are compared with the trees alone",
            },
        ),
        Headline(
            "width of (predicted - true) / true, electrons, %",
            ("energy", "electron", "width"),
            NAMES,
            trees=TREES,
            classical=SUMS,
            digits=2,
            percent=True,
            published=f"{published['electron']:g}",
            why_not={
                "control": "the leak control does not tell the energy",
                "difference": "paired are widths of electrons by energy, with the calibrated sums: below",
            },
        ),
    )


@dataclass(frozen=True)
class PairArea(Headline):
    """The area between the two of `_PAIR`, with an error from itself and the numbers of events."""

    def figure(self, metrics: Mapping[str, Any], model: str) -> Figure | None:
        found = metrics["models"].get(model, {}).get("identification", {})
        area = found.get("auc", {}).get("-".join(_PAIR))
        if area is None:
            return None
        counts = (sum(found["confusion"][PARTICLES.index(kind)]) for kind in _PAIR)
        return {"value": area, "error": area_error(area, *counts)}

    def gain(self, metrics: Mapping[str, Any], network: str, other: str) -> Figure | None:
        """`levelone.zoo.lcd.results.identification_gain` compares with the trees."""
        if other != self.trees:
            return None
        return measured_at(metrics, ("identification_gain", network, "-".join(_PAIR)))

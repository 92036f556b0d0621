"""What a report shows of how pixels are classified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.argon_images import PITCH_MM
from levelone.panels import Axes, Card, Images, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.differences import named_differences
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import network_of
from levelone.zoo.lartpc.results import BINS, PARTS
from levelone.zoo.lartpc.section import UNIT_ADU

NAMES = {
    "boosting": "boosted trees on each pixel's surroundings",
    "thresholds": "thresholds on straightness and density",
    CONTROL: TITLE,
}
"""What people call the models of lartpc that are no networks."""
TITLES = {"all": "all pixels", "events": "mean over events"}
HEADLINES = (
    Headline("wrong pixels, %", ("wrong", "all"), NAMES, classical="thresholds", digits=2, percent=True),
)
_AXES = Axes("wires (cm)", "drift (cm)")
_CELL = (PITCH_MM / 10, PITCH_MM / 10)


def panels(metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    """Events with answers, chances of both classes, shares event by event, tables."""
    found = [model for model in metrics["models"] if model != CONTROL]
    return [*_answers(kept), _chances(kept), _events(found, kept), *tables(metrics)]


def _answers(kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    numbers = list(dict.fromkeys(name.split("/")[1] for name in kept if name.startswith("shown/")))
    if not numbers:
        return []

    def of(what: str) -> NDArray[Any]:
        return np.stack([kept[f"shown/{number}/{what}"] for number in numbers])

    def chance(what: str) -> NDArray[Any]:
        """Of shower, from what is kept of it (twice, less one); NaN where there is nothing to classify."""
        return np.where(of("truth") != 0, (of(what) + 1) / 2, np.nan)

    models = [model for model in ("float", "quantised") if f"shown/{numbers[0]}/{model}" in kept]
    unit, limits = "chance of shower", (0.0, 1.0)
    columns = [
        Maps("charge", "ADU", of("charge"), "log"),
        Maps("truth", "0 track, 1 shower", chance("truth"), limits=limits),
        *(Maps(model, unit, chance(model), limits=limits) for model in models),
        Maps(f"{models[-1]} − truth", unit, chance(models[-1]) - chance("truth"), "signed"),
    ]
    if len(models) == 2:
        columns.append(Maps("quantised − float", unit, chance("quantised") - chance("float"), "signed"))
    caption = (
        "Test events with enough of both classes: charge, what is true of every pixel with a class "
        "(1 shower, 0 track), the chance of shower that each network gives it, what is wrong with that, "
        "and by how much quantisation changed it."
    )
    labels = tuple(f"event {int(number) + 1}" for number in numbers)
    return [SideBySide("Events and answers", caption, tuple(columns), labels, _AXES, _CELL)]


def _chances(kept: Mapping[str, NDArray[Any]]) -> Lines:
    series = []
    for model in ("float", "quantised"):
        if f"chances/{model}" in kept:
            for name, bins in zip(("track", "shower"), kept[f"chances/{model}"], strict=True):
                share = bins / max(bins.sum(), 1)
                series.append(Series(f"{name} pixels, {model}", BINS, share, style="steps"))
    axes = Axes("chance of shower", "share of the class", y_scale="log")
    return Lines("Chances", "Answers for the pixels of either class.", axes, tuple(series))


def _events(models: list[str], kept: Mapping[str, NDArray[Any]]) -> Lines:
    series = []
    for model in models:
        shares = np.sort(kept[f"events/{model}"])
        until = np.searchsorted(shares, BINS, side="right") / max(len(shares), 1)
        series.append(Series(NAMES.get(model, model), BINS, until))
    axes = Axes("share of wrong pixels in an event", "share of events with no more", y_limits=(0, 1.02))
    return Lines("Event by event", "How many events have at most so many wrong pixels.", axes, tuple(series))


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Shares of wrong pixels of every model and part, differences, areas under the curve."""
    return [_figures(metrics), _differences(metrics), _areas(metrics)]


def _figures(metrics: Mapping[str, Any]) -> Rows:
    models = tuple(metrics["models"])
    rows = []
    for part in PARTS:
        entries = [measured(metrics["models"][model]["wrong"][part], 2, percent=True) for model in models]
        rows.append((TITLES.get(part, part), *entries))
    caption = (
        "Incorrectly classified pixels, in percent of the pixels with charge and a class: of all, as the "
        "mean over events, of either class, and by the particle that most of the charge comes from. One "
        "standard deviation (bootstrap over events)."
    )
    head = ("pixels", *(NAMES.get(model, model) for model in models))
    return Rows("Wrong pixels", caption, head, tuple(rows), tuple(range(1, len(head))))


def _differences(metrics: Mapping[str, Any]) -> Rows:
    rows = [
        (what, *(measured(found["wrong"][part], 2, percent=True, sign=True) for part in PARTS[:4]))
        for what, found in named_differences(metrics, NAMES, (CONTROL,))
    ]
    head = ("difference", *(TITLES.get(part, part) for part in PARTS[:4]))
    caption = "Points of wrong pixels; paired: the same bootstrap samples for both."
    return Rows("Differences", caption, head, tuple(rows), (1, 2, 3, 4))


def _areas(metrics: Mapping[str, Any]) -> Rows:
    rows = tuple(
        (NAMES.get(model, model), measured(found["auc"], 4)) for model, found in metrics["models"].items()
    )
    caption = "How well shower pixels are told from track pixels: area under the curve."
    return Rows("Areas", caption, ("model", "AUC"), rows, (1,))


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Wrong pixels of the network, of the trees and of the thresholds."""
    models = metrics["models"]
    best = network_of(models)
    found = [Card(measured(models[best]["wrong"]["all"], 1, percent=True), f"% wrong pixels, {best}")]
    for model in ("boosting", "thresholds"):
        if model in models:
            told = measured(models[model]["wrong"]["all"], 1, percent=True)
            found.append(Card(told, f"% wrong pixels, {NAMES[model]}"))
    return found


def example_panels(events: Events) -> list[Panel]:
    """A few events as they are read out."""
    chosen = np.flatnonzero((events.inputs["charge"] > 0).sum((1, 2, 3)) > 0)[:4]
    shown = events.inputs["charge"][chosen, 0] * UNIT_ADU
    labels = tuple(f"event {number}" for number in events.truth["event"][chosen])
    caption = "Test events, numbers of the read-out; the third coordinate, along the wires, is not seen."
    return [Images("Events", caption, shown, labels, "ADU", _AXES, _CELL, smallest=10.0)]

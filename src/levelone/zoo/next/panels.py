"""What the report shows of system next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import REJECTIONS, roc_curve
from levelone.panels import Axes, Card, Images, Lines, Panel, Rows, Series, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.differences import named_differences
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import Predictions, Truth, network_of

NAMES = {
    "published": "published architecture (fully connected), trained here",
    "boosting": "boosting on shape, spectrum, ends and blobs",
    "blob": "second densest blob",
    CONTROL: TITLE,
}


def panels(metrics: Mapping[str, Any], predictions: Predictions, truth: Truth) -> list[Panel]:
    """ROC, tables of efficiencies and differences, distributions of the logit."""
    label = truth["label"]
    curves, histograms = [], []
    for name, outputs in predictions.items():
        score = outputs["logit"][:, 0]
        curves.append(Series(NAMES.get(name, name), *roc_curve(score, label, np.ones(len(label)))))
        if name in ("float", "quantised"):
            low, high = np.quantile(score, [0.001, 0.999])
            edges = np.linspace(low, high, 41)
            for code, what in enumerate(("one electron", "two electrons")):
                counts, _ = np.histogram(score[label == code], edges, density=True)
                histograms.append(Series(f"{name}, {what}", edges, counts, style="steps"))
    roc = Lines(
        "Signal efficiency against background",
        "Share of two-electron events kept against share of one-electron events kept, same test events.",
        Axes("one-electron events kept", "two-electron events kept", "log", "linear", (1e-3, 1), (0, 1.02)),
        tuple(curves),
    )
    scores = Lines(
        "Network output",
        "Logit of test events, normalised.",
        Axes("logit", "density"),
        tuple(histograms),
    )
    return [roc, *tables(metrics), scores]


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Efficiencies and paired differences, for all events and by drift distance."""
    return [_efficiencies(metrics), _differences(metrics)]


def _counts(entry: Mapping[str, Any]) -> str:
    return f"{entry['signal']:,} / {entry['background']:,}"


def _columns() -> tuple[str, ...]:
    return tuple(f"at {100 * rejection:.0f} %" for rejection in REJECTIONS)


def _numbers(entry: Mapping[str, Any], *, sign: bool = False) -> tuple[str, ...]:
    efficiencies = (measured(cell, 2, percent=True, sign=sign) for cell in entry["efficiency"].values())
    return measured(entry["auc"], 4, sign=sign), *efficiencies


def _efficiencies(metrics: Mapping[str, Any]) -> Rows:
    rows = [
        (
            region,
            NAMES.get(name, name),
            *_numbers(entry),
            f"{entry['signal']:,} / {entry['background']:,}",
        )
        for name, regions in metrics["models"].items()
        for region, entry in regions.items()
    ]
    rows.sort(key=lambda row: list(next(iter(metrics["models"].values()))).index(row[0]))
    return Rows(
        "Efficiency",
        "signal efficiency in % at the given background rejection; one standard deviation (bootstrap)",
        ("region", "model", "AUC", *_columns(), "two / one electron"),
        tuple(rows),
        (2, 3, 4, 5, 6, 7),
    )


def _differences(metrics: Mapping[str, Any]) -> Rows:
    rows = [
        (region, what, *_numbers(entry, sign=True))
        for what, regions in named_differences(metrics, NAMES)
        for region, entry in regions.items()
    ]
    return Rows(
        "Differences",
        "in percentage points, paired: the same bootstrap samples for both models",
        ("region", "difference", "AUC", *_columns()),
        tuple(rows),
        (2, 3, 4, 5, 6),
    )


def headlines(signal_kept: str) -> tuple[Headline, ...]:
    """The area, and the efficiency nearest to where shares of signal are published, `signal_kept`."""
    return (
        Headline("AUC, two electrons against one", ("all", "auc"), NAMES, classical="blob"),
        Headline(
            "two electrons kept where 75 % of the others are rejected, %",
            ("all", "efficiency", "75"),
            NAMES,
            classical="blob",
            digits=1,
            percent=True,
            published=signal_kept,
        ),
    )


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """AUC, efficiency at 90 % rejection, distances to the published network and to the boosted trees."""
    models = metrics["models"]
    best = network_of(models)
    entry = models[best].get("all")
    if not entry:  # the test events are of one class
        return []
    found = [
        Card(measured(entry["auc"], 4), f"{best} AUC"),
        Card(measured(entry["efficiency"]["90"], 2, percent=True), f"% {best} efficiency at 90 % rejection"),
    ]
    others = {"published": "the published architecture, trained here", "boosting": "boosted trees"}
    for name, what in others.items():
        against = metrics["differences"].get(f"{best}-{name}", {}).get("all")
        if against:
            gain = measured(against["efficiency"]["90"], 2, percent=True, sign=True)
            found.append(Card(gain, f"points: {best} minus {what}, at 90 %"))
    return found


def example_panels(energy: NDArray[np.float32], label: NDArray[Any], each: int = 4) -> list[Panel]:
    """Projections of a few events onto the plane of drift and x: [rows x, columns z]."""
    from levelone.simulate.next.generator import THRESHOLD_KEV, VOXEL_MM

    panels: list[Panel] = []
    for code, what in ((1, "two electrons"), (0, "one electron")):
        chosen = np.flatnonzero(label == code)[:each]
        if len(chosen):
            caption = (
                f"Energy of test events with {what}, summed along y: the filled part, to scale. Colours "
                f"start at the threshold of a voxel, {THRESHOLD_KEV:g} keV."
            )
            names = tuple(f"{what} {number + 1}" for number in range(len(chosen)))
            shown = energy[chosen].sum(2)
            axes = Axes("z, drift (mm)", "x (mm)")
            panels.append(
                Images(
                    what,
                    caption,
                    shown,
                    names,
                    "keV",
                    axes,
                    (VOXEL_MM[2], VOXEL_MM[0]),
                    smallest=THRESHOLD_KEV,
                    zoom=True,
                )
            )
    return panels

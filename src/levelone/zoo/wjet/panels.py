"""What the report shows of W jets and of how well models tell them from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import Ranking, thinned
from levelone.panels import Axes, Card, Images, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.simulate.wjet.events import CLASSES
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.meter import Predictions, Truth
from levelone.zoo.wjet.features import CELL

NAMES = {
    "boosting": "boosting on everything a person computes",
    "plain": "mass, tau21 and distance, boosted",
    "mass": "mass",
    "tau21": "tau21",
    "dr": "distance of the subjets",
    "momentum": "transverse momentum",
    CONTROL: TITLE,
}
_PLOTTED = (
    ("mass", "mass of the trimmed jet (GeV)"),
    ("tau21", "tau21"),
    ("dr", "distance of the two subjets"),
)
_IMAGE = Axes("pseudorapidity, turned", "azimuth, turned")


def panels(metrics: Mapping[str, Any], predictions: Predictions, truth: Truth) -> list[Panel]:
    """Rejection curves, tables, average images, distributions of quantities and of the logit."""
    curves = tuple(
        _curve(name, outputs["logit"][:, 0], truth["label"]) for name, outputs in predictions.items()
    )
    roc = Lines(
        "Background rejection against signal efficiency",
        "One over the share of quark and gluon jets kept, against the share of W jets kept; same test jets.",
        Axes("W jets kept", "1 / other jets kept", "linear", "log", (0, 1), (1, 1e3)),
        curves,
    )
    return [roc, *tables(metrics), *_average(truth), *_distributions(truth), *_scores(predictions, truth)]


def _curve(name: str, score: NDArray[Any], label: NDArray[Any]) -> Series:
    false, true = Ranking.of(score, label).roc(np.ones(len(label)))
    kept = thinned(false)
    kept = kept[false[kept] > 0]
    return Series(NAMES.get(name, name), true[kept], 1 / false[kept])


def _average(truth: Truth) -> list[Panel]:
    average = truth.get("average")
    if average is None or not average.any():
        return []
    other, signal = average
    return [
        SideBySide(
            "Average jet images",
            "Mean of what enters the network, over the test jets of each class, and their difference: the "
            "hardest subjet in the middle, the second one below.",
            (
                Maps("W", "mean input", signal[None], "log"),
                Maps("quark or gluon", "mean input", other[None], "log"),
                Maps("W minus quark or gluon", "mean input", (signal - other)[None], "signed"),
            ),
            ("test jets",),
            _IMAGE,
            (CELL, CELL),
        )
    ]


def _distributions(truth: Truth) -> list[Panel]:
    values = {
        "mass": truth["mass"],
        "dr": truth["dr"],
        "tau21": truth["tau2"] / np.maximum(truth["tau1"], 1e-9),
    }
    return [
        Lines(
            axis.partition(" (")[0].capitalize(),
            "Test jets, normalised.",
            Axes(axis, "density"),
            _histograms(values[name], truth["label"], CLASSES),
        )
        for name, axis in _PLOTTED
    ]


def _scores(predictions: Predictions, truth: Truth) -> list[Panel]:
    shown = [name for name in ("float", "quantised") if name in predictions]
    series: list[Series] = []
    for name in shown:
        score = predictions[name]["logit"][:, 0]
        classes = tuple(f"{name}, {what}" for what in CLASSES)
        series += _histograms(score, truth["label"], classes)
    return [
        Lines("Network output", "Logit of test jets, normalised.", Axes("logit", "density"), tuple(series))
    ]


def _histograms(values: NDArray[Any], label: NDArray[Any], names: tuple[str, ...]) -> tuple[Series, ...]:
    low, high = np.quantile(values, [0.002, 0.998])
    edges = np.linspace(low, high if high > low else low + 1, 41)
    found = []
    for code, name in enumerate(names):
        counts, _ = np.histogram(values[label == code], edges)
        total = max(counts.sum(), 1) * np.diff(edges)
        found.append(Series(name, edges, counts / total, style="steps"))
    return tuple(found)


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Rejection, AUC and efficiencies, and what the network gains on each of the others."""
    regions = list(next(iter(metrics["models"].values())))
    rows, gains = [], []
    for region in regions:
        for name, found in metrics["models"].items():
            entry = found[region]
            rows.append(
                (
                    region,
                    NAMES.get(name, name),
                    measured(entry["rejection"], 2),
                    measured(entry["auc"], 4),
                    measured(entry["efficiency"]["90"], 2, percent=True),
                    f"{entry['signal']:,} / {entry['background']:,}",
                )
            )
        for pair, found in metrics["differences"].items():
            first, _, second = pair.partition("-")
            entry = found[region]
            gains.append(
                (
                    region,
                    f"{NAMES.get(first, first)} against {NAMES.get(second, second)}",
                    measured(entry["ratio"], 3),
                    measured(entry["auc"], 4, sign=True),
                )
            )
    return [
        Rows(
            "Background rejection",
            "One over the share of quark and gluon jets kept where half of the W jets are; AUC; share of W "
            "jets in % where 90 % of the others are rejected. One standard deviation (bootstrap over jets).",
            ("jets", "model", "rejection at 50 %", "AUC", "at 90 %", "W / other"),
            tuple(rows),
            (2, 3, 4, 5),
        ),
        Rows(
            "Gains",
            "Ratio of the rejections, difference of the AUC; paired: the same bootstrap samples for both.",
            ("jets", "models", "ratio", "AUC"),
            tuple(gains),
            (2, 3),
        ),
    ]


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """AUC, efficiency at 90 % rejection, and the rejection at half of the W jets where its error is small."""
    models = metrics["models"]
    best = "quantised" if "quantised" in models else "float"
    entry = models[best]["all"]
    found = [
        Card(measured(entry["auc"], 4), f"{best} AUC"),
        Card(measured(entry["efficiency"]["90"], 2, percent=True), f"% {best} efficiency at 90 % rejection"),
    ]
    rejection = entry["rejection"]
    if rejection["error"] is not None and 2 * rejection["error"] < rejection["value"]:
        what = f"{best} background rejection at 50 % signal efficiency"
        found.append(Card(measured(rejection, 2), what))
    return found


def example_panels(images: NDArray[np.float32], label: NDArray[Any], unit: str, each: int = 4) -> list[Panel]:
    """A few jets of each class, as they enter the network."""
    found: list[Panel] = []
    for code, what in ((1, "W jets"), (0, "Jets of quarks and gluons")):
        chosen = np.flatnonzero(label == code)[:each]
        if len(chosen):
            caption = "Test jets as they enter the network: turned and mirrored."
            names = tuple(f"{CLASSES[code]} {number + 1}" for number in range(len(chosen)))
            found.append(Images(what, caption, images[chosen], names, unit, _IMAGE, (CELL, CELL)))
    return found

"""What the report shows of two classes of jets and of how well models tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import roc_curve
from levelone.panels import Axes, Card, Images, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import Predictions, Truth, network_of


@dataclass(frozen=True)
class Wording:
    """What is called how.

    Attributes
    ----------
    classes
        Names of the classes, the signal last.
    signal, background
        The jets of both, in the plural; `others` is short for the latter.
    models
        Titles of the models that are not networks, by name.
    image, cell
        What runs along columns and rows of an image, from 0 in its middle, and the size of a pixel.
    classical
        The quantity by which a person would tell the classes, a name of `models`; None: none is named.
    """

    classes: tuple[str, str]
    signal: str
    background: str
    others: str
    models: Mapping[str, str]
    image: Axes
    cell: tuple[float, float]
    classical: str | None = None

    def model(self, name: str) -> str:
        """The title of a model, or its name."""
        return TITLE if name == CONTROL else self.models.get(name, name)


def rejection_curves(wording: Wording, predictions: Predictions, truth: Truth) -> Lines:
    """One over the share of background kept, against the share of signal kept, of every model."""
    return Lines(
        "Background rejection against signal efficiency",
        f"One over the share of {wording.background} kept, against the share of {wording.signal} kept; same "
        "test jets.",
        Axes(f"{wording.signal} kept", f"1 / {wording.others} kept", "linear", "log", (0, 1), (1, 1e3)),
        tuple(
            _curve(wording.model(name), outputs["logit"][:, 0], truth["label"])
            for name, outputs in predictions.items()
        ),
    )


def _curve(title: str, score: NDArray[Any], label: NDArray[Any]) -> Series:
    false, true = roc_curve(score, label, np.ones(len(label)))
    kept = false > 0
    return Series(title, true[kept], 1 / false[kept])


def average_images(wording: Wording, truth: Truth, channels: Sequence[str], caption: str) -> list[Panel]:
    """Mean of what entered the network, of both classes, and their difference; a row for every channel."""
    average = truth.get("average")
    if average is None or not average.any():
        return []
    other, signal = average
    background, name = wording.classes
    unit = f"mean of what enters ({truth['unit']})" if "unit" in truth else "mean of what enters"
    return [
        SideBySide(
            "Average jet images",
            "Mean of what enters the network, over the test jets of each class, and their difference: "
            f"{caption}",
            (
                Maps(name, unit, signal, "log"),
                Maps(background, unit, other, "log"),
                Maps(f"{name} minus {background}", unit, signal - other, "signed log"),
            ),
            tuple(channels),
            wording.image,
            wording.cell,
            _from_the_middle(signal, wording),
        )
    ]


def distribution(wording: Wording, axis: str, values: NDArray[Any], truth: Truth) -> Lines:
    """A quantity of the test jets of both classes."""
    title = axis.partition(" (")[0]
    return Lines(
        title[0].upper() + title[1:],
        "Test jets, normalised.",
        Axes(axis, "density"),
        _histograms(values, truth["label"], wording.classes),
    )


def outputs_of_networks(wording: Wording, predictions: Predictions, truth: Truth) -> Lines:
    """Distributions of the logit, float and quantised."""
    series: list[Series] = []
    for name in ("float", "quantised"):
        if name in predictions:
            classes = tuple(f"{name}, {what}" for what in wording.classes)
            series += _histograms(predictions[name]["logit"][:, 0], truth["label"], classes)
    return Lines("Network output", "Logit of test jets, normalised.", Axes("logit", "density"), tuple(series))


def _histograms(values: NDArray[Any], label: NDArray[Any], names: Sequence[str]) -> tuple[Series, ...]:
    low, high = np.quantile(values, [0.002, 0.998])
    edges = np.linspace(low, high if high > low else low + 1, 41)
    found = []
    for code, name in enumerate(names):
        counts, _ = np.histogram(values[label == code], edges)
        total = max(counts.sum(), 1) * np.diff(edges)
        found.append(Series(name, edges, counts / total, style="steps"))
    return tuple(found)


def tables(wording: Wording, metrics: Mapping[str, Any]) -> list[Rows]:
    """Rejection, AUC and efficiencies, and what the network gains on each of the others."""
    regions = list(next(iter(metrics["models"].values())))
    rows, gains = [], []
    for region in regions:
        for name, found in metrics["models"].items():
            entry = found[region]
            rows.append(
                (
                    region,
                    wording.model(name),
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
                    f"{wording.model(first)} against {wording.model(second)}",
                    measured(entry["ratio"], 3),
                    measured(entry["auc"], 4, sign=True),
                )
            )
    signal, others = wording.signal, wording.others
    return [
        Rows(
            "Background rejection",
            f"One over the share of {wording.background} kept where half of the {signal} are; AUC; share of "
            f"{signal} in % where 90 % of the {others} are rejected. One standard deviation (bootstrap over "
            "jets).",
            ("jets", "model", "rejection at 50 %", "AUC", "at 90 %", f"{signal} / {others}"),
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


def headlines(wording: Wording, published: str) -> tuple[Headline, ...]:
    """The area, and the rejection where half of the signal is kept, of which something may be published."""
    return (
        Headline("AUC", ("all", "auc"), wording.models, classical=wording.classical),
        Headline(
            f"rejection of {wording.background} where half of the {wording.signal} are kept",
            ("all", "rejection"),
            wording.models,
            classical=wording.classical,
            difference=("all", "ratio"),
            ratio=True,
            digits=2,
            published=published,
        ),
    )


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """AUC, efficiency at 90 % rejection, and the rejection at half of the signal where its error is small."""
    models = metrics["models"]
    best = network_of(models)
    entry = models[best].get("all")
    if not entry:  # the test jets are of one class
        return []
    found = [
        Card(measured(entry["auc"], 4), f"{best} AUC"),
        Card(measured(entry["efficiency"]["90"], 2, percent=True), f"% {best} efficiency at 90 % rejection"),
    ]
    rejection = entry["rejection"]
    if rejection["error"] is not None and 2 * rejection["error"] < rejection["value"]:
        what = f"{best} background rejection at 50 % signal efficiency"
        found.append(Card(measured(rejection, 2), what))
    return found


def some_of_each(
    wording: Wording, images: NDArray[np.float32], label: NDArray[Any], caption: str, unit: str
) -> list[Panel]:
    """A few jets of each class, the signal first: `images` [n, rows, columns]."""
    found: list[Panel] = []
    for code, what in ((1, wording.signal), (0, wording.background)):
        chosen = np.flatnonzero(label == code)[:4]
        if len(chosen):
            names = tuple(f"{wording.classes[code]} {number + 1}" for number in range(len(chosen)))
            title = what[0].upper() + what[1:]
            shown = images[chosen]
            origin = _from_the_middle(shown, wording)
            found.append(
                Images(title, caption, shown, names, unit, wording.image, wording.cell, origin=origin)
            )
    return found


def _from_the_middle(images: NDArray[Any], wording: Wording) -> tuple[float, float]:
    """Where the corner of images [..., rows, columns] lies if the middle is 0, as it is of jets."""
    rows, columns = images.shape[-2:]
    return -columns * wording.cell[0] / 2, -rows * wording.cell[1] / 2

"""Figures and panels of the lcd results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.resolution import summarise
from levelone.panels import Axes, Card, Density, Images, Lines, Panel, Rows, Series
from levelone.simulate.lcd.generator import calorimeter
from levelone.zoo.kit.system import Events

EDGES = np.array([10.0, 20, 30, 45, 65, 95, 135, 190, 260, 340, 420, 510])
"""Edges of the bins of true energy, GeV."""
NAMES = {"published": "published sizes, float", "sums": "calibrated sums", "boosting": "boosting on features"}


def figures(
    outputs: Mapping[str, NDArray[Any]],
    truth: Mapping[str, NDArray[Any]],
    unit_gev: float,
    particles: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """``energy``: particle -> see `levelone.metrics.resolution.summarise`; ``identification``: figures."""
    true, kind = truth["energy"].astype(np.float64), truth["particle"].astype(np.int64)
    found: dict[str, Any] = {}
    if "energy" in outputs:
        predicted = outputs["energy"].reshape(-1).astype(np.float64) * unit_gev
        found["energy"] = {
            name: summarise(true[kind == code], predicted[kind == code], EDGES, seed=seed)
            for code, name in enumerate(particles)
            if np.any(kind == code)
        }
    if "particle" in outputs:
        found["identification"] = identification(outputs["particle"], kind, particles)
    return found


def identification(logits: NDArray[Any], kind: NDArray[np.int64], particles: Sequence[str]) -> dict[str, Any]:
    """Accuracy, confusion matrix, and separation of pairs.

    Returns
    -------
    dict
        ``accuracy`` with its binomial error; ``confusion``: [true][found] counts; ``auc``: "one-other" ->
        area under the ROC curve of the difference of their logits, on events of these two.
    """
    from sklearn.metrics import roc_auc_score

    count = len(particles)
    best = logits.argmax(1)
    confusion = np.bincount(kind * count + best, minlength=count**2).reshape(count, count)
    accuracy = float(np.mean(best == kind))
    auc = {}
    for one in range(count):
        for other in range(one + 1, count):
            chosen = (kind == one) | (kind == other)
            if len(np.unique(kind[chosen])) == 2:
                score = (logits[:, one] - logits[:, other])[chosen]
                auc[f"{particles[one]}-{particles[other]}"] = float(roc_auc_score(kind[chosen] == one, score))
    return {
        "accuracy": {"value": accuracy, "error": float(np.sqrt(accuracy * (1 - accuracy) / len(kind)))},
        "confusion": confusion.tolist(),
        "auc": auc,
    }


def panels(
    metrics: Mapping[str, Any],
    predictions: Mapping[str, Mapping[str, NDArray[Any]]],
    truth: Mapping[str, NDArray[Any]],
    unit_gev: float,
    particles: Sequence[str],
) -> list[Panel]:
    """Resolution per particle, predicted against true, tables of terms and of the identification."""
    shown: list[Panel] = [_terms(metrics)]
    energies = {name: f["energy"] for name, f in metrics["models"].items() if "energy" in f}
    for particle in particles:
        series = [
            _widths(NAMES.get(name, name), found[particle])
            for name, found in energies.items()
            if particle in found and found[particle]["bins"]["energy"]
        ]
        if series:
            axes = Axes("true energy (GeV)", "width / response (%)", "log", "log")
            caption = (
                "Half of the central 68 % of predicted / true over its median; learned from electrons. "
                "Curves: fit of a / sqrt(E) (+) b (+) c / E. Models stand a little beside each other."
            )
            shown.append(Lines(f"Energy resolution: {particle}", caption, axes, tuple(series)))
    best = "quantised" if "quantised" in energies else "float"
    answers = [
        _response(particle, entry["bins"])
        for particle, entry in energies.get(best, {}).items()
        if entry["bins"]["energy"]
    ]
    if answers:
        axes = Axes("true energy (GeV)", "predicted / true, median", "log")
        caption = (
            f"Median of predicted / true in bins of true energy, {best} network; learned from electrons."
        )
        shown.append(Lines("Energy response", caption, axes, tuple(answers)))
    edges = np.linspace(0, 600, 41)
    for code, particle in enumerate(particles):
        chosen = truth["particle"] == code
        if np.any(chosen) and best in predictions:
            predicted = predictions[best]["energy"].reshape(-1)[chosen] * unit_gev
            counts, _, _ = np.histogram2d(truth["energy"][chosen], predicted, bins=(edges, edges))
            axes = Axes("true energy (GeV)", "predicted energy (GeV)")
            caption = f"Test events, {best} network; the line is perfect agreement."
            title = f"Predicted against true: {particle}"
            shown.append(Density(title, caption, axes, counts, edges, edges, diagonal=True))
    for name, found in metrics["models"].items():
        if "identification" in found:
            shown.append(_confusion(NAMES.get(name, name), found["identification"], particles))
    return shown


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Width for electrons, stochastic term, accuracy."""
    models = metrics["models"]
    name = "quantised" if "quantised" in models else "float"
    electron = models[name]["energy"].get("electron")
    made = [
        Card(_percent(models[name]["identification"]["accuracy"], 1), f"{name}: particle identified"),
    ]
    if electron:
        made.append(Card(_percent(electron["width"], 1), f"{name}: electron energy, overall width"))
        made.append(Card(_percent(electron["a"], 1), f"{name}: electrons, stochastic term (sqrt GeV)"))
    return made


def example_panels(events: Events, particles: Sequence[str]) -> list[Panel]:
    """One event of each kind in both calorimeters, summed along y: [rows x, columns z]."""
    kind = events.truth["particle"]
    first = {name: np.flatnonzero(kind == code)[:1] for code, name in enumerate(particles)}
    chosen = np.concatenate(list(first.values()))
    energies = events.truth["energy"]
    labels = tuple(f"{name}, {energies[found[0]]:.0f} GeV" for name, found in first.items() if len(found))
    caption = "energies of test events, summed along y; the particle comes from the left."
    return [
        Images(
            title,
            f"{title}: {caption}",
            events.inputs[grid][chosen, 0].sum(2),
            labels,
            "GeV",
            Axes("z (layer)", f"x (cells of {section.pitch_mm:g} mm)"),
            smallest=section.threshold_gev,
        )
        for grid, title, section in zip(
            ("ecal", "hcal"), ("In the ECAL", "In the HCAL"), calorimeter().sections, strict=True
        )
        if len(chosen)
    ]


def _widths(label: str, entry: Mapping[str, Any]) -> Series:
    """Widths in percent and the curve of their three terms, if there are enough bins for a fit."""
    bins, terms = entry["bins"], [entry[name]["value"] for name in "abc"]
    energy, width, error = (np.asarray(bins[key], dtype=np.float64) for key in ("energy", "width", "error"))
    fit = None
    if None not in terms:
        x = np.geomspace(energy.min(), energy.max(), 60)
        fit = (x, 100 * np.sqrt(terms[0] ** 2 / x + terms[1] ** 2 + (terms[2] / x) ** 2))
    return Series(label, energy, 100 * width, 100 * error, "points", fit)


def _response(particle: str, bins: Mapping[str, Any]) -> Series:
    energy, response, error = (
        np.asarray(bins[key], dtype=np.float64) for key in ("energy", "response", "error")
    )
    # The error of a median is that of half the central 68 %, times sqrt(2).
    return Series(particle, energy, response, np.sqrt(2) * error * response, "points")


def _terms(metrics: Mapping[str, Any]) -> Rows:
    rows = tuple(
        (
            particle,
            NAMES.get(name, name),
            *(_percent(entry[key], digits) for key, digits in (("a", 1), ("b", 2), ("c", 0))),
            *(_percent(entry[key], 2) for key in ("mean", "width", "core")),
        )
        for name, found in metrics["models"].items()
        for particle, entry in found.get("energy", {}).items()
    )
    head = ("particle", "model", "a (sqrt GeV)", "b", "c (GeV)", "mean", "width", "68 % half width")
    return Rows(
        "Energy",
        "sigma / E = a / sqrt(E) (+) b (+) c / E; mean, width: (predicted - true) / true; errors: bootstrap",
        head,
        rows,
        tuple(range(2, len(head))),
    )


def _confusion(label: str, entry: Mapping[str, Any], particles: Sequence[str]) -> Rows:
    rows = tuple(
        (particle, *(f"{100 * cell / max(sum(row), 1):.1f}" for cell in row))
        for particle, row in zip(particles, entry["confusion"], strict=True)
    )
    return Rows(
        f"Identification: {label}",
        f"percent of each true kind; accuracy {_percent(entry['accuracy'], 1)}",
        ("true", *(f"found {particle}" for particle in particles)),
        rows,
        tuple(range(1, len(particles) + 1)),
    )


def _percent(cell: Mapping[str, Any], digits: int) -> str:
    if cell["value"] is None:
        return "-"
    text = f"{100 * cell['value']:.{digits}f}"
    return f"{text} ± {100 * cell['error']:.{digits}f} %" if cell.get("error") is not None else f"{text} %"

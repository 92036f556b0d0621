"""What a report shows of the lcd results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from levelone.panels import Axes, Card, Density, Images, Lines, Panel, Rows, Series, measured
from levelone.simulate.lcd.detector import calorimeter
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import Predictions, Truth, network_of
from levelone.zoo.lcd.results import SUMS
from levelone.zoo.lcd.section import UNIT_GEV

NAMES = {
    "published": "published sizes, float, trained here",
    SUMS: "calibrated sums",
    "boosting": "boosting on features",
    CONTROL: TITLE,
}


def panels(metrics: Mapping[str, Any], predictions: Predictions, truth: Truth) -> list[Panel]:
    """Resolution per particle, predicted against true, tables of terms and of the identification."""
    shown: list[Panel] = [_terms(metrics)]
    energies = {name: f["energy"] for name, f in metrics["models"].items() if "energy" in f}
    for particle in PARTICLES:
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
    best = network_of(energies)
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
    for code, particle in enumerate(PARTICLES):
        chosen = truth["particle"] == code
        if np.any(chosen) and best in predictions:
            predicted = predictions[best]["energy"].reshape(-1)[chosen] * UNIT_GEV
            counts, _, _ = np.histogram2d(truth["energy"][chosen], predicted, bins=(edges, edges))
            axes = Axes("true energy (GeV)", "predicted energy (GeV)")
            caption = f"Test events, {best} network; the line is perfect agreement."
            title = f"Predicted against true: {particle}"
            shown.append(Density(title, caption, axes, counts, edges, edges, diagonal=True))
    for name, found in metrics["models"].items():
        if "identification" in found:
            shown.append(_confusion(NAMES.get(name, name), found["identification"]))
    return shown


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """The fit of every particle's energy, electrons by energy, the identification, and confusions."""
    found = {name: f["identification"] for name, f in metrics["models"].items() if "identification" in f}
    confusion = [_confusion(NAMES.get(name, name), entry) for name, entry in found.items()]
    return [
        _terms(metrics),
        *_by_energy(metrics),
        *_gain(metrics),
        *([_identification(found)] if found else []),
        *_identification_gain(metrics),
        *confusion,
    ]


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Width for electrons, stochastic term, accuracy."""
    models = metrics["models"]
    name = network_of(models)
    electron = models[name]["energy"].get("electron")
    made = [
        Card(_accuracy(models[name]["identification"]), f"% particles identified, {name}"),
    ]
    if electron:
        width, stochastic = (
            measured(electron["width"], 2, percent=True),
            measured(electron["a"], 1, percent=True),
        )
        made.append(Card(width, f"% overall width of electron energies, {name}"))
        made.append(Card(stochastic, f"%, sqrt GeV: stochastic term of electrons, {name}"))
    return made


def example_panels(events: Events) -> list[Panel]:
    """One event of each kind in both calorimeters, summed along y: [rows x, columns z]."""
    kind = events.truth["particle"]
    first = {name: np.flatnonzero(kind == code)[:1] for code, name in enumerate(PARTICLES)}
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
    digits_of = {"a": 1, "b": 2, "c": 0, "mean": 2, "width": 2, "core": 2}
    rows = tuple(
        (
            particle,
            NAMES.get(name, name),
            *(measured(entry[key], digits, percent=True) for key, digits in digits_of.items()),
        )
        for name, found in metrics["models"].items()
        for particle, entry in found.get("energy", {}).items()
    )
    rows += _published(metrics.get("reference", {}))
    shares = ("a (%, sqrt GeV)", "b (%)", "c (%, GeV)", "mean (%)", "width (%)", "68 % half width (%)")
    head = ("particle", "model", *shares)
    return Rows(
        "Energy",
        "sigma / E = a / sqrt(E) (+) b (+) c / E; mean, width: (predicted - true) / true; errors: bootstrap",
        head,
        rows,
        tuple(range(2, len(head))),
    )


def _published(reference: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """What `Lcd.published` says, as rows of `_terms`."""
    wide = reference.get("width, percent", {})
    return tuple(
        (
            particle,
            "published, full simulation",
            *(str(term) for term in terms),
            "–",
            str(wide.get(particle, "–")),
            "–",
        )
        for particle, terms in reference.get("a, b, c", {}).items()
    )


def _by_energy(metrics: Mapping[str, Any]) -> list[Rows]:
    """Width of electrons in bins of energy, a column for each model; none where there are no bins."""
    bins = {
        NAMES.get(name, name): found["energy"]["electron"]["bins"]
        for name, found in metrics["models"].items()
        if "electron" in found.get("energy", {})
    }
    if not any(entry["energy"] for entry in bins.values()):
        return []
    first = next(iter(bins.values()))
    rows = tuple(
        (
            f"{energy:.0f}",
            *(measured(_at(entry, "width", row), 2, percent=True) for entry in bins.values()),
        )
        for row, energy in enumerate(first["energy"])
    )
    return [
        Rows(
            "Electrons by energy",
            "Half of the central 68 % of predicted / true over its median, percent; mean energy of the bin.",
            ("GeV", *bins),
            rows,
            tuple(range(len(bins) + 1)),
        )
    ]


def _gain(metrics: Mapping[str, Any]) -> list[Rows]:
    """Widths of electrons over those of calibrated sums; none where nothing was compared."""
    gain = metrics.get("differences", {"energy": [], "models": {}})
    if not gain["energy"]:
        return []
    models = gain["models"]
    rows = tuple(
        (f"{energy:.0f}", *(measured(_at(m, "ratio", row), 3) for m in models.values()))
        for row, energy in enumerate(gain["energy"])
    )
    return [
        Rows(
            "Electrons against calibrated sums",
            "Width over that of the calibrated sums on the same events, below 1 where it is narrower; "
            "errors: bootstrap over events.",
            ("GeV", *(NAMES.get(name, name) for name in models)),
            rows,
            tuple(range(len(models) + 1)),
        )
    ]


def _identification(found: Mapping[str, Mapping[str, Any]]) -> Rows:
    """Accuracy, and the area under the curve of each pair of kinds."""
    pairs = tuple(next(iter(found.values()))["auc"])
    rows = tuple(
        (
            NAMES.get(name, name),
            _accuracy(entry),
            *(f"{entry['auc'][pair]:.3f}" for pair in pairs),
        )
        for name, entry in found.items()
    )
    head = ("model", "accuracy (%)", *(f"AUC {pair}" for pair in pairs))
    caption = "Accuracy among all kinds; area under the ROC curve between two kinds."
    return Rows("Identification", caption, head, rows, tuple(range(1, len(head))))


def _identification_gain(metrics: Mapping[str, Any]) -> list[Rows]:
    """What the others have more than the boosted trees; none where there are no trees."""
    gain = metrics.get("identification_gain", {})
    if not gain:
        return []
    kinds = tuple(next(iter(gain.values())))
    rows = tuple(
        (NAMES.get(name, name), *(measured(m[kind], 2, percent=True, sign=True) for kind in kinds))
        for name, m in gain.items()
    )
    head = ("model", *(kind if kind == "accuracy" else f"AUC {kind}" for kind in kinds))
    caption = (
        "What each has more than boosting on features, on the same events, times 100; "
        "errors of areas: bootstrap over events."
    )
    return [Rows("Identification against boosting", caption, head, rows, tuple(range(1, len(head))))]


def _confusion(label: str, entry: Mapping[str, Any]) -> Rows:
    rows = tuple(
        (particle, *(f"{100 * cell / max(sum(row), 1):.1f}" for cell in row))
        for particle, row in zip(PARTICLES, entry["confusion"], strict=True)
    )
    return Rows(
        f"Identification: {label}",
        f"percent of each true kind; accuracy {_accuracy(entry)} %",
        ("true", *(f"found {particle}" for particle in PARTICLES)),
        rows,
        tuple(range(1, len(PARTICLES) + 1)),
    )


def _accuracy(entry: Mapping[str, Any]) -> str:
    return measured(entry["accuracy"], 1, percent=True)


def _at(bins: Mapping[str, Any], quantity: str, row: int) -> dict[str, float]:
    return {"value": bins[quantity][row], "error": bins["error"][row]}

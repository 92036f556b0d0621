"""What a report shows of how well molecules are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Axes, Card, Images, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.differences import named_differences
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import network_of
from levelone.zoo.smlm.results import PHOTON_EDGES
from levelone.zoo.smlm.section import UNIT_ADU

NAMES = {
    "boosting": "boosted trees on each pixel's neighbours",
    "fit": "maxima and Gaussian fit",
    CONTROL: TITLE,
}
"""What people call the models of smlm that are no networks."""
HEADLINES = (
    Headline("Jaccard index, %", ("all", "jaccard"), NAMES, classical="fit", digits=1, percent=True),
)
_DENSITY = "molecules per µm²"
_UNITS = {"jaccard": "Jaccard index", "rmse": "lateral error (nm)"}
_EACH = 4  # example frames
_ABOUT_JACCARD = (
    "Share of matches among all molecules, true and found; matched within 250 nm, one to one. Bars: "
    "bootstrap over frames."
)
_ABOUT_RMSE = (
    "Root of the mean squared distance of matches. Dashed: the bound of Cramer and Rao for the molecules "
    "that the quantised network matched, all others of the frame unknown."
)


def panels(metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    """Curves over density and photons, frames with answers, tables."""
    found = [model for model in metrics["models"] if model != CONTROL]
    return [
        _over_density(metrics, found, "jaccard", "Jaccard index", _ABOUT_JACCARD),
        _over_density(metrics, found, "rmse", "Lateral error", _ABOUT_RMSE),
        _over_photons(found, kept),
        *_answers(kept),
        *tables(metrics),
    ]


def _densities(metrics: Mapping[str, Any]) -> list[str]:
    regions = next(iter(metrics["models"].values()))
    return sorted((region for region in regions if region != "all"), key=float)


def _over_density(
    metrics: Mapping[str, Any], models: list[str], figure: str, title: str, caption: str
) -> Lines:
    series = []
    best = network_of(models)
    for model in models:
        series.append(_curve(metrics, model, figure, NAMES.get(model, model), "line"))
        if figure == "rmse" and model == best:
            series.append(_curve(metrics, model, "bound", "bound", "dashed"))
    axes = Axes(_DENSITY, _UNITS[figure], y_limits=(0, 1) if figure == "jaccard" else None)
    return Lines(title, caption, axes, tuple(series))


def _curve(metrics: Mapping[str, Any], model: str, figure: str, label: str, style: Any) -> Series:
    entries = [(float(region), metrics["models"][model][region][figure]) for region in _densities(metrics)]
    shown = [(density, entry) for density, entry in entries if entry is not None]
    x = np.array([density for density, _ in shown])
    y = np.array([entry["value"] for _, entry in shown])
    error = np.array([entry["error"] or 0.0 for _, entry in shown])
    return Series(label, x, y, error if style == "line" else None, style)


def _over_photons(models: list[str], kept: Mapping[str, NDArray[Any]]) -> Lines:
    middle = np.sqrt(PHOTON_EDGES[1:] * PHOTON_EDGES[:-1])
    series = []
    for model in models:
        found, true = kept[f"photons/{model}"]
        some = true > 0
        share = found[some] / true[some]
        error = np.sqrt(share * (1 - share) / true[some])
        series.append(Series(NAMES.get(model, model), middle[some], share, error))
    axes = Axes(
        "photons of the molecule in the frame", "share that is found", x_scale="log", y_limits=(0, 1.02)
    )
    caption = "Share of true molecules that are matched, all densities together; binomial errors."
    return Lines("Found molecules by their light", caption, axes, tuple(series))


def _answers(kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    densities = list(dict.fromkeys(name.split("/")[1] for name in kept if name.startswith("shown/")))
    if not densities:
        return []

    def of(what: str) -> NDArray[Any]:
        return np.stack([kept[f"shown/{density}/{what}"] for density in densities])

    places = tuple(kept[f"shown/{density}/places"] for density in densities)
    models = [model for model in ("float", "quantised") if f"shown/{densities[0]}/{model}" in kept]
    columns = [
        Maps("frame, true places", "ADU", of("frame"), "log", places),
        Maps("truth", "molecule", of("truth")),
        *(Maps(model, "chance", of(model), "linear", places) for model in models),
        Maps(f"{models[-1]} − truth", "chance", of(models[-1]) - of("truth"), "signed"),
    ]
    if len(models) == 2:
        columns.append(Maps("quantised − float", "chance", of("quantised") - of("float"), "signed"))
    caption = (
        "One test frame of each density: what the camera gives above its offset, in which pixels molecules "
        "are, the chance that each network gives every pixel, what is wrong with it, and by how much "
        "quantisation changed it. Circles: true places."
    )
    labels = tuple(f"{density} per µm²" for density in densities)
    return [
        SideBySide("Frames and answers", caption, tuple(columns), labels, Axes("x (pixels)", "y (pixels)"))
    ]


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Every figure of every model at every density; differences; how well pixels are told apart."""
    return [_figures(metrics), _differences(metrics), _areas(metrics)]


def _figures(metrics: Mapping[str, Any]) -> Rows:
    rows = []
    for region in (*_densities(metrics), "all"):
        for model, regions in metrics["models"].items():
            entry = regions[region]
            shares = [measured(entry[name], 1, percent=True) for name in ("jaccard", "recall", "precision")]
            lengths = [measured(entry[name], 1) for name in ("rmse", "bound")]
            rows.append((region, NAMES.get(model, model), *shares, *lengths, f"{entry['true']:,}"))
    caption = (
        "Matched within 250 nm; one standard deviation (bootstrap over frames). Bound: root of the mean "
        "squared bound of Cramer and Rao of the molecules that this model matched, all others unknown."
    )
    head = (
        "molecules / µm²", "model", "Jaccard index, %", "recall, %", "precision, %", "lateral error, nm",
        "bound, nm", "true molecules",
    )  # fmt: skip
    return Rows("Molecules", caption, head, tuple(rows), (2, 3, 4, 5, 6, 7))


def _differences(metrics: Mapping[str, Any]) -> Rows:
    rows = []
    for what, regions in named_differences(metrics, NAMES, (CONTROL,)):
        for region in (*_densities(metrics), "all"):
            entry = regions[region]
            told = (
                measured(entry["jaccard"], 1, percent=True, sign=True),
                measured(entry["rmse"], 1, sign=True),
            )
            rows.append((region, what, *told))
    head = ("molecules / µm²", "difference", "Jaccard index, points", "lateral error, nm")
    caption = "Paired: the same bootstrap samples for both. Lateral errors are those of different molecules."
    return Rows("Differences", caption, head, tuple(rows), (2, 3))


def _areas(metrics: Mapping[str, Any]) -> Rows:
    rows = tuple(
        (NAMES.get(model, model), measured(regions["all"].get("auc"), 4))
        for model, regions in metrics["models"].items()
    )
    caption = (
        "How well pixels with a molecule are told from pixels without: area under the curve, all densities."
    )
    return Rows("Pixels", caption, ("model", "AUC"), rows, (1,))


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Jaccard index and lateral error at a middle density, beside the classical fit."""
    models = metrics["models"]
    best = network_of(models)
    densities = _densities(metrics)
    middle = densities[len(densities) // 2 + (len(densities) > 3)] if len(densities) > 1 else densities[0]
    entry, fit = models[best][middle], models["fit"][middle]
    return [
        Card(
            measured(entry["jaccard"], 1, percent=True),
            f"% Jaccard index at {middle} molecules / µm², {best}",
        ),
        Card(measured(fit["jaccard"], 1, percent=True), "% that of maxima and Gaussian fits"),
        Card(
            measured(entry["rmse"], 1), f"nm lateral error there, {best}; bound {measured(entry['bound'], 1)}"
        ),
    ]


def example_panels(events: Events, pixel_nm: float) -> list[Panel]:
    """A few frames as the camera gives them, above its offset."""
    density = events.truth["density"]
    chosen = [int(np.flatnonzero(density == value)[0]) for value in np.unique(density)][:_EACH]
    names = tuple(f"{density[number]:g} molecules / µm²" for number in chosen)
    shown = events.inputs["frame"][chosen, 0] * UNIT_ADU
    axes, cell = Axes("x (µm)", "y (µm)"), (pixel_nm / 1000, pixel_nm / 1000)
    caption = "Test frames, numbers of the camera above its offset."
    return [Images("Frames", caption, shown, names, "ADU", axes, cell, smallest=10.0)]

"""What a report shows of generated showers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Axes, Card, Images, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import network_of
from levelone.zoo.showergan.cells import energies
from levelone.zoo.showergan.quantities import PITCH_MM, QUANTITIES, RINGS
from levelone.zoo.showergan.results import BINS, SIMULATION

NAMES = {
    "cells": "cells that know nothing of each other",
    "library": "library of simulated showers, scaled",
    CONTROL: TITLE,
}
"""What people call the models of showergan that are no networks."""
HEADLINES = (
    Headline(
        "AUC of trees that tell showers from simulated ones by quantities: 0.5 is best",
        ("auc_quantities",),
        NAMES,
        trees=None,
        classical="library",
        why_not={
            "trees": "boosted trees are the judge",
            "control": "it judges by bits of cells, and is no generator: its area is in the tables below",
        },
    ),
)
_NETWORKS = ("float", "quantised")
_EACH = 3  # example showers of either kind
_PARTICLES = ("electron", "photon")


def panels(metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    """Profiles, distributions, showers and correlations beside those of the simulation, tables."""
    models = [model for model in metrics["models"] if model != CONTROL]
    return [
        _profile(models, kept, "along", "Longitudinal profile", "pair of layers", 1.0),
        _profile(models, kept, "across", "Lateral profile", "distance from the middle (mm)", PITCH_MM),
        _histogram(models, kept, "response", "Energy in the window"),
        _histogram(models, kept, "filled", "Cells above threshold"),
        _showers(kept),
        _correlations(kept),
        *tables(metrics),
    ]


def _profile(
    models: list[str], kept: Mapping[str, NDArray[Any]], name: str, title: str, x: str, unit: float
) -> Lines:
    series = []
    for model in models:
        values = kept[f"{name}/{model}"]
        style: Any = "points" if model == SIMULATION else "line" if model in _NETWORKS else "dashed"
        series.append(Series(NAMES.get(model, model), np.arange(len(values)) * unit, values, None, style))
    what = "energy of a pair of layers (GeV)" if name == "along" else "energy of a tower (GeV)"
    caption = f"Mean over all test events; {'layers are in pairs' if name == 'along' else f'{RINGS} rings'}."
    return Lines(title, caption, Axes(x, what, y_scale="log"), tuple(series))


def _histogram(models: list[str], kept: Mapping[str, NDArray[Any]], name: str, title: str) -> Lines:
    series = []
    for model in models:
        counts = kept[f"{name}/{model}"].astype(np.float64)
        if model == SIMULATION:
            middle = (BINS[name][1:] + BINS[name][:-1]) / 2
            series.append(Series(model, middle, counts, np.sqrt(counts), "points"))
        else:
            series.append(Series(NAMES.get(model, model), BINS[name], counts, None, "steps"))
    return Lines(title, "All test events.", Axes(QUANTITIES[name], "showers per bin"), tuple(series))


def _shown(kept: Mapping[str, NDArray[Any]]) -> list[str]:
    return [model for model in (SIMULATION, *_NETWORKS, "library", "cells") if f"shown/{model}" in kept]


def _showers(kept: Mapping[str, NDArray[Any]]) -> SideBySide:
    columns = [Maps(NAMES.get(m, m), "GeV", kept[f"shown/{m}"], "log") for m in _shown(kept)]
    labels = tuple(f"{energy:.0f} GeV" for energy in kept["shown_energy"])
    if "shown_particle" in kept:  # not in a run before it was kept
        kinds = [_PARTICLES[code] for code in kept["shown_particle"].astype(int)]
        labels = tuple(f"{kind}, {energy}" for kind, energy in zip(kinds, labels, strict=True))
    caption = (
        "The first test events, added up along y: what the simulation made, and what is made of the same "
        "energy and particle by the networks (of the same random numbers) and by the classical methods."
    )
    axes = Axes("pair of layers", "x (cells)")
    return SideBySide("Showers", caption, tuple(columns), labels, axes)


def _correlations(kept: Mapping[str, NDArray[Any]]) -> SideBySide:
    columns = [
        Maps(NAMES.get(m, m), "correlation", kept[f"correlation/{m}"][None], "signed") for m in _shown(kept)
    ]
    caption = "Coefficients of correlation between the shares of the energy in two layers."
    axes = Axes("pair of layers", "pair of layers")
    return SideBySide("Correlations between layers", caption, tuple(columns), ("test showers",), axes)


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """What boosted trees tell apart; every quantity; differences."""
    return [_judged(metrics), _quantities(metrics), _means(metrics), _differences(metrics)]


def _judged(metrics: Mapping[str, Any]) -> Rows:
    rows = []
    for model, figures in metrics["models"].items():
        areas = [measured(figures.get(view), 4) for view in ("auc_cells", "auc_quantities")]
        rows.append((NAMES.get(model, model), *areas, measured(figures.get("correlation"), 4)))
    caption = (
        "Area under the curve of boosted trees that learn to tell showers of a model from simulated ones of "
        "the same energies and particles, from all cells, or from the quantities below and layers: "
        "0.5 if they cannot, 1 if they always can; each event is judged by trees that learned from the other "
        "half. Correlation: mean difference between coefficients of correlation of two layers and those of "
        "the simulation; that of the simulation is between its halves. The leak control knows bits alone."
    )
    head = ("model", "AUC, cells", "AUC, quantities", "correlation, difference")
    return Rows("Simulation or not", caption, head, tuple(rows), (1, 2, 3))


def _quantities(metrics: Mapping[str, Any]) -> Rows:
    models = {name: found for name, found in metrics["models"].items() if "quantities" in found}
    rows = tuple(
        (what, *(measured(found["quantities"][name]["distance"], 3) for found in models.values()))
        for name, what in QUANTITIES.items()
    )
    caption = (
        "Distance between the distributions of a model and of the simulation (Wasserstein), in standard "
        "deviations of the latter. The simulation's own is that between its halves: what chance alone gives."
    )
    head = ("quantity", *(NAMES.get(model, model) for model in models))
    return Rows("Distances", caption, head, rows, tuple(range(1, len(head))))


def _means(metrics: Mapping[str, Any]) -> Rows:
    models = {name: found for name, found in metrics["models"].items() if "quantities" in found}

    def told(figures: Mapping[str, float]) -> str:
        return f"{figures['mean']:.4g} ({figures['spread']:.3g})"

    rows = tuple(
        (what, *(told(found["quantities"][name]) for found in models.values()))
        for name, what in QUANTITIES.items()
    )
    head = ("quantity", *(NAMES.get(model, model) for model in models))
    return Rows("Means and spreads", "Over all test events.", head, rows, tuple(range(1, len(head))))


def _differences(metrics: Mapping[str, Any]) -> Rows:
    rows = []
    for pair, figures in metrics["differences"].items():
        first, _, second = pair.partition("-")
        told = [measured(figures.get(view), 4, sign=True) for view in ("auc_cells", "auc_quantities")]
        rows.append((f"{NAMES.get(first, first)} − {NAMES.get(second, second)}", *told))
    moved = metrics["models"].get("quantised", {}).get("from_float")
    caption = "Paired: the same bootstrap samples for both."
    if moved:
        caption += (
            " Of the same random numbers, quantised and float network differ by "
            f"{measured(moved, 2, percent=True)} % of a shower's energy, cell by cell."
        )
    head = ("difference", "AUC, cells", "AUC, quantities")
    return Rows("Differences", caption, head, tuple(rows), (1, 2))


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """How well boosted trees tell generated showers from simulated ones."""
    models = metrics["models"]
    best = network_of(models)
    shown = [
        Card(
            measured(models[model]["auc_quantities"], 4),
            f"AUC of trees against simulated showers (0.5: alike), sums and profiles: {what}",
        )
        for model, what in ((best, best), ("cells", NAMES["cells"]), ("library", NAMES["library"]))
    ]
    return [*shown, Card(measured(models[best]["auc_cells"], 4), f"the same, all cells: {best}")]


def example_panels(events: Events, threshold_mip: float) -> list[Panel]:
    """A few simulated showers, added up along y."""
    rows = [
        number
        for kind in range(len(_PARTICLES))
        for number in np.flatnonzero(events.truth["particle"] == kind)[:_EACH]
    ]
    images = energies(events.truth["shower"][rows, 0], threshold_mip).sum(2)
    labels = tuple(
        f"{_PARTICLES[events.truth['particle'][n]]}, {events.truth['energy'][n]:.0f} GeV" for n in rows
    )
    caption = "Simulated showers in the window, added up along y."
    axes = Axes("pair of layers", "x (cells)")
    return [Images("Simulated showers", caption, images, labels, "GeV", axes)]

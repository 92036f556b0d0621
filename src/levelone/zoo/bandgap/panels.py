"""What a report shows of how well gaps are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Axes, Card, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.zoo.bandgap.results import DISTANCES, FLOOR, NEAR, NEAR_NM, PARTS, RIM_NM
from levelone.zoo.bandgap.section import UNIT_PM
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.differences import named_differences
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import network_of

NAMES = {
    "filter": "linear filter, 15 x 15 pixels",
    "kernel": "kernel regression on local quantities",
    "boosting": "boosted trees on local quantities",
    FLOOR: "noise of the measured gap",
    CONTROL: TITLE,
}
"""What people call the models of bandgap that are no networks."""
HEADLINES = (Headline("rms error, meV", ("rmse_mev", "all"), NAMES, classical="filter", digits=1),)
TITLES = {
    "all": "all pixels",
    "one layer": f"one layer, {NEAR_NM:g} nm from edges",
    "two layers": f"two layers, {NEAR_NM:g} nm from edges",
    "edge": "edge of an island",
    "terrace": "edge of a terrace",
    "defect": "charged defect",
    "rim": f"{RIM_NM:g} nm along the border",
    "true": "all, against the true gap",
}
_FROM_EV = 2.3  # maps show how far gaps are from it


def panels(metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    """Topographs with answers, errors over distances, tables."""
    found = [model for model in metrics["models"] if model != CONTROL]
    near = [_near(name, found, kept) for name in NEAR if f"distance/{name}/{FLOOR}" in kept]
    return [*_answers(kept, metrics.get("pixel_nm")), *near, *tables(metrics)]


def _answers(kept: Mapping[str, NDArray[Any]], pixel_nm: float | None) -> list[Panel]:
    """Maps of a few images; along their sides pixels count where nobody says how large they are."""
    numbers = list(dict.fromkeys(name.split("/")[1] for name in kept if name.startswith("shown/")))
    if not numbers:
        return []

    def of(what: str) -> NDArray[Any]:
        return np.stack([kept[f"shown/{number}/{what}"] for number in numbers])

    def gap(title: str, what: str) -> Maps:
        return Maps(title, f"meV from {_FROM_EV} eV", 1000 * (of(what) - _FROM_EV), "signed")

    models = [model for model in ("float", "quantised") if f"shown/{numbers[0]}/{model}" in kept]
    columns = [
        Maps("topograph", "pm", of("topography"), "signed"),
        gap("gap, measured", "measured"),
        gap("gap, true", "true"),
        *(gap(model, model) for model in models),
        Maps(f"{models[-1]} − true", "meV", 1000 * (of(models[-1]) - of("true")), "signed"),
    ]
    if len(models) == 2:
        columns.append(Maps("quantised − float", "meV", 1000 * (of("quantised") - of("float")), "signed"))
    caption = (
        "Test images with at least two of an island's edge, a terrace's edge and a charged defect: what the "
        "microscope gives, the gap as it is measured and as it is, the answers, what is wrong with them, and "
        "by how much quantisation changed them."
    )
    labels = tuple(f"image {int(number) + 1}" for number in numbers)
    unit, side = ("pixels", 1.0) if pixel_nm is None else ("nm", pixel_nm)
    axes = Axes(f"x ({unit})", f"y ({unit})")
    return [SideBySide("Topographs and gaps", caption, tuple(columns), labels, axes, (side, side))]


def _near(name: str, models: list[str], kept: Mapping[str, NDArray[Any]]) -> Lines:
    middle = (DISTANCES[1:] + DISTANCES[:-1]) / 2
    series = []
    for model in models:
        wrong, error = kept[f"distance/{name}/{model}"]
        some = np.isfinite(wrong)
        style: Any = "dashed" if model == FLOOR else "line"
        series.append(Series(NAMES.get(model, model), middle[some], wrong[some], error[some], style))
    axes = Axes(f"distance from the nearest {TITLES[name]} (nm)", "rms error (meV)", y_scale="log")
    caption = (
        "Against the measured gap, test images; bars: one standard deviation, bootstrap over images. Dashed: "
        "the noise of that measurement; none gets below."
    )
    return Lines(f"Error: {TITLES[name]}", caption, axes, tuple(series))


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Errors of every model in every part; differences."""
    return [_errors(metrics), _differences(metrics)]


def _errors(metrics: Mapping[str, Any]) -> Rows:
    rows = [
        (NAMES.get(model, model), *(measured(found["rmse_mev"][part], 1) for part in PARTS))
        for model, found in metrics["models"].items()
    ]
    rows.append(("pixels", *(f"{metrics['models'][FLOOR]['pixels'][part]:,}" for part in PARTS)))
    caption = (
        f"Against the measured gap, but for the last column. Edges and defects: pixels nearer than "
        f"{NEAR_NM:g} nm. One standard deviation (bootstrap over images)."
    )
    head = ("rms error, meV", *(TITLES[part] for part in PARTS))
    return Rows("Errors", caption, head, tuple(rows), tuple(range(1, len(head))))


def _differences(metrics: Mapping[str, Any]) -> Rows:
    rows = [
        (what, *(measured(found["rmse_mev"][part], 1, sign=True) for part in PARTS[:-2]))
        for what, found in named_differences(metrics, NAMES, (CONTROL,))
    ]
    head = ("difference of rms errors, meV", *(TITLES[part] for part in PARTS[:-2]))
    caption = "Paired: the same bootstrap samples for both."
    return Rows("Differences", caption, head, tuple(rows), tuple(range(1, len(head))))


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Errors of the network, of trees, of the linear filter, and what noise leaves."""
    models = metrics["models"]
    best = network_of(models)
    floor = measured(models[FLOOR]["rmse_mev"]["all"], 2)
    found = [Card(measured(models[best]["rmse_mev"]["all"], 1), f"meV rms error, {best}; noise {floor}")]
    for model in ("boosting", "kernel", "filter"):
        if model in models:
            found.append(Card(measured(models[model]["rmse_mev"]["all"], 1), f"meV, {NAMES[model]}"))
    return found


def example_panels(events: Events, pixel_nm: float) -> list[Panel]:
    """A few topographs and measured gaps."""
    chosen = slice(0, 4)
    columns = (
        Maps("topograph", "pm", events.inputs["topography"][chosen, 0] * UNIT_PM, "signed"),
        Maps("gap", f"meV from {_FROM_EV} eV", 1000 * (events.truth["gap"][chosen, 0] - _FROM_EV), "signed"),
    )
    labels = tuple(f"image {number}" for number in events.truth["event"][chosen])
    caption = "Test images: what the microscope gives, and the gap that is measured at the same pixels."
    axes = Axes("x (nm)", "y (nm)")
    return [SideBySide("Topographs", caption, columns, labels, axes, (pixel_nm, pixel_nm))]

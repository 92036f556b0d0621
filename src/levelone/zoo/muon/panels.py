"""What a report shows of the muon energies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.tracker import TRACKER_PER_GEV
from levelone.panels import Axes, Card, Density, Images, Lines, Panel, Rows, Scale, Series, measured
from levelone.simulate.muon.generator import calorimeter
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import network_of
from levelone.zoo.muon.results import BINS, FEWEST, STUDY

NAMES = {
    "sum": "sum of all cells, a polynomial",
    "sum_loss": "sum of all cells, loss for the study's improvement",
    "boosting": "boosting, 28 features",
    "boosting_sums": "boosting, features and layer sums",
    "boosting_loss": "boosting, features and layer sums, loss for the study's improvement",
    CONTROL: TITLE,
}
HEADLINES = (
    Headline(
        "the study's improvement of a tracker's relative resolution, %",
        (STUDY,),
        NAMES,
        trees=("boosting_loss", "boosting_sums", "boosting"),
        difference=(),
        digits=1,
        percent=True,
        classical="sum",
    ),
)
PER_BIN: dict[str, tuple[str, str, str, Scale]] = {
    "resolution": (
        "Relative resolution",
        "relative resolution (%)",
        "Root mean square of (measured - true) / true, linearised.",
        "log",
    ),
    "width": (
        "Width of the response",
        "68 % half width (%)",
        "Half of the central 68 % of (measured - true) / true, linearised.",
        "log",
    ),
    "raw_bias": ("Bias", "bias (%)", "Median of (measured - true) / true, not linearised.", "linear"),
}
"""Quantity -> title, axis label, caption, scale."""
FIGURES = {
    STUDY: "the study's improvement",
    "resolution": "relative resolution, mean over the bins",
    "width": "68 % half width",
    "bias": "bias (median)",
    "improvement": "our improvement, to 8 TeV",
    "loss": "loss",
}


def panels(
    metrics: Mapping[str, Any], predicted: Mapping[str, NDArray[Any]], true: NDArray[Any]
) -> list[Panel]:
    """Curves per bin of true energy, predicted against true, and a table."""
    shown: list[Panel] = []
    for quantity, (title, label, what, scale) in PER_BIN.items():
        series = [_series(name, figures["bins"], quantity) for name, figures in metrics["models"].items()]
        if quantity == "resolution":
            x = np.linspace(BINS[0], BINS[-1], 60) / 1e3
            series.append(Series("tracker, 20 % per TeV", x, 1e5 * TRACKER_PER_GEV * x, style="dashed"))
        axes = Axes("true energy (TeV)", label, "linear", scale)
        caption = (
            f"{what} Bins of true energy with at least {FEWEST} test events; models stand a little beside "
            f"each other."
        )
        shown.append(Lines(title, caption, axes, tuple(series)))
    edges = np.linspace(0.0, 8.0, 33)
    for name in ("quantised", "float"):
        if name in predicted:
            counts, _, _ = np.histogram2d(true / 1e3, predicted[name] / 1e3, bins=(edges, edges))
            axes = Axes("true energy (TeV)", "measured energy (TeV)")
            caption = "Test events; the line is perfect agreement."
            shown.append(
                Density(f"Measured against true: {name}", caption, axes, counts, edges, edges, diagonal=True)
            )
            break
    return [*shown, _figures(metrics), *_differences(metrics)]


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """All figures, the network against every other, and width and bias in bins of true energy."""
    return [_figures(metrics), *_differences(metrics), _per_bin(metrics)]


def example_panels(cells: NDArray[np.float32], true: NDArray[Any], count: int = 4) -> list[Panel]:
    """Events from the lowest to the highest energy: `cells` [n, 50, 32, 32] in GeV, `true` [n] in GeV."""
    order = np.argsort(true, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.intp)]
    caption = "Energies of test events, summed along x; the muon comes from the left. Stretched along y."
    labels = tuple(f"{energy / 1e3:.1f} TeV" for energy in true[chosen])
    (section,) = calorimeter().sections
    return [
        Images(
            "Muons",
            caption,
            cells[chosen].sum(3).transpose(0, 2, 1),
            labels,
            "GeV",
            Axes("z (mm)", "y (mm)"),
            (section.layer_mm[0], section.pitch_mm),
            section.threshold_gev,
        )
    ]


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """The study's improvement by the network that goes to the hardware, or its float twin, and by the rivals.

    Then our own by the network, and its bias.
    """
    models = metrics["models"]
    name = network_of(models)
    compared = {name: name} | {
        rival: title for rival, title in NAMES.items() if rival in models and rival != CONTROL
    }
    shown = [(STUDY, model, f"% the study's improvement, {what}") for model, what in compared.items()]
    shown += [
        ("improvement", name, f"% our improvement, to 8 TeV, {name}"),
        ("bias", name, f"% bias (median), {name}"),
    ]
    return [
        Card(measured(models[model][quantity], 1, percent=True), what)
        for quantity, model, what in shown
        if quantity in models[model]  # runs of earlier versions lack the study's
    ]


def _figures(metrics: Mapping[str, Any]) -> Rows:
    first = next(iter(metrics["models"].values()))
    told = {quantity: title for quantity, title in FIGURES.items() if quantity in first}  # not by older runs
    rows = tuple(
        (NAMES.get(name, name), *(measured(figures[quantity], 3) for quantity in told))
        for name, figures in metrics["models"].items()
    )
    caption = (
        "Improvement: what the calorimeter takes off the relative resolution of a tracker with 20 % per TeV. "
        "The study's is that of arXiv:2107.02119: muons of 100 to 4,000 GeV, 20 bins, half of the central "
        "68 % in quadrature with the bias of the median. Ours: root mean square, ten bins up to 8 TeV. "
        "Errors: bootstrap over test events. Widths, resolutions and improvements are of linearised "
        "predictions; bias and loss are not."
    )
    return Rows("Figures", caption, ("model", *told.values()), rows, tuple(range(1, 1 + len(told))))


def _differences(metrics: Mapping[str, Any]) -> list[Rows]:
    """The study's improvement by the network minus that by every other model, on the same test events."""
    found = metrics.get("differences", {})
    rows = tuple(
        (
            " minus ".join(NAMES.get(name, name) for name in pair.split("-")),
            measured(figure, 4, sign=True),
        )
        for pair, figure in found.items()
    )
    caption = "Resampled together: the error is that of the difference."
    head = ("the study's improvement", "difference")
    return [Rows("Against the others", caption, head, rows, (1,))] if rows else []


def _per_bin(metrics: Mapping[str, Any]) -> Rows:
    """68 % half width and bias of every model in bins of true energy."""
    models = metrics["models"]
    bins = next(iter(models.values()))["bins"]
    rows = tuple(
        (
            f"{centre / 1e3:.1f}",
            f"{events:,.0f}",
            *(
                "–" if (value := figures["bins"][quantity][number]) is None else f"{100 * value:{form}}"
                for figures in models.values()
                for quantity, form in (("width", ".0f"), ("raw_bias", "+.0f"))
            ),
        )
        for number, (centre, events) in enumerate(zip(bins["centre"], bins["events"], strict=True))
    )
    names = (NAMES.get(name, name) for name in models)
    columns = tuple(f"{name}: {what}" for name in names for what in ("width", "bias"))
    head = ("true energy (TeV)", "events", *columns)
    caption = "68 % half width (linearised) and bias (not linearised) in %, in bins of true energy."
    return Rows("By energy", caption, head, rows, tuple(range(len(head))))


def _series(name: str, bins: Mapping[str, Any], quantity: str) -> Series:
    value = np.array([np.nan if v is None else v for v in bins[quantity]], dtype=np.float64)
    kept = np.isfinite(value)
    events = np.asarray(bins["events"], dtype=np.float64)[kept]
    width = np.array([np.nan if v is None else v for v in bins["width"]], dtype=np.float64)[kept]
    # error of a median of n normal events: 1.25 / sqrt(n); of a width: 1 / sqrt(2 n)
    error = width * (1.2533 if quantity == "raw_bias" else 0.7071) / np.sqrt(events)
    centre = np.asarray(bins["centre"])[kept] / 1e3
    return Series(NAMES.get(name, name), centre, 100 * value[kept], 100 * error, "points")

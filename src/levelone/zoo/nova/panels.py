"""What a report shows of neutrinos, and of how well their kinds are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import roc_curve
from levelone.panels import Axes, Card, Lines, Maps, Panel, Rows, Series, SideBySide, measured
from levelone.simulate.neutrino.interactions import PROCESSES
from levelone.simulate.nova.detector import CELL_CM, PLANE_CM
from levelone.simulate.nova.readout import STEP_MEV
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import Predictions, Truth, network_of
from levelone.zoo.nova.baselines import OUTPUT, OVER_CUT
from levelone.zoo.nova.features import views
from levelone.zoo.nova.results import CUT, PURE, curve, efficiency, purity
from levelone.zoo.nova.scores import CLASSES, ELECTRON, electron_score

NAMES = {
    CUT: "likelihood of width and track length",
    "boosting": "boosted trees on everything a person computes",
    CONTROL: TITLE,
}
"""What people call the models of nova that are no networks."""
HEADLINES = (
    Headline("AUC, electron neutrinos against all others", ("auc",), NAMES, classical=CUT),
    Headline(
        "electron neutrinos accepted at the purity of the classical cut, %",
        ("efficiency",),
        NAMES,
        classical=CUT,
        difference=("ratio",),
        ratio=True,
        digits=1,
        percent=True,
        why_not={"difference": "its efficiency is nothing: a ratio to it says nothing"},
    ),
)
_CELL = (2 * PLANE_CM, CELL_CM)
_AXES = Axes("along the beam (cm)", "across (cm)")
_INTERACTIONS = ("νμ CC", "νe CC", "NC")  # of `CLASSES`
_EACH = 2
_SHORTEST = 30  # planes that are shown at least


def panels(predictions: Predictions, truth: Truth, share: NDArray[np.float64]) -> list[Panel]:
    """Efficiency against purity and ROC curves of electron neutrinos, the classical quantities."""
    target, rate = (truth["label"] == ELECTRON).astype(np.uint8), truth["rate"].astype(np.float64)
    scores = {name: electron_score(found[OUTPUT], share) for name, found in predictions.items()}
    pure, roc = [], []
    for name, score in scores.items():
        kept_share, of = curve(score, target, rate)
        seen = kept_share > 0.02
        pure.append(Series(NAMES.get(name, name), kept_share[seen], of[seen]))
        false, true = roc_curve(score, target, rate)
        roc.append(Series(NAMES.get(name, name), true, false))
    if CUT in scores:
        accepted = predictions[CUT][OVER_CUT] > 0
        at = efficiency(accepted, target, rate), purity(accepted, target, rate)
        pure.append(Series("classical cut", np.array([at[0]]), np.array([at[1]]), style="points"))
    found: list[Panel] = [
        Lines(
            "Purity against efficiency",
            "Electron neutrinos accepted, and their share of what is accepted, of the oscillated mixture; "
            "same test events.",
            Axes("electron neutrinos accepted", "purity", x_limits=(0, 1), y_limits=(0, 1)),
            tuple(pure),
        ),
        Lines(
            "Background against efficiency",
            "Share of all other events that is accepted, against electron neutrinos; oscillated mixture.",
            Axes("electron neutrinos accepted", "others accepted", "linear", "log", (0, 1), (1e-3, 1)),
            tuple(roc),
        ),
    ]
    wanted = (("width", "width of the shower (cm)"), ("track length", "longest run of planes"))
    found += [_distribution(axis, truth[name], truth["label"]) for name, axis in wanted if name in truth]
    return found


def _distribution(axis: str, values: NDArray[Any], label: NDArray[Any]) -> Lines:
    edges = np.linspace(0, max(float(np.quantile(values, 0.995)), 1.0), 41)
    series = []
    for code, name in enumerate(CLASSES):
        counts, _ = np.histogram(values[label == code], edges)
        share = counts / (max(counts.sum(), 1) * np.diff(edges))
        series.append(Series(name, edges, share, style="steps"))
    title = axis.partition(" (")[0]
    return Lines(
        title[0].upper() + title[1:], "Test events, normalised.", Axes(axis, "density"), tuple(series)
    )


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Efficiency at the classical purity, what the network gains, confusion."""
    rows, gains, confused = [], [], []
    for name, found in metrics["models"].items():
        title = NAMES.get(name, name)
        rows.append(
            (
                title,
                measured(found.get("efficiency"), 1, percent=True),
                measured(found.get("pure"), 1, percent=True),
                measured(found["auc"], 4),
                measured(found["accuracy"], 1, percent=True),
            )
        )
        for true, counts in zip(CLASSES, found["confusion"], strict=True):
            confused.append((title, true, *(f"{count:,}" for count in counts)))
    for pair, found in metrics["differences"].items():
        first, _, second = pair.partition("-")
        gains.append(
            (
                f"{NAMES.get(first, first)} against {NAMES.get(second, second)}",
                measured(found.get("ratio"), 3),
                measured(found.get("auc"), 4, sign=True),
            )
        )
    pure = measured(metrics["models"].get(CUT, {}).get("purity"), 1, percent=True)
    return [
        Rows(
            "Electron neutrinos",
            f"Share of them in % that is accepted at the purity of the classical cut, {pure} %, and AUC "
            "against all others, both of the oscillated mixture; right class of three in %, of the test "
            "events as they are. One standard deviation (bootstrap over events).",
            ("model", "efficiency", f"at {100 * PURE:g} % purity", "AUC", "right class"),
            tuple(rows),
            (1, 2, 3, 4),
        ),
        Rows(
            "Gains",
            "Ratio of the efficiencies at that purity, difference of the AUC; paired: the same bootstrap "
            "samples for both.",
            ("models", "ratio", "AUC"),
            tuple(gains),
            (1, 2),
        ),
        Rows(
            "Confusion",
            "Test events of each class, and how many are called what.",
            ("model", "true", *CLASSES),
            tuple(confused),
            (2, 3, 4),
            folded=True,
        ),
    ]


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """The gain in efficiency at the classical purity, the efficiency, the share of right classes."""
    models = metrics["models"]
    best = network_of(models)
    pairs = ((CUT, "the classical cut"), ("boosting", "boosted trees"))
    found = [
        Card(
            measured(models[best].get("efficiency"), 1, percent=True),
            f"% {best} efficiency at the purity of the classical cut",
        ),
        Card(measured(models[best]["accuracy"], 1, percent=True), f"% {best}, right class of three"),
    ]
    for other, what in pairs:
        ratio = metrics["differences"].get(f"{best}-{other}", {}).get("ratio")
        if ratio:
            found.append(Card(measured(ratio, 3), f"{best} efficiency over that of {what}, at that purity"))
    return found


def example_panels(events: Events) -> list[Panel]:
    """A few events of each class in both views, as they were read."""
    both = [view * np.float32(STEP_MEV) for view in views(events)]
    label = events.truth["label"]
    found: list[Panel] = []
    for code, name in enumerate(CLASSES):
        chosen = np.flatnonzero(label == code)[:_EACH]
        if len(chosen):
            shown = [view[chosen] for view in both]
            last = max(int(np.flatnonzero(view.any((0, 1))).max(initial=0)) for view in shown)
            shown = [view[:, :, : max(last + 3, _SHORTEST)] for view in shown]
            columns = (Maps("x-z", "MeV", shown[0], "log"), Maps("y-z", "MeV", shown[1], "log"))
            labels = tuple(_interaction(code, events.truth, row) for row in chosen)
            caption = (
                "Test events, the neutrino comes from the left: light in the cells of both views, corrected "
                "for attenuation; planes behind the last one that fired are left out."
            )
            title = name[0].upper() + name[1:]
            found.append(SideBySide(title, caption, columns, labels, _AXES, _CELL))
    return found


def _interaction(code: int, truth: Truth, row: int) -> str:
    """As ``νe CC, inelastic, 2.3 GeV``; number and unit stay in one line."""
    how = f", {PROCESSES[int(truth['process'][row])]}" if "process" in truth else ""
    return f"{_INTERACTIONS[code]}{how}, {truth['energy'][row]:.1f}\N{NO-BREAK SPACE}GeV"

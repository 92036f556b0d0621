"""What a report shows of the doublets and of how well models tell true from fake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import REJECTIONS, Floats, roc_curve
from levelone.panels import Axes, Card, Images, Lines, Panel, Rows, Series, measured
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.headline import Headline
from levelone.zoo.pixelseed.results import NETWORKS

NAMES = {
    "float": "float twin",
    "baseline": "gradient boosting",
    "baseline_profile": "boosting, sub-pixel lengths",
    "layers_only": "layer identifiers only",
    CONTROL: TITLE,
}
MIXTURES = {
    "natural": "natural mixture",
    "balanced": "balanced within each layer pair",
    "natural_prior": "natural mixture, known abundances of each layer pair added to the score",
}
CLASSES = ("fake", "true")
_COLUMNS = ("AUC", *(f"at {100 * rejection:.0f} %" for rejection in REJECTIONS))
_ERRORS = "Errors: bootstrap over collisions, one standard deviation."


def panels(metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
    """ROC curves, efficiencies and differences, distributions of the scores."""
    models = {name: kept[name] for name in (*NETWORKS, "baseline")}
    held = kept["prior"] if metrics["data"].get("prior_in_network") else np.zeros(len(kept["prior"]))
    evidence = {name: score - held for name, score in models.items()}
    target, weight = kept["target"], kept["weight_balanced"]
    published = _published_efficiency(metrics)
    found: list[Panel] = [
        _roc("natural", models, target, np.ones(len(target)), published),
        *([_roc("balanced", evidence, target, weight, {})] if weight.any() else []),
    ]
    return [*found, *tables(metrics), *(_scores(name, models[name], target) for name in NETWORKS)]


def tables(metrics: Mapping[str, Any]) -> list[Rows]:
    """Efficiencies and differences in every mixture."""
    found = [_published(metrics, _published_efficiency(metrics))]
    measured_in = next(iter(metrics["models"].values()))
    for mixture in (name for name in MIXTURES if name in measured_in):
        found += [_efficiencies(metrics, mixture, every=False), _efficiencies(metrics, mixture, every=True)]
        found.append(_differences(metrics, mixture))
    return found


def headline(published: Mapping[str, float]) -> Headline:
    """The efficiency at 90 % rejection, for which there is a published one (by rejection in %)."""
    return Headline(
        "efficiency at 90 % fake rejection, natural mixture, %",
        ("natural", "all", "efficiency", "90"),
        NAMES,
        trees="baseline_profile",
        digits=2,
        percent=True,
        published=f"{100 * published['90']:.2f}",
    )


def cards(metrics: Mapping[str, Any]) -> list[Card]:
    """Efficiency in both mixtures, and the distance to the float twin."""
    found = []
    for mixture in ("natural", "balanced"):
        entry = metrics["models"]["quantised"].get(mixture, {}).get("all")
        if entry:
            efficiency = measured(entry["efficiency"]["90"], 2, percent=True)
            found.append(Card(efficiency, f"% quantised efficiency at 90 % rejection, {mixture}"))
    mixture = metrics["data"]["trained_on"]
    entry = metrics["differences"]["quantised-float"].get(mixture, {}).get("all")
    if entry:
        points = measured(entry["efficiency"]["90"], 2, percent=True, sign=True)
        found.append(Card(points, f"points: quantised minus float twin at 90 %, {mixture}"))
    return found


def example_panels(images: NDArray[np.float32], target: NDArray[Any], each: int = 4) -> list[Panel]:
    """Both clusters of a few true and fake doublets: `images` [n, 2, 16, 16] in ke."""
    found: list[Panel] = []
    for code in (1, 0):
        chosen = images[np.flatnonzero(target == code)[:each]]
        if not len(chosen):
            continue
        what = f"{CLASSES[code]} doublets"
        hits = tuple(f"{number}, {hit}" for number in range(1, len(chosen) + 1) for hit in ("inner", "outer"))
        caption = (
            f"Pixel charges of {what} from the test events, as the network sees them: inner and outer hit. "
            "True: both hits belong to the same particle."
        )
        flat = chosen.reshape(-1, *chosen.shape[2:])
        axes = Axes("z or r (pixel)", "r-phi (pixel)")
        found.append(Images(what.capitalize(), caption, flat, hits, "ke", axes, smallest=0.5))
    return found


def _roc(
    mixture: str,
    models: Mapping[str, NDArray[Any]],
    target: NDArray[Any],
    weight: Floats,
    published: Mapping[float, float],
) -> Lines:
    """Efficiency against accepted fakes."""
    curves = []
    for name, score in models.items():
        curve = roc_curve(score, target, weight)
        curves.append(Series(name if name in NETWORKS else NAMES[name], *curve))
    caption = "Efficiency against accepted fakes on the same test doublets."
    if published:
        x = np.array([1 - rejection / 100 for rejection in published])
        curves.append(Series("CMS, published", x, np.array(list(published.values())), style="points"))
        caption += (
            " Points: published efficiencies of a CNN on CMS simulation (another detector, another "
            "selection), for context."
        )
    axes = Axes("fakes accepted", "true doublets accepted", "log", "linear", (2e-3, 1), (0, 1.02))
    return Lines(f"Efficiency, {MIXTURES[mixture]}", caption, axes, tuple(curves))


def _scores(name: str, score: NDArray[Any], target: NDArray[Any]) -> Lines:
    low, high = np.quantile(score, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1, 61)
    drawn = []
    for code, what in enumerate(CLASSES):
        counts, _ = np.histogram(np.clip(score[target == code], edges[0], edges[-1]), edges, density=True)
        drawn.append(Series(what, edges, counts, style="steps"))
    caption = "Network output for true and fake test doublets, natural mixture."
    return Lines(f"Score, {NAMES.get(name, name)}", caption, Axes("logit", "density"), tuple(drawn))


def _published_efficiency(metrics: Mapping[str, Any]) -> dict[float, float]:
    """By rejection in %."""
    return {float(r): value for r, value in metrics["reference"].get("efficiency", {}).items()}


def _published(metrics: Mapping[str, Any], published: Mapping[float, float]) -> Rows:
    rows: list[tuple[str, ...]] = [
        ("CMS simulation, published", *(f"{v * 100:.2f}" for v in published.values()))
    ]
    for name, results in metrics["models"].items():
        entry = results.get("natural", {}).get("all")
        if entry:
            cells = (measured(entry["efficiency"].get(f"{r:g}"), 2, percent=True) for r in published)
            rows.append((f"{NAMES.get(name, name)}, this data", *cells))
    head = ("natural mixture", *(f"at {r:g} %" for r in published))
    caption = "efficiency in % at the given fake rejection"
    return Rows("Beside the published efficiencies", caption, head, tuple(rows), _flush_right(1, head))


def _efficiencies(metrics: Mapping[str, Any], mixture: str, *, every: bool) -> Rows:
    """AUC and efficiencies of every model, for all doublets or in every region."""
    models = metrics["models"]
    regions = [r for r in next(iter(models.values()))[mixture] if every == (r != "all")]
    rows = [
        (region, NAMES.get(name, name), *_cells(entry), f"{entry['signal']:,} / {entry['background']:,}")
        for region in regions
        for name, results in models.items()
        if (entry := results.get(mixture, {}).get(region)) is not None
    ]
    head = ("region", "model", *_COLUMNS, "true / fake")
    return Rows(
        f"Efficiency, {MIXTURES[mixture]}{', by region' if every else ''}",
        f"efficiency in % at the given fake rejection. {_ERRORS}",
        head,
        tuple(rows),
        _flush_right(2, head),
        folded=every,
    )


def _differences(metrics: Mapping[str, Any], mixture: str) -> Rows:
    """Paired differences between models on the same doublets."""
    rows = []
    for pair, results in metrics["differences"].items():
        what = " − ".join(NAMES.get(name, name) for name in pair.split("-"))
        rows += [(r, what, *_cells(entry, sign=True)) for r, entry in results.get(mixture, {}).items()]
    head = ("region", "difference", *_COLUMNS)
    caption = f"in percentage points, paired: the same bootstrap samples for both models. {_ERRORS}"
    title = f"Differences, {MIXTURES[mixture]}"
    return Rows(title, caption, head, tuple(rows), _flush_right(2, head), folded=True)


def _flush_right(first: int, head: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(range(first, len(head)))


def _cells(entry: Mapping[str, Any], *, sign: bool = False) -> Iterator[str]:
    yield measured(entry["auc"], 4, sign=sign)
    for cell in entry["efficiency"].values():
        yield measured(cell, 2, percent=True, sign=sign)

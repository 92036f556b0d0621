"""How well muon energies are measured: bias, 68 % interval and relative resolution in bins of true energy.

Two figures tell what the calorimeter takes off the resolution of a tracker. ``study_improvement`` is that of
the published study (`levelone.metrics.tracker`). ``improvement`` is our own: up to 8 TeV, in ten bins, with
the root mean square, in which the tails count, in place of the central 68 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.metrics import tracker
from levelone.zoo.kit.meter import Predictions, Truth, network_of
from levelone.zoo.muon.section import GEV_PER_UNIT, OUTPUT

Floats = NDArray[np.float64]

BINS = np.linspace(50.0, 8000.0, 11)
"""Edges of the bins of true energy in GeV."""
FEWEST = 8
"""Events that a bin needs before anything is said about it."""
STUDY = "study_improvement"
RESAMPLES = 50
Draws = dict[str, Floats]
"""Figure -> its value for each resampling of the test events."""


def figures(predictions: Predictions, truth: Truth, *, seed: int) -> dict[str, Any]:
    """``models``: the `summary` of each; ``differences``: the network's `STUDY` minus that of every other.

    All models are resampled alike, so that the error of a difference is that of the difference. The network
    is the quantised one, or the float one if there is no other.
    """
    true = truth["energy"].astype(np.float64)
    models, draws = {}, {}
    for name, outputs in predictions.items():
        predicted = outputs[OUTPUT].reshape(-1).astype(np.float64) * GEV_PER_UNIT
        models[name], draws[name] = summary(true, predicted, seed=seed)
    return {"models": models, "differences": _differences(models, draws)}


def _differences(models: dict[str, Any], draws: dict[str, Draws]) -> dict[str, Any]:
    network = network_of(models)
    found: dict[str, Any] = {}
    for name in models.keys() - {network} if network in models else ():
        ours, theirs = models[network][STUDY]["value"], models[name][STUDY]["value"]
        if ours is not None and theirs is not None:
            found[f"{network}-{name}"] = _figure(ours - theirs, draws[network][STUDY] - draws[name][STUDY])
    return dict(sorted(found.items()))


def in_bins(true: Floats, predicted: Floats, edges: Floats = BINS) -> dict[str, Floats]:
    """Figures per bin of true energy; NaN where a bin has fewer than `FEWEST` events.

    Parameters
    ----------
    true, predicted
        [n] energies in GeV.

    Returns
    -------
    dict
        ``centre`` in GeV, ``events``, and of ``(predicted - true) / true``: ``bias`` (median), ``width``
        (half of the central 68 %), ``resolution`` (root mean square).
    """
    which = np.digitize(true, edges) - 1
    count = len(edges) - 1
    result = {name: np.full(count, np.nan) for name in ("bias", "width", "resolution")}
    result["centre"] = (edges[1:] + edges[:-1]) / 2
    result["events"] = np.array([np.count_nonzero(which == b) for b in range(count)], dtype=np.float64)
    for b in np.flatnonzero(result["events"] >= FEWEST):
        inside = which == b
        error = (predicted[inside] - true[inside]) / true[inside]
        low, middle, high = np.quantile(error, (0.16, 0.5, 0.84))
        result["bias"][b], result["width"][b] = middle, (high - low) / 2
        result["resolution"][b] = np.sqrt(np.mean(error**2))
    return result


def linearised(true: Floats, predicted: Floats, edges: Floats = BINS) -> Floats:
    """Predictions whose medians are made to agree with the truth, by a straight line through the medians.

    A regression pulls towards the middle of its range.
    """
    which = np.digitize(true, edges) - 1
    centres, medians = [], []
    for b in range(len(edges) - 1):
        inside = which == b
        if np.count_nonzero(inside) >= FEWEST:
            centres.append(np.median(true[inside]))
            medians.append(np.median(predicted[inside]))
    if len(centres) < 2:
        return predicted
    slope, offset = np.polyfit(centres, medians, 1)
    if slope <= 0.05:  # no response worth inverting
        return predicted
    return np.asarray((predicted - offset) / slope, dtype=np.float64)


def improvement(true: Floats, predicted: Floats, edges: Floats = BINS) -> float:
    """Mean over the bins of what the calorimeter takes off the tracker's relative resolution."""
    bins = in_bins(true, linearised(true, predicted, edges), edges)
    alone = tracker.tracker_resolution(bins["centre"])
    return float(np.nanmean(alone - tracker.combined(alone, bins["resolution"])))


def huberised(predicted: Floats, true: Floats, edges: Floats, quantile: float = 0.68) -> Floats:
    """Loss of every event, [n]: squared error over true energy, linear above a quantile of each bin.

    The formula of the study's loss in NumPy, for tests and tables; `fractional_huber` is what trains.
    """
    square = (predicted - true) ** 2
    result = square.copy()
    which = np.digitize(true, edges)
    for b in np.unique(which):
        inside = which == b
        order = np.sort(square[inside])
        threshold = order[round(quantile * (len(order) - 1))]
        large = inside & (square > threshold)
        root = np.sqrt(threshold)
        result[large] = threshold + 2 * root * (np.abs(predicted[large] - true[large]) - root)
    return result / true


def summary(
    true: Floats, predicted: Floats, *, resamples: int = RESAMPLES, seed: int = 1
) -> tuple[dict[str, Any], Draws]:
    """Figures of one model with bootstrap errors, and the curves per bin (JSON); the resampled figures.

    ``resolution`` (mean over the bins), ``width`` and both improvements are those of the linearised
    predictions, so that a model gains nothing by answering with the middle of the range; ``bias`` and
    ``loss`` are those of the predictions as they are. ``bins`` has the curves of the linearised predictions,
    and ``raw_bias``.
    """
    bins = in_bins(true, linearised(true, predicted))
    if not np.isfinite(bins["width"]).any():
        raise LeveloneError(
            f"{len(true)} test events: no bin of true energy has {FEWEST}", hint="raise data.max_test"
        )
    bins["raw_bias"] = in_bins(true, predicted)["bias"]
    rng = np.random.default_rng(seed)
    found = _figures(true, predicted)
    drawn = []
    for _ in range(resamples):
        rows = rng.integers(0, len(true), len(true))
        drawn.append(_figures(true[rows], predicted[rows]))
    draws = {name: np.array([figures[name] for figures in drawn]) for name in found}
    return {
        **{name: _figure(value, draws[name]) for name, value in found.items()},
        "bins": {
            name: [None if not np.isfinite(v) else float(v) for v in values] for name, values in bins.items()
        },
    }, draws


def _figure(value: float, draws: Floats) -> dict[str, float | None]:
    """Value and standard deviation of its resampled values; None where there were too few events."""
    told = draws[np.isfinite(draws)]
    return {
        "value": value if np.isfinite(value) else None,
        "error": float(np.std(told)) if len(told) > 1 else None,
    }


def _figures(true: Floats, predicted: Floats) -> dict[str, float]:
    straight = linearised(true, predicted)
    bins = in_bins(true, straight)
    error = (predicted - true) / true
    low, high = np.quantile((straight - true) / true, (0.16, 0.84))
    return {
        STUDY: tracker.improvement(true, predicted),
        "resolution": float(np.nanmean(bins["resolution"])),
        "width": float((high - low) / 2),
        "bias": float(np.median(error)),
        "improvement": improvement(true, predicted),
        "loss": float(np.mean(huberised(predicted / 1e3, true / 1e3, BINS / 1e3))),
    }

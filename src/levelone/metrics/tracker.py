"""What a calorimeter adds to a tracker that measures the same muon.

The definition is that of J. Kieseler et al., "Calorimetric measurement of multi-TeV muons via deep
regression", Eur. Phys. J. C 82 (2022) 79, arXiv:2107.02119, and of the code published with it, for muons of
100 to 4,000 GeV: predictions are made linear, and in 20 bins of true energy the calorimeter's resolution is
half of the central 68 % of the predictions in quadrature with the bias of their median.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TRACKER_PER_GEV = 2e-4
"""Relative resolution of the tracker per GeV of energy: 20 % at 1 TeV."""
EDGES = np.linspace(100.0, 4000.0, 21)
"""Bins of true energy in GeV."""
LINE_EDGES = np.linspace(100.0, 4000.0, 40)
"""Bins whose medians the line is fitted to."""
CENTRAL = (0.15865, 0.5, 0.84135)
FEWEST = 8
"""Events that a bin needs before anything is said about it."""


def tracker_resolution(energy: Floats) -> Floats:
    """Relative resolution of the tracker at energies in GeV."""
    return TRACKER_PER_GEV * energy


def combined(one: Floats, other: Floats) -> Floats:
    """Resolution of the weighted mean of two independent measurements."""
    return 1 / np.sqrt(1 / one**2 + 1 / other**2)


def straightened(true: Floats, predicted: Floats) -> Floats:
    """Predictions behind the inverse of a line through their medians.

    The line is fitted to the medians in `LINE_EDGES`, each with the weight of the half width of its central
    68 %. Without two bins, or without a rising line, predictions stay as they are.

    Parameters
    ----------
    true, predicted
        [n] energies in GeV.
    """
    centre = (LINE_EDGES[1:] + LINE_EDGES[:-1]) / 2
    low, middle, high = _quantiles(true, predicted, LINE_EDGES)
    width = (high - low) / 2
    good = width > 0
    if np.count_nonzero(good) < 2:
        return predicted
    slope, offset = np.polyfit(centre[good], middle[good], 1, w=1 / width[good])
    return np.asarray((predicted - offset) / slope) if slope > 0 else predicted


def resolution(true: Floats, predicted: Floats) -> Floats:
    """Relative resolution in the bins of `EDGES`, [20]: NaN in bins with fewer than `FEWEST` events.

    Half of the central 68 % of the predictions, in quadrature with what their median is beside that of the
    true energies, over the latter.

    Parameters
    ----------
    true, predicted
        [n] energies in GeV; predictions as they are, or `straightened`.
    """
    low, middle, high = _quantiles(true, predicted, EDGES)
    aim = _quantiles(true, true, EDGES)[1]
    return np.asarray(np.hypot((high - low) / 2, middle - aim) / aim)


def improvement(true: Floats, predicted: Floats) -> float:
    """What the calorimeter takes off the tracker's relative resolution, in the mean over the bins.

    NaN if no bin has `FEWEST` events.

    Parameters
    ----------
    true, predicted
        [n] energies in GeV; those outside of `EDGES` are left out.
    """
    tracker = tracker_resolution((EDGES[1:] + EDGES[:-1]) / 2)
    found = resolution(true, straightened(true, predicted))
    told = np.isfinite(found)
    if not told.any():
        return float("nan")
    return float(np.mean(tracker[told] - combined(tracker[told], found[told])))


def _quantiles(true: Floats, values: Floats, edges: Floats) -> Floats:
    """`CENTRAL` quantiles of the values in bins of true energy, [3, bins]; NaN in bins with few events."""
    which = np.digitize(true, edges) - 1
    found = np.full((len(CENTRAL), len(edges) - 1), np.nan)
    for number in range(len(edges) - 1):
        inside = values[which == number]
        if len(inside) >= FEWEST:
            found[:, number] = np.quantile(inside, CENTRAL)
    return found

"""Energy resolution: widths in bins of true energy, and the fit sigma / E = a / sqrt(E) (+) b (+) c / E.

(+) is the quadratic sum; a is the stochastic, b the constant, c the noise term. In the squares of the three
the model is linear, which is how it is fitted: weighted least squares with squares that are not negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 20
"""Events that a bin needs before its width is used."""
_GAUSSIAN_68 = 1.2533
"""Error of half the central 68 % of n normal events over that of their standard deviation, about."""


@dataclass(frozen=True)
class Widths:
    """Response r = predicted / true in bins of true energy; NaN in bins with fewer than `FEWEST` events.

    Attributes
    ----------
    energy
        [bins] mean true energy, GeV.
    response
        [bins] median of r.
    width
        [bins] half of the central 68 % of r, over its median.
    error
        [bins] one standard deviation of `width`.
    events
        [bins] how many.
    """

    energy: Floats
    response: Floats
    width: Floats
    error: Floats
    events: NDArray[np.int64]


def widths(true: Floats, predicted: Floats, edges: Floats) -> Widths:
    """Response and width in bins.

    Parameters
    ----------
    true, predicted
        [n] GeV.
    edges
        [bins + 1] GeV.
    """
    count = len(edges) - 1
    which = np.digitize(true, edges) - 1
    energy, response, width, error = np.full((4, count), np.nan)
    events = np.bincount(which[(which >= 0) & (which < count)], minlength=count)
    for number in np.flatnonzero(events >= FEWEST):
        inside = which == number
        low, middle, high = np.quantile(predicted[inside] / true[inside], (0.1587, 0.5, 0.8413))
        energy[number], response[number] = true[inside].mean(), middle
        width[number] = (high - low) / 2 / abs(middle) if middle else np.nan
        error[number] = _GAUSSIAN_68 * width[number] / np.sqrt(2 * events[number])
    return Widths(energy, response, width, error, events)


def fit_terms(energy: Floats, width: Floats, error: Floats) -> tuple[Floats, float]:
    """Fit sigma / E = a / sqrt(E) (+) b (+) c / E.

    Parameters
    ----------
    energy, width, error
        [bins] GeV, sigma / E and its standard deviation; NaN entries are left out.

    Returns
    -------
    terms
        [3] a in sqrt(GeV), b, c in GeV, none negative; NaN if fewer than four bins are left.
    chi2
        Sum of squared residuals of the squared widths over their errors.
    """
    from scipy.optimize import nnls

    good = np.isfinite(width) & np.isfinite(error) & (error > 0)
    if np.count_nonzero(good) < 4:
        return np.full(3, np.nan), float("nan")
    energy, width, error = energy[good], width[good], error[good]
    weight = 1 / (2 * width * error)
    design = np.stack([1 / energy, np.ones_like(energy), energy**-2.0], axis=1) * weight[:, None]
    size = np.linalg.norm(design, axis=0)
    squares, residual = nnls(design / size, width**2 * weight)
    return np.sqrt(squares / size), float(residual**2)


def summarise(
    true: Floats, predicted: Floats, edges: Floats, *, replicas: int = 100, seed: int = 1
) -> dict[str, Any]:
    """Everything that is said of one model and one kind of particle, as JSON.

    Returns
    -------
    dict
        ``mean`` and ``width`` (standard deviation) of (predicted - true) / true over all events, ``core``
        (half of the central 68 %), ``a``, ``b``, ``c`` of `fit_terms` (fractions and GeV, not percent): each
        ``{"value": x, "error": x}``, errors by bootstrap over events; ``chi2``, ``points``; ``bins``.
    """
    rng = np.random.default_rng(seed)
    found, chi2, bins = _figures(true, predicted, edges)
    draws = []
    for _ in range(replicas):
        rows = rng.integers(0, len(true), len(true))
        draws.append(_figures(true[rows], predicted[rows], edges)[0])
    result: dict[str, Any] = {
        name: {"value": _number(value), "error": _number(_spread([draw[name] for draw in draws]))}
        for name, value in found.items()
    }
    kept = np.isfinite(bins.width)
    curves = {name: getattr(bins, name)[kept].tolist() for name in ("energy", "response", "width", "error")}
    points = int(np.count_nonzero(kept))
    return {**result, "chi2": _number(chi2), "points": points, "events": len(true), "bins": curves}


def _figures(true: Floats, predicted: Floats, edges: Floats) -> tuple[dict[str, float], float, Widths]:
    bins = widths(true, predicted, edges)
    terms, chi2 = fit_terms(bins.energy, bins.width, bins.error)
    error = (predicted - true) / true
    low, high = np.quantile(error, (0.1587, 0.8413))
    figures = {"mean": float(error.mean()), "width": float(error.std()), "core": float((high - low) / 2)}
    return figures | dict(zip("abc", terms.tolist(), strict=True)), chi2, bins


def _spread(values: list[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.std(finite)) if finite else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

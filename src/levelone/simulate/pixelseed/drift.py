"""From a straight passage through a sensor to charge in pixels: drift, Lorentz deflection, diffusion.

Electrons drift along the normal of a module to its readout plane. A magnetic field turns their path by the
Lorentz angle, whose tangent is proportional to the field across it, and on the way the cloud widens like the
square root of the drift. Both numbers are those of the digitisers of the CMS software
(github.com/cms-sw/cmssw), the same for its Phase-1 pixels (SimTracker/SiPixelDigitizer:
``TanLorentzAnglePerTesla``, ``Sigma0``, ``Dist300``) and its Phase-2 pixels (SimTracker/SiPhase2Digitizer:
``SigmaZero``). The Lorentz angle was measured, too: 11.77 degrees at 2 T in ATLAS (Eur. Phys. J. C 70 (2010)
787), where 0.106 per tesla gives 11.97; and Einstein's relation gives this diffusion for 300 V across 300 um.

A passage is cut into steps. The charge of a step is spread evenly along it and blurred by the width at its
middle, so that what pixels collect does not depend on the steps; `tests/simulate/test_drift.py` halves them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from levelone.simulate.materials import Floats

LORENTZ_PER_TESLA = 0.106
"""Tangent of the Lorentz angle of electrons per tesla."""
DIFFUSION_MM, DIFFUSION_DRIFT_MM = 3.7e-3, 0.300
"""Width (one standard deviation) of a point charge, and the drift after which it has it."""
STEP_MM = 0.020
"""Longest step, a round value: small beside a pixel, and what pixels collect does not depend on it."""
FAR = 5.0
"""Charge that is more widths away from an edge stays on its side."""


@dataclass(frozen=True)
class Passages:
    """Straight passages through sensors (n each), in the local axes of the module, mm from its corner.

    Attributes
    ----------
    enter, leave
        float64 [n, 3]: x, y, and the distance from the readout plane.
    """

    enter: Floats
    leave: Floats


@dataclass(frozen=True)
class Shares:
    """How the charge of m steps divides among the four pixels around the nearest corner of pixels.

    Attributes
    ----------
    row, column
        int64 [m]: the upper of the two rows and the right of the two columns.
    above, right
        float64 [m]: what that row, and that column, collects; the rest is for the one before it.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    above: Floats
    right: Floats


def diffusion_mm(depth_mm: Floats) -> Floats:
    """Width (one standard deviation) of a point charge that drifted `depth_mm`, same shape."""
    return DIFFUSION_MM * np.sqrt(np.maximum(depth_mm, 0) / DIFFUSION_DRIFT_MM)


def cut(passages: Passages, step_mm: float = STEP_MM) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Cut into equal steps: how many of each passage [n], and where all steps begin and end, [m, 3] each."""
    span = passages.leave - passages.enter
    count = np.maximum(np.ceil(np.linalg.norm(span, axis=1) / step_mm), 1).astype(np.int64)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    delta = np.repeat(span / count[:, None], count, axis=0)
    begin = np.repeat(passages.enter, count, axis=0) + number[:, None] * delta
    return count, begin, begin + delta


def share(begin: Floats, end: Floats, drift: Floats, pitch_mm: tuple[float, float]) -> Shares:
    """Which pixels collect which share of the charge of each step.

    Parameters
    ----------
    begin, end
        float64 [m, 3], as in `Passages`.
    drift
        float64 [m, 2]: displacement along local x and y per drifted length.
    """
    sigma = diffusion_mm((begin[:, 2] + end[:, 2]) / 2)
    sides = []
    for axis, pitch in enumerate(pitch_mm):
        low = begin[:, axis] + drift[:, axis] * begin[:, 2]
        high = end[:, axis] + drift[:, axis] * end[:, 2]
        edge = np.rint((low + high) / 2 / pitch)
        sides.append((edge.astype(np.int64), _beyond(low - edge * pitch, high - edge * pitch, sigma)))
    (row, above), (column, right) = sides
    return Shares(row, column, above, right)


def _beyond(low: Floats, high: Floats, sigma: Floats) -> Floats:
    """Share beyond zero of charge spread evenly from `low` to `high` and blurred by `sigma`, [m]."""
    sigma = np.maximum(sigma, 1e-6)
    share = (low + high > 0).astype(np.float64)
    near = np.flatnonzero((np.minimum(low, high) < FAR * sigma) & (np.maximum(low, high) > -FAR * sigma))
    a, b = low[near] / sigma[near], high[near] / sigma[near]
    flat = np.abs(b - a) < 1e-3
    safe = np.where(flat, 1.0, b - a)
    share[near] = np.clip(np.where(flat, ndtr((a + b) / 2), (_integral(b) - _integral(a)) / safe), 0, 1)
    return share


def _integral(u: Floats) -> Floats:
    """Integral of the normal distribution function up to `u`."""
    return u * ndtr(u) + np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)

"""From a straight passage through a sensor to charge in pixels: drift, Lorentz deflection, diffusion.

Electrons drift along the normal to the readout plane. A magnetic field turns their path by the Lorentz angle,
whose tangent is proportional to the field across it: 0.106 per tesla in the digitiser of the CMS software
(``TanLorentzAnglePerTesla``, github.com/cms-sw/cmssw, SimTracker/SiPixelDigitizer), for its Phase-1 and its
Phase-2 pixels alike. Measured: 11.77 degrees at 2 T in ATLAS (Eur. Phys. J. C 70 (2010) 787), where 0.106
per tesla gives 11.97. On the way the cloud widens like the square root of the drift: Einstein's relation,
``sigma^2 = 2 kT/q * depth * thickness / voltage``, in a uniform field; no mobility enters.

A passage is cut into steps. The charge of a step is spread evenly along it and blurred by the width at its
middle, so that what pixels collect hardly depends on the steps; `tests/simulate/test_drift.py` halves them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

LORENTZ_PER_TESLA = 0.106
"""Tangent of the Lorentz angle of electrons per tesla."""
THERMAL_VOLT = 8.617333e-5 * 263.0
"""kT/q at -10 degrees Celsius, V."""
STEP_MM = 0.010
"""Longest step, as in the CMS digitiser (``SegmentLength``)."""
LEAST_SHARE = 1e-4
"""Shares of a step's charge below this are left out."""


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


def diffusion_mm(depth_mm: Floats, thickness_mm: float, bias_volt: float) -> Floats:
    """Width (one standard deviation) of a point charge that drifted `depth_mm`, same shape."""
    return np.sqrt(2 * THERMAL_VOLT * np.maximum(depth_mm, 0) * thickness_mm / bias_volt)


def cut(passages: Passages, step_mm: float = STEP_MM) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Steps of all passages: their passage [m], and where they begin and end, [m, 3] each."""
    span = passages.leave - passages.enter
    length = np.linalg.norm(span, axis=1)
    count = np.maximum(np.ceil(length / step_mm), 1).astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    delta = span[owner] / count[owner, None]
    begin = passages.enter[owner] + number[:, None] * delta
    return owner, begin, begin + delta


def collect(
    begin: Floats,
    end: Floats,
    lorentz: Floats,
    pitch_mm: tuple[float, float],
    thickness_mm: float,
    bias_volt: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Floats]:
    """Which pixels collect which share of the charge of each step.

    Parameters
    ----------
    begin, end
        float64 [m, 3], as in `Passages`.
    lorentz
        float64 [m, 2]: displacement along local x and y per drifted length.

    Returns
    -------
    step, row, column
        int64 [k].
    share
        float64 [k]; the shares of a step add up to one, but for `LEAST_SHARE` and what a cloud puts beyond
        the nearest pixel boundary on each axis's other side.
    """
    sigma = diffusion_mm((begin[:, 2] + end[:, 2]) / 2, thickness_mm, bias_volt)
    sides = []
    for axis, pitch in enumerate(pitch_mm):
        low = begin[:, axis] + lorentz[:, axis] * begin[:, 2]
        high = end[:, axis] + lorentz[:, axis] * end[:, 2]
        edge = np.rint((low + high) / 2 / pitch)
        beyond = _beyond((low - edge * pitch), (high - edge * pitch), sigma)
        sides.append((edge.astype(np.int64), beyond))
    (row, above), (column, right) = sides
    m = len(begin)
    step = np.tile(np.arange(m), 4)
    rows = np.concatenate([row, row, row - 1, row - 1])
    columns = np.concatenate([column, column - 1, column, column - 1])
    share = np.concatenate(
        [above * right, above * (1 - right), (1 - above) * right, (1 - above) * (1 - right)]
    )
    kept = share > LEAST_SHARE
    return step[kept], rows[kept], columns[kept], share[kept]


def _beyond(low: Floats, high: Floats, sigma: Floats) -> Floats:
    """Share beyond zero of charge spread evenly from `low` to `high` and blurred by `sigma`, [m]."""
    sigma = np.maximum(sigma, 1e-6)
    a, b = low / sigma, high / sigma
    flat = np.abs(b - a) < 1e-3
    safe = np.where(flat, 1.0, b - a)
    return np.where(flat, ndtr((a + b) / 2), (_integral(b) - _integral(a)) / safe)


def _integral(u: Floats) -> Floats:
    """Integral of the normal distribution function up to `u`."""
    return u * ndtr(u) + np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)

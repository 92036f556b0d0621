"""From particles that cross sensors to the charge that each of them leaves in each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import PixelDetector
from levelone.simulate.materials import Floats
from levelone.simulate.pixelseed.charge import freed_electrons
from levelone.simulate.pixelseed.drift import STEP_MM, Passages, cut, share
from levelone.simulate.pixelseed.transport import Crossings

LEAST_ELECTRONS = 1.0
"""Less is not collected."""


@dataclass(frozen=True)
class Cells:
    """Charge of every particle in every pixel of one event (n cells).

    Attributes
    ----------
    module
        int64 [n] index of the module.
    row, column
        int64 [n] pixel along local x and local y.
    electrons
        float64 [n] charge, without noise.
    particle
        int64 [n] identifier of the particle, unique within the event.
    primary
        int64 [n] row of the generated particle, or -1 for a particle made in the detector.
    pt_gev
        float64 [n] true transverse momentum where the particle crosses the sensor.
    """

    module: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    electrons: Floats
    particle: NDArray[np.int64]
    primary: NDArray[np.int64]
    pt_gev: Floats


def collect(
    detector: PixelDetector,
    module: NDArray[np.int64],
    crossings: Crossings,
    rng: np.random.Generator,
    step_mm: float = STEP_MM,
) -> Cells:
    """Straggling, drift and diffusion, step by step.

    Parameters
    ----------
    module
        Index of the module of each crossing, int64 [crossings].
    step_mm
        Longest step; no result depends on it.
    """
    passages = _passages(detector, module, crossings)
    count, begin, end = cut(passages, step_mm)
    owner = np.repeat(np.arange(len(count)), count)
    length = np.linalg.norm(passages.leave - passages.enter, axis=1) / count
    electrons = freed_electrons(rng, length, crossings.beta_gamma, count)
    shares = share(begin, end, detector.drift[module][owner], (detector.pitch_x_mm, detector.pitch_y_mm))

    # A passage fills a box of its own in one long table: rows and columns from `low` on, `size` of them.
    low, size = _boxes(owner, len(module), np.stack([shares.row, shares.column], axis=1))
    start = np.concatenate([[0], np.cumsum(size.prod(axis=1))])
    place = start[owner] + (shares.row - low[owner, 0]) * size[owner, 1] + shares.column - low[owner, 1]
    charge = np.zeros(start[-1])
    down = size[owner, 1]
    for offset, weight in (
        (0, shares.above * shares.right),
        (1, shares.above * (1 - shares.right)),
        (down, (1 - shares.above) * shares.right),
        (down + 1, (1 - shares.above) * (1 - shares.right)),
    ):
        charge += np.bincount(place - offset, electrons * weight, len(charge))

    full = np.flatnonzero(charge >= LEAST_ELECTRONS)
    crossing = np.searchsorted(start, full, side="right") - 1
    row, column = np.divmod(full - start[crossing], size[crossing, 1])
    row, column = row + low[crossing, 0], column + low[crossing, 1]
    inside = (row >= 0) & (row < detector.rows) & (column >= 0) & (column < detector.columns)
    crossing = crossing[inside]
    return Cells(
        module=module[crossing],
        row=row[inside],
        column=column[inside],
        electrons=charge[full[inside]],
        particle=crossings.particle[crossing],
        primary=crossings.primary[crossing],
        pt_gev=crossings.pt_gev[crossing],
    )


def _passages(detector: PixelDetector, module: NDArray[np.int64], crossings: Crossings) -> Passages:
    """Straight on through the whole thickness, within the module; the normal leaves at the readout plane."""
    offset = crossings.position_mm - detector.center_mm[module]
    axes = (detector.axis_x[module], detector.axis_y[module], detector.normal[module])
    x, y, _ = (np.einsum("ni,ni->n", offset, axis) for axis in axes)
    along_x, along_y, along_normal = (np.einsum("ni,ni->n", crossings.direction, axis) for axis in axes)
    across = np.where(np.abs(along_normal) < 1e-6, 1e-6, along_normal)
    half = detector.thickness_mm / 2
    first, last = np.full(len(module), -half), np.full(len(module), half)
    middle = (detector.rows * detector.pitch_x_mm / 2, detector.columns * detector.pitch_y_mm / 2)
    for at, slope, edge in ((x, along_x / across, middle[0]), (y, along_y / across, middle[1])):
        steep = np.where(slope == 0, 1e-12, slope)
        one, two = (-edge - at) / steep, (edge - at) / steep
        first, last = np.maximum(first, np.minimum(one, two)), np.minimum(last, np.maximum(one, two))
    last = np.maximum(first, last)

    def point(height: Floats) -> Floats:
        return np.stack(
            [
                x + along_x / across * height + middle[0],
                y + along_y / across * height + middle[1],
                half - height,
            ],
            axis=1,
        )

    return Passages(point(first), point(last))


def _boxes(
    owner: NDArray[np.int64], count: int, pixel: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each owner, first pixel and number of pixels, [count, 2], that hold `pixel` and the one before."""
    if not count:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    start = np.searchsorted(owner, np.arange(count))
    low = np.minimum.reduceat(pixel, start, axis=0) - 1
    return low, np.maximum.reduceat(pixel, start, axis=0) - low + 1

"""The classical way: maxima of the smoothed frame, and a least-squares fit of a Gaussian to each.

One molecule per maximum, in a window of 7 x 7 pixels; place, photons and background are fitted, the width
is known. How far a maximum has to stand out is chosen on training frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.optimize import leastsq

from levelone.metrics.localisation import match
from levelone.simulate.smlm.optics import Gaussian
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.smlm.section import SmlmModel

Floats = NDArray[np.float64]

TOLERANCE_NM = 250.0
"""Largest distance of a match, as in the public challenge."""
RADIUS = 3
"""Pixels to either side of a maximum that are fitted."""
_LEVELS = tuple(np.geomspace(0.3, 3.0, 12))
_TUNED_ON = 200  # training frames
_BACKGROUND = 20  # percentile of the smoothed frame that is taken for it
_NOTHING = -30.0  # a logit


def fitted_spots(train: Source, model: SmlmModel) -> Predictor:
    """The method, tuned: answers as a network gives them, a logit above 0 in the pixel of each fit."""
    sigma = model.sigma_nm / model.pixel_nm
    events = next(train.limited(_TUNED_ON).batches(_TUNED_ON))
    found = [spots(frame[0], sigma) for frame in events.inputs["frame"]]
    best = max(_LEVELS, key=lambda level: _jaccard(found, events, level, model.pixel_nm))
    return lambda events: _answers(events, sigma, best)


def spots(frame: NDArray[np.float32], sigma: float) -> Floats:
    """x, y in pixels, and how clearly its maximum stands out: [k, 3].

    Clearly: the smoothed light above what is around, over the square root of the background, to which the
    noise is proportional.
    """
    light = frame.astype(np.float64)
    smooth = gaussian_filter(light, sigma, mode="nearest")
    wide = gaussian_filter(light, 4 * sigma, mode="nearest")
    contrast = smooth - wide
    stands_out = contrast / np.sqrt(max(float(np.percentile(smooth, _BACKGROUND)), 0.05))
    rows, columns = np.nonzero((smooth == maximum_filter(smooth, 3)) & (stands_out > min(_LEVELS)))
    made = [
        (*_fit(light, int(row), int(column), sigma), stands_out[row, column])
        for row, column in zip(rows, columns, strict=True)
    ]
    return np.array(made, np.float64).reshape(-1, 3)


def _fit(light: Floats, row: int, column: int, sigma: float) -> tuple[float, float]:
    """Place of one molecule near a maximum; the middle of its pixel where the fit runs away."""
    size = light.shape[0]
    top, left = (min(max(place - RADIUS, 0), size - 2 * RADIUS - 1) for place in (row, column))
    side = 2 * RADIUS + 1
    window = light[top : top + side, left : left + side]
    optics = Gaussian(side, sigma)
    low = float(np.median(window))
    start = np.array([column - left + 0.5, row - top + 0.5, max(float((window - low).sum()), 1e-3), low])

    def missed(p: Floats) -> Floats:
        return (p[2] * optics.spots(p[:1], p[1:2])[0] + p[3] - window).ravel()

    def slopes(p: Floats) -> Floats:
        along_x, along_y = optics.slopes(p[:1], p[1:2])
        spot = optics.spots(p[:1], p[1:2])[0]
        return np.stack([p[2] * along_x[0], p[2] * along_y[0], spot, np.ones_like(spot)], axis=-1).reshape(
            -1, 4
        )

    solution: Any = leastsq(missed, start, Dfun=slopes, maxfev=30, full_output=True)
    x, y = solution[0][:2]
    if not (np.hypot(x - start[0], y - start[1]) < 2 and 0 <= x + left < size and 0 <= y + top < size):
        return column + 0.5, row + 0.5
    return float(x + left), float(y + top)


def _answers(events: Events, sigma: float, level: float) -> Outputs:
    frames = events.inputs["frame"]
    n, _, rows, columns = frames.shape
    logit = np.full((n, 1, rows, columns), _NOTHING, np.float32)
    shift = np.zeros((n, 2, rows, columns), np.float32)
    for number, frame in enumerate(frames):
        found = spots(frame[0], sigma)
        for x, y, stands_out in found[np.argsort(found[:, 2])]:  # the clearest is written last
            row, column = int(y), int(x)
            logit[number, 0, row, column] = 10 * (stands_out - level)
            shift[number, :, row, column] = x - column - 0.5, y - row - 0.5
    return {"logit": np.maximum(logit, _NOTHING), "shift": shift}


def _jaccard(found: list[Floats], events: Events, level: float, pixel_nm: float) -> float:
    matched = points = 0
    for each, listed in zip(found, events.truth["molecules"], strict=True):
        true = listed[np.isfinite(listed[:, 0]), :2].astype(np.float64)
        kept = each[each[:, 2] > level, :2] * pixel_nm
        pairs = len(match(true, kept, TOLERANCE_NM).true)
        matched, points = matched + pairs, points + len(true) + len(kept) - pairs
    return matched / max(points, 1)

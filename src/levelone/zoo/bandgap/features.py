"""What a person computes of a topograph around every pixel: slopes, curvatures, steps, a plate's strain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from levelone.simulate.bandgap.sheet import stretch
from levelone.zoo.bandgap.section import UNIT_PM
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.pixels import places_and_bits, windows

Floats = NDArray[np.float32]

SCALES = (0.7, 1.5, 3.0)
"""Pixels: standard deviations of the smoothing before derivatives are taken."""
SPANS = (3, 7, 15)
"""Sides of the windows whose highest and lowest point are given."""
EACH = (
    "height",
    "slope squared",
    "Laplacian",
    "Gaussian curvature",
    "slope squared around",
    "curvature around",
)
"""Of every scale; "around": smoothed over twice the scale."""
FILTER = 7
"""Pixels to either side that the linear filter sees."""


def patches(events: Events) -> Floats:
    """The heights of 15 x 15 pixels around each, nm, [n * rows * columns, 225]."""
    seen = windows(_heights(events), FILTER)
    side = 2 * FILTER + 1
    return seen.reshape(-1, side * side)


def quantities(events: Events, pixel_nm: float, grip_nm: float) -> Floats:
    """What is computed of every pixel, [n * rows * columns, 29].

    `EACH` at every one of `SCALES`; how far the highest and the lowest point of windows of `SPANS` lie above
    and below the pixel; its height above the image's 10th percentile, and how far the 90th is from it;
    the strain that plate theory gives for the topograph, smoothed with the first two of the scales, and its
    mean over the image.

    Parameters
    ----------
    grip_nm
        Length over which the substrate holds the sheet: what the theory is told.
    """
    height = _heights(events)
    columns = [column for scale in SCALES for column in _shape(height, scale, pixel_nm)]
    for span in SPANS:
        size = (1, span, span)
        columns += [maximum_filter(height, size) - height, height - minimum_filter(height, size)]
    low, high = np.percentile(height, (10, 90), axis=(1, 2), keepdims=True)
    columns += [height - low, np.broadcast_to(high - low, height.shape)]
    columns += [plate(height, scale, pixel_nm, grip_nm) for scale in SCALES[:2]]
    columns.append(np.broadcast_to(columns[-1].mean((1, 2), keepdims=True), height.shape))
    return np.stack(columns, axis=-1).reshape(-1, len(columns)).astype(np.float32)


def plate(height: NDArray[np.floating], scale: float, pixel_nm: float, grip_nm: float) -> Floats:
    """Trace of the strain of a sheet that has the topograph's shape, smoothed, [n, rows, columns].

    Parameters
    ----------
    height
        [n, rows, columns] nm; the image is mirrored at its edges to be periodic.
    """
    rows, columns = height.shape[1:]
    smooth = gaussian_filter(height.astype(np.float64), (0, scale, scale), mode="mirror")
    whole = np.pad(smooth, ((0, 0), (0, rows), (0, columns)), mode="symmetric")
    return stretch(whole, pixel_nm, grip_nm)[:, :rows, :columns].astype(np.float32)


def blind(events: Events) -> Floats:
    """Place, number of the image and lowest bits of every pixel, [n * rows * columns, 8]."""
    codes = np.rint(events.inputs["topography"][:, 0] * UNIT_PM).astype(np.int64)
    return places_and_bits(codes, events.truth["event"])


def _heights(events: Events) -> Floats:
    found: Floats = events.inputs["topography"][:, 0] * (UNIT_PM / np.float32(1000))
    return found


def _shape(height: Floats, scale: float, pixel_nm: float) -> list[Floats]:
    """`EACH`, [n, rows, columns] each."""
    smooth = gaussian_filter(height, (0, scale, scale), mode="nearest")
    y, x = np.gradient(smooth, pixel_nm, axis=(1, 2))
    (yy, yx), xx = np.gradient(y, pixel_nm, axis=(1, 2)), np.gradient(x, pixel_nm, axis=2)
    slope, gauss = x**2 + y**2, xx * yy - yx**2
    wide = (0, 2 * scale, 2 * scale)
    around = [gaussian_filter(each, wide, mode="nearest") for each in (slope, gauss)]
    return [smooth, slope, xx + yy, gauss, *around]

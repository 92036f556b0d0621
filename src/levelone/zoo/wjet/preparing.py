"""From the towers of a jet to the image that enters the network: turned, mirrored, scaled; nothing is fitted.

The steps of L. de Oliveira et al., JHEP 07 (2016) 069, arXiv:1511.05190, section 3: the hardest subjet is
in the middle (the file has it there), the second one is turned straight below it, where the image is
interpolated by a cubic spline, and the image is mirrored, so that the right half holds more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter1d

Images = NDArray[np.float32]

LINEAR_GEV = np.float32(16.0)
"""What enters as 1 where pixels are linear."""


DOWN = -np.pi / 2
"""Where the second subjet comes to lie, seen from the first, rad."""


def prepare(images: Images, turn: NDArray[np.floating[Any]] | None, pixels: str) -> Images:
    """What enters the network, float32 [n, rows, columns].

    Parameters
    ----------
    images
        GeV, [n, rows, columns]: rows run along azimuth, columns along pseudorapidity.
    turn
        Direction from the middle to the second subjet, rad from the column axis towards rising rows, [n].
        None where images are turned already.
    pixels
        "root" or "linear", as of `levelone.zoo.wjet.section.WJetModel`.
    """
    upright = mirrored(images if turn is None else turned_down(images, turn))
    return np.sqrt(upright) if pixels == "root" else upright / LINEAR_GEV


def turned_down(images: Images, turn: NDArray[np.floating[Any]]) -> Images:
    """Images turned around their middle so that `turn` points towards falling rows.

    Cubic spline; what it makes negative is 0.
    """
    rows, columns = images.shape[1:]
    y, x = np.mgrid[:rows, :columns] - np.array([rows // 2, columns // 2])[:, None, None]
    coefficients = images.astype(np.float64)
    for axis in (1, 2):
        coefficients = spline_filter1d(coefficients, order=3, axis=axis, mode="constant")
    angle = DOWN - turn.astype(np.float64)
    found = np.empty(images.shape, np.float32)
    for number, (cos, sin) in enumerate(zip(np.cos(angle), np.sin(angle), strict=True)):
        at = (cos * y - sin * x + rows // 2, cos * x + sin * y + columns // 2)
        found[number] = map_coordinates(coefficients[number], at, order=3, mode="constant", prefilter=False)
    return np.maximum(found, 0)


def mirrored(images: Images) -> Images:
    """Images whose right half holds at least as much as the left, mirrored where it did not."""
    middle = images.shape[2] // 2
    left = images[:, :, :middle].sum((1, 2))
    right = images[:, :, middle + 1 :].sum((1, 2))
    return np.where((left > right)[:, None, None], images[:, :, ::-1], images)

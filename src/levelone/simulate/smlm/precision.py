"""How well a position can be known at best.

The bound of Cramer and Rao: no estimate without bias has a smaller variance than the inverse of the Fisher
information. It is computed here numerically for all molecules of a frame and its background together, with
the camera's variance (noise taken as normal, of a variance that is known: the excess noise of an EMCCD
doubles that of light, as in Mortensen et al.), and compared in the tests with what is published for one
molecule.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad

from levelone.simulate.materials import Floats
from levelone.simulate.smlm.camera import Camera
from levelone.simulate.smlm.optics import Optics

_UNKNOWN_PIXELS = 10.0
"""What is known of a position beforehand, as a standard deviation: next to nothing."""


def thompson(sigma: float, pixel: float, photons: float, background: float) -> float:
    """Standard deviation of one coordinate of a least-squares fit, in the unit of `sigma` and `pixel`.

    R. E. Thompson, D. R. Larson, W. W. Webb, Biophysical Journal 82, 2775 (2002), equation 17.

    Parameters
    ----------
    background
        Photons per pixel (its variance, the b^2 of the equation).
    """
    wide = sigma**2 + pixel**2 / 12
    return float(np.sqrt(wide / photons + 8 * np.pi * sigma**4 * background / (pixel * photons) ** 2))


def mortensen(
    sigma: float, pixel: float, photons: float, background: float, *, likelihood: bool, excess: float = 1.0
) -> float:
    """Standard deviation of one coordinate of a Gaussian fit, in the unit of `sigma` and `pixel`.

    K. I. Mortensen, L. S. Churchman, J. A. Spudich, H. Flyvbjerg, Nature Methods 7, 377 (2010): their formula
    for a fit of greatest `likelihood`, or that with 16/9 for unweighted least squares; `excess` is 2 for an
    EMCCD.
    """
    wide = sigma**2 + pixel**2 / 12
    if likelihood:
        slope = photons * pixel**2 / (2 * np.pi * wide * max(background, 1e-12))
        lost = quad(lambda t: np.log(t) / (1 + slope * t), 0, 1)[0]
        return float(np.sqrt(excess * wide / photons / (1 + lost)))
    noise = 16 / 9 + 8 * np.pi * wide * background / (photons * pixel**2)
    return float(np.sqrt(excess * wide / photons * noise))


def bounds(
    optics: Optics, camera: Camera, x: Floats, y: Floats, photons: Floats, background: float
) -> Floats:
    """Smallest standard deviation of both coordinates of each molecule of a frame, added squared: pixels [m].

    Positions and photons of all molecules and the background are unknown.

    Parameters
    ----------
    x, y
        [m] in pixels (`levelone.simulate.smlm.optics`).
    photons, background
        [m] and per pixel, before the camera's efficiency.
    """
    m = len(x)
    if not m:
        return np.zeros(0)
    spots = optics.spots(x, y).reshape(m, -1)
    along_x, along_y = (slope.reshape(m, -1) for slope in optics.slopes(x, y))
    expected = (photons @ spots + background).reshape(optics.pixels, optics.pixels)
    weight = camera.efficiency / np.sqrt(camera.variance(expected).reshape(-1))
    moved = photons[:, None]
    slopes = np.concatenate([along_x * moved, along_y * moved, spots * moved, np.ones((1, spots.shape[1]))])
    slopes *= weight
    information = slopes @ slopes.T
    known = np.concatenate([np.full(2 * m, _UNKNOWN_PIXELS), np.full(m, 100.0), [1e4]])
    information[np.diag_indices_from(information)] += known**-2.0
    variance = np.diag(np.linalg.inv(information))
    return np.sqrt(variance[:m] + variance[m : 2 * m])

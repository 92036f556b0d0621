"""The two pixel sensors that the same detector can be digitised with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.pixelseed.section import Geometry

MODULE_HALF_X_MM = 8.4
"""Half width of every pixel module of the ACTS generic detector along local x (r-phi)."""
MODULE_HALF_Y_MM = 36.0
"""Half length along local y (z in the barrel, r in the endcaps)."""


@dataclass(frozen=True)
class PixelSensor:
    """A planar silicon pixel sensor and its front end.

    Attributes
    ----------
    pitch_x_mm, pitch_y_mm
        Pixel size along local x (r-phi) and local y (z in the barrel, r in the endcaps).
    thickness_mm
        Depleted thickness, which is the path length of a perpendicular track.
    threshold_electrons
        A pixel below this charge is not read out.
    noise_electrons
        Gaussian width of the front-end noise, added to each pixel that holds charge.
    """

    name: str
    pitch_x_mm: float
    pitch_y_mm: float
    thickness_mm: float
    threshold_electrons: float
    noise_electrons: float

    @property
    def rows(self) -> int:
        """Number of pixels of a module along local x."""
        return round(2 * MODULE_HALF_X_MM / self.pitch_x_mm)

    @property
    def columns(self) -> int:
        """Number of pixels of a module along local y."""
        return round(2 * MODULE_HALF_Y_MM / self.pitch_y_mm)


SENSORS: dict[Geometry, PixelSensor] = {
    # Pitch and thickness of the CMS Phase-1 pixel detector (JINST 16 (2021) P02027). Threshold and noise are
    # round values of the usual size, the same for all layers; they are a choice, not a measurement.
    "cms": PixelSensor("cms", 0.100, 0.150, 0.285, 1800.0, 150.0),
    # The ACTS generic (TrackML) detector: 50 um square pixels, 150 um of silicon. Threshold and noise are
    # round values for a thinner sensor; they are a choice, not a measurement.
    "generic": PixelSensor("generic", 0.050, 0.050, 0.150, 1000.0, 100.0),
}


def gain_spread(electrons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread of what pixels answer to a charge: one standard deviation, electrons, same shape.

    That of the digitiser of the CMS software for calibrated pixels (``ChargeVCALSmearing``,
    github.com/cms-sw/cmssw, SimTracker/SiPixelDigitizer), taken for both sensors. There the threshold is set
    on the spread charge; here on the charge itself, which the comparator of a pixel sees.
    """
    low, middle, high = 543.6 - 0.093 * electrons, 307.6 - 0.010 * electrons, 0.123 * electrons - 432.4
    return np.where(electrons < 3000, low, np.where(electrons < 6000, middle, high))

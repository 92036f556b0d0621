"""Cameras: from the expected photons of each pixel to its number.

EMCCD
    Photoelectrons are Poisson; the register multiplies n of them to a gamma variate of shape n and scale
    `gain` (A. G. Basden, C. A. Haniff, C. D. Mackay, MNRAS 345, 985 (2003)), which doubles the variance of
    high gains (M. Robbins, B. Hadwen, IEEE Trans. Electron Devices 50, 1227 (2003)); then readout noise. The
    numbers are those of the camera (Evolve Delta 512) of the public challenge: D. Sage et al., Nature Methods
    16, 387 (2019).
sCMOS
    Every pixel has its offset, gain and variance: F. Huang et al., Nature Methods 10, 653 (2013), whose model
    this is. Their maps are not published here: offsets and gains are drawn normal, variances exponential,
    with means of the size shown there. That is an assumption. The same frame size has the same camera in
    every file.

Numbers are rounded and cut off at both ends of what the bits hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats
from levelone.simulate.smlm.section import SmlmGenerate

OFFSET = 100.0
"""ADU without light, of both cameras (sCMOS: the mean of its pixels)."""
_CAMERA_SEED = 653


class Camera(Protocol):
    """What is made of light, and how uncertain that is."""

    @property
    def efficiency(self) -> float: ...

    def expose(self, photons: Floats, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Numbers of frames [n, rows, columns] of expected photons."""
        ...

    def variance(self, photons: Floats) -> Floats:
        """Variance of a pixel's number, in photoelectrons squared."""
        ...


@dataclass(frozen=True)
class Emccd:
    """Gain, readout noise (electrons behind the register), electrons per ADU, spurious electrons."""

    bits: int
    efficiency: float = 0.9
    gain: float = 300.0
    readout: float = 74.4
    per_adu: float = 45.0
    spurious: float = 0.002

    def expose(self, photons: Floats, rng: np.random.Generator) -> NDArray[np.uint16]:
        """See `Camera`."""
        electrons = rng.poisson(self.efficiency * photons + self.spurious)
        amplified = self.gain * rng.standard_gamma(electrons)
        amplified += rng.normal(0, self.readout, amplified.shape)
        return _digitised(amplified / self.per_adu + OFFSET, self.bits)

    def variance(self, photons: Floats) -> Floats:
        """See `Camera`; the gamma distribution doubles it, rounding adds a twelfth of an ADU squared."""
        rounding = (self.per_adu / self.gain) ** 2 / 12
        return 2 * (self.efficiency * photons + self.spurious) + (self.readout / self.gain) ** 2 + rounding


@dataclass(frozen=True)
class Scmos:
    """Maps [rows, columns]: offset in ADU, gain in ADU per electron, variance in ADU squared."""

    bits: int
    offset: Floats
    gain: Floats
    noise: Floats
    efficiency: float = 0.7

    @staticmethod
    def of(pixels: int, bits: int) -> Scmos:
        """The one camera of a frame size."""
        rng = np.random.default_rng([_CAMERA_SEED, pixels])
        shape = (pixels, pixels)
        offset, gain = rng.normal(OFFSET, 2.0, shape), rng.normal(2.2, 0.05, shape)
        return Scmos(bits, offset, gain, rng.exponential(15.0, shape))

    def expose(self, photons: Floats, rng: np.random.Generator) -> NDArray[np.uint16]:
        """See `Camera`."""
        electrons = rng.poisson(self.efficiency * photons)
        noise = np.sqrt(self.noise) * rng.standard_normal(photons.shape)
        return _digitised(self.gain * electrons + self.offset + noise, self.bits)

    def variance(self, photons: Floats) -> Floats:
        """See `Camera`."""
        return self.efficiency * photons + (self.noise + 1 / 12) / self.gain**2


def camera_of(options: SmlmGenerate) -> Camera:
    """What a section asks for."""
    if options.camera == "scmos":
        return Scmos.of(options.pixels, options.bits)
    return Emccd(options.bits)


def _digitised(values: Floats, bits: int) -> NDArray[np.uint16]:
    return np.clip(np.rint(values), 0, (1 << bits) - 1).astype(np.uint16)

"""Point-spread functions: the share of a molecule's photons that each pixel receives.

Gaussian
    Its standard deviation is 0.21 wavelength / aperture, the best Gaussian to the Airy pattern in the focus
    of a wide-field microscope: B. Zhang, J. Zerubia, J.-C. Olivo-Marin, Applied Optics 46, 1819 (2007). The
    integral over a pixel is a product of differences of error functions: C. S. Smith et al., Nature Methods
    7, 373 (2010).
Airy
    Intensity (2 J1(v) / v)^2 with v = 2 pi aperture r / wavelength, of which the share 1 - J0(v)^2 - J1(v)^2
    lies within r (M. Born, E. Wolf, Principles of Optics, 8.5.2). Over a pixel it is integrated with 3 x 3
    points of Gauss and Legendre.

Positions are in pixels from the outer corner of the frame: pixel k is between k and k + 1; x runs along the
columns, y along the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.special import erf, j1

from levelone.simulate.materials import Floats
from levelone.simulate.smlm.section import SmlmGenerate

GAUSSIAN_SHARE = 0.21
"""Standard deviation of the Gaussian, in wavelengths over aperture."""
_STEP = 0.005  # pixels, of the table of the Airy pattern
_SHIFT = 0.01  # pixels, of the differences that make the Airy pattern's slopes


class Optics(Protocol):
    """A point-spread function on a square frame."""

    @property
    def pixels(self) -> int: ...

    def spots(self, x: Floats, y: Floats) -> Floats:
        """Share of the photons of molecules at x, y [m] in each pixel, [m, rows, columns]."""
        ...

    def slopes(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Its derivatives by x and by y, per pixel of length."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian of standard deviation `sigma`, in pixels."""

    pixels: int
    sigma: float

    def spots(self, x: Floats, y: Floats) -> Floats:
        """See `Optics`."""
        return self._profile(y)[:, :, None] * self._profile(x)[:, None, :]

    def slopes(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """See `Optics`."""
        along_x, along_y = self._profile(x), self._profile(y)
        return (
            along_y[:, :, None] * self._slope(x)[:, None, :],
            self._slope(y)[:, :, None] * along_x[:, None, :],
        )

    def _profile(self, place: Floats) -> Floats:
        """Share of each pixel along one axis, [m, pixels]."""
        edges = (np.arange(self.pixels + 1) - place[:, None]) / (np.sqrt(2) * self.sigma)
        return np.diff(erf(edges), axis=1) / 2

    def _slope(self, place: Floats) -> Floats:
        edges = (np.arange(self.pixels + 1) - place[:, None]) / self.sigma
        return -np.diff(np.exp(-(edges**2) / 2), axis=1) / (np.sqrt(2 * np.pi) * self.sigma)


@dataclass(frozen=True)
class Airy:
    """The Airy pattern; `scale` is v per pixel of distance."""

    pixels: int
    scale: float

    def spots(self, x: Floats, y: Floats) -> Floats:
        """See `Optics`."""
        table = self._table
        points, weights = np.polynomial.legendre.leggauss(3)
        found = np.zeros((len(x), self.pixels, self.pixels))
        middle = np.arange(self.pixels) + 0.5
        for py, wy in zip(points / 2, weights / 2, strict=True):
            down = (middle + py - y[:, None])[:, :, None]
            for px, wx in zip(points / 2, weights / 2, strict=True):
                across = (middle + px - x[:, None])[:, None, :]
                place = np.sqrt(down**2 + across**2) / _STEP
                low = place.astype(np.int64)
                found += wy * wx * (table[low] + (place - low) * (table[low + 1] - table[low]))
        return found

    def slopes(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """See `Optics`; central differences."""
        along_x = self.spots(x + _SHIFT, y) - self.spots(x - _SHIFT, y)
        along_y = self.spots(x, y + _SHIFT) - self.spots(x, y - _SHIFT)
        return along_x / (2 * _SHIFT), along_y / (2 * _SHIFT)

    @cached_property
    def _table(self) -> Floats:
        """Intensity per square pixel at multiples of `_STEP`, whose integral over the plane is 1."""
        v = self.scale * np.arange(int(2 * (self.pixels + 10) / _STEP)) * _STEP
        ratio = np.divide(j1(v), v, out=np.full_like(v, 0.5), where=v > 0)
        return ratio**2 * self.scale**2 / np.pi


def optics_of(options: SmlmGenerate) -> Optics:
    """What a section asks for."""
    per_pixel = options.pixel_nm * options.aperture / options.wavelength_nm
    if options.psf == "airy":
        return Airy(options.pixels, 2 * np.pi * per_pixel)
    return Gaussian(options.pixels, GAUSSIAN_SHARE / per_pixel)

"""From free electrons to the numbers of a plane of wires, and what is true of every pixel.

Charge drifts 10 to 150 cm (drawn for each event) at 1.6 mm / us, is attenuated, and spreads: diffusion of 7.2
cm2 / s along the drift (Y. Li et al., Nucl. Instrum. Methods A 816 (2016) 160, at 0.5 kV / cm) and 12 cm2 / s
across it, as the Wire-Cell simulation has both. Every deposit is shared among pixels by the integral of its
Gaussian, not by throwing dice, so that nothing tells how finely it was simulated. The electronics answer with
a pulse of two integrations that peaks after 1.3 us, as those of ICARUS (L. Bagby et al., JINST 13 (2018)
P12007); noise is normal and the same for every pixel; what stays below a threshold is not read out.

Left out: currents that drifting charge induces on the wires beside (they integrate to nothing on a collection
plane), correlated noise, dead wires, space charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from levelone.data.argon_images import BITS, ELECTRONS_PER_ADU, NOTHING, PITCH_MM, SHOWER, TRACK
from levelone.simulate.materials import Floats
from levelone.simulate.passage.particles import SHOWERS, TRACKS, Deposits, Kind

PITCH_CM = PITCH_MM / 10
"""Of the wires; a pixel is as long along the drift."""
DRIFT_CM_US = 0.16
DRIFTS_CM = (10.0, 150.0)
_ALONG, _ACROSS = 7.2e-6, 12.0e-6  # cm2 / us
_PEAK_US = 1.3
_REACH = 2  # pixels to either side that a deposit may reach by diffusion
_PAD = 4  # pixels around the crop in which deposits still count


@dataclass(frozen=True)
class Readout:
    """Electrons: noise of a pixel, threshold; ms: the lifetime of drifting electrons."""

    noise: float
    threshold: float
    lifetime_ms: float


@dataclass(frozen=True)
class Pictures:
    """A chunk of n crops, [n, 1, drift time, wires] each.

    `adu`, `classes` (of `CLASSES`), and `kinds`: 0 is nothing, others are `Kind` + 1.
    """

    adu: NDArray[np.uint16]
    classes: NDArray[np.uint8]
    kinds: NDArray[np.uint8]


@lru_cache(maxsize=1)
def response() -> Floats:
    """Share of a pixel's charge that is read in it, the next one, and so on, by uniform arrival in it."""
    pixel, tau = PITCH_CM / DRIFT_CM_US, _PEAK_US / 2
    fine = np.linspace(0, 6 * pixel, 6001)
    x = fine / tau
    until = np.concatenate([[0.0], np.cumsum((1 - np.exp(-x) * (1 + x + x**2 / 2))[1:] * np.diff(fine))])
    ends = np.interp(np.arange(6) * pixel, fine, until) / pixel
    found = np.diff(ends, n=2, prepend=[0.0, 0.0])[1:-1]
    return found / found.sum()


def read_out(
    deposits: Deposits, events: int, pixels: int, drift_cm: Floats, plan: Readout, rng: np.random.Generator
) -> Pictures:
    """Crops of `events` events from free electrons; their corner is `drift_cm` [events] from the wires."""
    charge = _collected(deposits, events, pixels, drift_cm, plan.lifetime_ms)
    pulse = response()
    signal = np.zeros((events, len(Kind), pixels, pixels))
    for late, share in enumerate(pulse):
        first = _PAD - late
        signal += share * charge[:, :, first : first + pixels, _PAD : _PAD + pixels]
    total = signal.sum(1)
    read = total + plan.noise * rng.standard_normal(total.shape)
    adu = np.clip(np.rint(read / ELECTRONS_PER_ADU), 0, (1 << BITS) - 1)
    adu[read < plan.threshold] = 0
    seen = np.nonzero(adu)
    of_kind = np.moveaxis(signal, 1, -1)[seen]
    is_track = of_kind[:, TRACKS].sum(1) >= of_kind[:, SHOWERS].sum(1)
    real = total[seen] >= plan.threshold / 2
    classes, kinds = np.zeros((2, *adu.shape), np.uint8)
    classes[seen] = np.where(real, np.where(is_track, TRACK, SHOWER), NOTHING)
    own = np.isin(np.arange(len(Kind)), TRACKS) == is_track[:, None]
    kinds[seen] = np.where(real, np.where(own, of_kind, -1).argmax(1) + 1, 0)
    return Pictures(adu.astype(np.uint16)[:, None], classes[:, None], kinds[:, None])


def _collected(deposits: Deposits, events: int, pixels: int, drift_cm: Floats, lifetime_ms: float) -> Floats:
    """Electrons that reach each pixel, [events, kinds, pixels + 2 _PAD, pixels + 2 _PAD]."""
    across, drift = deposits.position[:, 0], deposits.position[:, 2]
    way = np.maximum(drift_cm[deposits.event] + drift, 0.1)
    time = way / DRIFT_CM_US
    left = deposits.signal * np.exp(-time / (1e3 * lifetime_ms))
    wide = pixels + 2 * _PAD
    row, rows = _shares(drift, np.sqrt(2 * _ALONG * time))
    column, columns = _shares(across, np.sqrt(2 * _ACROSS * time))
    inside = (row >= _REACH) & (row < wide - _REACH) & (column >= _REACH) & (column < wide - _REACH)
    row, column, rows, columns = row[inside], column[inside], rows[:, inside], columns[:, inside]
    place = ((deposits.event * len(Kind) + deposits.kind)[inside] * wide + row) * wide + column
    reach = np.arange(-_REACH, _REACH + 1)
    found = np.zeros(events * len(Kind) * wide * wide)
    columns = columns * left[inside]
    for down, share in zip(reach, rows, strict=True):
        cells = place + (down * wide + reach)[:, None]
        found += np.bincount(cells.ravel(), (columns * share).ravel(), len(found))
    return found.reshape(events, len(Kind), wide, wide)


def _shares(at: Floats, sigma: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The pixel of each deposit, counted from the padding's edge, and the shares of it and those around."""
    place = at / PITCH_CM + _PAD
    pixel = np.floor(place).astype(np.int64)
    edges = np.arange(-_REACH, _REACH + 2)[:, None] + (pixel - place)
    until = erf(edges * (PITCH_CM / (np.sqrt(2) * np.maximum(sigma, 1e-4))))
    shares = np.diff(until, axis=0)
    return pixel, shares / shares.sum(0)

"""How high a scanning tunnelling microscope holds its tip over a semiconductor at constant current.

**Electrons.** The current is the density of states between the Fermi levels of sample and tip, at the
place of the tip (J. Tersoff and D. R. Hamann, Phys. Rev. B 31, 805 (1985)), and falls as exp(-2 kappa z),
with kappa = sqrt(2 m phi) / hbar. Two-dimensional bands have a constant density of states above the
conduction band's edge, so that at a bias V the current is proportional to eV - E_c, and constant current
means

    z = h + ln((eV - E_c) / (eV - E_0)) / (2 kappa).

E_c is counted from the Fermi level, which lies 1.8 eV above the valence band of a layer on graphite: C.
Zhang et al., Nano Lett. 14, 2443 (2014). E_c = gap - 1.8 eV + the potential of charged defects, which
bends both bands alike: **a charged defect changes the topograph, not the gap.**

**Defects.** A charge at depth d, screened by the electrons of the graphite within a length s: q e^2 / (4 pi
eps_0 eps) exp(-r / s) / sqrt(r^2 + d^2), the Thomas-Fermi form; eps, s and d by choice.

**Tip.** What a blunt tip sees is the surface dilated by the tip (J. S. Villarrubia, J. Res. Natl. Inst.
Stand. Technol. 102, 425 (1997)): the largest of z(x + v) - v^2 / 2R over all v, for a paraboloid of radius
R. It is the same along rows and then along columns. Places between the points of the grid are found by a
parabola through three of them, along each axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats

WORK_FUNCTION_EV = 4.5
"""Mean of tip and sample; that of tungsten and of graphite, about."""
KAPPA = 5.123 * np.sqrt(WORK_FUNCTION_EV)
"""sqrt(2 m phi) / hbar, 1 / nm: 5.123 for phi = 1 eV."""
FERMI_EV = 1.8
"""Of the Fermi level above the valence band's edge."""
COULOMB_EV_NM = 1.43996
"""e^2 / (4 pi eps_0)."""
SCREENED = 7.0
"""Dielectric constant at the surface."""
SCREENING_NM, DEPTH_NM = 1.5, 0.5
_LEAST_EV = 0.05  # of states between the band's edge and the bias: below, the bands end to be flat


def bending(charge: Floats, away: Floats) -> Floats:
    """Potential energy of an electron in eV, [rows, columns].

    Parameters
    ----------
    charge
        Of each defect in units of an electron's: positive repels electrons, [k].
    away
        Distances of every point from them, [k, rows, columns] nm.
    """
    found: Floats = np.tensordot(
        charge * COULOMB_EV_NM / SCREENED, np.exp(-away / SCREENING_NM) / np.hypot(away, DEPTH_NM), 1
    )
    return found


def lifted(gap_ev: Floats, bent_ev: Floats, bias_v: float, flat_ev: float) -> Floats:
    """How much higher the tip is than over a flat band of gap `flat_ev`, nm."""
    states = np.maximum(bias_v - (gap_ev - FERMI_EV + bent_ev), _LEAST_EV)
    found: Floats = np.log(states / (bias_v - (flat_ev - FERMI_EV))) / (2 * KAPPA)
    return found


def dilated(surface: Floats, pitch: float, radius: float, at: NDArray[np.int64]) -> Floats:
    """A periodic `surface` [points, points] as a paraboloid of `radius` nm sees it, [len(at), len(at)] nm.

    Parameters
    ----------
    pitch
        Distance of points, nm.
    at
        Rows and columns that are wanted.
    """
    return _along_rows(_along_rows(surface, pitch, radius, at).T, pitch, radius, at).T


def _along_rows(surface: Floats, pitch: float, radius: float, at: NDArray[np.int64]) -> Floats:
    """The largest of z(y + v) - v^2 / 2R over v along the first axis, at some rows of it."""
    reach = int(np.ceil(np.sqrt(2 * radius * np.ptp(surface)) / pitch)) + 1
    reach = min(reach, len(surface) // 2)
    shift = np.arange(-reach, reach + 1)
    seen = surface[(at[:, None] + shift) % len(surface)]
    below = seen - ((shift * pitch) ** 2 / (2 * radius))[:, None]
    best = np.clip(below.argmax(1), 1, 2 * reach - 1)[:, None]
    left, top, right = (np.take_along_axis(below, best + step, 1)[:, 0] for step in (-1, 0, 1))
    bend = 2 * top - left - right
    inside = (top >= left) & (top >= right) & (bend > 0)
    more = np.divide((left - right) ** 2, 8 * bend, out=np.zeros_like(top), where=inside)
    found: Floats = np.maximum(np.maximum(left, right), top) + more
    return found

"""Energies of the neutrinos, and what oscillation leaves of each kind at the far detector.

The spectrum is narrow, about 2 GeV, as that of a beam seen under 14 mrad is (NOvA technical design report,
FERMILAB-DESIGN-2007-01); its shape, two halves of normal curves and a tail, is a choice here. Oscillation:
the leading terms, without matter or phases, of PDG's review: 810 km, 2.45e-3 eV2, sin2(theta 23) 0.55, sin2(2
theta 13) 0.085.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats
from levelone.simulate.neutrino.interactions import CLASSES, Nucleons, cross_section
from levelone.simulate.nova.section import NovaGenerate

LENGTH_KM = 810.0
_SPLITTING_EV2 = 2.45e-3
_SIN2_23, _SIN2_2_13 = 0.55, 0.085
_PEAK, _BELOW, _ABOVE = 1.9, 0.40, 0.50
_TAIL, _FALL = 0.04, 3.0
_STEPS = 800
_DRAWN = np.array([0.25, 0.25, 0.5])
"""Shares of `CLASSES` in an even mixture, before those are dropped that hardly leave anything."""


def flux(energy: Floats) -> Floats:
    """Neutrinos per energy, in units of the peak's."""
    width = np.where(energy < _PEAK, _BELOW, _ABOVE)
    return np.exp(-(((energy - _PEAK) / width) ** 2) / 2) + _TAIL * np.exp(-energy / _FALL)


def remains(kind: int, energy: Floats) -> Floats:
    """Share of the muon neutrinos of the beam that count as one of `CLASSES` at the far detector."""
    phase = np.sin(1.267 * _SPLITTING_EV2 * LENGTH_KM / energy) ** 2
    if kind == 0:
        return 1 - 4 * _SIN2_23 * (1 - _SIN2_23) * phase
    return _SIN2_23 * _SIN2_2_13 * phase if kind == 1 else np.ones_like(energy)


def rates(options: NovaGenerate, nucleons: Nucleons) -> tuple[Floats, Floats]:
    """Energies [k], and interactions per energy of each class without oscillation, [classes, k]."""
    energy = np.linspace(*options.energy_gev, _STEPS)
    found = [flux(energy) * cross_section(kind, energy, nucleons).sum(0) for kind in range(len(CLASSES))]
    return energy, np.stack(found)


def draw(
    options: NovaGenerate, nucleons: Nucleons, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Class and energy (GeV) of `count` neutrinos."""
    energy, density = rates(options, nucleons)
    if options.mixture == "oscillated":
        density = np.stack([row * remains(kind, energy) for kind, row in enumerate(density)])
        share = density.sum(1) / density.sum()
    else:
        share = _DRAWN
    kind = rng.choice(len(CLASSES), count, p=share)
    found = np.empty(count)
    for number, row in enumerate(density):
        mine = np.flatnonzero(kind == number)
        until = np.concatenate([[0.0], np.cumsum((row[1:] + row[:-1]) / 2)])
        found[mine] = np.interp(rng.random(len(mine)) * until[-1], until, energy)
    return kind, found


def weight(options: NovaGenerate, nucleons: Nucleons, kind: NDArray[np.int64], energy: Floats) -> Floats:
    """How many events of the oscillated mixture each one stands for, [n], up to a common factor.

    Of an oscillated mixture: 1.
    """
    if options.mixture == "oscillated":
        return np.ones(len(kind))
    _, density = rates(options, nucleons)
    share = density.sum(1) / density.sum() / _DRAWN
    left = np.stack([remains(number, energy) for number in range(len(CLASSES))])
    return share[kind] * left[kind, np.arange(len(kind))]

"""Cross sections of neutrinos on nucleons at rest, in 1e-38 cm2 and GeV.

Sources
-------
Elastic: C. H. Llewellyn Smith, Phys. Rep. 3 (1972) 261, with dipole form factors (vector mass 0.84 GeV, axial
mass 1.03 GeV, V. Bernard et al., J. Phys. G 28 (2002) R1; the pseudoscalar one by partial conservation of
the axial current). Neutral currents: the same with the form factors of L. A. Ahrens et al., Phys. Rev. D 35
(1987) 785, without strange quarks.

Resonance: Delta(1232) alone, a Breit-Wigner mass whose width grows with the momentum cubed (mass 1.232, width
0.117, PDG), a dipole of mass 1.05 GeV in Q2, up to a mass of `BORDER`. Its size is a number: such that 0.6
per proton are reached at some GeV (C. Wilkinson et al., Phys. Rev. D 90 (2014) 112017, which corrects the
bubble chambers' data); a third of it per neutron (isospin). Neutral currents: 0.22 of the proton's, on both.

Inelastic: scaling in x and y (R. P. Feynman's partons) above a mass of `BORDER`, where it averages over the
other resonances (E. D. Bloom and F. J. Gilman, Phys. Rev. Lett. 25 (1970) 1140): quarks sqrt(x) (1 - x)^3,
sea (1 - x)^7 by counting rules (S. J. Brodsky and G. R. Farrar, Phys. Rev. Lett. 31 (1973) 1153), 0.17 of
the momentum of quarks in antiquarks, and a slope of 0.677 / GeV at high energies (PDG, isoscalar target).
Neutral currents: 0.31 of it (PDG). Neutrons and protons alike.

Left out: coherent scattering, pairs of nucleons, everything between Delta and `BORDER` but the Delta's tail.
"""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import Floats
from levelone.simulate.neutrino.kinematics import NUCLEON, PION

FERMI2 = 1.166_378_8e-5**2 * 0.389_379_37e11
"""Fermi's constant squared, 1e-38 cm2 / GeV2."""
BORDER = 1.5
"""Mass of hadrons up to which there is the Delta, and from which quarks scatter."""
_CABIBBO2 = 0.9743**2
_WEINBERG = 0.2312
_AXIAL, _AXIAL_MASS2, _VECTOR_MASS2 = -1.2723, 1.03**2, 0.71
_MOMENTS = 2.7928, -1.9130
_DELTA, _WIDTH, _DELTA_DIPOLE2 = 1.232, 0.117, 1.05**2
_DELTA_SIZE = 2.22
_DELTA_NEUTRAL = 0.22
_SLOPE, _SEA_SHARE, _NEUTRAL_DIS = 0.677, 0.17, 0.31


def _sachs(q2: Floats, nucleon: int) -> tuple[Floats, Floats]:
    """Form factors F1 and F2 of the proton (0) or neutron (1)."""
    tau, dipole = q2 / (4 * NUCLEON**2), (1 + q2 / _VECTOR_MASS2) ** -2.0
    electric, magnetic = dipole * (nucleon == 0), dipole * _MOMENTS[nucleon]
    return (electric + tau * magnetic) / (1 + tau), (magnetic - electric) / (1 + tau)


def elastic(energy: Floats, q2: Floats, lepton: float, *, neutral: int | None = None) -> Floats:
    """Elastic d sigma / d Q2 of nu n to l p; of `neutral` currents on a proton (0) or neutron (1)."""
    (p1, p2), (n1, n2) = _sachs(q2, 0), _sachs(q2, 1)
    axial = _AXIAL * (1 + q2 / _AXIAL_MASS2) ** -2.0
    if neutral is None:
        f1, f2, size = p1 - n1, p2 - n2, _CABIBBO2
    else:
        sign, (own1, own2) = (0.5, (p1, p2)) if neutral == 0 else (-0.5, (n1, n2))
        f1, f2 = (sign * (p - n) - 2 * _WEINBERG * own for p, n, own in ((p1, n1, own1), (p2, n2, own2)))
        axial, size = sign * axial, 1.0
    pseudo = 2 * NUCLEON**2 * axial / (q2 + PION**2)
    m2, tau = (lepton / NUCLEON) ** 2, q2 / (4 * NUCLEON**2)
    ratio = q2 / NUCLEON**2
    helicity = (f1 + f2) ** 2 + (axial + 2 * pseudo) ** 2 - 4 * (1 + tau) * pseudo**2
    a = (m2 + ratio) * (
        (1 + tau) * axial**2 - (1 - tau) * f1**2 + tau * (1 - tau) * f2**2 + 4 * tau * f1 * f2
        - m2 / 4 * helicity
    )  # fmt: skip
    b = ratio * axial * (f1 + f2)
    c = (axial**2 + f1**2 + tau * f2**2) / 4
    s_u = (4 * NUCLEON * energy - q2 - lepton**2) / NUCLEON**2
    return FERMI2 * size * NUCLEON**2 / (8 * np.pi * energy**2) * (a - b * s_u + c * s_u**2)


def delta(w: Floats, q2: Floats, *, neutral: bool) -> Floats:
    """Resonant d2 sigma / dW dQ2 on a proton, where kinematics allow it."""
    momentum = np.maximum((w**2 - (NUCLEON + PION) ** 2) * (w**2 - (NUCLEON - PION) ** 2), 0) ** 0.5 / (2 * w)
    at_peak = ((_DELTA**2 - (NUCLEON + PION) ** 2) * (_DELTA**2 - (NUCLEON - PION) ** 2)) ** 0.5 / (
        2 * _DELTA
    )
    width = _WIDTH * (momentum / at_peak) ** 3
    shape = width / (2 * np.pi) / ((w - _DELTA) ** 2 + width**2 / 4)
    size = _DELTA_SIZE * (_DELTA_NEUTRAL if neutral else 1.0)
    return size * shape * (1 + q2 / _DELTA_DIPOLE2) ** -4.0


def quarks(energy: Floats, w: Floats, q2: Floats, *, neutral: bool) -> Floats:
    """Inelastic d2 sigma / dW dQ2 on a nucleon, where kinematics allow it."""
    twice = q2 + w**2 - NUCLEON**2
    x, y = q2 / twice, twice / (2 * NUCLEON * energy)
    # integrals over x: B(3/2, 4) and 1/8
    valence = np.sqrt(x) * (1 - x) ** 3 / 0.101_587_3
    sea = (1 - x) ** 7 * 8
    density = (1 - 2 * _SEA_SHARE) * valence + _SEA_SHARE * sea * (1 + (1 - y) ** 2)
    size = _SLOPE * energy / (1 - 2 * _SEA_SHARE + 4 / 3 * _SEA_SHARE)
    jacobian = 2 * w / (twice * 2 * NUCLEON * energy)
    return size * (_NEUTRAL_DIS if neutral else 1.0) * density * jacobian

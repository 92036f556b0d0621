"""Planes of cells of liquid scintillator in PVC, every other one turned by a right angle.

Geometry and composition are NOvA's (technical design report, FERMILAB-DESIGN-2007-01; the shares of elements
are those of 65 % mineral oil and 35 % PVC with 15 % of titanium dioxide). Cells are 3.9 cm wide and 6.6 cm
deep, walls included, 15.5 m long. The detector is simulated as one homogeneous matter: a path in a wall and
one in the scintillator of the same cell are not told apart. Radiation and interaction lengths are those of
the elements (PDG), added by weight; the density is, to 1 %, 14 kt over the volume of 896 planes of 15.6 m x
15.6 m.

Light: Birks' law with 0.0126 g / (MeV cm2) (PDG, detectors), 14 m of attenuation in the fibre, and 20
photoelectrons from a minimum ionising particle that crosses a cell at its far end, which the design requires
(`generate.pe_per_mev`). An avalanche photodiode doubles the variance of their number.
"""

from __future__ import annotations

from functools import lru_cache

from levelone.simulate.materials import Floats, Material, Sternheimer
from levelone.simulate.neutrino.interactions import Nucleons
from levelone.simulate.passage.matter import Matter

CELL_CM, PLANE_CM = 3.9, 6.6
CELLS, PLANES = 80, 100
"""Of a view: cells across, planes along the beam (as many of the other view lie between them)."""
LENGTH_CM = 1550.0
FIBRE_CM = 1400.0
EXCESS = 2.0
_ACTIVE = 0.65
_BIRKS = 0.0126

CELL_MATTER = Material(
    "oil in PVC", 0.966, 34.8, 75.6, 84.5, 117.2, 72.6,
    Sternheimer.of_dense(72.6, 0.966 * 0.548),
    ((1, 1.00794, 0.108), (6, 12.0107, 0.671), (8, 15.9994, 0.021), (17, 35.453, 0.169), (22, 47.867, 0.031)),
)  # fmt: skip
NUCLEONS = Nucleons(free=0.108, protons=0.549 - 0.108)
"""Hydrogen is free protons; all protons are 0.549 of it (Z over A of the elements: 0.548)."""


def light(loss: Floats) -> Floats:
    """Visible MeV per MeV where a particle loses `loss` MeV / cm: the scintillator's share, by Birks' law."""
    return _ACTIVE / (1 + _BIRKS * loss / CELL_MATTER.density)


@lru_cache(maxsize=1)
def matter() -> Matter:
    """The detector, whose signal is visible energy in MeV.

    Photoelectric absorption: that of argon (XCOM), by the elements' fourth and a half powers of Z. Captured
    muons: 8 % in carbon, three of four in chlorine and titanium (T. Suzuki et al., Phys. Rev. C 35 (1987)
    2212), by their shares of all electrons.
    """
    return Matter(CELL_MATTER, light, absorption=0.009, captured=0.22, knock_on_mev=5.0)

"""Constants of nature and of materials.

From the Particle Data Group's tables of atomic and nuclear properties.

Units: MeV, g, cm, unless the name says otherwise. Density-effect parameters are those of Sternheimer, Berger
and Seltzer, At. Data Nucl. Data Tables 30 (1984) 261, as tabulated by Groom, Mokhov and Striganov, At. Data
Nucl. Data Tables 78 (2001) 183 (LBNL-44742).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ELECTRON_MEV = 0.510_998_95
MUON_MEV = 105.658_375_5
PI0_MEV = 134.976_8
PION_MEV = 139.570_39
PROTON_MEV = 938.272_09
ALPHA = 1 / 137.035_999
CLASSICAL_RADIUS_CM = 2.817_940_3e-13
AVOGADRO = 6.022_140_76e23
K_MEV_CM2 = 0.307_075  # 4 pi N_A r_e^2 m_e c^2, MeV cm2 / mol
PLASMA_EV = 28.816  # plasma energy of one mol of electrons per cm3
SCALE_ENERGY_MEV = 21.2052  # m_e c^2 sqrt(4 pi / alpha), of the Moliere radius


@dataclass(frozen=True)
class Sternheimer:
    """Density-effect parameters: a, k, x0, x1, C-bar, delta0."""

    a: float
    k: float
    x0: float
    x1: float
    cbar: float
    delta0: float = 0.0

    @staticmethod
    def of_dense(excitation_ev: float, electrons: float) -> Sternheimer:
        """Of a solid or liquid that is not in the tables, with a mean excitation energy below 100 eV.

        R. M. Sternheimer and R. F. Peierls, Phys. Rev. B 3 (1971) 3681; also in the PDG review. `electrons`
        are mol / cm3: density times Z / A.
        """
        cbar = 2 * np.log(excitation_ev / (PLASMA_EV * np.sqrt(electrons))) + 1
        x0, x1 = (0.2, 2.0) if cbar < 3.681 else (0.326 * cbar - 1, 2.0)
        return Sternheimer((cbar - 2 * np.log(10) * x0) / (x1 - x0) ** 3, 3.0, x0, x1, cbar)

    def delta(self, beta_gamma: Floats) -> Floats:
        """Density-effect correction delta at momentum / mass `beta_gamma`."""
        x = np.log10(beta_gamma)
        high = 2 * np.log(10) * x - self.cbar
        middle = high + self.a * np.clip(self.x1 - x, 0, None) ** self.k
        low = self.delta0 * 10 ** (2 * (x - self.x0))
        return np.where(x >= self.x1, high, np.where(x >= self.x0, middle, low))


@dataclass(frozen=True)
class Material:
    """A homogeneous material.

    Attributes
    ----------
    density
        g / cm3.
    x0, interaction, pion_interaction
        Radiation length, nuclear interaction length, pion interaction length, g / cm2.
    critical_mev
        Critical energy of electrons (Rossi), MeV.
    excitation_ev
        Mean excitation energy, eV.
    elements
        (Z, A, weight fraction) of each element.
    """

    name: str
    density: float
    x0: float
    critical_mev: float
    interaction: float
    pion_interaction: float
    excitation_ev: float
    sternheimer: Sternheimer
    elements: tuple[tuple[int, float, float], ...]

    @property
    def z_over_a(self) -> float:
        """Mean Z / A, mol / g."""
        return sum(w * z / a for z, a, w in self.elements)

    @property
    def z_effective(self) -> float:
        """Z weighted with the mass fractions, as the shower parametrisation takes it."""
        return sum(w * z for z, _, w in self.elements)

    @property
    def x0_mm(self) -> float:
        """Radiation length in mm."""
        return 10 * self.x0 / self.density

    @property
    def moliere_mm(self) -> float:
        """Moliere radius E_s X0 / E_c in mm."""
        return self.x0_mm * SCALE_ENERGY_MEV / self.critical_mev

    @property
    def interaction_mm(self) -> float:
        """Nuclear interaction length in mm."""
        return 10 * self.interaction / self.density

    @property
    def pion_interaction_mm(self) -> float:
        """Pion interaction length in mm."""
        return 10 * self.pion_interaction / self.density


IRON = Material(
    "iron", 7.874, 13.84, 21.68, 132.1, 160.8, 286.0,
    Sternheimer(0.1468, 2.9632, -0.0012, 3.1531, 4.2911, 0.12), ((26, 55.845, 1.0),),
)  # fmt: skip
TUNGSTEN = Material(
    "tungsten", 19.3, 6.76, 7.97, 191.9, 218.7, 727.0,
    Sternheimer(0.1551, 2.8447, 0.2167, 3.4960, 5.4059, 0.14), ((74, 183.84, 1.0),),
)  # fmt: skip
SILICON = Material(
    "silicon", 2.329, 21.82, 40.19, 108.4, 137.7, 173.0,
    Sternheimer(0.1492, 3.2546, 0.2015, 2.8716, 4.4355, 0.14), ((14, 28.0855, 1.0),),
)  # fmt: skip
POLYSTYRENE = Material(
    "polystyrene", 1.06, 43.79, 93.11, 77.1, 108.5, 68.7,
    Sternheimer(0.1645, 3.2224, 0.1647, 2.5031, 3.2999), ((1, 1.00794, 0.0774), (6, 12.0107, 0.9226)),
)  # fmt: skip
LEAD_TUNGSTATE = Material(
    "lead tungstate", 8.3, 7.39, 9.64, 168.3, 198.0, 600.7,
    Sternheimer(0.2276, 3.0, 0.4068, 3.0023, 5.8528),
    ((82, 207.2, 0.455347), (74, 183.84, 0.404011), (8, 15.9994, 0.140462)),
)  # fmt: skip
LIQUID_ARGON = Material(
    "liquid argon", 1.396, 19.55, 32.84, 119.7, 149.0, 188.0,
    Sternheimer(0.1956, 3.0, 0.2, 3.0, 5.2146), ((18, 39.948, 1.0),),
)  # fmt: skip


@dataclass(frozen=True)
class Medium:
    """What an electromagnetic shower sees: effective properties and, for a sandwich, its sampling terms.

    Attributes
    ----------
    x0_mm, moliere_mm
        Effective radiation length and Moliere radius in mm.
    critical_mev, z
        Effective critical energy (MeV) and atomic number.
    inverse_frequency
        Thickness of one absorber-and-sensor layer in radiation lengths (1 / F_S); 0 if homogeneous.
    e_hat
        Signal of electrons relative to minimum ionising particles; 1 if homogeneous.
    """

    x0_mm: float
    moliere_mm: float
    critical_mev: float
    z: float
    inverse_frequency: float = 0.0
    e_hat: float = 1.0

    @staticmethod
    def homogeneous(material: Material) -> Medium:
        """A block of one material."""
        return Medium(material.x0_mm, material.moliere_mm, material.critical_mev, material.z_effective)

    @staticmethod
    def sandwich(
        absorber: Material, absorber_mm: float, sensor: Material, sensor_mm: float, gap_mm: float = 0.0
    ) -> Medium:
        """Effective medium of a sampling calorimeter (Grindhammer and Peters, hep-ex/0001020, section 3).

        `gap_mm` of every layer (air, boards) weighs nothing, and stretches all lengths.
        """
        plates = ((absorber, absorber_mm), (sensor, sensor_mm))
        mass = sum(m.density * d for m, d in plates)
        weight = [m.density * d / mass for m, d in plates]
        thickness = absorber_mm + sensor_mm
        x0 = 1 / sum(w / m.x0 for w, (m, _) in zip(weight, plates, strict=True))  # g / cm2
        scattering = sum(w * m.critical_mev / m.x0 for w, (m, _) in zip(weight, plates, strict=True))
        per_layer = mass / 10 / x0  # mass is in mm g / cm3
        x0_mm = (thickness + gap_mm) / per_layer
        return Medium(
            x0_mm=x0_mm,
            moliere_mm=x0_mm * SCALE_ENERGY_MEV / (x0 * scattering),
            critical_mev=x0 * scattering,
            z=sum(w * m.z_effective for w, (m, _) in zip(weight, plates, strict=True)),
            inverse_frequency=per_layer,
            e_hat=1 / (1 + 0.007 * (absorber.z_effective - sensor.z_effective)),
        )

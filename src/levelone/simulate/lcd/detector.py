"""The linear-collider calorimeter: an ECAL of 25 x 25 x 25 and an HCAL of 5 x 5 x 60 cells.

The detector is that of the CLIC simulation model used for the LCD calorimeter data (D. Belayneh et al., Eur.
Phys. J. C 80 (2020) 688, arXiv:1912.06794): at 1.5 m, 25 layers of tungsten (17 of 2.4 mm, 8 of 4.8 mm) with
silicon pads of 5.1 mm, then 60 layers of 19 mm of steel with scintillator tiles of 30 mm. The images are
windows around the particle.

The most probable signal of a minimum ionising particle in the ECAL is that of muons in Geant4 11.4 (option 1
of its electromagnetic physics), on the scale on which electrons read their energy. Sampling fluctuations are
chosen so that electrons of 10 and 50 GeV are those of Geant4 in their resolution, in how many cells are above
threshold, and in how much better than their sum the cells tell the energy.
"""

from __future__ import annotations

from levelone.simulate.calorimeter.cells import Calorimeter, Section
from levelone.simulate.materials import IRON, POLYSTYRENE, SILICON, TUNGSTEN, Medium

DISTANCE_MM = 1500.0
"""From the interaction point to the front face."""
PLATES_MM = (2.4,) * 17 + (4.8,) * 8
"""Tungsten."""
SILICON_MM = 0.5
_GAP_MM = 2.7
"""Boards, support and air behind the silicon."""
STEEL_MM, TILE_MM, _AIR_MM = 19.0, 3.0, 4.5
_ECAL_MIP_GEV = 6.6e-3
_ECAL_RESOLUTION = 0.18
_ECAL_CLUSTER_GEV = 19.5e-3
_ECAL_COMMON = 0.10
_HCAL_MIP_GEV = 22e-3


def calorimeter(noise_mip: float = 0.0, threshold_mip: float = 0.5) -> Calorimeter:
    """Grids `ecal` (25, 25, 25) and `hcal` (5, 5, 60), axes (x, y, z).

    Noise and threshold of every cell are in most probable signals of a minimum ionising particle.
    """
    ecal = Section(
        name="ecal",
        medium=Medium.sandwich(TUNGSTEN, PLATES_MM[0], SILICON, SILICON_MM, _GAP_MM),
        layer_x0=tuple(w / TUNGSTEN.x0_mm + SILICON_MM / SILICON.x0_mm for w in PLATES_MM),
        layer_interaction=tuple(
            w / TUNGSTEN.pion_interaction_mm + SILICON_MM / SILICON.pion_interaction_mm for w in PLATES_MM
        ),
        layer_mm=tuple(w + SILICON_MM + _GAP_MM for w in PLATES_MM),
        cells=25,
        pitch_mm=5.1,
        resolution=_ECAL_RESOLUTION,
        quantum_gev=_ECAL_CLUSTER_GEV,
        threshold_gev=threshold_mip * _ECAL_MIP_GEV,
        mip_gev=_ECAL_MIP_GEV,
        noise_gev=noise_mip * _ECAL_MIP_GEV,
        common=_ECAL_COMMON,
    )
    hcal = Section(
        name="hcal",
        medium=Medium.sandwich(IRON, STEEL_MM, POLYSTYRENE, TILE_MM, _AIR_MM),
        layer_x0=(STEEL_MM / IRON.x0_mm + TILE_MM / POLYSTYRENE.x0_mm,) * 60,
        layer_interaction=(STEEL_MM / IRON.pion_interaction_mm + TILE_MM / POLYSTYRENE.pion_interaction_mm,)
        * 60,
        layer_mm=(STEEL_MM + TILE_MM + _AIR_MM,) * 60,
        cells=5,
        pitch_mm=30.0,
        resolution=0.25,
        quantum_gev=_HCAL_MIP_GEV,
        threshold_gev=threshold_mip * _HCAL_MIP_GEV,
        mip_gev=_HCAL_MIP_GEV,
        noise_gev=noise_mip * _HCAL_MIP_GEV,
    )
    return Calorimeter((ecal, hcal))

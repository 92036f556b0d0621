"""What particles pass through, and what of the energy that they lose there is signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from levelone.simulate.materials import AVOGADRO, Floats, Material


@dataclass(frozen=True)
class Matter:
    """A homogeneous detector.

    Attributes
    ----------
    material
        Its composition.
    signal
        Signal per MeV, in any unit, where a particle loses so many MeV / cm; equal objects mean equal laws,
        as tables are kept by it.
    absorption
        Photoelectric absorption at 0.1 MeV, cm2 / g.
    captured
        Share of the negative muons at rest that a nucleus captures.
    knock_on_mev
        Electrons that heavy particles knock on with more energy are followed.
    """

    material: Material
    signal: Callable[[Floats], Floats]
    absorption: float
    captured: float
    knock_on_mev: float = 2.0

    @cached_property
    def x0_cm(self) -> float:
        """Radiation length, cm."""
        return self.material.x0_mm / 10

    @cached_property
    def electrons(self) -> float:
        """Electrons per cm3."""
        return AVOGADRO * self.material.density * self.material.z_over_a

    @cached_property
    def pairing(self) -> float:
        """Sum of Z (Z + 1) over the atoms of a cm3."""
        per_gram = sum(share * z * (z + 1) / a for z, a, share in self.material.elements)
        return AVOGADRO * self.material.density * per_gram

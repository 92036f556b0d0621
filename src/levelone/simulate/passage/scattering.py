"""How atoms deflect charged particles: many small angles together, large ones one by one.

The cross section is Rutherford's, screened by the atom's electrons (G. Moliere, Z. Naturforsch. 2a (1947)
133) and cut off where a wave length is as short as the nucleus is large; among small angles an atom's
electrons add Z to its Z^2, for muons and hadrons up to the angle that an electron can deflect by. Small
angles add up to a mean cosine that falls exponentially along the path, however it is divided (S. Goudsmit and
J. L. Saunderson, Phys. Rev. 57 (1940) 24); as in the mixed simulation of J. M. Fernandez-Varea et al., Nucl.
Instrum. Methods B 73 (1993) 447, angles so large that one happens per radiation length are drawn as they
happen, and one of them stands for the small ones of its step, too. Left out: spin, and large angles of
electrons on electrons (2 % of the whole).

An angle theta is told by its mu, (1 - cos theta) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.simulate.deflections import sample_small
from levelone.simulate.materials import ALPHA, AVOGADRO, CLASSICAL_RADIUS_CM, ELECTRON_MEV, Floats
from levelone.simulate.passage.matter import Matter

HBARC_MEV_FM = 197.327
_RADIUS_FM = 1.2
"""Of a nucleus with mass number 1; others grow with the cube root."""
_THOMAS_FERMI = 0.885


@dataclass(frozen=True)
class Scattering:
    """Of particles of some energies, arrays of one shape.

    Attributes
    ----------
    soft
        Inverse path on which direction is lost to angles below `least`, 1 / cm.
    least, most
        Angles of the rare ones, as mu.
    """

    soft: Floats
    least: Floats
    most: Floats

    @staticmethod
    def of(momentum: Floats, beta2: Floats, mass: float, matter: Matter) -> Scattering:
        """Of particles with momentum and mass in MeV and squared velocity."""
        length = CLASSICAL_RADIUS_CM * ELECTRON_MEV / (momentum * np.sqrt(beta2))  # cm
        electrons_most = 0.5 if mass == ELECTRON_MEV else (ELECTRON_MEV / mass) ** 2 / 4
        strengths, screens, cuts = [], [], []
        for z, a, share in matter.material.elements:
            atoms = AVOGADRO * matter.material.density * share / a
            angle = ELECTRON_MEV * ALPHA * z ** (1 / 3) / (_THOMAS_FERMI * momentum)
            screen = angle**2 * (1.13 + 3.76 * (z * ALPHA) ** 2 / beta2) / 4
            size = np.minimum(2 * HBARC_MEV_FM / (_RADIUS_FM * a ** (1 / 3) * momentum), np.pi)
            for charges, most in ((z**2, np.sin(size / 2) ** 2), (z, electrons_most)):
                strengths.append(atoms * charges * np.pi * length**2)
                screens.append(screen)
                cuts.append(np.broadcast_to(most, momentum.shape))
        strength, screen, cut = np.stack(strengths), np.stack(screens), np.stack(cuts)
        nuclei = strength[::2].sum(0)
        most = (strength[::2] * cut[::2]).sum(0) / nuclei
        least = 1 / (1 / (nuclei * matter.x0_cm) + 1 / most)
        upto = np.minimum(cut, least)
        soft = 2 * strength * (np.log1p(upto / screen) - upto / (upto + screen))
        return Scattering(soft.sum(0), least, most)

    def draw(self, length: Floats, matter: Matter, rng: np.random.Generator) -> Floats:
        """By what particles are deflected on paths `length` (cm), short against a radiation length, as mu."""
        small = sample_small(self.soft, length, rng)
        hit = rng.random(length.shape) < length / matter.x0_cm
        large = 1 / (1 / self.least - rng.random(length.shape) * (1 / self.least - 1 / self.most))
        return np.where(hit, np.maximum(small, large), small)

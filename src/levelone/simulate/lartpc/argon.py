"""Liquid argon at 0.5 kV / cm: how much of the charge that particles set free does not recombine.

The modified box of ArgoNeuT, R. Acciarri et al., JINST 8 (2013) P08005; Birks' law with the constants of
ICARUS, S. Amoruso et al., Nucl. Instrum. Methods A 523 (2004) 275. 23.6 eV free an electron (M. Miyajima et
al., Phys. Rev. A 9 (1974) 1438). Photoelectric absorption: NIST's XCOM.
Capture of muons: T. Suzuki et al., Phys. Rev. C 35 (1987) 2212.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Literal

import numpy as np

from levelone.simulate.materials import LIQUID_ARGON, Floats
from levelone.simulate.passage.matter import Matter

Recombination = Literal["box", "birks"]

FIELD_KV_CM = 0.5
PAIR_MEV = 23.6e-6
"""To free one electron."""
_BOX = (0.93, 0.212)  # alpha; beta, (kV / cm) (g / cm2) / MeV
_BIRKS = (0.800, 0.0486)  # A; k, (kV / cm) (g / cm2) / MeV


def survives(loss: Floats, how: Recombination) -> Floats:
    """Share of the freed electrons that do not recombine where a particle loses `loss` MeV / cm."""
    mass_loss = loss / (LIQUID_ARGON.density * FIELD_KV_CM)
    if how == "birks":
        return _BIRKS[0] / (1 + _BIRKS[1] * mass_loss)
    xi = _BOX[1] * mass_loss
    return np.log(_BOX[0] + xi) / xi


def electrons_per_mev(loss: Floats, how: Recombination) -> Floats:
    """Free electrons per MeV where a particle loses `loss` MeV / cm."""
    return survives(loss, how) / PAIR_MEV


@lru_cache(maxsize=2)
def argon(how: Recombination) -> Matter:
    """Liquid argon whose signal is free electrons."""
    return Matter(LIQUID_ARGON, partial(electrons_per_mev, how=how), absorption=0.053, captured=0.76)

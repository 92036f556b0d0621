"""The loss of the lcd networks: energy of electrons, kind of every particle."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from levelone.zoo.kit.distillation import taught_column
from levelone.zoo.lcd.section import ELECTRON, UNIT_GEV

_TYPICAL = 0.2 / UNIT_GEV**0.5
"""Typical error of the energy over the square root of the energy, in `UNIT_GEV`: 20 % / sqrt(E / GeV)."""


def energy_and_kind(outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
    """Smooth absolute error of the energy over its typical error, electrons only, and cross-entropy, [n].

    The first is sqrt(1 + z^2) - 1: square for small z, and a hard photon does not dominate a batch.

    Parameters
    ----------
    outputs
        Energy [n, 1] in `UNIT_GEV`, logits of the kinds [n, 4].
    truth
        ``energy`` in GeV and ``particle``, [n] each; where a teacher has a share in the targets, its column
        [n, 4] of the probability of each kind, too.
    """
    true = truth["energy"].reshape(-1) / UNIT_GEV
    kind = truth["particle"].reshape(-1)
    z = (outputs[0].reshape(-1) - true) / (_TYPICAL * torch.sqrt(true))
    energy = (torch.sqrt(1 + z**2) - 1) * (kind == ELECTRON)
    target = truth.get(taught_column("particle"), kind)
    return energy + torch.nn.functional.cross_entropy(outputs[1], target, reduction="none")

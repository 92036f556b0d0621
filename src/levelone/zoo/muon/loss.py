"""The loss of the muon study as tensors (squared error over true energy, linear in the tails), and ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from levelone.metrics import tracker
from levelone.zoo.muon.section import GEV_PER_UNIT, MuonModel

EDGES_TEV = (0.05, 1.64, 3.23, 4.82, 6.41, 8.0)
"""Bins of true energy in which the tails are told from the core, as published (five equal bins)."""
STUDIED_TEV = (0.1, 4.0)
"""Energies at which the study measures, in `STUDIED` bins; the study has twice as many."""
STUDIED = 10
MEDIAN_SHARE = 0.02
"""Of the loss that aims at a median, in the loss that aims at the study's improvement."""
CORE = 0.68
"""Share of a bin's events whose squared error stays squared."""


def energy_loss(outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor], section: MuonModel) -> Tensor:
    """The loss of every event that the section asks for, [n]; with `fade` times `high_energy_weight`.

    Parameters
    ----------
    outputs
        Energy [n, 1] in TeV.
    truth
        ``energy`` [n] in GeV.
    """
    predicted, true = outputs[0].reshape(-1), truth["energy"].reshape(-1) / GEV_PER_UNIT
    loss = fractional_huber(predicted, true) if section.loss == "published" else weighted(predicted, true)
    if section.fade:
        loss = high_energy_weight(true) * loss
    return MEDIAN_SHARE * loss - improvement(predicted, true) if section.loss == "improvement" else loss


def weighted(predicted: Tensor, true: Tensor) -> Tensor:
    """Absolute error times true energy of every event, [n] in TeV2.

    The best answer is the median of the energies that an event may have, each counted as often as it is
    large. A mean over the flat spectrum of training makes too much of muons of low energy, of which many look
    like those of high energy that radiated little; what the study measures is the median at each true energy.

    Parameters
    ----------
    predicted, true
        [n] energies in TeV.
    """
    return true * (predicted - true).abs()


def improvement(predicted: Tensor, true: Tensor) -> Tensor:
    """The study's improvement (`levelone.metrics.tracker`) of a batch, a scalar with a gradient.

    As there, but in `STUDIED` bins for line and resolution alike, so that a batch of some hundred events has
    quantiles in each; bins with fewer than `tracker.FEWEST` events are left out. 0 without three bins.

    Parameters
    ----------
    predicted, true
        [n] energies in TeV.
    """
    edges = torch.linspace(*STUDIED_TEV, STUDIED + 1, dtype=true.dtype)
    which = torch.bucketize(true, edges)
    levels = torch.tensor(tracker.CENTRAL, dtype=true.dtype)
    bins = [which == number for number in range(1, STUDIED + 1)]
    bins = [inside for inside in bins if int(inside.sum()) >= tracker.FEWEST]
    if len(bins) < 3:
        return predicted.sum() * 0
    low, middle, high = torch.stack([predicted[inside].quantile(levels) for inside in bins], dim=1)
    aim = torch.stack([true[inside].median() for inside in bins])
    width = ((high - low) / 2).clamp(min=1e-3)
    weight = width**-2
    mean_aim, mean_middle = ((weight * x).sum() / weight.sum() for x in (aim, middle))
    covariance = (weight * (aim - mean_aim) * (middle - mean_middle)).sum()
    slope = (covariance / (weight * (aim - mean_aim) ** 2).sum()).clamp(min=0.05)
    bias = mean_aim + (middle - mean_middle) / slope - aim
    calorimeter = torch.sqrt((width / slope) ** 2 + bias**2) / aim
    alone = tracker.TRACKER_PER_GEV * GEV_PER_UNIT * aim
    return (alone - alone * calorimeter / torch.hypot(alone, calorimeter)).mean()


def fractional_huber(predicted: Tensor, true: Tensor) -> Tensor:
    """Loss of every event, [n].

    Source: J. Kieseler et al., arXiv:2107.02119, and its public code. Within bins of true energy, squared
    errors above the bin's 68 % quantile go on linearly; all are divided by the true energy. The study
    follows the quantiles with a running mean over batches; here they are those of the batch.

    Parameters
    ----------
    predicted, true
        [n] energies in TeV.
    """
    error = (predicted - true).abs()
    which = torch.bucketize(true, torch.tensor(EDGES_TEV[1:-1], dtype=true.dtype, device=true.device))
    core = torch.zeros_like(error)
    with torch.no_grad():
        for b in range(len(EDGES_TEV) - 1):
            inside = which == b
            count = int(inside.sum())
            if count:
                rank = 1 + round(CORE * (count - 1))
                core[inside] = error[inside].kthvalue(rank).values
    loss = torch.where(error <= core, error.square(), core * (2 * error - core))
    return loss / true


def high_energy_weight(true: Tensor) -> Tensor:
    """Weights [n] that fade out above 5 TeV, as published.

    The range ends at 8 TeV: without them the network learns that nothing lies above, and is biased there.
    """
    above = torch.where(true > 5.0, (true - 5.0) / 0.6, (true - 5.0) / 0.3)
    return 1 - torch.sigmoid(above)

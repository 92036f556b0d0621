"""How far generated showers are from true ones, without a critic: proper scores and a distance.

A score of T. Gneiting and A. Raftery (J. Am. Stat. Assoc. 102 (2007) 359), |m - t| - |m - m'| / 2 of a true
value and of two that were made of the same question with fresh random numbers, is smallest on average for
whoever draws from the true distribution; of one number it is the continuous ranked probability score,
of many the energy score.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from levelone.zoo.showergan.profiles import TOTAL, Profiles

_CELLS, _COLUMNS, _SUMS = 3.0, 2.0, 2.0  # weights of the scores of each cell, each column, random sums
_TOTAL = 1.0  # weight of the score of all energy
_RANDOM = 64  # random sums of cells in a batch
_LEAST = 0.03  # of the spread of a compressed cell: rare ones are not blown up
_EACH = 5.0  # weight of the mean distance of single columns


def pair_score(profiles: Profiles, made: Tensor, true: Tensor, given: Tensor) -> Tensor:
    """Score of two generated showers for each of n true ones, a scalar.

    `made` and `true` are [2n, ...], the second half for the same showers as the first. Of every cell, of
    every column of `profiles`, of all columns together, and of random sums of cells, which tell whether cells
    vary together; all in units of the true standard deviation.
    """
    half = len(true) // 2
    real = true[:half]
    ours = profiles(made, given)
    theirs = profiles(real, given[:half])
    spread = theirs.std(0, correction=0) + 1e-3
    ours, theirs = ours / spread, theirs / spread
    width = real.std(0, correction=0).clamp(min=_LEAST)
    cells, wanted = (made / width).flatten(1), (real / width).flatten(1)
    mixed = torch.randn(cells.shape[1], _RANDOM) / cells.shape[1] ** 0.5
    sums, aim = cells @ mixed, wanted @ mixed
    together = _score(_length, ours, theirs).mean() / ours.shape[1] ** 0.5
    return (
        together
        + _COLUMNS * _score(torch.abs, ours, theirs).mean()
        + _TOTAL * _score(torch.abs, ours[:, TOTAL], theirs[:, TOTAL]).mean()
        + _CELLS * _score(torch.abs, cells, wanted).mean()
        + _SUMS * _score(torch.abs, sums, aim).mean()
    )


def _score(size: Callable[[Tensor], Tensor], made: Tensor, true: Tensor) -> Tensor:
    one, other = made[: len(true)], made[len(true) :]
    return (size(one - true) + size(other - true) - size(one - other)) / 2


def _length(difference: Tensor) -> Tensor:
    """Of each row; its slope stays finite where there is no difference."""
    return torch.sqrt(difference.square().sum(1) + 1e-6)


def profile_distance(profiles: Profiles, made: Tensor, true: Tensor, given: Tensor) -> Tensor:
    """Distance between generated and true showers of a batch, as one number for each of n pairs.

    Of `profiles`, together with what was asked for, `given` [n, 2], the energy distance (G. Szekely and M.
    Rizzo, J. Stat. Plan. Inference 143 (2013) 1249), 2 |m - t| - |m - m'| - |t - t'| averaged over all others
    of the batch, which is zero on average where both have the same distribution; and of each column alone the
    distance between the quantiles of both, which a distance in many columns hardly sees. Columns are in units
    of the true ones' standard deviation, what was asked for counts twice.
    """
    real, fake = (torch.cat([profiles(each, given), 2 * given], 1) for each in (true, made))
    spread = real.std(0, correction=0) + 1e-3
    real, fake = real / spread, fake / spread
    others = max(len(real) - 1, 1)
    across = _distances(fake, real)
    inside = (_distances(fake, fake).sum(1) + _distances(real, real).sum(1)) / others
    quantiles = (fake.sort(0).values - real.sort(0).values).abs().mean(1)
    return across.mean(0) + across.mean(1) - inside + _EACH * quantiles


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distances [n, m]; their slope stays finite where both are the same."""
    squared = (one.square().sum(1)[:, None] + other.square().sum(1) - 2 * one @ other.T).clamp(min=0)
    distance = torch.sqrt(squared + 1e-6)
    if one is other:
        distance = distance - torch.diag(torch.diag(distance))
    return distance

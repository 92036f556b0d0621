"""A critic: a second network that judges what the first one makes. It never goes into firmware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

AdversarialLoss = Literal["wgan-gp", "lsgan"]
"""Wasserstein distance with a penalty on gradients (I. Gulrajani et al., arXiv:1704.00028), or least squares
(X. Mao et al., arXiv:1611.04076)."""


@dataclass(frozen=True)
class Critic:
    """How a generator is trained against a critic.

    Attributes
    ----------
    network
        Called with what a generator of one output made, [n, ...], and with truth column `given`, [n, k]; its
        judgement is [n, 1]: more for what it believes.
    true, given
        Truth columns: what the generator's output should be like, and what it was asked for.
    loss
        Which losses the two minimise.
    penalty
        Weight of the gradient's penalty (wgan-gp).
    steps
        Steps of the critic for one of the generator.
    learning_rate
        Of the critic over that of the generator.
    match
        Weight of the system's own loss beside the critic's judgement.
    """

    network: nn.Module
    true: str
    given: str
    loss: AdversarialLoss
    penalty: float
    steps: int
    learning_rate: float
    match: float

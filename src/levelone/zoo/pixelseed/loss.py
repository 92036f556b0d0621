"""The loss of the PixelSeed network."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of every doublet, [n]; `target` is 1 where one particle made both hits."""
    return binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")

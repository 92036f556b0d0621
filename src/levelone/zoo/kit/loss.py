"""Losses that several systems train with."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy of every event, [n]; `target` [n] is 1 for signal."""
    return binary_cross_entropy_with_logits(logit, target.to(logit.dtype), reduction="none")

"""The loss of the networks for next."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def cross_entropy(logit: Tensor, label: Tensor) -> Tensor:
    """Binary cross-entropy of every event, [n]; `label` is 1 for two electrons."""
    return binary_cross_entropy_with_logits(logit, label.to(logit.dtype), reduction="none")

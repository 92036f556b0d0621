"""The loss of the lartpc network: cross-entropy of the pixels that have charge and a class."""

from __future__ import annotations

from torch import Tensor, as_tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from levelone.data.argon_images import NOTHING, SHOWER

TYPICAL_PIXELS = 200.0
"""With charge in an event: the sum over pixels is given in these, so that every pixel counts the same."""


def masked_loss(logit: Tensor, classes: Tensor, *, shower_weight: float) -> Tensor:
    """Sum over the pixels of each event that have a class, in units of `TYPICAL_PIXELS`, [n].

    Parameters
    ----------
    logit, classes
        [n, 1, rows, columns]; classes are those of `levelone.data.argon_images`.
    """
    weight = as_tensor(shower_weight, dtype=logit.dtype)
    shower = (classes == SHOWER).to(logit.dtype)
    each = binary_cross_entropy_with_logits(logit, shower, pos_weight=weight, reduction="none")
    return (each * (classes != NOTHING)).sum((1, 2, 3)) / TYPICAL_PIXELS

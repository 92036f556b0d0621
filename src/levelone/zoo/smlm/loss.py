"""The loss of the smlm network: per pixel, whether a molecule is there, and where in the pixel."""

from __future__ import annotations

from torch import Tensor, as_tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

_BENDS = 0.1  # pixels: errors below count squared


def pixel_loss(
    logit: Tensor, shift: Tensor, truth: Tensor, *, present_weight: float, shift_weight: float
) -> Tensor:
    """Mean over the pixels of each frame, [n]: cross-entropy, and smooth L1 of the shifts of molecules.

    Parameters
    ----------
    logit, shift
        [n, 1, rows, columns] and [n, 2, rows, columns].
    truth
        [n, 4, rows, columns], channels of `levelone.simulate.smlm.generator.MAP`.
    """
    present = truth[:, 0]
    weight = as_tensor(present_weight, dtype=logit.dtype)
    found = binary_cross_entropy_with_logits(logit[:, 0], present, pos_weight=weight, reduction="none")
    missed = smooth_l1_loss(shift, truth[:, 1:3], beta=_BENDS, reduction="none").sum(1)
    return (found + shift_weight * present * missed).mean((1, 2))

"""The loss of the bandgap network."""

from __future__ import annotations

from torch import Tensor


def squared_error(answer: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error over the pixels of each image, [n]; arguments [n, 1, rows, columns]."""
    return (answer - wanted).square().mean((1, 2, 3))

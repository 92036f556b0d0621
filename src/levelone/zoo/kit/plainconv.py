"""Convolutions without oneDNN, which is slow where there is little to compute per cell."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def plain_convolutions() -> Iterator[None]:
    """Without oneDNN, which takes up to 26 times as long over kernels of one cell and few channels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about TF32, which only other processors have
        with torch.backends.mkldnn.flags(enabled=False):
            yield

"""Power-of-two scales: how they are held, and how they are chosen.

A scale is a constant of the network between two calibrations, not a statistic that moves with every batch.
So a checkpoint holds everything there is to know, training resumes to the same bits, and what is exported is
what was trained. With powers of two, dividing by a scale and multiplying by it are exact in floating point.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class FixedScale(nn.Module):
    """A scale held in the state dict; the `scaling_impl` of every quantiser in this package.

    Brevitas asks it for a scale with the tensor to be quantised and its integer threshold; both are ignored.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(1.0))

    def forward(self, tensor: Tensor, threshold: Tensor | None = None) -> Tensor:
        """The scale, a float32 scalar."""
        return self.scale

    @property
    def exponent(self) -> int:
        """The integer e with scale == 2**e."""
        mantissa, exponent = math.frexp(float(self.scale))
        if mantissa != 0.5:
            raise ValueError(f"scale {float(self.scale)} is not a power of two")
        return exponent - 1

    def set_exponent(self, exponent: int) -> None:
        """Make the scale 2**exponent."""
        self.scale.fill_(math.ldexp(1.0, exponent))


def code_range(bits: int, *, signed: bool, narrow: bool = False) -> tuple[int, int]:
    """Smallest and largest integer code of a type; `narrow` drops the most negative one."""
    if not signed:
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)) + int(narrow), 2 ** (bits - 1) - 1


def quantise(values: Tensor, exponent: int, low: int, high: int) -> Tensor:
    """Integer codes (as floats): nearest multiple of 2**exponent, ties to even, saturated."""
    return torch.clamp(torch.round(values * math.ldexp(1.0, -exponent)), low, high)


def best_exponent(values: Tensor, bits: int, *, signed: bool, narrow: bool = False) -> int:
    """The power-of-two scale with the smallest mean squared quantisation error on `values`.

    Saturating a few large values is often better than a coarse grid for all, so finer scales than the one
    that covers the largest magnitude are tried too.

    Parameters
    ----------
    values
        Finite values of any shape, at least one.

    Returns
    -------
    int
        The exponent e of scale 2**e. For values that are all zero (or, if unsigned, none above zero), 0.
    """
    low, high = code_range(bits, signed=signed, narrow=narrow)
    flat = values.detach().double().flatten()
    if not bool(torch.isfinite(flat).all()):
        raise ValueError("cannot choose a scale: some values are not finite")
    largest = float(flat.abs().max() if signed else flat.max())
    if largest <= 0.0:
        return 0
    cover = math.ceil(math.log2(largest / high))
    errors = {}
    for exponent in range(cover - 5, cover + 1):
        error = flat - quantise(flat, exponent, low, high) * math.ldexp(1.0, exponent)
        errors[exponent] = float(error.square().mean())
    # A tie goes to the coarser grid: the same error with a wider range.
    return min(errors, key=lambda exponent: (errors[exponent], -exponent))


def scale_of(quantiser: nn.Module) -> FixedScale:
    """The scale of a Brevitas quantiser proxy (``layer.weight_quant``, ``layer.act_quant``, ...)."""
    found = [module for module in quantiser.modules() if isinstance(module, FixedScale)]
    if len(found) != 1:
        raise ValueError(f"expected one power-of-two scale in {type(quantiser).__name__}, found {len(found)}")
    return found[0]

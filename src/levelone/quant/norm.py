"""Normalisations: what the float twin learns, and the affine map that is left of it afterwards."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["batch", "running"]
"""Batch normalisation with batch statistics in training, or with tracked statistics in training too."""


class RunningBatchNorm(nn.Module):
    """Normalisation by tracked statistics, which are the same in training and in inference.

    Ordinary batch normalisation divides by the statistics of the batch while training and by averages
    afterwards. With few filled voxels or small batches the two differ. Here decaying sums of the values, of
    their squares and of their number are tracked, updated by each training batch *before* it is normalised
    with their ratio; gradients flow through the current batch's part of the sums. (The idea is that of
    J. Howard's running batch normalisation in fast.ai's 2019 course, used for muons in arXiv:2107.02119.)

    The variance is a difference of two sums, which cancel where the mean is much larger than the spread. So
    the sums are float64, and those of a batch are taken about its own mean.

    Parameters
    ----------
    channels
        Length of axis 1 of the input; any number of axes may follow.
    momentum
        Share of a batch of the reference size in the tracked sums.
    eps
        Added to the variance.
    warm_up
        Events until which the variance is kept above `floor`, so that the first batches do not explode.
    floor
        Smallest variance during the warm-up.
    """

    sums: Tensor
    squares: Tensor
    count: Tensor
    events: Tensor

    def __init__(
        self,
        channels: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        warm_up: int = 20,
        floor: float = 0.01,
    ) -> None:
        super().__init__()
        self.momentum, self.eps, self.warm_up, self.floor = momentum, eps, warm_up, floor
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("sums", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("squares", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("events", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised `x` [n, channels, ...]; in training the statistics are updated first."""
        tracked = self._track(x) if self.training else (self.sums, self.squares, self.count)
        gain, offset = (t.to(x.dtype).reshape(1, -1, *[1] * (x.ndim - 2)) for t in self._affine(*tracked))
        return x * gain + offset

    def affine(self) -> tuple[Tensor, Tensor]:
        """(gain, offset) float64 [channels] of the map in evaluation, no gradients; at first the identity."""
        gain, offset = self._affine(self.sums, self.squares, self.count)
        return gain.detach(), offset.detach()

    def _affine(self, sums: Tensor, squares: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        weight, bias = self.weight.double(), self.bias.double()
        if not bool(count > 0):
            return weight, bias
        mean = sums / count
        variance = (squares / count - mean * mean).clamp_min(0.0)
        if int(self.events) < self.warm_up:
            variance = variance.clamp_min(self.floor)
        gain = weight / torch.sqrt(variance + self.eps)
        return gain, bias - mean * gain

    def _track(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The new sums with gradients; the buffers keep their values only."""
        share = self.momentum if bool(self.count > 0) else 1.0
        number = torch.tensor(x.numel() / x.shape[1], dtype=self.count.dtype, device=x.device)
        of_batch, squares_of_batch = _sums(x)
        sums = torch.lerp(self.sums, of_batch, share)
        squares = torch.lerp(self.squares, squares_of_batch, share)
        count = torch.lerp(self.count, number, share)
        self.sums.copy_(sums.detach())
        self.squares.copy_(squares.detach())
        self.count.copy_(count)
        self.events += len(x)
        return sums, squares, count


def _sums(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sums and sums of squares, float64 [channels], of `x` [n, channels, ...], whatever its mean is."""
    axes = [0, *range(2, x.ndim)]
    centre = x.detach().mean(axes, keepdim=True)  # any number near the mean: it drops out of the result
    apart = x - centre
    sums, squares = apart.sum(axes).double(), (apart * apart).sum(axes).double()
    number, about = x.numel() / x.shape[1], centre.flatten().double()
    return sums + number * about, squares + 2 * about * sums + number * about * about


def make_norm(norm: Norm | None, channels: int, axes: int) -> nn.Module | None:
    """A fresh normalisation of tensors with so many axes behind the channels."""
    if norm is None:
        return None
    if norm == "running":
        return RunningBatchNorm(channels)
    return (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes](channels)


def norm_affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """(gain, offset) float64 [channels]: what `norm` does to each channel in evaluation mode.

    Raises
    ------
    TypeError
        If it is no normalisation of this module.
    """
    if isinstance(norm, RunningBatchNorm):
        return norm.affine()
    if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: S101  (as made here)
        gain = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
        return gain, norm.bias.detach().double() - norm.running_mean.double() * gain
    raise TypeError(f"no normalisation: {type(norm).__name__}")

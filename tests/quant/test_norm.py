"""Normalisation by tracked statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from levelone.quant.norm import RunningBatchNorm, norm_affine


def test_running_norm_is_the_same_map_in_training_and_inference() -> None:
    torch.manual_seed(0)
    norm = RunningBatchNorm(3, warm_up=0)
    x = torch.randn(16, 3, 2, 2, 2) * torch.tensor([1.0, 5.0, 0.2]).reshape(1, 3, 1, 1, 1) + 2
    norm.train()
    trained = norm(x)
    norm.eval()
    assert torch.equal(trained.detach(), norm(x).detach())
    # one batch: its own statistics
    assert torch.allclose(trained.mean((0, 2, 3, 4)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(trained.var((0, 2, 3, 4), unbiased=False), torch.ones(3), atol=1e-3)


def test_running_norm_tracks_decaying_sums() -> None:
    """Against plain arithmetic with the definition, three batches of different sizes."""
    norm = RunningBatchNorm(1, momentum=0.25, warm_up=0)
    rng = np.random.default_rng(1)
    sums = squares = count = 0.0
    for step, n in enumerate((4, 8, 2)):
        x = rng.normal(3, 2, (n, 1, 3)).astype(np.float32)
        norm.train()(torch.from_numpy(x))
        share = 1.0 if step == 0 else 0.25
        sums += share * (float(x.sum()) - sums)
        squares += share * (float((x.astype(float) ** 2).sum()) - squares)
        count += share * (n * 3 - count)
    mean, variance = sums / count, squares / count - (sums / count) ** 2
    gain, offset = norm_affine(norm)
    assert math.isclose(float(gain), 1 / math.sqrt(variance + 1e-5), rel_tol=1e-4)
    assert math.isclose(float(offset), -mean / math.sqrt(variance + 1e-5), rel_tol=1e-4)


@pytest.mark.parametrize(("mean", "spread"), [(3000.0, 1.0), (-2e5, 100.0), (0.5, 1e-4)])
def test_running_norm_does_not_cancel(mean: float, spread: float) -> None:
    """A mean of thousands of spreads, over several batches: trained, evaluated and exported alike."""
    torch.manual_seed(4)
    batches = torch.randn(5, 32, 2, 4, 4, 4) * spread + mean
    norm = RunningBatchNorm(2, warm_up=0, eps=1e-12)
    for batch in batches:
        trained = norm.train()(batch)
    evaluated = norm.eval()(batches[-1])
    assert torch.equal(trained, evaluated)

    shares = [
        0.9**4,
        *(0.1 * 0.9 ** (4 - i) for i in range(1, 5)),
    ]  # what the first batch weighs, and the others
    exact = batches.double().numpy()
    first = sum(s * x.mean((0, 2, 3, 4)) for s, x in zip(shares, exact, strict=True))
    second = sum(
        s * ((x - first.reshape(2, 1, 1, 1)) ** 2).mean((0, 2, 3, 4))
        for s, x in zip(shares, exact, strict=True)
    )
    expected = batches[-1].double().numpy() - first.reshape(2, 1, 1, 1)
    expected /= np.sqrt(second + 1e-12).reshape(2, 1, 1, 1)
    # x * gain + offset, both as large as the mean in spreads, in float32
    tolerance = 4 * abs(mean) / spread * 2.0**-24
    assert np.abs(evaluated.detach().numpy() - expected).max() < tolerance < 2e-3

    gain, offset = norm_affine(norm)
    assert gain.dtype == offset.dtype == torch.float64 and not gain.requires_grad
    assert np.allclose(gain.numpy(), 1 / np.sqrt(second + 1e-12), rtol=1e-5, atol=0)
    assert np.allclose(gain.numpy() * first + offset.numpy(), 0, atol=1e-7 * abs(mean) / spread)


def test_running_norm_reads_the_float32_sums_of_earlier_versions() -> None:
    norm, other = RunningBatchNorm(3), RunningBatchNorm(3)
    norm.train()(torch.randn(40, 3, 5) + 2)
    state = {name: t.float() if t.is_floating_point() else t for name, t in norm.state_dict().items()}
    other.load_state_dict(state)
    for found, expected in zip(norm_affine(other), norm_affine(norm), strict=True):
        assert found.dtype == torch.float64
        assert torch.allclose(found, expected, rtol=1e-5)


def test_running_norm_learns_through_its_statistics() -> None:
    norm = RunningBatchNorm(2)
    x = torch.randn(8, 2, 4, requires_grad=True)
    (norm(x) * torch.arange(8.0).reshape(8, 1, 1)).sum().backward()
    assert x.grad is not None
    # a shift of the whole batch is absorbed by the mean: its gradient is zero on the first batch
    assert float(x.grad.sum((0, 2)).abs().max()) < 1e-3 * float(x.grad.abs().sum())
    assert norm.weight.grad is not None and norm.bias.grad is not None

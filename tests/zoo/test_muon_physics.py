"""High-level features, loss and measurements of the muon system, against plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.metrics import tracker
from levelone.zoo.muon.features import FEATURES, high_level
from levelone.zoo.muon.loss import (
    EDGES_TEV,
    MEDIAN_SHARE,
    STUDIED_TEV,
    energy_loss,
    fractional_huber,
    high_energy_weight,
    weighted,
)
from levelone.zoo.muon.loss import improvement as improvement_of_batch
from levelone.zoo.muon.results import STUDY, figures, huberised, improvement, in_bins, linearised, summary
from levelone.zoo.muon.section import MuonModel

NAMES = list(FEATURES)


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, high_level(image[None]).astype(float)[0].tolist(), strict=True))


def log(energy: float) -> float:
    return math.log10(1 + energy / 0.1)


def sparse(rng: np.random.Generator, cells: int) -> np.ndarray:
    image = np.zeros((50, 32, 32))
    image.reshape(-1)[rng.integers(0, image.size, cells)] = rng.lognormal(-2, 2, cells)
    image[:, 12, 20] += 0.04  # the muon itself
    return image


def groups(image: np.ndarray) -> list[tuple[int, float]]:
    """(cells, energy) of each group of touching cells above 0.1 GeV: flood fill."""
    left = {tuple(int(i) for i in c) for c in np.argwhere(image > 0.1)}
    found = []
    while left:
        stack, cells, energy = [left.pop()], 0, 0.0
        while stack:
            z, y, x = stack.pop()
            cells, energy = cells + 1, energy + image[z, y, x]
            for dz, dy, dx in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)):
                near = (z + dz, y + dy, x + dx)
                if near in left:
                    left.remove(near)
                    stack.append(near)
        found.append((cells, energy))
    return found


@settings(max_examples=12, derandomize=True, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 3000))
def test_features_are_what_their_definitions_say(seed, cells) -> None:
    image = sparse(np.random.default_rng(seed), cells)
    found = named(image)
    filled = [(int(z), int(y), int(x), float(image[z, y, x])) for z, y, x in np.argwhere(image > 0)]
    total = sum(e for *_, e in filled)
    assert found["total"] == pytest.approx(log(total), abs=1e-5)
    assert found["above"] == pytest.approx(log(sum(e for *_, e in filled if e > 0.1)), abs=1e-5)
    assert found["faint"] == pytest.approx(log(sum(e for *_, e in filled if e <= 0.01)), abs=1e-5)
    assert found["depth"] == pytest.approx(sum(e * z for z, _, _, e in filled) / total / 50, abs=1e-5)
    at = [((y - 12) / 8, (x - 20) / 8, z, e) for z, y, x, e in filled]
    assert found["moment_x"] == pytest.approx(sum(e * x for _, x, _, e in at) / total, abs=1e-5)
    spread = math.sqrt(sum(e * (x * x + y * y) for y, x, _, e in at) / total)
    assert found["spread"] == pytest.approx(spread, abs=1e-5)
    assert found["missing"] == pytest.approx(
        math.hypot(sum(e * x for _, x, _, e in at), sum(e * y for y, *_, e in at)) / total, abs=1e-5
    )
    second = [(y, x, e) for y, x, z, e in at if 10 <= z < 20]
    weight = sum(e for *_, e in second)
    assert found["spread_2"] == pytest.approx(
        math.sqrt(sum(e * (x * x + y * y) for y, x, e in second) / weight), abs=1e-5
    )
    expected = groups(image)
    energies = [*sorted((e for _, e in expected), reverse=True), 0.0, 0.0]
    assert found["clusters"] == pytest.approx(math.log10(1 + len(expected)), abs=1e-5)
    assert found["cluster_cells"] == pytest.approx(
        math.log10(1 + max((c for c, _ in expected), default=0)), abs=1e-5
    )
    assert found["cluster_energy"] == pytest.approx(log(energies[0]), abs=1e-5)
    assert found["cluster_second"] == pytest.approx(log(energies[1]), abs=1e-5)


def test_groups_do_not_join_events() -> None:
    rng = np.random.default_rng(0)
    images = np.stack([sparse(rng, n) for n in (500, 0, 2000)])
    together = high_level(images)
    assert np.array_equal(together, np.concatenate([high_level(image[None]) for image in images]))


def test_an_empty_calorimeter_has_finite_features() -> None:
    assert np.isfinite(high_level(np.zeros((2, 50, 32, 32)))).all()


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 200))
def test_loss_is_the_published_formula(seed, n) -> None:
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.05, 8.0, n)
    predicted = true + rng.normal(0, 1, n) * true
    expected = np.zeros(n)
    for low, high in pairwise(EDGES_TEV):
        rows = [i for i in range(n) if low <= true[i] < high or (true[i] == high == EDGES_TEV[-1])]
        if not rows:
            continue
        squares = sorted((predicted[i] - true[i]) ** 2 for i in rows)
        threshold = squares[round(0.68 * (len(rows) - 1))]
        for i in rows:
            square = (predicted[i] - true[i]) ** 2
            if square > threshold:
                root = math.sqrt(threshold)
                square = threshold + 2 * root * (abs(predicted[i] - true[i]) - root)
            expected[i] = square / true[i]
    found = fractional_huber(torch.from_numpy(predicted), torch.from_numpy(true))
    assert np.allclose(found.numpy(), expected, rtol=1e-9)
    assert np.allclose(huberised(predicted, true, np.array(EDGES_TEV)), expected, rtol=1e-9)


def test_loss_falls_when_predictions_come_closer() -> None:
    true = torch.linspace(0.1, 7.9, 64)
    predicted = (true * 1.5).requires_grad_()
    fractional_huber(predicted, true).sum().backward()
    assert bool((predicted.grad > 0).all())


def test_weights_fade_out_above_five_tev() -> None:
    weight = high_energy_weight(torch.tensor([1.0, 5.0, 5.6, 8.0]))
    assert weight[0] > 0.999 and weight[1] == 0.5
    assert float(weight[2]) == pytest.approx(1 - 1 / (1 + math.exp(-1)), abs=1e-6)
    assert weight[3] < 0.01


def test_the_loss_that_aims_at_a_median_has_it_as_its_best_answer() -> None:
    """Of a muon with 1, 2 or 6 TeV: weights of 1, 2 and 6 make 6 the median."""
    true = torch.tensor([1.0, 2.0, 6.0])
    answers = torch.linspace(0.5, 7.0, 66)
    losses = [float(weighted(answer.expand(3), true).sum()) for answer in answers]
    assert float(answers[int(np.argmin(losses))]) == pytest.approx(6.0)
    assert weighted(torch.tensor([1.5]), torch.tensor([2.0])).item() == 1.0


def _of_a_batch(true: torch.Tensor, predicted: torch.Tensor) -> float:
    """The study's metric in ten bins, for the line, too, where the study has 39."""
    with pytest.MonkeyPatch.context() as patch:
        edges = 1e3 * np.linspace(*STUDIED_TEV, 11)
        patch.setattr(tracker, "EDGES", edges)
        patch.setattr(tracker, "LINE_EDGES", edges)
        return tracker.improvement(true.numpy() * 1e3, predicted.detach().numpy() * 1e3)


def test_the_improvement_that_is_trained_for_is_the_studys() -> None:
    generator = torch.Generator().manual_seed(4)
    true = (0.05 + 7.95 * torch.rand(4000, generator=generator)).double()
    noise = torch.randn(4000, generator=generator).double()
    predicted = (0.7 + 0.6 * true * torch.exp(0.4 * noise)).requires_grad_()
    found = improvement_of_batch(predicted, true)
    # the study's line is at the middle of a bin, this one at the median of the true energies in it
    assert found.item() == pytest.approx(_of_a_batch(true, predicted), abs=2e-3)
    assert _of_a_batch(true, predicted) > 0.05
    assert improvement_of_batch(2 * predicted + 1, true).item() == pytest.approx(found.item(), rel=1e-9)
    found.backward()
    better = (predicted + 10 * predicted.grad).detach()
    assert improvement_of_batch(better, true) > found
    few = improvement_of_batch(predicted[:20], true[:20])  # no three bins with enough events
    few.backward()
    assert few.item() == 0


def test_a_recipe_chooses_loss_and_weights() -> None:
    predicted, truth = torch.tensor([[1.0], [7.0]]), {"energy": torch.tensor([3000.0, 6000.0])}
    true = torch.tensor([3.0, 6.0])

    def found(**keys) -> torch.Tensor:
        return energy_loss((predicted,), truth, MuonModel(**keys))

    assert torch.equal(found(loss="median", fade=False), torch.tensor([6.0, 6.0]))
    median = torch.tensor([6.0, 6.0]) * high_energy_weight(true)
    assert torch.equal(found(loss="median"), median)
    assert torch.equal(found(loss="improvement"), MEDIAN_SHARE * median)  # a batch of two has no improvement
    assert torch.equal(found(fade=False), fractional_huber(predicted[:, 0], true))


def test_measurements_find_the_resolution_that_was_put_in() -> None:
    rng = np.random.default_rng(5)
    true = rng.uniform(50, 8000, 40_000)
    predicted = true * (1 + 0.2 * rng.standard_normal(len(true)))
    bins = in_bins(true, predicted)
    assert np.allclose(bins["width"], 0.2 * 0.9945, atol=0.015)  # the 16 % quantile is at 0.9945 sigma
    assert np.allclose(bins["resolution"], 0.2, atol=0.01)
    assert np.allclose(bins["bias"], 0.0, atol=0.015)
    alone = 2e-4 * bins["centre"]
    expected = np.mean(alone - 1 / np.sqrt(1 / 0.2**2 + 1 / alone**2))
    assert improvement(true, predicted) == pytest.approx(expected, abs=0.01)
    found, draws = summary(true, predicted, resamples=10)
    assert {len(values) for values in draws.values()} == {10}
    assert found["width"]["value"] == pytest.approx(0.2, abs=0.01)
    assert 0 < found["width"]["error"] < 0.01


def test_linearising_undoes_a_compressed_response() -> None:
    rng = np.random.default_rng(6)
    true = rng.uniform(50, 8000, 20_000)
    compressed = 2000 + 0.5 * true + rng.normal(0, 100, len(true))
    straight = linearised(true, compressed)
    assert np.allclose(np.median(straight - true), 0, atol=20)
    assert np.polyfit(true, straight, 1)[0] == pytest.approx(1, abs=0.01)
    constant = np.full(len(true), 4000.0)
    assert np.array_equal(linearised(true, constant), constant)


def test_a_difference_is_told_more_precisely_than_what_it_is_between() -> None:
    rng = np.random.default_rng(7)
    true = rng.uniform(100, 4000, 4000)
    seen = true * np.exp(0.5 * rng.standard_normal(len(true)))
    outputs = {
        "quantised": {"energy": seen[:, None] / 1e3},
        "float": {"energy": 1 + 2 * seen[:, None] / 1e3},
        "boosting": {"energy": seen[:, None] / 1e3 * rng.uniform(0.9, 1.1, (len(true), 1))},
    }
    found = figures(outputs, {"energy": true}, seed=1)
    assert list(found["differences"]) == ["quantised-boosting", "quantised-float"]
    same, other = found["differences"]["quantised-float"], found["differences"]["quantised-boosting"]
    assert same["value"] == pytest.approx(0, abs=1e-9) and same["error"] == pytest.approx(0, abs=1e-9)
    assert 0 < other["error"] < found["models"]["boosting"][STUDY]["error"]


def test_bins_with_few_events_say_nothing() -> None:
    true = np.array([100.0] * 7 + [4000.0] * 9)
    bins = in_bins(true, true * 1.1)
    assert np.isnan(bins["bias"][0]) and bins["bias"][4] == pytest.approx(0.1)

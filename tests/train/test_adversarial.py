"""Adversarial training: both losses by hand, the penalty of a known slope, who learns in which step."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levelone.train.adversarial import AdversarialTask, critic_loss, generator_loss, gradient_penalty
from levelone.train.batches import Feed
from levelone.train.checkpoints import load_best
from levelone.train.loop import fit
from levelone.train.options import LoopOptions
from levelone.zoo.kit.critic import Critic
from levelone.zoo.kit.events import MemorySource

MEAN = 3.0


class Slope(nn.Module):
    """A critic whose judgement is a sum of cells times weights: its gradient is those weights."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weights]))

    def forward(self, value: Tensor, given: Tensor) -> Tensor:
        return value @ self.weight.T


class Distance:
    """Half the squared distance between the means of a batch."""

    def loss(self, outputs, truth):
        return self.monitor(outputs, truth).mean()

    def monitor(self, outputs, truth):
        found = outputs[0] if isinstance(outputs, tuple) else outputs
        return ((found.mean() - truth["true"].mean()) ** 2 / 2).expand(len(found))


def told(network: nn.Module, **changes) -> Critic:
    settings = {"loss": "lsgan", "penalty": 10.0, "steps": 1, "learning_rate": 1.0, "match": 0.0}
    return Critic(network=network, true="true", given="given", **settings | changes)


def feed(events: int = 256) -> Feed:
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((events, 1)).astype(np.float32)
    true = (MEAN + rng.standard_normal((events, 1))).astype(np.float32)
    return Feed(MemorySource({"noise": noise}, {"true": true, "given": np.zeros((events, 1), np.float32)}))


def options(epochs: int, rate: float = 0.02) -> LoopOptions:
    return LoopOptions("float", 1, epochs, 32, rate, 0.0, 100, None, "same")


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(3)
    judge = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    class Judge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = judge

        def forward(self, value: Tensor, given: Tensor) -> Tensor:
            return self.inner(value)

    return nn.Linear(1, 1), Judge()


def test_losses_are_those_of_the_papers():
    true, made = torch.tensor([[2.0], [4.0]]), torch.tensor([[1.0], [0.0]])
    assert critic_loss("wgan-gp", true, made).item() == 0.5 - 3
    assert generator_loss("wgan-gp", made).item() == -0.5
    assert critic_loss("lsgan", true, made).item() == ((1 + 9) / 2 + 1 / 2) / 2
    assert generator_loss("lsgan", made).item() == (0 + 1) / 2 / 2


@pytest.mark.parametrize(("weights", "penalty"), [((0.6, 0.8), 0.0), ((3.0, 4.0), 16.0), ((0.0, 0.0), 1.0)])
def test_penalty_is_the_distance_of_the_slope_from_one(weights, penalty):
    true, made = torch.randn(5, 2), torch.randn(5, 2)
    found = gradient_penalty(told(Slope(*weights)), true, made, torch.zeros(5, 1))
    assert found.item() == pytest.approx(penalty, abs=1e-5)


@pytest.mark.parametrize("loss", ["wgan-gp", "lsgan"])
def test_a_generator_learns_from_its_critic_alone_where_the_truth_is(loss, tmp_path):
    generator, judge = networks()
    before = abs(generator.bias.item() - MEAN)
    critic = told(judge, loss=loss, penalty=1.0, learning_rate=2.0)
    task = partial(AdversarialTask, critic=critic)
    fit(generator, options(16, 0.1), feed(), feed(64), tmp_path, objective=Distance(), task=task)
    assert abs(generator.bias.item() - MEAN) < 0.3 * before
    again = networks()[1]
    load_best(again, tmp_path / "best.ckpt", "critic")
    assert not torch.equal(again.inner[0].weight, networks()[1].inner[0].weight)


def test_between_the_generators_steps_the_critic_alone_learns(tmp_path):
    generator, judge = networks()
    first, untaught = copy.deepcopy(generator.state_dict()), copy.deepcopy(judge.state_dict())
    task = partial(AdversarialTask, critic=told(judge, steps=20))  # an epoch has 8 batches
    fit(generator, options(1), feed(), feed(64), tmp_path, objective=Distance(), task=task)
    assert all(torch.equal(first[name], value) for name, value in generator.state_dict().items())
    assert not all(torch.equal(untaught[name], value) for name, value in judge.state_dict().items())


class StopError(Exception):
    """Stands for a killed process."""


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path):
    def stop(line: str) -> None:
        if "epoch 1/" in line:
            raise StopError

    found = []
    for name in ("whole", "killed", "killed"):
        generator, judge = networks()
        critic = told(judge, loss="wgan-gp", steps=2, match=1.0)
        run = partial(
            fit,
            generator,
            options(3),
            feed(),
            feed(64),
            tmp_path / name,
            objective=Distance(),
            task=partial(AdversarialTask, critic=critic),
        )
        if name == "killed" and not (tmp_path / name).exists():
            with pytest.raises(StopError):
                run(report=stop)
        else:
            run()
            load_best(judge, tmp_path / name / "best.ckpt", "critic")
            found.append([*generator.state_dict().values(), *judge.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))

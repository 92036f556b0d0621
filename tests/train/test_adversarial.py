"""Adversarial training: both losses by hand, the penalty of a known slope, who learns in which step."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levelone.errors import LeveloneError
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


class Between(nn.Module):
    """Remembers what it has judged; its slope is one."""

    def forward(self, value: Tensor, given: Tensor) -> Tensor:
        self.seen = value.detach()
        return value[:, :1]


def test_penalty_is_taken_on_the_lines_between_what_is_true_and_what_was_made():
    judge = Between()
    true, made = torch.zeros(50, 3), torch.tensor([2.0, 4.0, -6.0]).expand(50, 3)
    gradient_penalty(told(judge), true, made, torch.zeros(50, 1))
    share = judge.seen / made
    assert share == pytest.approx(share[:, :1].expand(50, 3), abs=1e-6)  # one place for all cells of an event
    assert 0 <= share.min() < 0.2 and 0.8 < share.max() <= 1


def test_between_the_generators_steps_the_critic_alone_learns(tmp_path):
    generator, judge = networks()
    learned: list[tuple[float, float]] = []

    class Watched(AdversarialTask):
        def on_train_batch_end(self, *_) -> None:
            learned.append((generator.bias.item(), judge.inner[0].bias[0].item()))

    task = partial(Watched, critic=told(judge, steps=3))  # an epoch has 8 batches
    before = generator.bias.item()
    fit(generator, options(1), feed(), feed(64), tmp_path, objective=Distance(), task=task)
    made, judged = zip(*learned, strict=True)
    assert made[0] == made[1] == before
    assert made[2] == made[3] == made[4] != before
    assert made[5] == made[6] == made[7] != made[4]
    assert len(set(judged)) == 8


def test_a_generator_that_would_never_learn_is_refused(tmp_path):
    generator, judge = networks()
    task = partial(AdversarialTask, critic=told(judge, steps=9))
    with pytest.raises(LeveloneError, match=r"9 steps of the critic .* an epoch has 8 batches of 32"):
        fit(generator, options(1), feed(), feed(64), tmp_path, objective=Distance(), task=task)


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
            assert run()["best_epoch"] == 2  # what is compared was learned after the interruption
            load_best(judge, tmp_path / name / "best.ckpt", "critic")
            found.append([*generator.state_dict().values(), *judge.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))

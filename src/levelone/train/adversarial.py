"""A generator and its critic (`levelone.zoo.kit.critic`), trained in turn: two optimisers, two losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from levelone.errors import LeveloneError
from levelone.train.batches import Batch, Feed
from levelone.train.loop import Task
from levelone.train.objective import Objective, as_outputs
from levelone.train.options import LoopOptions
from levelone.train.schedule import optimiser, warm_cosine
from levelone.zoo.kit.critic import AdversarialLoss, Critic

_BETAS = (0.5, 0.9)
"""Of both optimisers, as in the code of arXiv:1704.00028 for dense and small convolutional networks (its text
has 0 and 0.9): long memories make the two chase each other."""


def critic_loss(kind: AdversarialLoss, true: Tensor, made: Tensor) -> Tensor:
    """What a critic minimises, of its judgements [n, 1] of what is true and of what was made."""
    if kind == "wgan-gp":
        return made.mean() - true.mean()
    return ((true - 1).square().mean() + made.square().mean()) / 2


def generator_loss(kind: AdversarialLoss, made: Tensor) -> Tensor:
    """What a generator minimises, of the judgements [n, 1] of what it made."""
    if kind == "wgan-gp":
        return -made.mean()
    return (made - 1).square().mean() / 2


def gradient_penalty(critic: Critic, true: Tensor, made: Tensor, given: Tensor) -> Tensor:
    """How far the critic's slope is from one, somewhere between what is true and what was made.

    The mean of (length of the gradient - 1) squared; the places are uniform on the straight lines.
    """
    share = torch.rand(len(true), *(1,) * (true.ndim - 1), dtype=true.dtype)
    between = (share * true + (1 - share) * made).requires_grad_()
    (slope,) = torch.autograd.grad(critic.network(between, given).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


class AdversarialTask(Task):
    """A generator against a critic: each batch is a step of the critic, some are the generator's, too.

    Raises
    ------
    LeveloneError
        If an epoch has fewer batches than the critic has steps for one of the generator, which would never
        learn.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        options: LoopOptions,
        train: Feed,
        check: tuple[Feed, Feed],
        objective: Objective,
        critic: Critic,
    ) -> None:
        super().__init__(network, options, train, check, objective)
        self.automatic_optimization = False
        self.critic = critic.network
        self._how = critic
        batches = len(train.epoch(options.batch_size, options.seed, 0))
        if batches < critic.steps:
            raise LeveloneError(
                f"{options.name}: {critic.steps} steps of the critic for one of the generator, but an epoch "
                f"has {batches} batches of {options.batch_size}: the generator would never learn",
                hint="fewer steps of the critic, a smaller train.batch_size, or more events",
            )

    def training_step(self, batch: Batch, index: int) -> None:  # type: ignore[override]
        inputs, truth = batch
        how, chosen = self._how, self.optimizers()
        of_generator, of_critic = chosen
        true, given = truth[how.true], truth[how.given]
        teaching = index % how.steps == how.steps - 1
        with torch.set_grad_enabled(teaching):
            outputs = as_outputs(self.answer(inputs))
        made = outputs[0].detach()
        of_critic.zero_grad()
        loss = critic_loss(how.loss, self.critic(true, given), self.critic(made, given))
        if how.loss == "wgan-gp":
            loss = loss + how.penalty * gradient_penalty(how, true, made, given)
        self.manual_backward(loss)
        of_critic.step()
        if teaching:
            of_generator.zero_grad()
            judged = generator_loss(how.loss, self.critic(outputs[0], given))
            if how.match:
                judged = judged + how.match * self._objective.loss(outputs, truth)
            self.manual_backward(judged)
            of_generator.step()
        for schedule in self.lr_schedulers():
            schedule.step()

    def configure_optimizers(self) -> Any:
        options, steps = self._options, len(self.train_dataloader()) * self._options.epochs
        both = [
            optimiser(self.network, options.learning_rate, options.weight_decay, betas=_BETAS),
            optimiser(self.critic, options.learning_rate * self._how.learning_rate, 0.0, betas=_BETAS),
        ]
        return both, [warm_cosine(one, steps) for one in both]

"""What training minimises and what early stopping watches: functions of network outputs and truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from levelone.recipe import Recipe
from levelone.train.batches import Truth
from levelone.zoo.kit.system import System
from levelone.zoo.kit.voxelsystem import VoxelSystem


class Objective(Protocol):
    """Loss of a batch, and the watched quantity of each of its events."""

    def mean(self, outputs: Any, truth: Truth) -> Tensor:
        """Scalar to minimise."""
        ...

    def monitor(self, outputs: Any, truth: Truth) -> Tensor:
        """Tensor whose entries are averaged over the events of a split: less is better."""
        ...


class BinaryCrossEntropy:
    """Binary cross-entropy on one logit; truth is [n, 1] of zeros and ones."""

    def mean(self, outputs: Any, truth: Truth) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(outputs, cast(Tensor, truth))

    def monitor(self, outputs: Any, truth: Truth) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(outputs, cast(Tensor, truth), reduction="none")


BINARY_CROSS_ENTROPY = BinaryCrossEntropy()


@dataclass(frozen=True)
class SystemObjective:
    """Loss and watched quantity as a system of voxel events declares them."""

    system: VoxelSystem
    recipe: Recipe

    def mean(self, outputs: Any, truth: Truth) -> Tensor:
        return self._checked(self.system.loss(self.recipe, as_outputs(outputs), _columns(truth))).mean()

    def monitor(self, outputs: Any, truth: Truth) -> Tensor:
        return self._checked(self.system.monitor(self.recipe, as_outputs(outputs), _columns(truth)))

    def _checked(self, losses: Tensor) -> Tensor:
        if losses.ndim != 1:
            raise TypeError(f"{self.system.name}: a loss must have one entry per event, got {losses.shape}")
        return losses


def objective_of(system: System, recipe: Recipe) -> Objective:
    """The objective of a system's training."""
    return SystemObjective(system, recipe) if isinstance(system, VoxelSystem) else BINARY_CROSS_ENTROPY


def as_outputs(outputs: Any) -> tuple[Tensor, ...]:
    """A network's result as a tuple, one tensor per output."""
    return (outputs,) if torch.is_tensor(outputs) else tuple(outputs)


def _columns(truth: Truth) -> Mapping[str, Tensor]:
    if torch.is_tensor(truth):
        raise TypeError("expected named truth columns")
    return truth

"""What training minimises and what early stopping watches: functions of network outputs and truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from levelone.recipe import Recipe
from levelone.train.batches import Truth
from levelone.zoo.kit.system import System


class Objective(Protocol):
    """Loss of a batch, and the watched quantity of each of its events."""

    def loss(self, outputs: Any, truth: Truth) -> Tensor:
        """Scalar to minimise."""
        ...

    def monitor(self, outputs: Any, truth: Truth) -> Tensor:
        """Tensor [n] that is averaged over the events of a split: less is better."""
        ...


@dataclass(frozen=True)
class SystemObjective:
    """Loss and watched quantity as a system declares them.

    Raises
    ------
    TypeError
        From both, if the system gives a tensor of another shape.
    """

    system: System
    recipe: Recipe

    def loss(self, outputs: Any, truth: Truth) -> Tensor:
        found = self.system.loss(self.recipe, as_outputs(outputs), truth)
        if found.ndim:
            raise TypeError(f"{self.system.name}: the loss is not a number but of shape {list(found.shape)}")
        return found

    def monitor(self, outputs: Any, truth: Truth) -> Tensor:
        given = as_outputs(outputs)
        found = self.system.monitor(self.recipe, given, truth)
        if found.shape != given[0].shape[:1]:
            raise TypeError(
                f"{self.system.name}: expected one loss for each of {len(given[0])} events, "
                f"got shape {list(found.shape)}"
            )
        return found


def as_outputs(outputs: Any) -> tuple[Tensor, ...]:
    """A network's result as a tuple, one tensor per output."""
    return (outputs,) if torch.is_tensor(outputs) else tuple(outputs)

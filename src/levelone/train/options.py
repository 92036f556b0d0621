"""What one training needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoopOptions:
    """What one training needs to know.

    Attributes
    ----------
    identity
        Digest of everything that the result depends on (recipe, data). A checkpoint with another identity is
        not continued.
    """

    name: str
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    max_minutes: float | None
    identity: str

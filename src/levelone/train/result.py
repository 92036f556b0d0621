"""What training reports while it runs, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]
"""Called with one line of text at the start of each stage and after each epoch."""


@dataclass(frozen=True)
class TrainResult:
    """What `train_system` made.

    Attributes
    ----------
    module
        Path of ``module.pt``.
    curves
        Content of ``curves.json``: ``{"seed": ..., "float": {...}, "quantised": {...}}``, and ``rivals`` by
        name if there are any; ``quantised`` is absent if the network is trained in float only. Each part has
        ``epochs`` (a list of ``epoch``, ``train_loss``, ``validation_loss``, ``learning_rate``, ``seconds``),
        ``best_epoch``, ``stopped`` ("epochs" | "patience" | "max_minutes") and ``seed``.
    """

    module: Path
    curves: dict[str, Any]

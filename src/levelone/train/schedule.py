"""How the learning rate changes in a training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def optimiser(network: nn.Module, rate: float, weight_decay: float, **told: Any) -> torch.optim.Optimizer:
    """AdamW that lets matrices decay, and nothing else."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, **told)


def warm_cosine(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Linear warm-up, then half a cosine down to 1 %."""
    warm_up = max(min(steps // 20, 200), 1)

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        progress = min((step - warm_up) / max(steps - warm_up, 1), 1.0)
        return 0.01 + 0.495 * (1 + float(torch.cos(torch.tensor(progress * torch.pi))))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

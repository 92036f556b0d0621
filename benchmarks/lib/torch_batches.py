"""The batch size and memory layout with which PyTorch is fastest, so that it is compared at its best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.lib.common import timed

BATCHES = (16, 64, 256, 1024)
SOME = 512
"""Events with which batch sizes are tried."""


def cut(floats: Mapping[str, Tensor], batch: int, layout: str) -> list[dict[str, Tensor]]:
    """The events in batches, each tensor in the wanted memory layout."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    events = len(next(iter(floats.values())))
    parts = []
    for start in range(0, events, batch):
        part = {name: x[start : start + batch].clone() for name, x in floats.items()}
        if layout == "channels last":
            part = {
                name: x.contiguous(memory_format=formats.get(x.ndim, torch.contiguous_format))
                for name, x in part.items()
            }
        parts.append(part)
    return parts


def sizes(events: int) -> list[int]:
    """Batch sizes of `BATCHES` that so many events fill, or all of them at once."""
    return [size for size in BATCHES if size <= events] or [events]


def best_batch(twin: Callable[..., Any], floats: Mapping[str, Tensor]) -> tuple[int, str]:
    """Batch size and memory layout with which PyTorch is fastest on this network."""
    events = len(next(iter(floats.values())))
    some = {name: x[:SOME] for name, x in floats.items()}
    found = {}

    def run(parts: list[dict[str, Tensor]]) -> None:
        for part in parts:
            twin(part)

    for batch in sizes(events):
        for layout in ("channels first", "channels last"):
            parts = cut(some, batch, layout)
            twin(parts[0])
            found[batch, layout] = min(timed(partial(run, parts)).wall for _ in range(2))
    return min(found, key=lambda key: found[key])

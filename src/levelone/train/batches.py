"""A training set in memory, and its order: a function of seed and epoch, of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from levelone.zoo.system import Sample

Batch = tuple[tuple[Tensor, ...], Tensor]
"""Network arguments and targets (float32 [n, 1])."""


@dataclass(frozen=True)
class Table:
    """Inputs and targets as tensors; images in half precision, to halve the memory.

    Attributes
    ----------
    inputs
        One tensor per network argument, [n, ...].
    target
        float32 [n, 1].
    """

    inputs: tuple[Tensor, ...]
    target: Tensor

    @classmethod
    def of(cls, sample: Sample) -> Table:
        """Copy a sample; arrays of 256 values per candidate and more become float16."""
        inputs = tuple(
            torch.from_numpy(array.astype(np.float16) if array[0].size >= 256 else array)
            for array in sample.inputs.values()
        )
        return cls(inputs, torch.from_numpy(sample.target.astype(np.float32)).reshape(-1, 1))

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Tensor | slice) -> Batch:
        """Some candidates, in float32."""
        return tuple(tensor[rows].float() for tensor in self.inputs), self.target[rows]


@dataclass(frozen=True)
class Shuffled:
    """The batches of one epoch of training: every candidate once, the incomplete last batch left out."""

    table: Table
    batch_size: int
    seed: int
    epoch: int

    def __len__(self) -> int:
        return max(len(self.table) // self.batch_size, 1)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.from_numpy(np.random.default_rng([self.seed, self.epoch]).permutation(len(self.table)))
        for number in range(len(self)):
            yield self.table.take(order[number * self.batch_size : (number + 1) * self.batch_size])


@dataclass(frozen=True)
class InOrder:
    """All candidates in the order of the table, for evaluation."""

    table: Table
    batch_size: int = 8192

    def __len__(self) -> int:
        return -(-len(self.table) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.table), self.batch_size):
            yield self.table.take(slice(start, start + self.batch_size))

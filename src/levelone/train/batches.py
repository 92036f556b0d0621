"""What training reads, from memory or from disk; its order depends on seed and epoch and nothing else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from levelone.zoo.kit.system import Events, Sample, Source

Truth = Tensor | Mapping[str, Tensor]
Batch = tuple[tuple[Tensor, ...], Truth]
"""Network arguments and truth: targets (float32 [n, 1]), or named columns."""

Augment = Callable[[Events, np.random.Generator], Events]

_VALUES = 1 << 23
"""Input values per batch outside training, where the batch size changes nothing but memory."""


def evaluation_batch(values: int) -> int:
    """Events per batch outside training, for events of so many input values."""
    return max(min(_VALUES // max(values, 1), 8192), 1)


class Feed(Protocol):
    """Events that a training reads."""

    def __len__(self) -> int: ...

    def epoch(self, batch_size: int, seed: int, epoch: int) -> Epoch:
        """The shuffled batches of one epoch, without the incomplete last one."""
        ...

    def in_order(self) -> Epoch:
        """Every event once, for evaluation."""
        ...

    def part(self, events: int) -> Feed:
        """At most so many of these events, always the same ones."""
        ...

    def first(self, events: int) -> tuple[Tensor, ...]:
        """Network arguments of the first events."""
        ...


class Epoch(Protocol):
    """Batches and how many there are."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...


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

    def take(self, rows: Tensor | slice) -> tuple[tuple[Tensor, ...], Tensor]:
        """Some candidates, in float32."""
        return tuple(tensor[rows].float() for tensor in self.inputs), self.target[rows]

    def epoch(self, batch_size: int, seed: int, epoch: int) -> Shuffled:
        """See `Feed`."""
        return Shuffled(self, batch_size, seed, epoch)

    def in_order(self) -> InOrder:
        """See `Feed`."""
        return InOrder(self)

    def part(self, events: int) -> Table:
        """Candidates at equal distances."""
        rows = torch.arange(min(len(self), events)) * (len(self) // max(events, 1) or 1)
        return Table(tuple(x[rows] for x in self.inputs), self.target[rows])

    def first(self, events: int) -> tuple[Tensor, ...]:
        """See `Feed`."""
        return self.take(slice(0, events))[0]


@dataclass(frozen=True)
class Shuffled:
    """The batches of one epoch of training: every candidate once, the incomplete last batch left out."""

    table: Table
    batch_size: int
    seed: int
    epoch: int

    def __len__(self) -> int:
        return max(len(self.table) // self.batch_size, 1)

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
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

    def __iter__(self) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        for start in range(0, len(self.table), self.batch_size):
            yield self.table.take(slice(start, start + self.batch_size))


@dataclass(frozen=True)
class Stream:
    """Events read from disk batch by batch: memory is that of a batch, whatever the file's size.

    Attributes
    ----------
    source
        The events.
    epoch_events
        How many of them make an epoch, after which training can be continued: a pass over the file takes as
        many epochs as are needed. None: all of them.
    augment
        Random symmetry of a training batch; given a generator seeded with the place of the batch.
    """

    source: Source
    epoch_events: int | None = None
    augment: Augment | None = None

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, batch_size: int, seed: int, epoch: int) -> StreamEpoch:
        """See `Feed`."""
        events = len(self.source)
        batches = max(min(self.epoch_events or events, events) // batch_size, 1)
        passes, part = divmod(epoch, max(events // (batches * batch_size), 1))
        skip = part * batches * batch_size
        return StreamEpoch(self.source, batch_size, batches, (seed, passes), skip, self.augment)

    def in_order(self) -> StreamEpoch:
        """See `Feed`."""
        size = self._evaluation_batch()
        return StreamEpoch(self.source, size, -(-len(self.source) // size))

    def part(self, events: int) -> Stream:
        """The first of these events."""
        return Stream(self.source.limited(events))

    def first(self, events: int) -> tuple[Tensor, ...]:
        """See `Feed`."""
        return as_batch(next(self.source.batches(events)))[0]

    def _evaluation_batch(self) -> int:
        example = next(self.source.batches(1))
        return evaluation_batch(sum(math.prod(array.shape[1:]) for array in example.inputs.values()))


@dataclass(frozen=True)
class StreamEpoch:
    """So many batches of a source, in an order (if any) and behind the first `skip` events of that order.

    Batches are augmented only where there is an order, which is in training.
    """

    source: Source
    batch_size: int
    batches: int
    order: tuple[int, int] | None = None
    skip: int = 0
    augment: Augment | None = None

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        events: Iterable[Events] = self.source.batches(self.batch_size, order=self.order, skip=self.skip)
        for number, batch in enumerate(itertools.islice(events, self.batches)):
            if self.augment is not None and self.order is not None:
                place = self.skip + number * self.batch_size
                batch = self.augment(batch, np.random.default_rng([*self.order, place]))
            yield as_batch(batch)


def as_batch(events: Events) -> Batch:
    """Arrays as tensors; floating-point truth becomes float32."""
    truth = {
        name: torch.from_numpy(
            array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        )
        for name, array in events.truth.items()
    }
    return tuple(torch.from_numpy(array) for array in events.inputs.values()), truth

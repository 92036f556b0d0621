"""What training reads: events of a source, in an order that depends on seed and epoch and nothing else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from levelone.zoo.kit.events import Events, Source

Truth = Mapping[str, Tensor]
Batch = tuple[tuple[Tensor, ...], Truth]
"""Network arguments, and the columns of truth by name."""

Augment = Callable[[Events, np.random.Generator], Events]
Teach = Callable[[Events], Events]

_VALUES = 1 << 23
"""Values per batch outside training, where the batch size changes nothing but memory."""


def event_values(events: Events) -> int:
    """Values of one event, of inputs and truth: a network with truth per pixel is as wide inside."""
    arrays = (*events.inputs.values(), *events.truth.values())
    return sum(math.prod(array.shape[1:]) for array in arrays)


def evaluation_batch(values: int) -> int:
    """Events per batch outside training, for events of so many values."""
    return max(min(_VALUES // max(values, 1), 8192), 1)


@dataclass(frozen=True)
class Feed:
    """Events of a source, batch by batch.

    Attributes
    ----------
    source
        The events.
    epoch_events
        How many of them make an epoch, after which training can be continued: a pass over all takes as many
        epochs as are needed. None: all of them.
    augment
        What becomes of a training batch and of no other, a random symmetry; given a generator seeded with the
        place of the batch.
    teach
        Gives a training batch, and no other, the targets of a teacher; before `augment`.
    """

    source: Source
    epoch_events: int | None = None
    augment: Augment | None = None
    teach: Teach | None = None

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, batch_size: int, seed: int, epoch: int) -> Epoch:
        """The shuffled batches of one epoch, without the incomplete last one."""
        events = len(self.source)
        batches = max(min(self.epoch_events or events, events) // batch_size, 1)
        passes, part = divmod(epoch, max(events // (batches * batch_size), 1))
        skip = part * batches * batch_size
        return Epoch(self.source, batch_size, batches, (seed, passes), skip, self.augment, self.teach)

    def in_order(self) -> Epoch:
        """Every event once, for evaluation."""
        size = self._evaluation_batch()
        return Epoch(self.source, size, -(-len(self.source) // size))

    def part(self, events: int) -> Feed:
        """At most so many of these events, always the same ones."""
        return Feed(self.source.limited(events))

    def first(self, events: int) -> tuple[Tensor, ...]:
        """Network arguments of the first events."""
        return as_batch(next(self.source.batches(events)))[0]

    def _evaluation_batch(self) -> int:
        return evaluation_batch(event_values(next(self.source.batches(1))))


@dataclass(frozen=True)
class Epoch:
    """So many batches of a source, in an order (if any) and behind the first `skip` events of that order.

    Batches are taught and augmented only where there is an order, which is in training.
    """

    source: Source
    batch_size: int
    batches: int
    order: tuple[int, int] | None = None
    skip: int = 0
    augment: Augment | None = None
    teach: Teach | None = None

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        events: Iterable[Events] = self.source.batches(self.batch_size, order=self.order, skip=self.skip)
        for number, batch in enumerate(itertools.islice(events, self.batches)):
            if self.teach is not None and self.order is not None:
                batch = self.teach(batch)
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

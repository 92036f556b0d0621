"""Events on their way to a network: a batch of them, and the two places they come from, memory and disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Outputs = Mapping[str, NDArray[Any]]
"""Network output name -> [n, ...], of any shape per event."""


@dataclass(frozen=True, eq=False)
class Events:
    """A batch of n events in memory.

    Attributes
    ----------
    inputs
        Network input name -> float32 [n, ...], exactly what enters the network: channels first, then up to
        three axes, or one axis of features.
    truth
        Column name -> [n, ...]: targets, per-event weights, and whatever results are split by. Any shape per
        event: a number, a mask, an image, a set of boxes filled up to a fixed number.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    truth: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


Predictor = Callable[[Events], Outputs]
"""A network or a classical method, as a function of a batch; it may leave out outputs that it cannot give."""


class Source(ABC):
    """The events of one split, read when asked for.

    `levelone.zoo.kit.streamed.FileSource` streams them from a file, `MemorySource` holds them.
    """

    @abstractmethod
    def __len__(self) -> int:
        """How many events there are."""

    @abstractmethod
    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """Every event once, `size` at a time (the last batch may be smaller).

        Parameters
        ----------
        size
            Events per batch.
        order
            Shuffles: the order depends on these two numbers (seed and pass) and nothing else. None: always
            the same order.
        skip
            So many events at the beginning of that order are left out.
        """

    @abstractmethod
    def limited(self, events: int) -> Source:
        """At most so many of these events, always the same ones."""


@dataclass(frozen=True, eq=False)
class MemorySource(Source):
    """Events in memory.

    Attributes
    ----------
    inputs
        Network input name -> [n, ...]; float16 halves the memory, batches are float32.
    truth
        As in `Events`.
    """

    inputs: Mapping[str, NDArray[np.floating[Any]]]
    truth: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """See `Source`: shuffled, every order of the events is as likely as any other."""
        places = None if order is None else np.random.default_rng(order).permutation(len(self))
        for start in range(skip, len(self), size):
            rows = slice(start, start + size)
            yield self._at(rows if places is None else places[rows])

    def limited(self, events: int) -> MemorySource:
        """Events at equal distances."""
        rows = np.arange(min(len(self), events)) * (len(self) // max(events, 1) or 1)
        return MemorySource(_rows(self.inputs, rows), _rows(self.truth, rows))

    def _at(self, rows: slice | NDArray[np.intp]) -> Events:
        inputs = {name: array.astype(np.float32) for name, array in _rows(self.inputs, rows).items()}
        return Events(inputs, _rows(self.truth, rows))


def _rows(arrays: Mapping[str, NDArray[Any]], rows: slice | NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    return {name: array[rows] for name, array in arrays.items()}


def join_events(parts: Sequence[Events]) -> Events:
    """Several batches as one."""
    inputs = {name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    truth = {name: np.concatenate([part.truth[name] for part in parts]) for name in parts[0].truth}
    return Events(inputs, truth)

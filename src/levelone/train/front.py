"""Networks that begin with layers that nothing trains: what these give is computed once, not in every epoch.

A scale is constant while a network is trained, in float and quantised. So the values behind sums and codes
with fixed weights are those of every epoch, and of an event's mirror image, too, where the detector's
symmetry commutes with the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from levelone.train.batches import Feed, as_batch
from levelone.zoo.kit.events import Events, MemorySource

HELD = 1 << 33
"""Bytes that the values of a source may take; of a larger one they are computed in every epoch."""
_BATCH = 256
_ROW = "row behind the front"


@runtime_checkable
class Fronted(Protocol):
    """A network whose first part has no trained weights: ``behind(*front(*inputs).values())`` is its result.

    What `levelone.zoo.kit.system.System.augment` does to an event's inputs, it does to these values, too: it
    is given them under the names that `front` gives.
    """

    def front(self, *inputs: Tensor) -> Mapping[str, Tensor]:
        """Name -> [n, ...], of the network's arguments."""
        ...

    def behind(self, *values: Tensor) -> Any:
        """The network's result, of the values of `front` in order."""
        ...


def fits(network: Fronted, *feeds: Feed) -> bool:
    """Whether what the front gives of all events of the feeds is small enough to be held.

    Raises
    ------
    TypeError
        If the front has trained weights, whose values would stay those of the beginning.
    """
    values = network.front(*feeds[0].first(1))
    for name, value in values.items():
        if value.requires_grad:
            raise TypeError(f"{type(network).__name__}: the front has trained weights in {name!r}")
    return sum(value.nbytes for value in values.values()) * sum(map(len, feeds)) <= HELD


@dataclass(frozen=True)
class Told:
    """What a teacher told every event of a source in memory, by the row that its truth holds."""

    columns: Mapping[str, NDArray[Any]]

    def __call__(self, events: Events) -> Events:
        rows = events.truth[_ROW]
        return Events(events.inputs, {**events.truth, **{n: told[rows] for n, told in self.columns.items()}})


def through_front(network: Fronted, feed: Feed) -> Feed:
    """The events of a feed as what the front of a network makes of them, in memory, in the feed's order."""
    inputs: dict[str, NDArray[Any]] = {}
    truth: dict[str, NDArray[Any]] = {}
    told: dict[str, NDArray[Any]] = {}
    done = 0

    def keep(store: dict[str, NDArray[Any]], values: Mapping[str, NDArray[Any]]) -> None:
        for name, array in values.items():
            room = store.setdefault(name, np.empty((len(feed), *array.shape[1:]), array.dtype))
            room[done : done + len(array)] = array

    for events in feed.source.batches(_BATCH):
        with torch.no_grad():
            found = network.front(*as_batch(events)[0])
        keep(inputs, {name: value.numpy() for name, value in found.items()})
        keep(truth, events.truth)
        if feed.teach is not None:
            taught = feed.teach(events).truth
            keep(told, {name: a for name, a in taught.items() if a is not events.truth.get(name)})
        done += len(events)
    if feed.teach is None:
        return replace(feed, source=MemorySource(inputs, truth))
    return replace(feed, source=MemorySource(inputs, {**truth, _ROW: np.arange(done)}), teach=Told(told))

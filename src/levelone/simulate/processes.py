"""Tasks in several processes, and their results in order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Task = TypeVar("Task")
Made = TypeVar("Made")


class Each(Protocol):
    """How things are made of tasks, in their order: one by one, as `map` does, or not."""

    def __call__(self, make: Callable[[Task], Made], over: Iterable[Task], /) -> Iterator[Made]: ...


def in_chunks(
    make: Callable[[np.random.Generator], NDArray[Any]], events: int, size: int, seed: int, each: Each
) -> Iterator[NDArray[Any]]:
    """Chunks of `size` events, each made with a random generator of its own; together the events wanted."""
    rngs = (np.random.default_rng([seed, number]) for number in range(-(-events // size)))
    left = events
    for chunk in each(make, rngs):
        yield chunk[:left]
        left -= size


def in_order(
    executor: Executor, count: int, function: Callable[[Task], Made], tasks: Iterable[Task]
) -> Iterator[Made]:
    """Results in the order of the tasks, of which at most two per process wait: memory stays bounded.

    Parameters
    ----------
    executor, count
        Where the tasks run, and how many processes it has.
    """
    waiting: deque[Future[Made]] = deque()
    for task in tasks:
        waiting.append(executor.submit(function, task))
        if len(waiting) > 2 * count:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def over_workers(function: Callable[[Task], Made], tasks: Iterable[Task], workers: int) -> Iterator[Made]:
    """Results in the order of the tasks; a single worker is this process, several are new ones."""
    if workers == 1:
        yield from map(function, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        yield from in_order(executor, workers, function, tasks)

"""Tasks in several processes, and their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Task = TypeVar("Task")
Made = TypeVar("Made")


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

"""The smallest folding that is quick enough: one rule for every layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def divisors(number: int) -> tuple[int, ...]:
    """Of `number`, ascending."""
    return tuple(n for n in range(1, number + 1) if number % n == 0)


def first_within(options: Iterable[T], cost: Callable[[T], int], clocks: int) -> T:
    """The first option that costs at most `clocks`; if none does, the first of the quickest."""
    return min(options, key=lambda option: max(cost(option), clocks))


def fewest(most: int, work: int, clocks: int) -> int:
    """The smallest divisor of `most` that, as many at once, makes `work` fit; else `most`."""
    return first_within(divisors(most), lambda n: work // n, clocks)


def largest(most: int, work: int, clocks: int) -> int:
    """The largest divisor of `most` by which `work` may be repeated; else 1."""
    return max((n for n in divisors(most) if work * n <= clocks), default=1)

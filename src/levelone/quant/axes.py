"""Sizes along the axes of space: as many numbers as there are axes, one to three of them.

The length of such a tuple is the rank of the layer that it is given to; nothing else says it.
"""

from __future__ import annotations

from levelone.errors import LeveloneError

Pair = tuple[int, int]
Axes = tuple[int, ...]
"""One number for each axis of space."""
Pads = tuple[int | Pair, ...]
"""What is put around each axis: the same at both ends, or (begin, end)."""


def axes_of(name: str, sizes: Axes, **others: tuple[object, ...]) -> int:
    """How many axes of space the layer `name` has: the length of `sizes`, which `others` must share.

    Raises
    ------
    LeveloneError
        If there are none or more than three, if a size is below 1, or if the lengths differ.
    """
    rank = len(sizes)
    if not 1 <= rank <= 3:
        raise LeveloneError(f"{name}: {rank} axes of space; layers have one to three")
    if min(sizes) < 1:
        raise LeveloneError(f"{name}: sizes {sizes} must be at least 1")
    for what, given in others.items():
        if len(given) != rank:
            raise LeveloneError(f"{name}: {what} {given} for {rank} axes of space")
    return rank


def both_ends(padding: Pads) -> tuple[Pair, ...]:
    """(begin, end) of each axis."""
    return tuple((p, p) if isinstance(p, int) else p for p in padding)


def torch_order(ends: tuple[Pair, ...]) -> tuple[int, ...]:
    """The argument of `torch.nn.functional.pad`: last axis first."""
    return tuple(n for pair in reversed(ends) for n in pair)


def split_padding(name: str, padding: Pads, most: Axes | None = None) -> tuple[Axes, tuple[int, ...] | None]:
    """(padding of the layer itself, what is put around its operand before it).

    The layer itself pads both ends alike, and by `most` at most.

    Raises
    ------
    LeveloneError
        If a number is negative.
    """
    ends = both_ends(padding)
    if min(min(pair) for pair in ends) < 0:
        raise LeveloneError(f"{name}: padding {padding} must not be negative")
    inside = tuple(begin for begin, _ in ends)
    within = most is None or all(n <= limit for n, limit in zip(inside, most, strict=True))
    if within and all(begin == end for begin, end in ends):
        return inside, None
    return (0,) * len(ends), torch_order(ends)

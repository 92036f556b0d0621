"""In which machine numbers integers travel: the smallest type in which every intermediate is provably exact.

Floating point numbers hold every integer up to 2**24 (float32) or 2**53 (float64), and sums and products of
integers are exact in them, in any order, as long as no partial result exceeds that. Matrix products in
floating point are an order of magnitude faster than in integers, so that is what the kernels use where the
ranges allow.

Between kernels arrays are [*spatial, channel, event]: with the events innermost, every elementwise step runs
over long contiguous rows, and flattening costs nothing. (In small networks they stay outermost: `rows`.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops._bounds import magnitude
from levelone.graph.values import Value

Array = NDArray[Any]
FLOAT_LIMITS: tuple[tuple[type, int], ...] = ((np.float32, 2**24), (np.float64, 2**53))
TRANSPOSED = 16
"""Fewest events transposed at a time: one row of them is one cache line of float32."""
TRANSPOSED_ELEMENTS = 2**13
"""Elements transposed at a time, if events are small: float32 of this many fit in a core's first cache."""


def float_for(bound: int) -> type | None:
    """The smallest float type that holds every integer up to `bound`, or None."""
    return next((dtype for dtype, limit in FLOAT_LIMITS if bound <= limit), None)


def carrier(value: Value) -> type:
    """The type that the codes of `value` travel in."""
    bound = magnitude(value)
    return float_for(bound) or (np.int64 if bound < 2**63 else object)


def wider(*dtypes: type) -> type:
    """The widest of several carriers."""
    ladder: list[type] = [np.float32, np.float64, np.int64, object]
    return ladder[max(ladder.index(dtype) for dtype in dtypes)]


def events_last(codes: Array) -> Array:
    """[event, *spatial, channel] -> [*spatial, channel, event], a view."""
    return np.moveaxis(codes, 0, -1)


def events_first(array: Array) -> Array:
    """[*spatial, channel, event] -> [event, *spatial, channel], a view."""
    return np.moveaxis(array, -1, 0)


def gathered(rows: Array, dtype: type) -> Array:
    """[event, ...] -> a contiguous [..., event] of another type, transposed in pieces that fit the cache."""
    events = len(rows)
    result = np.empty((*rows.shape[1:], events), dtype=dtype)
    flat = result.reshape(-1, events)
    wide: Array = rows.astype(dtype, copy=False).reshape(events, flat.shape[0])
    for piece in pieces(events, flat.shape[0]):
        flat[:, piece] = wide[piece].T
    return result


def scattered(array: Array, rows: Array) -> None:
    """Copy [..., event] into `rows` [event, ...], converting to its type."""
    events = len(rows)
    flat = array.reshape(-1, events)
    wide = rows.reshape(events, flat.shape[0])
    for piece in pieces(events, flat.shape[0]):
        wide[piece] = flat[:, piece].T


def row_wise(rows: Array, dtype: type) -> Array:
    """[event, ...] -> a new [event, element] of another type."""
    return rows.reshape(len(rows), -1).astype(dtype)


def kept_rows(array: Array, rows: Array) -> None:
    """Copy [event, element] into `rows` [event, ...], converting to its type."""
    rows[...] = array.reshape(rows.shape)


@dataclass(frozen=True)
class Arrangement:
    """How a block of events lies in memory between kernels.

    Attributes
    ----------
    enter
        Codes [event, ...] and a type -> a new array of this arrangement.
    leave
        Copies an array of this arrangement into codes [event, ...].
    """

    enter: Callable[[Array, type], Array]
    leave: Callable[[Array, Array], None]


EVENTS_INNERMOST = Arrangement(gathered, scattered)
EVENTS_OUTERMOST = Arrangement(row_wise, kept_rows)


def pieces(events: int, size: int) -> list[slice]:
    """Events to transpose at a time, each of `size` elements."""
    step = max(TRANSPOSED, TRANSPOSED_ELEMENTS // size // TRANSPOSED * TRANSPOSED)
    return [slice(start, start + step) for start in range(0, events, step)]


def per_channel(numbers: Any, dtype: type) -> Array:
    """One number or one per channel, shaped to broadcast against [*spatial, channel, event]."""
    return np.asarray(numbers).astype(dtype).reshape(-1, 1)

"""What a file lists twice although it can be there once only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def first_repeat(offsets: NDArray[np.int64], values: NDArray[Any]) -> int | None:
    """The first position whose value stands in its group already; None if there is none.

    Parameters
    ----------
    offsets
        int64 [n + 1], from 0 to the number of values: group i owns `offsets[i]` to `offsets[i + 1]`.
    values
        Integers, at least 0, in any order; groups that rise are quick to check.
    """
    falls = values[1:] <= values[:-1]
    begins = offsets[1:-1]
    falls[begins[(begins > 0) & (begins < len(values))] - 1] = False
    if not falls.any():
        return None
    wide = values.astype(np.int64)
    place = np.repeat(np.arange(len(offsets) - 1) * (int(wide.max()) + 1), np.diff(offsets)) + wide
    order = np.argsort(place, kind="stable")
    repeats = order[1:][np.diff(place[order]) == 0]
    return int(repeats.min()) if len(repeats) else None

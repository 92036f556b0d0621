"""From an answer for every pixel to a list of molecules: where the chance is largest, and how much is around.

A candidate is a pixel whose logit is not exceeded by any of its eight neighbours (of equal ones the first,
row by row). It is a molecule if its chance and those of the four pixels beside it add up to the threshold:
near the border of a pixel, a molecule's chance is shared between two. Its place is the middle of the pixel
and the shift found there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.pixels import chances

_BEFORE = ((-1, -1), (-1, 0), (-1, 1), (0, -1))
_AFTER = ((0, 1), (1, -1), (1, 0), (1, 1))
_BESIDE = ((-1, 0), (0, -1), (0, 1), (1, 0))


def molecules(
    logit: NDArray[np.floating], shift: NDArray[np.floating], threshold: float
) -> list[NDArray[np.float64]]:
    """Places (x, y) in pixels of the molecules of each frame, [k, 2] each.

    Parameters
    ----------
    logit, shift
        [n, 1, rows, columns] and [n, 2, rows, columns].
    """
    level = logit[:, 0]
    largest = np.ones(level.shape, np.bool_)
    for step in _BEFORE:
        largest &= level > _moved(level, step, -np.inf)
    for step in _AFTER:
        largest &= level >= _moved(level, step, -np.inf)
    chance = chances(level)
    around = chance + sum(_moved(chance, step, 0.0) for step in _BESIDE)
    frames, rows, columns = np.nonzero(largest & (around >= threshold))
    x = columns + 0.5 + shift[frames, 0, rows, columns]
    y = rows + 0.5 + shift[frames, 1, rows, columns]
    ends = np.searchsorted(frames, np.arange(1, len(level)))
    return np.split(np.stack([x, y], axis=1).astype(np.float64), ends)


def _moved(values: NDArray[np.floating], step: tuple[int, int], outside: float) -> NDArray[np.floating]:
    """Of every pixel the value of the one `step` (rows, columns) further, [n, rows, columns]."""
    down, across = step
    wide = np.pad(values, ((0, 0), (1, 1), (1, 1)), constant_values=outside)
    return wide[:, 1 + down : 1 + down + values.shape[1], 1 + across : 1 + across + values.shape[2]]

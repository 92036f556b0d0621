"""Answers for every pixel: its neighbours, what must not matter of it, the chance that a logit means."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def windows(images: NDArray[Any], radius: int, beyond: Literal["edge", "constant"] = "edge") -> NDArray[Any]:
    """The pixels around each pixel, [n, rows, columns, 2 radius + 1, 2 radius + 1].

    Parameters
    ----------
    images
        [n, rows, columns].
    beyond
        What lies outside: the edges repeated, or ("constant") nothing.
    """
    wide = np.pad(images, ((0, 0), (radius, radius), (radius, radius)), mode=beyond)
    side = 2 * radius + 1
    return np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(1, 2))


def places_and_bits(codes: NDArray[np.int64], events: NDArray[np.int64]) -> NDArray[np.float32]:
    """What must not matter of a pixel, [n * rows * columns, 8].

    Number of the event, row, column, the two lowest bits of the pixel and of its four neighbours.

    Parameters
    ----------
    codes
        The numbers of the read-out, [n, rows, columns].
    events
        Their places in the file, [n].
    """
    around = windows(codes % 4, 1)
    number = np.broadcast_to(events[:, None, None], codes.shape)
    row, column = (np.broadcast_to(each, codes.shape) for each in np.indices(codes.shape[1:]))
    five = [around[..., i, j] for i, j in ((1, 1), (0, 1), (1, 0), (1, 2), (2, 1))]
    return np.stack([number, row, column, *five], axis=-1).reshape(-1, 8).astype(np.float32)


def chances(logit: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The logistic function."""
    return 1 / (1 + np.exp(-np.clip(logit.astype(np.float64), -60, 60)))

"""Codes as beats of a stream, and back: bits packed into words of 32, the first code in the lowest bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.graph.values import Codes
from levelone.rtl.streams import Stream

WORD = 32


def words_of(stream: Stream) -> int:
    """Words of a beat."""
    return -(-stream.bits // WORD)


def pack(codes: Codes, stream: Stream) -> NDArray[np.uint32]:
    """Beats of codes [event, ...]: uint32 [events * beats, words].

    Raises
    ------
    ValueError
        If a code does not fit into its bits.
    """
    lanes = np.asarray(codes, dtype=np.int64).reshape(-1, stream.lanes)
    low, high = (-(1 << stream.width - 1), 1 << stream.width - 1) if stream.signed else (0, 1 << stream.width)
    if lanes.size and (lanes.min() < low or lanes.max() >= high):
        raise ValueError(f"codes {lanes.min()} to {lanes.max()} in {stream.width} bits")
    shifts = np.arange(stream.width, dtype=np.int64)
    bits = (lanes[:, :, None] >> shifts & 1).astype(np.uint8).reshape(len(lanes), -1)
    padded = np.pad(bits, ((0, 0), (0, words_of(stream) * WORD - stream.bits)))
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


def unpack(words: NDArray[np.uint32], stream: Stream, shape: tuple[int, ...]) -> Codes:
    """Codes of whole events: int64 [events, *shape]."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")
    lanes = bits[:, : stream.bits].reshape(len(words), stream.lanes, stream.width).astype(np.int64)
    weights = np.int64(1) << np.arange(stream.width, dtype=np.int64)
    if stream.signed:
        weights[-1] = -weights[-1]
    return (lanes @ weights).reshape(-1, *shape)

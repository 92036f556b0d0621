"""Orders of elements: how a value lies in an ONNX tensor, and which transposes make an order good."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from levelone.graph.build import channels_first_order


def axes_order(shape: tuple[int, ...], axes: tuple[int, ...]) -> NDArray[np.int64]:
    """Layout order of a value of this shape whose ONNX axes are its axes `axes`."""
    if axes == (len(shape) - 1, *range(len(shape) - 1)):
        return channels_first_order(shape)
    return np.arange(prod(shape)).reshape(shape).transpose(axes).reshape(-1)


def mixed_radix(wanted: NDArray[np.int64]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(shape, axes) such that reshaping to it and transposing by them gives element `wanted[i]` at ``i``.

    Every reshape-transpose-reshape is a permutation of the digits of the index in some mixed radix. The
    digits are read off from the fastest on: how far the permutation goes on in equal strides. None if it is
    no such thing.
    """
    digits: list[tuple[int, int]] = []  # (length, stride), fastest first
    rest = wanted
    while len(rest) > 1:
        stride = int(rest[1] - rest[0])
        differing = np.flatnonzero(rest - rest[0] != np.arange(len(rest)) * stride)
        length = int(differing[0]) if len(differing) else len(rest)
        if len(rest) % length:
            return None
        digits.append((length, stride))
        rest = rest[::length]
    by_stride = sorted(range(len(digits)), key=lambda d: -digits[d][1])
    shape = tuple(digits[d][0] for d in by_stride)
    axes = tuple(by_stride.index(d) for d in reversed(range(len(digits))))
    if not np.array_equal(np.arange(len(wanted)).reshape(shape).transpose(axes).reshape(-1), wanted):
        return None
    return shape, axes

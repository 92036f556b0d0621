"""The geometry of sliding windows, in any number of dimensions: shared by convolution and pooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Index

Pads = tuple[tuple[int, int], ...]

MAX_ELEMENTS = 2**28
"""More elements per event than this are taken for a corrupt file."""


@dataclass(frozen=True)
class Window:
    """A kernel sliding over spatial axes; all fields have one entry per axis.

    Attributes
    ----------
    kernel, stride, dilation
        In elements; positive.
    pads
        Elements added before the beginning and after the end; not negative.
    """

    kernel: Index
    stride: Index
    pads: Pads
    dilation: Index

    def __post_init__(self) -> None:
        ranks = {len(self.kernel), len(self.stride), len(self.pads), len(self.dilation)}
        if ranks != {len(self.kernel)} or not self.kernel:
            raise ValueError(f"window fields of unequal rank: {self}")
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(itertools.chain(*self.pads)) < 0:
            raise ValueError(f"window fields out of range: {self}")

    @property
    def rank(self) -> int:
        return len(self.kernel)

    def output_shape(self, name: str, spatial: Index) -> Index:
        """Positions along each axis; `LeveloneError` naming the node if the window does not fit once."""
        if len(spatial) != self.rank:
            raise LeveloneError(
                f"node {name}: a {self.rank}-dimensional window on a tensor with {len(spatial)} spatial axes"
            )
        sizes = []
        for n, k, s, (begin, end), d in zip(
            spatial, self.kernel, self.stride, self.pads, self.dilation, strict=True
        ):
            room = n + begin + end - d * (k - 1) - 1
            if room < 0:
                raise LeveloneError(
                    f"node {name}: kernel {self.kernel} with dilation {self.dilation} does not fit "
                    f"into {spatial} padded by {self.pads}"
                )
            sizes.append(room // s + 1)
        padded = (n + begin + end for n, (begin, end) in zip(spatial, self.pads, strict=True))
        work = math.prod(sizes) * math.prod(self.kernel)
        if max(math.prod(padded), math.prod(self.kernel), work // 2**8) > MAX_ELEMENTS:
            raise LeveloneError(f"node {name}: {spatial} padded by {self.pads} is too large to compute with")
        return tuple(sizes)

    def taps(self) -> Iterator[Index]:
        """Every kernel position, in row-major order."""
        return itertools.product(*(range(k) for k in self.kernel))

    def pad(self, codes: NDArray[Any], fill: int) -> NDArray[Any]:
        """Pad codes [event, *spatial, channel]."""
        return np.pad(codes, ((0, 0), *self.pads, (0, 0)), constant_values=fill)

    def at_tap(self, padded: NDArray[Any], tap: Index, out: Index) -> NDArray[Any]:
        """The operands that kernel position `tap` meets: [event, *out, channel], a view."""
        cut = tuple(
            slice(t * d, t * d + s * (o - 1) + 1, s)
            for t, d, s, o in zip(tap, self.dilation, self.stride, out, strict=True)
        )
        return padded[(slice(None), *cut, slice(None))]

    def places(self, position: Index, spatial: Index) -> NDArray[np.int64]:
        """Where every tap of the window at `position` is: flat (row-major) index, -1 in the padding."""
        taps = np.indices(self.kernel).reshape(self.rank, -1).T
        begin = np.array([begin for begin, _ in self.pads])
        at = np.array(position) * self.stride + taps * self.dilation - begin
        inside = ((at >= 0) & (at < spatial)).all(axis=1)
        return np.where(inside, np.ravel_multi_index(at.T, spatial, mode="clip"), -1)

    def inside(self, spatial: Index, out: Index) -> list[NDArray[np.bool_]]:
        """Per axis, bool [out, kernel]: whether that tap at that position meets data rather than padding."""
        masks = []
        for n, k, s, (begin, _), d, o in zip(
            spatial, self.kernel, self.stride, self.pads, self.dilation, out, strict=True
        ):
            if o * k > MAX_ELEMENTS // 8:
                raise LeveloneError(f"a window of {k} elements at {o} positions is too large to compute with")
            at = np.arange(o)[:, None] * s + np.arange(k)[None, :] * d - begin
            masks.append((at >= 0) & (at < n))
        return masks

    def regions(self, out: Index) -> int:
        """No more distinct footprints than this (see `footprints`)."""
        return math.prod(
            min(o, 2 * d * (k - 1) + 1) for o, k, d in zip(out, self.kernel, self.dilation, strict=True)
        )

    def footprints(self, spatial: Index, out: Index) -> Iterator[NDArray[np.bool_]]:
        """Each distinct set of taps that meets data at some position: bool [*kernel]."""
        per_axis = [np.unique(mask, axis=0) for mask in self.inside(spatial, out)]
        for rows in itertools.product(*per_axis):
            footprint = np.ones((), dtype=bool)
            for row in rows:
                footprint = footprint[..., None] & row
            yield footprint

    def counts(self, spatial: Index, out: Index) -> NDArray[np.int64]:
        """How many taps meet data at each position: int64 [*out]."""
        total = np.ones((), dtype=np.int64)
        for mask in self.inside(spatial, out):
            total = total[..., None] * mask.sum(axis=1)
        return total

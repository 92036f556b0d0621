"""Padding with constants or reflections, and nearest-neighbour upsampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.operation import Index
from levelone.graph.ops._bounds import bounds, make_value, spread
from levelone.graph.ops._moving import Moving
from levelone.graph.ops._window import MAX_ELEMENTS, Pads
from levelone.graph.values import Codes, Value

PadMode = Literal["constant", "reflect", "edge"]


@dataclass(frozen=True)
class Pad(Moving):
    """Codes added around the tensor.

    Attributes
    ----------
    pads
        (begin, end) per axis, channels last included, batch axis not; not negative.
    mode
        "constant", "reflect" (mirrored, without repeating the border) or "edge" (border repeated).
    value
        The code that "constant" adds.
    """

    pads: Pads
    mode: PadMode = "constant"
    value: int = 0

    def __post_init__(self) -> None:
        if any(min(p) < 0 for p in self.pads):
            raise ValueError(f"negative padding {self.pads}")

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if len(self.pads) != len(x.shape):
            raise LeveloneError(f"node {name}: {len(self.pads)} paddings for {x.name} of shape {x.shape}")
        shape = tuple(n + b + e for n, (b, e) in zip(x.shape, self.pads, strict=True))
        if math.prod(shape) > MAX_ELEMENTS:
            raise LeveloneError(f"node {name}: {x.shape} padded by {self.pads} is too large to compute with")
        if self.mode == "reflect" and any(max(p) >= n for p, n in zip(self.pads, x.shape, strict=True)):
            raise LeveloneError(f"node {name}: reflection of {self.pads} is larger than {x.shape}")
        scale = spread(x.scale, x.shape[-1])
        lo, hi = bounds(x)
        if any(self.pads[-1]):
            if len(set(scale)) != 1:
                raise UnsupportedError(f"node {name}: pads channels of {x.name} that have different scales")
            lo, hi = (self._padded(side, (self.pads[-1],)) for side in (lo, hi))
            scale = scale[:1] * shape[-1]
        if self.mode == "constant" and any(map(any, self.pads[:-1])):
            lo, hi = np.minimum(lo, self.value), np.maximum(hi, self.value)
        return make_value(name, shape, scale, (lo, hi))

    def evaluate(self, *codes: Codes) -> Codes:
        return self._padded(codes[0], ((0, 0), *self.pads))

    def _padded(self, array: Codes, pads: Pads) -> Codes:
        if self.mode == "constant":
            return np.pad(array, pads, constant_values=self.value)
        return np.pad(array, pads, mode=self.mode)


@dataclass(frozen=True)
class Upsample(Moving):
    """Every code repeated `factors` times along each spatial axis (nearest neighbour)."""

    factors: Index

    def __post_init__(self) -> None:
        if not self.factors or min(self.factors) < 1:
            raise ValueError(f"upsampling by {self.factors}")

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if len(self.factors) != len(x.shape) - 1:
            raise LeveloneError(f"node {name}: {len(self.factors)} factors for {x.name} of shape {x.shape}")
        shape = (*(n * f for n, f in zip(x.shape[:-1], self.factors, strict=True)), x.shape[-1])
        if math.prod(shape) > MAX_ELEMENTS:
            raise LeveloneError(f"node {name}: upsampling {x.shape} by {self.factors} is too large")
        return make_value(name, shape, x.scale, bounds(x))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        for axis, factor in enumerate(self.factors, start=1):
            x = np.repeat(x, factor, axis=axis)
        return x

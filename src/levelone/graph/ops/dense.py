"""A fully connected layer on the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import (
    bounds,
    dot_bounds,
    dot_dtype,
    make_value,
    read_only,
    scaled,
    spread,
)


@dataclass(frozen=True, eq=False)
class Dense:
    """``acc = step * (x @ weights) + bias``.

    Attributes
    ----------
    weights
        int64 [in, out].
    bias
        int64 [out], on the accumulator's grid.
    weight_scale
        Real weight = code * scale; one entry, or one per output.
    step
        Product grid divided by accumulator grid: more than 1 where the bias is finer than the products.
    """

    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    weight_scale: tuple[Fraction, ...]
    step: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))
        object.__setattr__(self, "bias", read_only(self.bias))
        if self.weights.ndim != 2 or self.bias.shape != self.weights.shape[-1:] or self.step < 1:
            raise ValueError(f"bias {self.bias.shape} for weights {self.weights.shape}, step {self.step}")
        if len(self.weight_scale) not in (1, self.weights.shape[-1]):
            raise ValueError(f"{len(self.weight_scale)} weight scales for {self.weights.shape[-1]} outputs")

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        fan_in, fan_out = self.weights.shape
        if x.shape[-1] != fan_in:
            raise LeveloneError(f"node {name}: weights for {fan_in} inputs, {x.name} has {x.shape[-1]}")
        if len(set(x.scale)) != 1:
            raise UnsupportedError(f"node {name}: sums channels of {x.name} that have different scales")
        scale = (x.scale[0] * w / self.step for w in spread(self.weight_scale, fan_out))
        reach = scaled(dot_bounds(self.weights, bounds(x)), self.step, self.bias)
        return make_value(name, (*x.shape[:-1], fan_out), scale, reach)

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        dtype = dot_dtype(self.weights, x, self.step, self.bias)
        return x.astype(dtype) @ self.weights.astype(dtype) * self.step + self.bias.astype(dtype)

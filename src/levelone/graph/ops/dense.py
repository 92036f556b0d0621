"""A fully connected layer on the last axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.operation import Index
from levelone.graph.ops._bounds import bounds, dot_bounds, make_value, scaled, spread
from levelone.graph.ops._weighted import WeightedSum
from levelone.graph.values import Codes, Value


@dataclass(frozen=True, eq=False)
class Dense(WeightedSum):
    """``acc = step * (x @ weights) + bias``.

    Attributes
    ----------
    weights, bias, weight_scale
        See `WeightedSum`; weights are [in, out].
    step
        Product grid divided by accumulator grid: more than 1 where the bias is finer than the products.
    """

    step: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights.ndim != 2:
            raise ValueError(f"weights {self.weights.shape} of a fully connected layer")

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

    def views(self, x: Codes) -> Iterator[Codes]:
        yield x

    def places(self, position: Index, spatial: Index) -> NDArray[np.int64]:
        return np.array([np.ravel_multi_index(position, spatial) if position else 0])

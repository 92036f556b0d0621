"""Maximum and average pooling over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype, scaled
from levelone.graph.ops._window import Index, Pads, Window


@dataclass(frozen=True)
class MaxPool:
    """The largest code under the window; padding never wins.

    Attributes
    ----------
    kernel, stride, dilation
        One entry per spatial axis.
    pads
        (begin, end) per spatial axis.
    """

    kernel: Index
    stride: Index
    pads: Pads
    dilation: Index

    def __post_init__(self) -> None:
        self.window  # noqa: B018  (validates the geometry)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.pads, self.dilation)

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        out = _filled_output(name, self.window, x)
        return make_value(name, (*out, x.shape[-1]), x.scale, bounds(x))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        # Below every code present, so that padding loses; every window holds data (checked by infer).
        padded = self.window.pad(x, int(x.min()) - 1 if x.size else 0)
        out = self.window.output_shape("maxpool", x.shape[1:-1])
        best: Codes | None = None
        for tap in self.window.taps():
            operand = self.window.at_tap(padded, tap, out)
            best = operand if best is None else np.maximum(best, operand)
        assert best is not None  # noqa: S101  (a kernel has at least one tap)
        return best.copy()


@dataclass(frozen=True)
class AveragePool:
    """The mean under the window, exactly: the *sum* as code, on a grid finer by the number of elements.

    Where windows at the border hold fewer elements (`include_pad` false), sums are brought to the least
    common multiple of the counts, so that one scale still serves the whole tensor.

    Attributes
    ----------
    kernel, stride, dilation
        One entry per spatial axis.
    pads
        (begin, end) per spatial axis; padding counts as zeros if `include_pad`, else not at all.
    include_pad
        ONNX `count_include_pad`.
    """

    kernel: Index
    stride: Index
    pads: Pads
    dilation: Index
    include_pad: bool = True

    def __post_init__(self) -> None:
        self.window  # noqa: B018  (validates the geometry)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.pads, self.dilation)

    def divisor(self, spatial: Index) -> int:
        """Input scale divided by output scale, for an input with these spatial axes."""
        if self.include_pad:
            return int(np.prod(self.kernel))
        return lcm(*(int(n) for n in np.unique(self._counts(spatial))))

    def factors(self, spatial: Index) -> NDArray[Any]:
        """What each sum is multiplied by: int64 [*out]; 1 everywhere unless counts differ."""
        counts = self._counts(spatial)
        return np.ones_like(counts) if self.include_pad else self.divisor(spatial) // counts

    def _counts(self, spatial: Index) -> NDArray[np.int64]:
        return self.window.counts(spatial, self.window.output_shape("averagepool", spatial))

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        spatial = x.shape[:-1]
        out = (
            self.window.output_shape(name, spatial)
            if self.include_pad
            else _filled_output(name, self.window, x)
        )
        weights = np.unique(self._counts(spatial) * self.factors(spatial))
        few, many = scaled(bounds(x), int(weights.min())), scaled(bounds(x), int(weights.max()))
        reach = (np.minimum(few[0], many[0]), np.maximum(few[1], many[1]))
        divisor = self.divisor(spatial)
        return make_value(name, (*out, x.shape[-1]), (s / divisor for s in x.scale), reach)

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        spatial = x.shape[1:-1]
        out = self.window.output_shape("averagepool", spatial)
        dtype = product_dtype(largest(x), int(np.prod(self.kernel)), largest(self.factors(spatial)))
        padded = self.window.pad(x.astype(dtype), 0)
        total = np.zeros((len(x), *out, x.shape[-1]), dtype=dtype)
        for tap in self.window.taps():
            total += self.window.at_tap(padded, tap, out)
        return total * self.factors(spatial)[..., None].astype(dtype)


def _filled_output(name: str, window: Window, x: Value) -> Index:
    out = window.output_shape(name, x.shape[:-1])
    if window.counts(x.shape[:-1], out).min() == 0:
        raise LeveloneError(f"node {name}: a window of the pooling holds padding only (pads {window.pads})")
    return out

"""Maximum and average pooling over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm, prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Index, Op, Terms, effective_bits
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype, scaled
from levelone.graph.ops._window import Pads, Window
from levelone.graph.values import Codes, IntRange, Value


@dataclass(frozen=True)
class Pool(Op):
    """One code from those of each window, channel by channel.

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

    @property
    def direction(self) -> int:
        return 1

    def absolute(self, *sizes: Codes) -> Codes:
        return self.evaluate(*sizes)

    def places(self, position: Index, shape: Index) -> NDArray[np.int64]:
        """Flat indices of the operand's elements under the window, without padding."""
        *at, channel = position
        found = self.window.places(tuple(at), shape[:-1])
        return found[found >= 0] * shape[-1] + channel


@dataclass(frozen=True)
class MaxPool(Pool):
    """The largest code under the window; padding never wins."""

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

    def met(self, position: Index, *shapes: Index) -> list[tuple[int, Index]]:
        (shape,) = shapes
        places = zip(*np.unravel_index(self.places(position, shape), shape), strict=True)
        return [(0, tuple(int(i) for i in at)) for at in places]

    def float_operations(self, *counts: int) -> int:
        return max(counts)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()


@dataclass(frozen=True)
class AveragePool(Pool):
    """The mean under the window, exactly: the *sum* as code, on a grid finer by the number of elements.

    Where windows at the border hold fewer elements (`include_pad` false), sums are brought to the least
    common multiple of the counts, so that one scale still serves the whole tensor.

    Attributes
    ----------
    include_pad
        ONNX `count_include_pad`: padding counts as zeros, else not at all.
    """

    linear: ClassVar[bool] = True

    include_pad: bool = True

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

    def terms(self, position: Index, *shapes: Index) -> Terms:
        (shape,) = shapes
        places = self.places(position, shape)
        step = int(self.factors(shape[:-1])[position[:-1]])
        ones = np.ones(len(places), dtype=np.int64)
        return Terms(ones * 0, places, ones, step=step, padding=prod(self.kernel) - len(places))

    def float_operations(self, *counts: int) -> int:
        return max(counts) + prod(self.kernel) + 1  # additions, the divisor's inverse and its product

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        (x,) = inputs
        factors = self.factors(x.shape[:-1])
        if (factors == 1).all():  # nothing is multiplied unless windows hold different numbers of elements
            return Cost()
        ends = [int(n) * end for n in self._counts(x.shape[:-1]).flat for end in (x.range.lo, x.range.hi)]
        width = IntRange(min(ends), max(ends)).width
        return Cost(ebops=int(effective_bits(factors).sum()) * output.shape[-1] * width)


def _filled_output(name: str, window: Window, x: Value) -> Index:
    out = window.output_shape(name, x.shape[:-1])
    if window.counts(x.shape[:-1], out).min() == 0:
        raise LeveloneError(f"node {name}: a window of the pooling holds padding only (pads {window.pads})")
    return out

"""What the host does to an input before its quantiser, in float32 as the exporting framework did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError


@dataclass(frozen=True, eq=False)
class Move:
    """Elements put elsewhere: reshapes, transposes, slices, paddings.

    Attributes
    ----------
    index
        int64: flat element of the operand for each flat element of the result; -1 for `fill`.
    shape, before
        Of the result and of the operand, without the batch axis.
    """

    index: NDArray[np.int64]
    shape: tuple[int, ...]
    before: tuple[int, ...]
    fill: float = 0.0

    def run(self, real: NDArray[np.float32]) -> NDArray[np.float32]:
        flat = real.reshape(len(real), -1)[:, self.index]
        flat[:, self.index < 0] = self.fill
        return flat.reshape(len(real), *self.shape)

    def undo(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Elements that the result never shows are 0; those of the padding are not looked at."""
        back = np.zeros((len(real), int(np.prod(self.before))), dtype=np.float64)
        used = self.index >= 0
        back[:, self.index[used]] = real.reshape(len(real), -1)[:, used]
        return back.reshape(len(real), *self.before)


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """One float32 operation with a constant, element by element.

    Attributes
    ----------
    name
        ONNX operator: Add, Sub, Mul or Div.
    constant
        float32, broadcasting against [*shape].
    first
        Whether the constant is the left operand.
    """

    name: str
    constant: NDArray[np.float32]
    first: bool = False

    def run(self, real: NDArray[np.float32]) -> NDArray[np.float32]:
        pair = (self.constant, real) if self.first else (real, self.constant)
        with np.errstate(all="ignore"):
            return np.asarray(FLOAT32[self.name](*pair), dtype=np.float32)

    def undo(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        c: NDArray[Any] = self.constant.astype(np.float64)
        with np.errstate(all="ignore"):
            match self.name, self.first:
                case "Add", _:
                    back = real - c
                case "Sub", False:
                    back = real + c
                case "Sub", True:
                    back = c - real
                case "Div", True:
                    back = c / real
                case "Mul", _:
                    back = real / c
                case _:
                    back = real * c
        if not np.isfinite(back).all():
            raise LeveloneError(f"no input makes the wanted codes: {self.name} by a constant loses them")
        return np.asarray(back, dtype=np.float64)


FLOAT32 = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}


@dataclass(frozen=True)
class Clamp:
    """Relu, Clip, Min and Max with constants."""

    lower: float
    upper: float

    def run(self, real: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(real, np.float32(self.lower), np.float32(self.upper))

    def undo(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        if real.size and (real.min() < self.lower or real.max() > self.upper):
            raise LeveloneError(f"codes outside {self.lower} to {self.upper} cannot reach the quantiser")
        return real

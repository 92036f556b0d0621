"""What the host does in float32, as the exporting framework did it: before the ports, behind the outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import HostStep


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
        flat = real.reshape(len(real), math.prod(self.before))[:, self.index]
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


@dataclass(frozen=True, eq=False)
class FloatModel:
    """A piece of an ONNX file that the host computes in float32, by ONNX's own reference implementation.

    Attributes
    ----------
    model
        Its inputs and outputs have a leading axis of events.
    inputs
        Shape of every input by name, without that axis.
    """

    model: onnx.ModelProto
    inputs: Mapping[str, tuple[int, ...]]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every output by name, without the axis of the events.

        Raises
        ------
        UnsupportedError
            If it cannot be computed, or its results are no tensors of one event.
        """
        zeros = {name: np.zeros((1, *shape), np.float32) for name, shape in self.inputs.items()}
        try:
            found = self._once(zeros)
        except Exception as error:  # whatever an implementation of some two hundred operators raises
            raise UnsupportedError(f"the host cannot compute it: {error}") from error
        for name, array in found.items():
            if array.ndim < 1 or len(array) != 1 or array.dtype.kind not in "fiub":
                raise UnsupportedError(f"{name!r} has shape {array.shape}: it is nothing of one event")
        return {name: array.shape[1:] for name, array in found.items()}

    def run(self, real: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs [event, *shape] of inputs [event, *shape], by name."""
        single = {name: real[name].astype(np.float32) for name in self.inputs}
        events = len(next(iter(single.values())))
        if events == 0:
            return {name: np.zeros((0, *shape), np.float32) for name, shape in self.shapes.items()}
        if self._by_event:
            parts = [self._once({n: a[e : e + 1] for n, a in single.items()}) for e in range(events)]
            return {name: np.concatenate([part[name] for part in parts]) for name in self.shapes}
        return self._once(single)

    @cached_property
    def _by_event(self) -> bool:
        """Whether two events at once would not give what each gives alone."""
        rng = np.random.default_rng(0)
        two = {n: rng.standard_normal((2, *shape), dtype=np.float32) for n, shape in self.inputs.items()}
        alone = [self._once({n: a[e : e + 1] for n, a in two.items()}) for e in range(2)]
        try:
            together = self._once(two)
        except Exception:  # as above: a piece exported for one event may fail in any way on two
            return True
        return any(
            not np.array_equal(together[n], np.concatenate([a[n] for a in alone]), equal_nan=True)
            for n in self.shapes
        )

    def _once(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        with np.errstate(all="ignore"):
            found = self._evaluator.run(None, dict(feeds))
        return {
            info.name: np.asarray(array) for info, array in zip(self.model.graph.output, found, strict=True)
        }

    @cached_property
    def _evaluator(self) -> Any:
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(self.model)


@dataclass(frozen=True, eq=False, repr=False)
class Piece:
    """Any operators between an input and its quantiser.

    Attributes
    ----------
    branches
        For every input of the model by name: the steps that make it of the ONNX input.
    output
        Which output of the model it gives.
    """

    model: FloatModel
    branches: Mapping[str, tuple[HostStep, ...]]
    output: str

    @cached_property
    def size(self) -> int:
        """How many steps it takes."""
        steps = [step for branch in self.branches.values() for step in branch]
        return 1 + sum(step.size if isinstance(step, Piece) else 1 for step in steps)

    def run(self, real: NDArray[np.float32]) -> NDArray[np.float32]:
        feeds = {}
        for name, steps in self.branches.items():
            feeds[name] = real
            for step in steps:
                feeds[name] = step.run(feeds[name])
        return self.model.run(feeds)[self.output].astype(np.float32)

    def undo(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Always refused: not every operator has an inverse."""
        raise LeveloneError(f"no input makes the wanted codes: {self!r} before it cannot be undone")

    def __repr__(self) -> str:
        return " and ".join(node.op_type for node in self.model.model.graph.node)


@dataclass(frozen=True, eq=False)
class Tail:
    """What the host computes behind the graph's outputs (see `levelone.graph.ir.HostTail`)."""

    operands: tuple[str, ...]
    piece: FloatModel

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self.piece.shapes

    def run(self, real: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self.piece.run(real)

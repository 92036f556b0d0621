"""What an operation is: its meaning, and the facts about it that anything else asks.

Whoever searches for test vectors, tells a difference, judges float32 or counts multiplications asks the
operation and knows none by name. A fact that is wrong for some operation by default is *declined* by default:
`DeclinedError` names the operation and the question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.values import Codes, IntRange, Rounding, Value

Index = tuple[int, ...]
"""Place of an element in an event: channel last, no batch axis."""


class DeclinedError(LeveloneError):
    """An operation that has no answer to a question."""

    def __init__(self, op: Op, question: str) -> None:
        super().__init__(f"operation {type(op).__name__} does not say {question}")


@dataclass(frozen=True, eq=False)
class Terms:
    """A code as a sum of others: ``step * sum(weights * operands) + constant``.

    Attributes
    ----------
    operand
        int64 [terms]: numbers of the operands.
    at
        int64 [terms]: flat (row-major) places in them.
    weights
        int64, or Python integers where those are larger, [terms].
    padding
        Terms that are 0 because they are in the padding, none of the others.
    """

    operand: NDArray[np.int64]
    at: NDArray[np.int64]
    weights: NDArray[Any]
    constant: int = 0
    step: int = 1
    padding: int = 0


@dataclass(frozen=True)
class RoundedSum:
    """``clip(round(sum(code * multiplier) + offset), range) - zero_point``: a channel of a quantiser."""

    multipliers: tuple[Fraction, ...]
    offset: Fraction
    rounding: Rounding
    range: IntRange
    zero_point: int

    def number(self, *codes: int) -> Fraction:
        """What is rounded, of one code of each operand."""
        return sum((m * code for m, code in zip(self.multipliers, codes, strict=True)), self.offset)


@dataclass(frozen=True)
class Steps:
    """Where the result of an operation that rounds changes, in terms of its `Op.argument`.

    Attributes
    ----------
    at
        Ascending: the result of ``at[i]`` is not that of ``at[i] - 1``.
    near
        Operands can bring the argument to within less than this of each step, on both sides: 1 where it is
        the operand's code itself.
    """

    at: NDArray[Any]
    near: int = 1


@dataclass(frozen=True)
class Cost:
    """What an operation multiplies and holds.

    Attributes
    ----------
    accumulator_width
        Bits of the register that sums, for weighted sums; what is on its way may be wider than the result.
    width_bound
        Bits that it would need if only the widths of weights and operands were known.
    macs
        Multiply-accumulates per event, padding included.
    weights, weight_width, weight_lo, weight_hi
        Number of weights, bits of their type, smallest and largest code.
    ebops
        Effective bit operations per event: for each multiplication by a constant, bits of the operand times
        bits between the highest and the lowest set bit of that constant, so that a zero costs nothing; for
        each product of two tensors, the bits of both; for each comparison with a constant, bits of the
        operand. What a requantisation of one operand needs depends on the hardware that is chosen for it:
        `levelone.hardware.cost.hardware_table`.
    """

    accumulator_width: int = 0
    width_bound: int = 0
    macs: int = 0
    weights: int = 0
    weight_width: int = 0
    weight_lo: int = 0
    weight_hi: int = 0
    ebops: int = 0


def effective_bits(constants: NDArray[Any]) -> NDArray[np.int64]:
    """Bits from the highest to the lowest set bit of each absolute value; 0 for 0."""
    size = np.abs(constants)
    lowest = np.where(size > 0, size & -size, 1)
    odd = size // lowest
    bits = np.zeros(odd.shape, dtype=np.int64)
    while (odd > 0).any():
        bits += odd > 0
        odd >>= 1
    return bits


class Op(ABC):
    """An operation: frozen dataclasses, one file each or one family in `levelone.graph.ops`.

    `infer` and `evaluate` are its meaning, all else is asked by name. Families answer together: `Moving`,
    `WeightedSum`, `Pool`, `Rounded` of `levelone.graph.ops`.

    Attributes
    ----------
    moves
        Each code of the result is that of an operand, or a constant; which one, shapes alone decide.
    pointwise
        Each code of the result is made of the operands' codes at the same place and of no others.
    rounds
        Codes become other integers by rounding or by a table. But for instances that are `lossless`, what
        float32 computes next begins with those integers, and not with what they were made of.
    linear
        Each code of the result is a sum of operands' codes times constants (`terms`).
    tabulated
        Each `argument` has a result of its own that is stored.
    """

    moves: ClassVar[bool] = False
    pointwise: ClassVar[bool] = False
    rounds: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    tabulated: ClassVar[bool] = False

    @abstractmethod
    def infer(self, name: str, *inputs: Value) -> Value:
        """Shape, scale and exact range of the output called `name`; a `LeveloneError` names it, too."""

    @abstractmethod
    def evaluate(self, *codes: Codes) -> Codes:
        """Exact output codes, vectorised; every operand has a leading batch axis."""

    @property
    def lossless(self) -> bool:
        """Whether it rounds nothing: what float32 computes next still has the errors of what was before."""
        return not self.rounds

    @property
    def grows(self) -> bool:
        """Whether results can be larger than any code of the operands."""
        return self.linear and not self.moves

    @property
    def direction(self) -> int:
        """1 if no code falls when operands' codes rise, -1 if none rises, 0 if neither is so."""
        raise DeclinedError(self, "whether it is monotone")

    def met(self, position: Index, *shapes: Index) -> list[tuple[int, Index]]:
        """(number of the operand, place in it) of all codes that the one at `position` is made of.

        Parameters
        ----------
        position
            Of the result.
        shapes
            Of the operands, without the batch axis.
        """
        if self.pointwise:
            return [(number, position) for number in range(len(shapes))]
        terms = self.terms(position, *shapes)
        return [
            (number, tuple(int(i) for i in np.unravel_index(at, shapes[number])))
            for number, at in zip(terms.operand.tolist(), terms.at.tolist(), strict=True)
        ]

    def terms(self, position: Index, *shapes: Index) -> Terms:
        """The code at `position` of a linear operation as a sum; see `met`."""
        raise DeclinedError(self, "which sum its results are")

    def absolute(self, *sizes: Codes) -> Codes:
        """The largest that the magnitudes of all terms can add up to, given those of the operands' codes.

        Parameters
        ----------
        sizes
            Not negative, [event, *shape].
        """
        raise DeclinedError(self, "how large its terms are together")

    def float_operations(self, *counts: int) -> int:
        """Float32 operations that each term has gone through at most, given those of the operands' terms."""
        raise DeclinedError(self, "how many float operations it takes")

    def argument(self, *codes: Codes) -> Codes:
        """Of an operation that rounds, the integers [event, *shape] that alone decide the result."""
        if self.rounds and self.pointwise and len(codes) == 1:
            return codes[0]
        raise DeclinedError(self, "on which integer its rounding depends")

    def rounding_steps(self, *operands: Value, most: int) -> tuple[Steps, ...]:
        """Of an operation that rounds, where results change within the operands' ranges.

        One entry, or one per channel; in each, `most` steps evenly chosen where there are more.
        """
        raise DeclinedError(self, "where its rounding steps are")

    def rounded_sum(self, channel: int) -> RoundedSum | None:
        """The sum of multiples of its operands that it rounds, if that is what it does."""
        return None

    def number(self, channel: int, *codes: int) -> Fraction:
        """Of an operation that rounds, the number that is rounded: not yet limited, zero point included."""
        raise DeclinedError(self, "which number it rounds")

    def border(self, code: int) -> Fraction:
        """Which is the least `number`, or the bound of all, with the result `code` or more."""
        raise DeclinedError(self, "where its rounding changes its mind")

    def deviation(
        self, channel: int, codes: Sequence[int], sizes: Sequence[int], relative: Fraction
    ) -> Fraction:
        """How far from `number` that is, if it is computed inexactly.

        Parameters
        ----------
        codes
            One of each operand.
        sizes
            The sum of the magnitudes of all terms of each (`absolute`).
        relative
            By how much of its magnitude each term may be off in the end.
        """
        raise DeclinedError(self, "how inexact arithmetic changes the number that it rounds")

    def weighted(self, operand: Codes) -> Iterator[Codes]:
        """What each weight meets, [event, place, channel in], one kernel position after the other.

        Nothing if the operation has no weights.
        """
        return iter(())

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        """What it multiplies and holds."""
        raise DeclinedError(self, "what it costs")

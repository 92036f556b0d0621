"""Products with constant matrices as adders that share what they have in common: the one use of alkaid."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.values import IntRange
from levelone.rtl.tools import INSTALL
from levelone.rtl.unrolled.cells import Constant
from levelone.rtl.unrolled.circuit import Circuit

PART_BITS = 24
"""alkaid takes matrices as float32, which would round larger integers: they are taken in parts."""

Key = tuple[bytes, tuple[int, ...], tuple[IntRange, ...]]


@dataclass
class Products:
    """Constant matrix products in a circuit; equal ones are searched for once.

    Attributes
    ----------
    circuit
        Where adders are added.
    adders
        Places that were added for products.
    cost
        Layer -> what they cost by alkaid's own account, in look-up tables.
    """

    circuit: Circuit
    adders: set[int] = field(default_factory=set)
    cost: dict[str, float] = field(default_factory=dict)
    _found: dict[Key, Any] = field(default_factory=dict)

    def product(self, operands: Sequence[int], matrix: NDArray[Any], bias: Sequence[int]) -> list[int]:
        """``operands @ matrix + bias``: a place for each column of `matrix` [operands, columns].

        Raises
        ------
        LeveloneError
            If alkaid is not installed.
        """
        circuit = self.circuit
        known = [circuit.constant(n) for n in operands]
        terms = list(map(int, bias))
        for value, row in zip(known, matrix, strict=True):
            if value:
                terms = [t + value * int(w) for t, w in zip(terms, row, strict=True)]
        used = [i for i, value in enumerate(known) if value is None and np.any(matrix[i])]
        if not used:
            return [circuit.add(Constant(term)) for term in terms]
        sums = self._solved([operands[i] for i in used], matrix[used])
        return [circuit.offset(n, term) for n, term in zip(sums, terms, strict=True)]

    def _solved(self, operands: Sequence[int], matrix: NDArray[Any]) -> list[int]:
        circuit = self.circuit
        if len(operands) == 1 and all(_is_power(int(w)) for w in matrix[0]):
            return [circuit.shift(operands[0], int(w).bit_length() - 1) for w in matrix[0]]
        if np.abs(matrix).max() >= 1 << PART_BITS:
            half = 1 << PART_BITS - 1
            low = (matrix + half) % (2 * half) - half
            parts = (
                self.product(operands, part, [0] * matrix.shape[1])
                for part in (low, (matrix - low) >> PART_BITS)
            )
            return [circuit.sum(a, b, 0, PART_BITS) for a, b in zip(*parts, strict=True)]
        reach = tuple(circuit.reach(n) for n in operands)
        key = (matrix.astype(np.int64).tobytes(), matrix.shape, reach)
        if key not in self._found:
            self._found[key] = _solver()(
                matrix.astype(np.float32), qintervals=[(float(r.lo), float(r.hi), 1.0) for r in reach]
            )
        places, start = [(number, 0) for number in operands], len(circuit.places)
        for part in self._found[key]:
            places = self._wired(part, places)
            self.cost[circuit.layer] = self.cost.get(circuit.layer, 0.0) + part.cost
        self.adders.update(range(start, len(circuit.places)))
        # products of integers have no fraction
        return [circuit.shift(*place) for place in places]

    def _wired(self, part: Any, inputs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Places and exponents of two, ``place * 2**exponent``, of the results of a program of alkaid."""
        circuit = self.circuit
        found: list[tuple[int, int]] = []
        for op in part.ops:
            if op.opcode == -1:
                number, exponent = inputs[op.data[0]]
                found.append((number, exponent + int(part.inp_shifts[op.data[0]])))
            elif op.opcode in (0, 1):
                (a, low), (b, high) = (found[i] for i in op.addr)
                high += int(op.data[0])
                base = min(low, high)
                number = circuit.sum(a, b, low - base, high - base, minus=op.opcode == 1)
                found.append((number, base))
            else:
                raise LeveloneError(
                    f"alkaid gave an operation {op.opcode} for a matrix product",
                    hint=f"install 0.8: {INSTALL}",
                )
        results = []
        for at, shift, negated in zip(part.out_idxs, part.out_shifts, part.out_negs, strict=True):
            number, exponent = found[at] if at >= 0 else (circuit.add(Constant(0)), 0)
            results.append((circuit.negative(number) if negated else number, exponent + int(shift)))
        return results


def _is_power(weight: int) -> bool:
    return weight > 0 and weight & weight - 1 == 0


def _solver() -> Any:
    if importlib.util.find_spec("alkaid") is None:
        raise LeveloneError(
            "alkaid, which finds the adders of an unrolled design, is not installed", hint=INSTALL
        )
    from alkaid.cmvm import cmvm_solve

    return cmvm_solve

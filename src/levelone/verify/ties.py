"""The trained module against the meaning of the graph, where float32 rounded a tie the other way.

The graph rounds exact rational numbers. A module computes the same number in float32; where the exact one is
next to the border between two integers, float32 may put it on the other side. How near that is follows from
the number of float operations and the magnitudes that they add up (`gamma`). Such a disagreement is no fault
of the graph: it is counted and shown by itself. Each layer is judged on the module's *own* operands, so that
what follows from a tie is not counted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Codes, Graph, Node
from levelone.graph.ops import Add, Affine, AveragePool, Conv, Dense, Lookup, Multiply, Pad, Requantise
from levelone.graph.thresholds import boundary
from levelone.verify.verdict import LayerComparison, compare_codes

UNIT = Fraction(1, 2**24)
"""Unit roundoff of float32: the largest relative error of one operation (round to nearest)."""

AFTER = 4
"""Float operations between a sum and its rounding: plus a bias, times a gain, divided by the output's scale,
plus the zero point."""

MANTISSA = 24
"""Bits of a float32 mantissa."""


@dataclass(frozen=True)
class FloatTie:
    """A code of the module that float32 put on the other side of a border.

    Attributes
    ----------
    expected, found
        The code by exact arithmetic on the module's own operands, and the module's.
    exact
        The rational number before it is rounded.
    border
        Where rounding changes from one of the two integers to the other.
    reach
        How far from the exact number float32 may be there, in steps of the output (see `gamma`).
    """

    layer: str
    event: int
    position: tuple[int, ...]
    channel: int
    expected: int
    found: int
    exact: str
    border: str
    reach: str


@dataclass
class FloatTies:
    """All ties of a check: how many codes of which layers, and the first one."""

    layers: dict[str, int]
    example: FloatTie | None = None

    @property
    def count(self) -> int:
        return sum(self.layers.values())

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form: ``count``, ``layers``, ``example``."""
        example = None if self.example is None else asdict(self.example)
        return {"count": self.count, "layers": dict(self.layers), "example": example}


def compare_module(
    graph: Graph,
    inputs: Mapping[str, Codes],
    module: Mapping[str, Codes],
    reference: Mapping[str, Codes],
    ties: FloatTies,
    start: int,
) -> list[LayerComparison]:
    """Compare every layer of the module with its operation on the module's own operands.

    Parameters
    ----------
    inputs
        Input codes by value name, int64 [event, *shape].
    module
        The module's codes by value name; a layer it does not give is computed from those before it.
    reference
        The graph's codes of every value for the same inputs.
    ties
        Float ties are added here, and do not count as mismatches.
    start
        Number of the first event.
    """
    own: dict[str, Codes] = {name: np.asarray(codes, dtype=np.int64) for name, codes in inputs.items()}
    found = []
    for node in graph:
        local = _local(graph, node, own, reference)
        given = module.get(node.name)
        own[node.name] = local if given is None else given.astype(np.int64)
        if given is None:
            continue
        tied = _tied(graph, node, own, local)
        if tied.any():
            ties.layers[node.name] = ties.layers.get(node.name, 0) + int(np.count_nonzero(tied))
            ties.example = ties.example or _example(graph, node, own, local, tied, start)
        found.append(compare_codes(node.name, local, np.where(tied, local, own[node.name])))
    return found


def _local(graph: Graph, node: Node, own: Mapping[str, Codes], reference: Mapping[str, Codes]) -> Codes:
    """What the operation gives on the module's operands, brought into the ranges that it is defined on."""
    operands = [own[name] for name in node.inputs]
    other = np.logical_or.reduce(
        [
            (a != reference[n]).reshape(len(a), -1).any(axis=1)
            for a, n in zip(operands, node.inputs, strict=True)
        ]
    )
    local = reference[node.name].copy()
    if other.any():
        ranges = [graph.values[name].range for name in node.inputs]
        inside = [np.clip(a[other], r.lo, r.hi) for a, r in zip(operands, ranges, strict=True)]
        local[other] = node.op.evaluate(*inside).astype(np.int64)
    return local


@dataclass(frozen=True, eq=False)
class Operand:
    """What float32 made the number from that a requantisation rounds.

    Attributes
    ----------
    size
        Sum of the magnitudes of all terms, in codes: [event, *shape].
    operations
        Float operations that each term has gone through at most, in whatever order the terms are added.
    binary
        Whether all scales on the way are powers of two: then float32 is exact up to `MANTISSA` bits.
    """

    size: Codes
    operations: int
    binary: bool


def gamma(operations: int) -> Fraction:
    """``n u / (1 - n u)``: the relative error of `operations` float32 operations one after the other.

    Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM 2002, Lemma 3.1
    and section 3.1: an inner product of n terms in any order is off by at most ``gamma(n) * sum |x * w|``.
    It needs n < 2**24.
    """
    return operations * UNIT / (1 - operations * UNIT)


def _operand(graph: Graph, name: str, own: Mapping[str, Codes], rows: NDArray[np.int64]) -> Operand:
    """The terms of a value in the events `rows`, back to the last integers that float32 was given."""
    node = next((node for node in graph if node.name == name), None)
    binary = graph.values[name].exponent is not None
    if node is None or isinstance(node.op, (Requantise, Lookup)):
        return Operand(np.abs(own[name][rows]), 1, binary)  # code times scale
    parts = [_operand(graph, source, own, rows) for source in node.inputs]
    sizes = [part.size for part in parts]
    counts = [part.operations for part in parts]
    op, most = node.op, max(counts)
    match op:
        case Conv() | Dense():
            weights = np.abs(op.weights)
            terms = weights.size // weights.shape[-1]
            # the weight, its product, and additions: as many as terms, for there is a bias
            op, most = replace(op, weights=weights, bias=np.abs(op.bias)), most + 2 + terms
        case AveragePool():
            most += int(np.prod(op.kernel)) + 1  # additions, the divisor's inverse and its product
        case Affine():
            factor, term = (tuple(map(abs, constants)) for constants in (op.factor, op.term))
            op, most = replace(op, factor=factor, term=term), most + 4  # both constants, product and sum
        case Multiply():
            most = sum(counts) + 1
        case Add():
            most += 1
        case Pad():
            op = replace(op, value=abs(op.value))
        case _:
            pass  # codes are moved, or the largest of some is taken
    return Operand(op.evaluate(*sizes), most, binary and all(part.binary for part in parts))


def _tied(graph: Graph, node: Node, own: Mapping[str, Codes], local: Codes) -> NDArray[np.bool_]:
    """Which codes differ by a float tie: neighbours, with the exact number next to the border."""
    found, op = own[node.name], node.op
    tied = (np.abs(found - local) == 1) & isinstance(op, Requantise)
    rows = np.flatnonzero(tied.reshape(len(tied), -1).any(axis=1))
    if len(rows) == 0:
        return tied
    operand = _operand(graph, node.inputs[0], own, rows)
    row_of = {int(row): i for i, row in enumerate(rows)}
    for index in np.argwhere(tied):
        at = tuple(int(i) for i in index)
        size = int(operand.size[(row_of[at[0]], *at[1:])])
        exact, border, reach = _numbers(node, own, local, at, size, operand.operations)
        within = abs(exact - border) <= reach
        tied[at] = within and not _float_is_exact(graph, node, operand, size, exact)
    return tied


def _numbers(
    node: Node, own: Mapping[str, Codes], local: Codes, at: tuple[int, ...], size: int, operations: int
) -> tuple[Fraction, Fraction, Fraction]:
    """(exact number before rounding, border between the two codes, how far float32 may be off)."""
    op = node.op
    assert isinstance(op, Requantise)  # noqa: S101  (asked of requantisations only)
    code, channel = int(own[node.inputs[0]][at]), at[-1]
    multiplier = op.multiplier[channel % len(op.multiplier)]
    offset = op.offset[channel % len(op.offset)]
    upper = max(int(own[node.name][at]), int(local[at])) + op.zero_point
    border, _ = boundary(upper, op.rounding)
    largest = size * abs(multiplier) + abs(offset) + abs(border)
    return code * multiplier + offset, border, gamma(operations + AFTER) * largest


def _float_is_exact(graph: Graph, node: Node, operand: Operand, size: int, exact: Fraction) -> bool:
    """Whether float32 cannot be the reason: scales are powers of two, all partial sums fit its mantissa."""
    binary = operand.binary and graph.values[node.name].exponent is not None
    fits = max(size, abs(exact.numerator)).bit_length() <= MANTISSA
    return binary and fits and exact.denominator.bit_count() == 1


def _example(
    graph: Graph, node: Node, own: Mapping[str, Codes], local: Codes, tied: NDArray[np.bool_], start: int
) -> FloatTie:
    at = tuple(int(i) for i in np.argwhere(tied)[0])
    operand = _operand(graph, node.inputs[0], own, np.array(at[:1]))
    size = int(operand.size[(0, *at[1:])])
    exact, border, reach = _numbers(node, own, local, at, size, operand.operations)
    return FloatTie(
        node.name,
        start + at[0],
        at[1:-1],
        at[-1],
        int(local[at]),
        int(own[node.name][at]),
        f"{float(exact):.12g}",
        str(border),
        f"{float(reach):.3g}",
    )

"""The trained module against the meaning of the graph, where float32 rounded a tie the other way.

The graph rounds exact rational numbers. A module computes the same number in float32; where the exact one is
next to the border between two integers, float32 may put it on the other side. How near that is follows from
the number of float operations and the magnitudes that they add up (`gamma`). Such a disagreement is no fault
of the graph: it is counted and shown by itself. Each layer is judged on the module's *own* operands, so that
what follows from a tie is not counted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph, Node
from levelone.graph.operation import DeclinedError
from levelone.graph.values import Codes
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


SYSTEMATIC = Fraction(1, 100)
"""Share of a layer's codes from which on ties that all go one way are no accident."""


@dataclass
class FloatTies:
    """All ties of a check: how many codes of which layers, and the first one.

    Attributes
    ----------
    above
        How many of them are larger in float32 than by exact arithmetic.
    compared
        Codes that were looked at, of all layers.
    """

    layers: dict[str, int] = field(default_factory=dict)
    example: FloatTie | None = None
    above: dict[str, int] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.layers.values())

    def add(self, layer: str, differences: Codes) -> None:
        """Float32's codes less the exact ones, 0 where they do not differ by a tie."""
        self.compared[layer] = self.compared.get(layer, 0) + differences.size
        if (count := int(np.count_nonzero(differences))) > 0:
            self.layers[layer] = self.layers.get(layer, 0) + count
            self.above[layer] = self.above.get(layer, 0) + int(np.count_nonzero(differences > 0))

    @property
    def systematic(self) -> dict[str, int]:
        """Layers in which float32 is off in many codes and always one way: 1 upwards, -1 downwards."""
        return {
            layer: 1 if self.above[layer] else -1
            for layer, count in self.layers.items()
            if self.above[layer] in (0, count) and count >= SYSTEMATIC * self.compared[layer]
        }

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form: ``count``, ``layers``, ``example``, and ``systematic``, by layer.

        An entry of that has ``share`` (of the layer's codes) and ``float32``, "above" or "below".
        """
        systematic = {
            layer: {
                "share": self.layers[layer] / self.compared[layer],
                "float32": "above" if way > 0 else "below",
            }
            for layer, way in self.systematic.items()
        }
        example = None if self.example is None else asdict(self.example)
        return {
            "count": self.count,
            "layers": dict(self.layers),
            "example": example,
            "systematic": systematic,
        }


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
        ties.add(node.name, np.where(tied, own[node.name] - local, 0))
        if tied.any():
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
    if node is None or not node.op.lossless:
        return Operand(np.abs(own[name][rows]), 1, binary)  # code times scale
    parts = [_operand(graph, source, own, rows) for source in node.inputs]
    return Operand(
        node.op.absolute(*(part.size for part in parts)),
        node.op.float_operations(*(part.operations for part in parts)),
        binary and all(part.binary for part in parts),
    )


def _tied(graph: Graph, node: Node, own: Mapping[str, Codes], local: Codes) -> NDArray[np.bool_]:
    """Which codes differ by a float tie: with the exact number next to the border of the code found."""
    tied = (own[node.name] != local) & node.op.rounds
    rows = np.flatnonzero(tied.reshape(len(tied), -1).any(axis=1))
    if len(rows) == 0:
        return tied
    operands = [_operand(graph, name, own, rows) for name in node.inputs]
    row_of = {int(row): i for i, row in enumerate(rows)}
    known: dict[tuple[int, ...], bool] = {}
    for index in np.argwhere(tied):
        at = tuple(int(i) for i in index)
        codes = (own[name][at] for name in node.inputs)
        sizes = (operand.size[(row_of[at[0]], *at[1:])] for operand in operands)
        case = (at[-1], int(own[node.name][at]), *map(int, codes), *map(int, sizes))
        if case not in known:
            known[case] = _excused(graph, node, own, local, operands, row_of[at[0]], at)
        tied[at] = known[case]
    return tied


def _excused(
    graph: Graph,
    node: Node,
    own: Mapping[str, Codes],
    local: Codes,
    operands: list[Operand],
    row: int,
    at: tuple[int, ...],
) -> bool:
    """Whether a difference is a tie; none is where the number that was rounded is not known."""
    try:
        return _judge(graph, node, own, local, operands, row, at).excused
    except DeclinedError:
        return False


@dataclass(frozen=True)
class _Judged:
    """One code that differs: the exact number, the border that was crossed, how far float32 may be off."""

    exact: Fraction
    border: Fraction
    reach: Fraction
    excused: bool


def _judge(
    graph: Graph,
    node: Node,
    own: Mapping[str, Codes],
    local: Codes,
    operands: list[Operand],
    row: int,
    at: tuple[int, ...],
) -> _Judged:
    """Parameters: `row` of the operands' sizes that is the event ``at[0]``."""
    op, channel = node.op, at[-1]
    codes = [int(own[name][at]) for name in node.inputs]
    sizes = [int(operand.size[(row, *at[1:])]) for operand in operands]
    found, meant = int(own[node.name][at]), int(local[at])
    border = op.border(found if found > meant else found + 1)
    exact = op.number(channel, *codes)
    relative = gamma(max(operand.operations for operand in operands) + AFTER)
    reach = op.deviation(channel, codes, sizes, relative) + relative * abs(border)
    excused = abs(exact - border) <= reach and not _float_is_exact(graph, node, operands, sizes, exact)
    return _Judged(exact, border, reach, excused)


def _float_is_exact(
    graph: Graph, node: Node, operands: list[Operand], sizes: list[int], exact: Fraction
) -> bool:
    """Whether float32 cannot be the reason: scales are powers of two, all partial sums fit its mantissa."""
    binary = all(operand.binary for operand in operands) and graph.values[node.name].exponent is not None
    fits = max(*sizes, abs(exact.numerator)).bit_length() <= MANTISSA
    return binary and fits and exact.denominator.bit_count() == 1


def _example(
    graph: Graph, node: Node, own: Mapping[str, Codes], local: Codes, tied: NDArray[np.bool_], start: int
) -> FloatTie:
    at = tuple(int(i) for i in np.argwhere(tied)[0])
    operands = [_operand(graph, name, own, np.array(at[:1])) for name in node.inputs]
    judged = _judge(graph, node, own, local, operands, 0, at)
    return FloatTie(
        node.name,
        start + at[0],
        at[1:-1],
        at[-1],
        int(local[at]),
        int(own[node.name][at]),
        f"{float(judged.exact):.12g}",
        str(judged.border),
        f"{float(judged.reach):.3g}",
    )

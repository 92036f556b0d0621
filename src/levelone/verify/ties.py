"""The trained module against the meaning of the graph, where float32 rounded a tie the other way.

The graph rounds exact rational numbers. A module computes the same number in float32; where the exact one is
next to the border between two integers, float32 may put it on the other side. Such a disagreement is no fault
of the graph: it is counted and shown by itself. Each layer is judged on the module's *own* operands, so that
what follows from a tie is not counted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Codes, Graph, Node
from levelone.graph.ops import Requantise
from levelone.graph.thresholds import boundary
from levelone.verify.verdict import LayerComparison, compare_codes

FLOAT32_ERROR = Fraction(1, 2**24)
"""Largest relative error of one float32 operation (round to nearest)."""

OPERATIONS = 6
"""Float operations between the exact integers and the rounding, at most: scales of operand and weight
multiplied, times the sum, plus the bias, times a gain, divided by the output's scale, plus the zero point."""

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
    """

    layer: str
    event: int
    position: tuple[int, ...]
    channel: int
    expected: int
    found: int
    exact: str
    border: str


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
            ties.example = ties.example or _example(node, own, local, tied, start)
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


def _tied(graph: Graph, node: Node, own: Mapping[str, Codes], local: Codes) -> NDArray[np.bool_]:
    """Which codes differ by a float tie: neighbours, with the exact number next to the border."""
    found, op = own[node.name], node.op
    differs = found != local
    if not isinstance(op, Requantise) or not differs.any():
        return np.zeros_like(differs)
    tied = differs & (np.abs(found - local) == 1)
    for index in np.argwhere(tied):
        at = tuple(int(i) for i in index)
        exact, border, reach = _numbers(node, own, local, at)
        tied[at] = abs(exact - border) <= reach and not _float_is_exact(graph, node, exact)
    return tied


def _numbers(
    node: Node, own: Mapping[str, Codes], local: Codes, at: tuple[int, ...]
) -> tuple[Fraction, Fraction, Fraction]:
    """(exact number before rounding, border between the two codes, how far float32 may be off)."""
    op = node.op
    assert isinstance(op, Requantise)  # noqa: S101  (asked of requantisations only)
    code, channel = int(own[node.inputs[0]][at]), at[-1]
    multiplier = op.multiplier[channel % len(op.multiplier)]
    offset = op.offset[channel % len(op.offset)]
    upper = max(int(own[node.name][at]), int(local[at])) + op.zero_point
    border, _ = boundary(upper, op.rounding)
    largest = abs(code * multiplier) + abs(offset) + abs(border)
    return code * multiplier + offset, border, OPERATIONS * FLOAT32_ERROR * largest


def _float_is_exact(graph: Graph, node: Node, exact: Fraction) -> bool:
    """Whether float32 cannot be the reason: all scales are powers of two, the number fits its mantissa."""
    values = [graph.values[name] for name in (*node.inputs, node.name)]
    binary = all(value.exponent is not None for value in values)
    return binary and exact.denominator.bit_count() == 1 and exact.numerator.bit_length() <= MANTISSA


def _example(
    node: Node, own: Mapping[str, Codes], local: Codes, tied: NDArray[np.bool_], start: int
) -> FloatTie:
    at = tuple(int(i) for i in np.argwhere(tied)[0])
    exact, border, _ = _numbers(node, own, local, at)
    return FloatTie(
        node.name,
        start + at[0],
        at[1:-1],
        at[-1],
        int(local[at]),
        int(own[node.name][at]),
        f"{float(exact):.12g}",
        str(border),
    )

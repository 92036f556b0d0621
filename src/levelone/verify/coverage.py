"""What a set of vectors reached of every layer: the part of a verdict that says what it vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.stimuli.coverage import Goals, OperandGoals, goals

MOST_CELLS = 2**25
"""Pairs of an event and a goal of one layer that are looked at; what later events reach is not counted."""

FLOOR_VECTORS = 100
FLOOR_SHARE = 0.5
"""Vectors, and share of all goals reached, below which equality alone is not called exact."""


@dataclass
class Coverage:
    """Filled chunk by chunk with the reference's codes; never says that more was reached than was.

    Goals are those by which vectors are chosen (`levelone.stimuli.coverage`): both sides of every rounding
    step (saturation included), every entry of a table, every weight met by a positive and a negative operand.
    """

    graph: Graph
    vectors: int = 0
    _families: list[Goals] = field(init=False)
    _reached: list[NDArray[np.bool_]] = field(init=False)
    _seen: list[int] = field(init=False)
    _ends: dict[str, tuple[int, int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._families = goals(self.graph)
        self._reached = [np.zeros(family.size, dtype=bool) for family in self._families]
        self._seen = [0] * len(self._families)

    def add(self, values: Mapping[str, Codes]) -> None:
        """Codes of some events, inputs and every layer, by value name."""
        events = len(next(iter(values.values())))
        self.vectors += events
        for name in self.graph.values:
            low, high = int(values[name].min()), int(values[name].max())
            known = self._ends.get(name, (low, high))
            self._ends[name] = (min(low, known[0]), max(high, known[1]))
        for number, family in enumerate(self._families):
            room = min(events, MOST_CELLS // family.size - self._seen[number])
            if room > 0 and not self._reached[number].all():
                self._reached[number] |= family.hits({n: values[n][:room] for n in family.reads}).any(axis=0)
                self._seen[number] += room

    @property
    def share(self) -> float:
        """Reached goals over all of them; 1 where there are none."""
        total = sum(family.size for family in self._families)
        return sum(int(found.sum()) for found in self._reached) / total if total else 1.0

    @property
    def enough(self) -> bool:
        """Whether equality on these vectors may stand alone."""
        return self.vectors >= FLOOR_VECTORS and self.share >= FLOOR_SHARE

    def to_dict(self) -> dict[str, Any]:
        """The ``coverage`` of `levelone csim --json`."""
        layers: dict[str, dict[str, Any]] = {
            node.name: {
                "name": node.name,
                "lo": self._ends[node.name][0],
                "hi": self._ends[node.name][1],
                "lowest": self.graph.values[node.name].range.lo,
                "highest": self.graph.values[node.name].range.hi,
            }
            for node in self.graph
            if node.name in self._ends
        }
        for family, found in zip(self._families, self._reached, strict=True):
            if (layer := layers.get(family.node.name)) is not None:
                layer[_kind(family)] = {"reached": int(found.sum()), "of": family.size}
        return {"vectors": self.vectors, "share": self.share, "layers": list(layers.values())}


def _kind(family: Goals) -> str:
    if isinstance(family, OperandGoals):
        return "operands"
    return "entries" if family.node.op.tabulated else "steps"

"""What a set of vectors must show of every layer, and which events of a pool show it.

A goal is something that some fault would change and that can be read off the reference: an operand of a sum
that is not zero (wrong weight), a code next to a step of a requantisation (wrong rounding or multiplier), an
entry of a table. (Types too narrow show at the ends of the sums: see `levelone.stimuli.extremes`.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Codes, Graph, Node
from levelone.graph.ops import Conv, Dense, Lookup, Requantise
from levelone.graph.thresholds import thresholds

MAX_STEPS = 1024
"""Steps of a requantisation that are goals, per channel; evenly chosen where there are more."""

FILLER = 2**62
MAX_GOALS = 2**15
"""Goals of one layer; a layer with more of them is left to chance beyond."""


@dataclass(frozen=True, eq=False)
class CodeGoals:
    """Input codes of one layer that some event shall have.

    Attributes
    ----------
    operand
        Value that is looked at.
    codes
        int64 [channels or 1, goals], ascending along the last axis; repeated entries fill up rows.
    """

    operand: str
    codes: NDArray[np.int64]

    @property
    def size(self) -> int:
        return self.codes.size

    def hits(self, values: Mapping[str, Codes]) -> NDArray[np.bool_]:
        """Bool [event, goal]."""
        x = values[self.operand]
        rows = x.reshape(len(x), -1, x.shape[-1])
        if len(self.codes) == 1:
            rows = rows.reshape(len(x), -1, 1)
        found = np.zeros((len(x), *self.codes.shape), dtype=bool)
        for channel, wanted in enumerate(self.codes):
            seen = rows[:, :, channel]
            at = np.minimum(np.searchsorted(wanted, seen), len(wanted) - 1)
            events, places = np.nonzero(wanted[at] == seen)
            found[events, channel, at[events, places]] = True
        same = self.codes[:, 1:] == self.codes[:, :-1]  # a repeated entry counts with its first
        found[:, :, 1:] |= same & found[:, :, :-1]
        return found.reshape(len(x), -1)

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Goals that are codes, not fillers of a row."""
        return (self.codes < FILLER).reshape(-1)

    def nearest(
        self, values: Mapping[str, Codes], wanted: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, int]]:
        """(goal, the event that comes closest to it, how far it is off) for each goal that is wanted."""
        x = values[self.operand]
        rows = x.reshape(len(x), -1, x.shape[-1])
        places = self.codes.shape[1]
        for channel in np.unique(wanted // places).tolist():
            seen = (rows if len(self.codes) == 1 else rows[:, :, channel]).reshape(-1)
            order = seen.argsort()
            for goal in wanted[wanted // places == channel].tolist():
                code = int(self.codes[channel, goal % places])
                at = int(np.searchsorted(seen, code, sorter=order))
                beside = order[max(at - 1, 0) : at + 1]
                best = int(beside[np.abs(seen[beside] - code).argmin()])
                yield goal, best * len(x) // len(seen), abs(int(seen[best]) - code)


@dataclass(frozen=True, eq=False)
class OperandGoals:
    """Every weight of a sum shall meet a positive and a negative operand, as far as they exist."""

    node: Node
    operand: str
    size: int

    def hits(self, values: Mapping[str, Codes]) -> NDArray[np.bool_]:
        """Bool [event, goal]: first all positive ones, then all negative ones."""
        x, op = values[self.operand], self.node.op
        if isinstance(op, Dense):
            rows = x.reshape(len(x), -1, x.shape[-1])
            return np.concatenate([(rows > 0).any(axis=1), (rows < 0).any(axis=1)], axis=1)
        assert isinstance(op, Conv)  # noqa: S101  (made by `goals` only)
        padded = op.window.pad(x, 0)
        out = op.window.output_shape("sum", x.shape[1:-1])
        positive, negative = [], []
        for tap in op.window.taps():
            seen = op.window.at_tap(padded, tap, out).reshape(len(x), -1, x.shape[-1])
            positive.append((seen > 0).any(axis=1))
            negative.append((seen < 0).any(axis=1))
        return np.concatenate([*positive, *negative], axis=1)


Goals = CodeGoals | OperandGoals


def goals(graph: Graph) -> list[Goals]:
    """The goals of every layer, in the graph's order."""
    found: list[Goals] = []
    for node in graph:
        x = graph.values[node.inputs[0]]
        match node.op:
            case Conv() | Dense():
                taps = int(np.prod(node.op.window.kernel)) if isinstance(node.op, Conv) else 1
                size = 2 * taps * x.shape[-1]
                if size <= MAX_GOALS:
                    found.append(OperandGoals(node, node.inputs[0], size))
            case Requantise():
                found += _steps(graph, node, node.op)
            case Lookup():
                codes = np.arange(x.range.lo, x.range.hi + 1)
                rows = x.shape[-1] if node.op.table.ndim == 2 else 1
                if len(codes) * rows <= MAX_GOALS:
                    found.append(CodeGoals(node.inputs[0], np.tile(codes, (rows, 1))))
            case _:
                pass
    return found


def _steps(graph: Graph, node: Node, op: Requantise) -> list[Goals]:
    """The codes on both sides of every step: whatever moves a step changes one of the two."""
    x = graph.values[node.inputs[0]]
    channels = max(len(op.multiplier), len(op.offset))
    if 0 in op.multiplier or op.range.hi - op.range.lo > 2**16:
        return []
    rows = []
    for channel, steps in enumerate(thresholds(op, channels)):
        reach = x.channel_ranges[channel] if channels > 1 and x.channel_ranges else x.range
        inside = [s for s in steps if reach.lo - 1 <= s <= reach.hi + 1]
        if len(inside) > MAX_STEPS:
            inside = [inside[i] for i in np.linspace(0, len(inside) - 1, MAX_STEPS).astype(int)]
        near = {s + d for s in inside for d in (-1, 0) if s + d in reach}
        rows.append(sorted(near))
    width = max(map(len, rows))
    if width == 0 or width * len(rows) > MAX_GOALS:
        return []
    rows = [row + row[-1:] * (width - len(row)) if row else [FILLER] * width for row in rows]
    return [CodeGoals(node.inputs[0], np.array(rows, dtype=np.int64))]


def choose(hits: NDArray[np.bool_], limit: int) -> list[int]:
    """Events that together reach as many goals as possible: always the one that adds most, at most `limit`.

    Parameters
    ----------
    hits
        Bool [event, goal].
    """
    open_goals = hits.any(axis=0)
    chosen: list[int] = []
    gain = hits[:, open_goals].sum(axis=1)
    while len(chosen) < limit:
        best = int(gain.argmax())
        if gain[best] == 0:
            break
        chosen.append(best)
        gain -= hits[:, open_goals & hits[best]].sum(axis=1)
        open_goals = open_goals & ~hits[best]
    return chosen

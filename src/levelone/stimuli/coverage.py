"""What a set of vectors must show of every layer, and which events of a pool show it.

A goal is something that some fault would change and that can be read off the reference: an operand of a sum
that is not zero (wrong weight), a code next to a step of a rounding (wrong rounding or multiplier), an entry
of a table. (Types too narrow show at the ends of the sums: see `levelone.stimuli.extremes`.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph, Node
from levelone.graph.ops._bounds import largest
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Codes, IntRange, Value

MAX_STEPS = 1024
"""Steps of a rounding that are goals, per channel; evenly chosen where there are more."""

MAX_GOALS = 2**15
"""Goals of one layer; evenly chosen where there are more."""

FARTHEST = 2**62
"""What counts as how far an event is from a goal, at most."""

Near = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""(goals, the event that comes closest to each, how far it is off)"""


@dataclass(frozen=True, eq=False)
class ArgumentGoals:
    """What the argument of a layer that rounds (`Op.argument`) shall be in some event.

    Attributes
    ----------
    lows
        One row, or one per channel, ascending: the argument shall be this or less than `near` above it.
    near
        One per row.
    """

    sought: ClassVar[bool] = True

    node: Node
    lows: tuple[NDArray[Any], ...]
    near: tuple[int, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.lows))

    @property
    def reads(self) -> tuple[str, ...]:
        """Values that are looked at."""
        return self.node.inputs

    def hits(self, values: Mapping[str, Codes]) -> NDArray[np.bool_]:
        """Bool [event, goal]."""
        parts = []
        for seen, lows, near in zip(self._rows(values), self.lows, self.near, strict=True):
            found = np.zeros((len(seen), len(lows)), dtype=bool)
            at = np.searchsorted(lows, seen - near, side="right")
            last = np.searchsorted(lows, seen, side="right")
            while (inside := at < last).any():  # more than once only where steps are closer than `near`
                events, places = np.nonzero(inside)
                found[events, at[events, places]] = True
                at = at + 1
            parts.append(found)
        return np.concatenate(parts, axis=1)

    def nearest(self, values: Mapping[str, Codes], wanted: NDArray[np.int64]) -> Iterator[Near]:
        """What is nearest to goals that nothing hits, of all that are wanted: some at a time."""
        start = 0
        for seen, lows, near in zip(self._rows(values), self.lows, self.near, strict=True):
            here = wanted[(wanted >= start) & (wanted < start + len(lows))]
            if len(here):
                flat = seen.reshape(-1)
                order = flat.argsort()
                known, low = flat[order], lows[here - start]
                if max(largest(known), largest(low)) >= FARTHEST // 2:
                    known = known.astype(object)
                above = np.searchsorted(known, low)
                beside = np.maximum(above - 1, 0), np.minimum(above, len(known) - 1)
                away = [np.maximum(low - known[at], known[at] - low - near + 1) for at in beside]
                better = away[1] < away[0]
                events = order[np.where(better, *reversed(beside))] // seen.shape[1]
                yield here, events, np.minimum(np.minimum(*away), FARTHEST).astype(np.int64)
            start += len(lows)

    def _rows(self, values: Mapping[str, Codes]) -> Iterator[NDArray[Any]]:
        """Arguments of each row: [event, place]."""
        argument = self.node.op.argument(*(values[name] for name in self.node.inputs))
        places = argument.reshape(len(argument), -1, 1 if len(self.lows) == 1 else argument.shape[-1])
        return (places[:, :, row] for row in range(len(self.lows)))


@dataclass(frozen=True, eq=False)
class OperandGoals:
    """Every weight of a sum shall meet a positive and a negative operand, as far as they exist.

    Attributes
    ----------
    exist
        Bool: of all weights, whether their operands can be positive; then whether they can be negative.
    """

    sought: ClassVar[bool] = False

    node: Node
    exist: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return int(self.exist.sum())

    @property
    def reads(self) -> tuple[str, ...]:
        """Values that are looked at."""
        return self.node.inputs

    def hits(self, values: Mapping[str, Codes]) -> NDArray[np.bool_]:
        """Bool [event, goal]: first all positive ones, then all negative ones."""
        return _met(self.node, values[self.node.inputs[0]])[:, self.exist]

    def nearest(self, values: Mapping[str, Codes], wanted: NDArray[np.int64]) -> Iterator[Near]:
        """Nothing: these goals are reached from a pool, or not."""
        return iter(())


Goals = ArgumentGoals | OperandGoals


def goals(graph: Graph) -> list[Goals]:
    """The goals of every layer, in the graph's order."""
    found: list[Goals] = []
    for node in graph:
        x = graph.values[node.inputs[0]]
        size = 2 * sum(view.shape[-1] for view in node.op.weighted(np.zeros((0, *x.shape), dtype=np.int64)))
        if 0 < size <= MAX_GOALS and (exist := _existing(node, x)).any():
            found.append(OperandGoals(node, exist))
        if node.op.rounds:
            rounding = _rounding(graph, node)
            found += [rounding] if rounding.size else []
    return found


def _met(node: Node, operand: Codes) -> NDArray[np.bool_]:
    """Bool [event, weight]: what meets a positive operand; and then what meets a negative one."""
    met = [(view > 0, view < 0) for view in node.op.weighted(operand)]
    return np.concatenate([side.any(axis=1) for sides in zip(*met, strict=True) for side in sides], axis=1)


def _existing(node: Node, x: Value) -> NDArray[np.bool_]:
    """What two events meet: that of all codes at their highest, and that of all at their lowest."""
    ranges = ranges_of(x, x.shape[-1])
    ends = np.array([[r.hi for r in ranges], [r.lo for r in ranges]])
    rows = ends.reshape(2, *(1,) * (len(x.shape) - 1), x.shape[-1])
    highest, lowest = _met(node, np.broadcast_to(rows, (2, *x.shape)))
    return np.asarray(highest | lowest)


def _rounding(graph: Graph, node: Node) -> ArgumentGoals:
    """Both sides of every step: whatever moves a step changes one of the two. Of a table, every entry.

    What multiplies codes by integers has a step at every code and rounds at none (the change onto a finer
    grid in front of a sum): it is seen wherever it is wrong, and only where it begins to saturate is a goal.
    """
    operands = [graph.values[name] for name in node.inputs]
    channels = operands[0].shape[-1]
    few = max(1, min(MAX_STEPS, MAX_GOALS // (2 * channels)))
    rows = node.op.rounding_steps(*operands, most=few)
    reach = ranges_of(operands[0], len(rows))
    if node.op.tabulated:
        lows = tuple(_spread(r, MAX_GOALS // len(rows)) for r in reach)
    else:
        steps = [row.at for row in rows]
        if node.op.lossless:
            steps = [_saturating(at, r) for at, r in zip(steps, reach, strict=True)]
        sides = zip(steps, rows, strict=True)
        lows = tuple(np.unique(np.concatenate([at - row.near, at])) for at, row in sides)
    return ArgumentGoals(node, lows, tuple(row.near for row in rows))


def _saturating(steps: NDArray[Any], reach: IntRange) -> NDArray[Any]:
    """The first and the last of all steps, as far as codes beyond them change nothing any more."""
    ends = np.unique(steps[[0, -1]]) if len(steps) else steps
    return ends[(ends == steps[:1]) & (ends - 1 > reach.lo) | (ends == steps[-1:]) & (ends < reach.hi)]


def _spread(reach: IntRange, most: int) -> NDArray[np.int64]:
    """Every code of a range, or `most` evenly chosen ones."""
    count = reach.hi - reach.lo + 1
    return reach.lo + (
        np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)
    )


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

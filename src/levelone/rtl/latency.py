"""Planned latency: when every beat of one event moves through an empty design, clock by clock of each block.

All is integer arithmetic on clocks: a block begins a beat when what it needs has come, what went before has
left, and the reader has room. Beats of different blocks wait for each other in both directions, so blocks go
on as far as they can, in turn, until all is done.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from levelone.rtl.pace import Pace


@dataclass
class Wire:
    """A stream: the clock at which each beat is offered, and at which it is taken."""

    offered: Sequence[int]
    taken: list[int] = field(default_factory=list)


@dataclass
class Block:
    """A block between wires."""

    pace: Pace
    wires: tuple[Wire, ...]
    result: Wire
    begun: list[int] = field(default_factory=list)

    def advance(self) -> bool:
        """Go on as far as possible; whether that was any further."""
        moved = False
        for i, wire in enumerate(self.wires):
            moved |= self._take(i, wire)
        return self._give() or moved

    def _take(self, operand: int, wire: Wire) -> bool:
        pace, begun, out = self.pace, self.begun, self.result.taken
        taking = pace.operands[operand]
        offered, taken = wire.offered, wire.taken
        frees, needs, hold = taking.frees, taking.needs, pace.hold
        start = len(taken)
        for i in range(start, len(offered)):
            clock = offered[i]
            if frees is not None:
                beat = frees[i]
                if beat >= len(begun):
                    break
                if beat >= 0:
                    clock = max(clock, begun[beat] + taking.release)
            else:
                beat = bisect_right(needs, i) - hold
                if beat >= len(out):
                    break
                if beat >= 0:
                    clock = max(clock, out[beat])
            taken.append(max(clock, taken[-1] + 1) if taken else clock)
        return len(taken) > start

    def _give(self) -> bool:
        pace, begun, offered, out = self.pace, self.begun, self.result.offered, self.result.taken
        assert isinstance(offered, list)  # noqa: S101  (only ports offer without a block)
        operands = [(t.needs, t.lag, w.taken) for t, w in zip(pace.operands, self.wires, strict=True)]
        start = len(begun)
        for n in range(start, pace.beats):
            clock = begun[-1] + pace.interval if begun else 0
            if n - pace.hold >= len(out) or any(needs[n] > len(taken) for needs, _, taken in operands):
                break
            if n >= pace.hold:
                clock = max(clock, out[n - pace.hold])
            for needs, lag, taken in operands:
                if needs[n]:
                    clock = max(clock, taken[needs[n] - 1] + lag)
            begun.append(clock)
            offered.append(clock + pace.depth)
        return len(begun) > start


@dataclass
class Fork:
    """One wire to several, each taken when its reader likes."""

    wires: tuple[Wire, ...]
    results: tuple[Wire, ...]

    def advance(self) -> bool:
        """As `Block.advance`."""
        (wire,), moved = self.wires, False
        while True:
            done = len(wire.taken)
            ready = min(len(way.taken) for way in self.results)
            if ready > done:
                wire.taken.extend(max(way.taken[n] for way in self.results) for n in range(done, ready))
                done, moved = ready, True
            first = self.results[0].offered
            # the next beat is there once all readers have taken the one before
            if len(first) > done or done >= len(wire.offered):
                return moved
            clock = max(wire.offered[done], wire.taken[-1] + 1) if done else wire.offered[done]
            for way in self.results:
                assert isinstance(way.offered, list)  # noqa: S101  (a fork offers to them)
                way.offered.append(clock)
            moved = True
            if ready == done:
                return moved


@dataclass
class Sink:
    """The outside, which takes every beat at once."""

    wires: tuple[Wire, ...]

    def advance(self) -> bool:
        """As `Block.advance`."""
        (wire,) = self.wires
        start = len(wire.taken)
        for clock in wire.offered[start:]:
            wire.taken.append(max(clock, wire.taken[-1] + 1) if wire.taken else clock)
        return len(wire.taken) > start


Part = Block | Fork | Sink


def settle(parts: Sequence[Part]) -> None:
    """Let an event through: every wire between `parts` knows the clocks of its beats afterwards."""
    around: dict[int, list[int]] = {}
    for number, part in enumerate(parts):
        for wire in (*part.wires, *_results(part)):
            around.setdefault(id(wire), []).append(number)
    near = [
        sorted({other for wire in (*part.wires, *_results(part)) for other in around[id(wire)]} - {number})
        for number, part in enumerate(parts)
    ]
    waiting = deque(range(len(parts)))
    queued = [True] * len(parts)
    while waiting:
        number = waiting.popleft()
        queued[number] = False
        if parts[number].advance():
            for other in near[number]:
                if not queued[other]:
                    queued[other] = True
                    waiting.append(other)


def _results(part: Part) -> tuple[Wire, ...]:
    if isinstance(part, Sink):
        return ()
    return part.results if isinstance(part, Fork) else (part.result,)


@dataclass(frozen=True)
class Latency:
    """Planned clocks of one event in an empty design.

    Attributes
    ----------
    latency_clocks
        Output -> clocks from the first beat into any port to its last beat out.
    after_last_clocks
        Output -> clocks from the last beat into any port.
    """

    latency_clocks: Mapping[str, int]
    after_last_clocks: Mapping[str, int]


def latency_of(parts: Sequence[Part], ports: Sequence[Wire], outputs: Mapping[str, Wire]) -> Latency:
    """Clocks of an event between `ports` and `outputs`."""
    settle(parts)
    stuck = [part for part in parts if isinstance(part, Block) and len(part.begun) < part.pace.beats]
    if stuck:
        raise RuntimeError(f"the plan of {len(stuck)} blocks waits for ever, first {stuck[0].pace}")
    first, last = min(port.taken[0] for port in ports), max(port.taken[-1] for port in ports)
    ends = {name: wire.taken[-1] for name, wire in outputs.items()}
    return Latency(
        {name: end - first for name, end in ends.items()}, {name: end - last for name, end in ends.items()}
    )


def most_waiting(entered: Sequence[int], left: Sequence[int], period: int) -> int:
    """Beats that are between two places at once, at most, if an event follows another every `period` clocks.

    Parameters
    ----------
    entered, left
        Clocks at which each beat of one event comes to the first place and to the second.
    """
    always, change = 0, [0] * period  # beats that are there at every clock, and who comes and goes
    for begin, end in zip(entered, left, strict=True):
        whole, rest = divmod(end - begin, period)
        always += whole + (begin % period + rest >= period)  # it is there where one period meets the next
        change[begin % period] += 1
        change[(begin + rest) % period] -= 1
    return always + max(accumulate(change))

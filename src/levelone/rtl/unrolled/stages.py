"""Cutting a circuit into stages: every cell as early as the stage's time, or levels, allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from levelone.errors import UnsupportedError
from levelone.rtl.delays import ULTRASCALE_PLUS, Delays, Effort
from levelone.rtl.unrolled.cells import Constant, Input
from levelone.rtl.unrolled.circuit import Circuit


@dataclass(frozen=True)
class Budget:
    """What may lie between two registers.

    Attributes
    ----------
    levels
        Look-up tables in series; None: as many as the clock period holds.
    clock_ns
        Clock period, which counts where levels are not given.
    delays
        What it is compared with.
    """

    levels: int | None
    clock_ns: float
    delays: Delays = ULTRASCALE_PLUS

    @property
    def room(self) -> float:
        """Levels, or ns of logic, between two registers."""
        return self.levels if self.levels is not None else self.clock_ns - self.delays.overhead

    def taken(self, effort: Effort) -> float:
        """By one place, in the same unit."""
        return effort.levels if self.levels is not None else self.delays.of(effort)

    def refusal(self, circuit: Circuit, number: int) -> UnsupportedError:
        """What is said of a place that alone takes more than there is room for."""
        place = circuit.places[number]
        unit = "levels of logic" if self.levels is not None else "ns"
        return UnsupportedError(
            f"{place.layer}: one {type(place.cell).__name__} of {place.reach.width} bits takes "
            f"{self.taken(circuit.effort(number)):.2g} {unit}, a stage has {self.room:.2g}",
            hint="allow more levels, or a longer clock period",
        )


@dataclass(frozen=True)
class Schedule:
    """In which stage everything is computed.

    Attributes
    ----------
    stage
        Of every place: registers of rank ``stage`` are in front of it.
    stages
        Ranks of registers that data pass, the one behind the input ports included.
    levels
        Most look-up tables in series between two registers.
    """

    stage: tuple[int, ...]
    stages: int
    levels: int

    def ranks(self, circuit: Circuit, number: int, last: int) -> int:
        """Registers behind a place that is read in stage `last`."""
        cell = circuit.places[number].cell
        if isinstance(cell, Constant):
            return 0
        return last - self.stage[number] + isinstance(cell, Input)


def schedule(circuit: Circuit, live: Iterable[int], budget: Budget) -> Schedule:
    """Cut into as few stages as there are for cells that are not cut themselves.

    Parameters
    ----------
    live
        Places that the hardware has; the stages of others, which only a simulation looks at, do not count.

    Raises
    ------
    UnsupportedError
        If one of these alone is more than a stage has room for.
    """
    kept = frozenset(live)
    stage: list[int] = []
    used: list[float] = []
    depth: list[int] = []
    for number, place in enumerate(circuit.places):
        # what is no constant decides; constants are there in every stage
        read = [n for n in place.operands if not isinstance(circuit.places[n].cell, Constant)]
        at = max((stage[n] for n in read), default=0)
        before = max((used[n] for n in read if stage[n] == at), default=0.0)
        levels = max((depth[n] for n in read if stage[n] == at), default=0)
        effort = circuit.effort(number)
        taken = budget.taken(effort)
        if taken > budget.room:
            if number in kept:
                raise budget.refusal(circuit, number)
            taken = budget.room
        if before + taken > budget.room + 1e-9:
            at, before, levels = at + 1, 0.0, 0
        stage.append(at)
        used.append(before + taken)
        depth.append(levels + effort.levels)
    return Schedule(tuple(stage), max(stage[n] for n in kept) + 1, max(depth[n] for n in kept))


def living(circuit: Circuit, results: Iterable[int]) -> set[int]:
    """Places that `results` are made of, themselves included."""
    found: set[int] = set()
    waiting = list(results)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += circuit.places[number].operands
    return found


def last_uses(
    circuit: Circuit, stage: Sequence[int], cells: Iterable[int], ends: Iterable[tuple[int, int]]
) -> dict[int, int]:
    """Place -> the last stage in which it is read, by `cells` or as one of `ends` (place, stage)."""
    last: dict[int, int] = {}
    for number in cells:
        for read in circuit.places[number].operands:
            last[read] = max(last.get(read, 0), stage[number])
    for number, at in ends:
        last[number] = max(last.get(number, 0), at)
    return last

"""When a block takes and gives its beats: what the clocks of a network are worked out from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

ADDED = 4
"""Clocks of `levelone_mac` besides the tree: operands twice, and products twice."""
READ = 1
"""One more where its weights come from memories: the register behind them."""
LAG = 1
"""Clocks from the last beat that a row of a window needs until it begins."""
OUT = 1
"""Clocks of the FIFO behind a layer."""
OUT_BEATS = 2
"""Beats that wait in it: its ready does not reach the block in front in the same clock. Behind sums it has
room for those on the way, too (`Pace.hold`)."""


@dataclass(frozen=True)
class Taking:
    """How a block takes one operand.

    Attributes
    ----------
    needs
        For every output beat: how many input beats have to be there before it begins.
    lag
        Clocks from the last of them to the beginning.
    frees
        For every input beat: the output beat that has to have begun before there is room for it, -1 where
        there is room. None: it is taken when the output beat that needs it can begin.
    release
        Clocks from that beginning until there is room.
    """

    needs: Sequence[int]
    lag: int = 0
    frees: Sequence[int] | None = None
    release: int = 0


@dataclass(frozen=True)
class Pace:
    """When a block gives its beats.

    Attributes
    ----------
    operands
        What it takes.
    depth
        Clocks from the beginning of a beat until it is offered.
    interval
        Clocks from the beginning of a beat to that of the next.
    hold
        Beats that can be on the way in between; ``levelone_mac`` has a FIFO for so many.
    """

    operands: tuple[Taking, ...]
    depth: int
    interval: int = 1
    hold: int = 1

    @property
    def beats(self) -> int:
        """Output beats of an event."""
        return len(self.operands[0].needs)


def piped(beats: int, stages: int, operands: int = 1) -> Pace:
    """A pipeline: beat for beat."""
    return Pace((Taking(range(1, beats + 1)),) * operands, stages, hold=max(stages, 1))


def regrouped(taken: int, given: int) -> Pace:
    """``levelone_serialise`` or ``levelone_pack``."""
    return Pace((Taking(grouped(taken, given)),), 1)


def grouped(taken: int, given: int) -> Sequence[int]:
    """Needs of output beats that are equal shares of the input, as it comes."""
    if given <= taken:
        return range(taken // given, taken + 1, taken // given)
    return [n * taken // given + 1 for n in range(given)]


def swept(
    rows: Sequence[int], beats: int, frees: Sequence[int], *, depth: int, interval: int, release: int
) -> Pace:
    """A window: input beats that each of its rows needs; every row gives equally many of the `beats`."""
    each = beats // len(rows)
    needs = [need for need in rows for _ in range(each)]
    hold = OUT_BEATS + -(-depth // interval)
    return Pace((Taking(needs, LAG, frees, release),), depth, interval, hold)


def freed(kept: Iterable[int], inputs: int, room: int, beats: int) -> list[int]:
    """Output beat that makes room for each input beat: the last one before a row that keeps fewer.

    Parameters
    ----------
    kept
        For every row: input beats from the start that are not needed any more.
    inputs, beats
        Input and output beats of an event.
    room
        Input beats that are held.
    """
    rows = list(kept)
    each = beats // len(rows)
    # rows in a run keep as many; an event's end frees all of it
    marks = [(keep, next(iter(run))[0] * each - 1) for keep, run in groupby(enumerate(rows), lambda r: r[1])]
    marks.append((inputs + room, beats - 1))
    found, at = [], 0
    for beat in range(inputs):
        while marks[at][0] <= beat - room:
            at += 1
        found.append(marks[at][1] if beat >= room else -1)
    return found


def room_of(needs: Sequence[int], kept: Sequence[int], inputs: int) -> int:
    """Input beats to be held so that neither they nor the rows of a window ever wait for room, events on end.

    That is so if there is room while both go on evenly: an event's `inputs` come in the time in which all of
    its rows are swept, each of which takes as long as any other. While the last ones are swept, the next
    event comes in: all of it, where each row needs a whole event.

    Parameters
    ----------
    needs, kept
        For every row: input beats that have to be there before it starts, and those that are not needed any
        more.
    """
    rows = len(needs)
    # in parts of a beat, `rows` to each: when the first row starts so that no row finds its beats missing
    start = max(need * rows - row * inputs for row, need in enumerate(needs))
    return max(-(-(start + row * inputs) // rows) - keep for row, keep in enumerate(kept, start=1))


def tree(count: int) -> int:
    """Clocks in which ``levelone_tree`` makes one of `count`."""
    return ((count - 1).bit_length() + 1) // 2

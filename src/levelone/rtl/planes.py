"""Planes that the banks of a patch keep: as few as never make an event wait for room."""

from __future__ import annotations

from math import gcd

from levelone.rtl.pace import LAG
from levelone.rtl.sliding import Sliding

RELEASE = 2
"""Clocks from the beginning of a row's last beat until there is room where only it had read."""


def planes_kept(
    along: Sliding, need: tuple[int, ...], deep: int, lanes: int, together: int, interval: int
) -> int:
    """Planes of each of `deep` banks: the smallest power of two with which events follow without a pause.

    Parameters
    ----------
    along, lanes, together, need
        As of `levelone.rtl.patches.PatchPlan`.
    interval
        Clocks of an output beat.
    """
    planes = 1
    while not _keeps_up(along, need, deep, planes * deep, lanes, together, interval):
        planes *= 2
    return planes


def _keeps_up(
    along: Sliding, need: tuple[int, ...], deep: int, room: int, lanes: int, together: int, interval: int
) -> bool:
    """Whether events can follow each other as soon as both their pixels and their rows of positions allow.

    That is so if there are clocks for every plane and every row of an event that suit all of the others an
    event earlier or later by the same period: the longest ways between them do not grow for ever.
    """
    size = along.spatial[1] * along.spatial[2] // lanes
    row = along.positions[2] // together * interval
    period = max(along.spatial[0] * size, len(need) * row)
    frees = [
        (last, row - interval + RELEASE + events * period) for last, events in _freeing(along, deep, room)
    ]
    come, begun = [0] * along.spatial[0], [0] * len(need)
    for _ in range(len(come) + len(begun) + 1):
        before = come.copy(), begun.copy()
        for plane, (last, later) in enumerate(frees):
            previous = come[plane - 1] + size - (0 if plane else period)
            come[plane] = max(come[plane], previous, begun[last] + later)
        for number, beats in enumerate(need):
            previous = begun[number - 1] + row - (0 if number else period)
            plane, beat = divmod(beats - 1, size)
            begun[number] = max(begun[number], previous, come[plane] + beat + LAG)
        if (come, begun) == before:
            return True
    return False


def _freeing(along: Sliding, deep: int, room: int) -> list[tuple[int, int]]:
    """For every plane of an event: the row of positions that makes room for it, and how many events later."""
    unit = gcd(along.stride[0], deep)
    event = -(-along.spatial[0] // unit) * unit  # planes from event to event
    rows = list(along.rows)
    after = [max(0, at * along.stride[0] - along.pads[0]) for at, _ in rows[1:]] + [event]
    found = []
    for plane in range(along.spatial[0]):
        events, kept = divmod(plane - room, event)
        found.append((next(row for row, planes in enumerate(after) if planes > kept), events))
    return found

"""Clocks of beats between blocks: what is worked out without a simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from levelone.graph.ops import Window
from levelone.rtl.latency import Block, Fork, Sink, Wire, latency_of, most_waiting
from levelone.rtl.pace import Pace, Taking, freed, grouped, piped, regrouped, room_of, swept, tree
from levelone.rtl.windows import plan_window


def test_a_pipeline_delays_and_holds_no_more_than_its_stages() -> None:
    port, piped_, slow = Wire(range(6)), Wire([]), Wire([])
    slowly = Pace((Taking(range(1, 7)),), 1, interval=5)
    found = latency_of(
        [Block(piped(6, 2), (port,), piped_), Block(slowly, (piped_,), slow), Sink((slow,))],
        [port],
        {"end": slow},
    )
    assert port.taken == [0, 1, 2, 3, 8, 13]
    assert slow.taken == [3, 8, 13, 18, 23, 28]
    assert found.latency_clocks == {"end": 28}
    assert found.after_last_clocks == {"end": 15}


def test_beats_are_taken_apart_and_put_together() -> None:
    port, apart, whole = Wire(range(3)), Wire([]), Wire([])
    latency_of(
        [Block(regrouped(3, 12), (port,), apart), Block(regrouped(12, 6), (apart,), whole), Sink((whole,))],
        [port],
        {"end": whole},
    )
    assert port.taken == [0, 4, 8]
    assert apart.taken == list(range(1, 13))
    assert whole.taken == [3, 5, 7, 9, 11, 13]
    assert list(grouped(12, 6)) == [2, 4, 6, 8, 10, 12]
    assert list(grouped(2, 6)) == [1, 1, 1, 2, 2, 2]


def test_a_fork_waits_for_its_slowest_reader_unless_a_fifo_does() -> None:
    for depth, last in ((1, 6), (4, 3)):
        port, quick, slow, waits, end = (Wire(range(4)), *(Wire([]) for _ in range(4)))
        parts = [
            Fork((port,), (quick, slow)),
            Sink((quick,)),
            Block(replace(piped(4, 1), hold=depth), (slow,), waits),
            Block(Pace((Taking(range(1, 5)),), 1, interval=4), (waits,), end),
            Sink((end,)),
        ]
        latency_of(parts, [port], {"end": end})
        assert end.taken == [2, 6, 10, 14]
        assert port.taken == [0, 1, 2, last]
        assert quick.taken == [0, 1, 2, 3]


def test_a_window_waits_for_its_rows_and_makes_room_behind_them() -> None:
    # rows of 4 pixels, windows of 2 rows that overlap by one; each position takes 3 clocks; 12 pixels of room
    needs, kept = (8, 12, 16, 20), (0, 4, 8, 12)
    frees = freed(kept, 20, 12, 16)
    assert frees == [-1] * 12 + [3] * 4 + [7] * 4
    port, end = Wire(range(20)), Wire([])
    window = swept(needs, 16, frees, depth=3, interval=3, release=3)
    latency_of([Block(window, (port,), end), Sink((end,))], [port], {"end": end})
    assert end.taken[0] == 7 + 1 + 3
    assert end.taken[-1] == end.taken[0] + 15 * 3
    assert port.taken[11:13] == [11, 8 + 3 * 3 + 3]


def test_a_tree_adds_four_at_a_time() -> None:
    assert [tree(count) for count in (1, 2, 4, 5, 16, 17, 64)] == [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("seed", range(20))
def test_beats_of_several_events_wait_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    period, beats = int(rng.integers(1, 12)), int(rng.integers(1, 8))
    entered = np.cumsum(rng.integers(1, 4, beats))
    left = np.maximum.accumulate(entered + rng.integers(0, 40, beats))
    events = 60  # the first ones leave before the last ones come
    clocks = np.arange(events * period)
    begun = np.arange(events)[:, None, None] * period
    there = (entered[:, None] + begun <= clocks) & (clocks < left[:, None] + begun)
    assert most_waiting(entered.tolist(), left.tolist(), period) == there.sum((0, 1)).max()


def between_events(
    needs: list[int], kept: list[int], inputs: int, room: int, beats: int, interval: int
) -> set[int]:
    """Clocks from event to event of a window, in the end, when beats come as soon as there is room."""
    events = 12
    rows, keeps = ([n + inputs * e for e in range(events) for n in one] for one in (needs, kept))
    frees = freed(keeps, inputs * events, room, beats * events)
    pace = swept(rows, beats * events, frees, depth=interval + 3, interval=interval, release=interval)
    port, end = Wire(range(inputs * events)), Wire([])
    latency_of([Block(pace, (port,), end), Sink((end,))], [port], {"end": end})
    return set(np.diff(end.taken[beats - 1 :: beats])[events // 2 :].tolist())


@pytest.mark.parametrize("seed", range(40))
def test_events_follow_each_other_through_any_window(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spatial = tuple(rng.integers(1, 8, rng.integers(1, 4)).tolist())
    kernel = tuple(int(rng.integers(1, n + 1)) for n in spatial)
    stride = tuple(rng.integers(1, 4, len(spatial)).tolist())
    pads = tuple((int(rng.integers(0, k)), int(rng.integers(0, k))) for k in kernel)
    places = zip(spatial, kernel, stride, pads, strict=True)
    positions = tuple((n + sum(pad) - k) // s + 1 for n, k, s, pad in places)
    plan = plan_window("y", Window(kernel, stride, pads, (1,) * len(kernel)), spatial, positions)
    inputs, beats = int(np.prod(spatial)), int(np.prod(positions))
    room = room_of(plan.need, plan.keep, inputs)
    assert room <= plan.pixels
    for interval in (1, max(1, inputs // beats), -(-inputs // beats), plan.taps):
        found = between_events(plan.need, plan.keep, inputs, room, beats, interval)
        assert found == {max(inputs, beats * interval)}


def test_a_window_over_all_of_an_event_holds_the_next_one_too() -> None:
    assert room_of([20], [0], 20) == 40
    assert between_events([20], [0], 20, 40, 4, 5) == {20}
    assert between_events([20], [0], 20, 32, 4, 5) == {28}  # 8 of its 20 beats come when it is through

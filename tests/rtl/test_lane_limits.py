"""Channels that take turns on a lane: the limits of a lane are those of every channel that it serves."""

from __future__ import annotations

from levelone.graph.values import IntRange
from levelone.rtl.operations.pointwise import of_lanes

EVERY = IntRange(-64, 63)


def test_a_lane_has_the_limits_of_all_its_channels() -> None:
    limits = [(None, None), (-3, None), (None, 10), (None, None)]
    assert of_lanes(limits, 1, EVERY) == [(-3, 10)]
    assert of_lanes(limits, 2, EVERY) == [(-64, 10), (-3, 63)]
    assert of_lanes(limits, 4, EVERY) == [(-64, 63), (-3, 63), (-64, 10), (-64, 63)]
    assert of_lanes(limits, 8, EVERY) == 2 * of_lanes(limits, 4, EVERY)
    assert of_lanes([(None, None), (None, 10), (None, None)], 2, EVERY) == [(-64, 10), (-64, 10)]

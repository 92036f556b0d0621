"""Sums that limits change: from the first one on, however wide; channels on a lane share theirs."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from levelone.graph import GraphBuilder, IntRange
from levelone.graph.ops import Requantise
from levelone.graph.rounding import round_divide
from levelone.hardware.forms import Scaling
from levelone.rtl.design import write_design
from levelone.rtl.operations.pointwise import of_lanes
from levelone.rtl.plan import plan_graph

EVERY = IntRange(-64, 63)


def test_a_lane_has_the_limits_of_all_its_channels() -> None:
    limits = [(None, None), (-3, None), (None, 10), (None, None)]
    assert of_lanes(limits, 1, EVERY) == [(-3, 10)]
    assert of_lanes(limits, 2, EVERY) == [(-64, 10), (-3, 63)]
    assert of_lanes(limits, 4, EVERY) == [(-64, 63), (-3, 63), (-64, 10), (-64, 63)]
    assert of_lanes(limits, 8, EVERY) == 2 * of_lanes(limits, 4, EVERY)
    assert of_lanes([(None, None), (None, 10), (None, None)], 2, EVERY) == [(-64, 10), (-64, 10)]


def test_sums_may_be_wider_than_a_machine_word() -> None:
    builder = GraphBuilder("wide")
    builder.input("x", (1,), Fraction(1), IntRange(-(1 << 53), (1 << 53) - 1))
    clip = IntRange(-(1 << 23), (1 << 23) - 1)
    builder.node("y", Requantise((Fraction(32345, 1 << 44),), (Fraction(1),), clip), "x")
    plan = plan_graph(builder.build("y"))
    hardware = plan.layers["y"].detail
    assert isinstance(hardware, Scaling)
    text = write_design(plan, "top").text
    width, least, most = (
        int(re.search(rf"\.{key}\((?:\d+'h)?([0-9a-f]+)\)", text)[1], base)  # type: ignore[index]
        for key, base in (("PRODUCT", 10), ("LEAST", 16), ("MOST", 16))
    )
    assert width > 64
    sums = np.array([least - (1 << width) - 1, least - (1 << width), most, most + 1], dtype=object)
    rounded = round_divide(sums, np.array(1 << hardware.shift[0], dtype=object), hardware.rounding)
    assert rounded.tolist() == [clip.lo - 1, clip.lo, clip.hi, clip.hi + 1]

"""Planes that the banks of a patch keep: as few as never make an event wait, planned and in Verilator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import gcd, prod
from pathlib import Path

import numpy as np
import pytest
from rtl_designs import EVENTS, build, busiest, codes_of, steady

from levelone.graph import GraphBuilder, IntRange
from levelone.graph.ops import Conv, Window
from levelone.rtl.choosing import divisors
from levelone.rtl.latency import Block, Sink, Wire, latency_of
from levelone.rtl.pace import freed, swept
from levelone.rtl.patches import STAGES, PatchPlan, crossed, plan_patch
from levelone.rtl.plan import plan_graph
from levelone.rtl.planes import RELEASE


def between_events(plan: PatchPlan, interval: int) -> set[int]:
    """Clocks from event to event of a patch, in the end, when pixels come as soon as there is room."""
    events = 14
    depth, high, wide = plan.spatial
    size, unit = high * wide // plan.lanes, gcd(plan.stride[0], plan.banks[0])
    beats, apart = prod(plan.positions) // plan.together, -(-depth // unit) * unit
    kept = [
        e * apart + max(0, at * plan.stride[0] - plan.pads[0]) for e in range(events) for at, _ in plan.rows
    ]
    frees = freed(kept, apart * events, plan.planes * plan.banks[0], beats * events)
    come = [frees[e * apart + d] for e, d, _ in product(range(events), range(depth), range(size))]
    needs = [need + depth * size * e for e in range(events) for need in plan.need]
    pace = swept(needs, beats * events, come, depth=STAGES, interval=interval, release=RELEASE)
    port, end = Wire(range(depth * size * events)), Wire([])
    latency_of([Block(pace, (port,), end), Sink((end,))], [port], {"end": end})
    return set(np.diff(end.taken[beats - 1 :: beats])[events // 2 :].tolist())


def _window(rng: np.random.Generator, spatial: tuple[int, ...]) -> tuple[Window, tuple[int, ...]]:
    """Any window on such an image, with large strides and much padding; and its positions."""
    kernel = tuple(int(rng.integers(1, n + 1)) for n in spatial)
    stride = tuple(rng.integers(1, 4, len(spatial)).tolist())
    pads = tuple((int(rng.integers(0, k)), int(rng.integers(0, k))) for k in kernel)
    places = zip(spatial, kernel, stride, pads, strict=True)
    return Window(kernel, stride, pads, (1,) * len(kernel)), tuple(
        (n + sum(pad) - k) // s + 1 for n, k, s, pad in places
    )


@pytest.mark.parametrize("seed", range(60))
def test_as_few_planes_as_never_make_an_event_wait(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spatial = tuple(rng.integers(1, 8, rng.integers(1, 4)).tolist())
    window, positions = _window(rng, spatial)
    along = crossed(window, spatial, positions)
    lanes, together = (int(rng.choice(divisors(n))) for n in (along.spatial[2], along.positions[2]))
    inputs, beats = prod(spatial) // lanes, prod(positions) // together
    for interval in (1, max(1, inputs // beats), -(-inputs // beats)):
        plan, clocks = plan_patch(along, lanes, together, interval), max(inputs, beats * interval)
        assert between_events(plan, interval) == {clocks}
        if plan.planes > 1:
            fewer = replace(plan, planes=plan.planes // 2)
            assert max(between_events(fewer, interval)) > clocks


CLOCKS = 12
SHAPES = ((3, 4), (4, 3), (2, 6), (6, 2), (12,), (3, 2, 2), (2, 2, 3))
LATE = (
    ((3, 4), Window((2, 3), (2, 1), ((1, 1), (1, 2)), (1, 1))),
    ((4, 3), Window((3, 3), (3, 2), ((2, 0), (1, 1)), (1, 1))),
    ((3, 4), Window((2, 2), (2, 1), ((0, 1), (1, 0)), (1, 1))),
    ((4, 3), Window((3, 1), (3, 1), ((2, 1), (0, 0)), (1, 1))),
    ((4, 3), Window((3, 3), (3, 1), ((2, 0), (2, 0)), (1, 1))),
    ((3, 2, 2), Window((1, 2, 2), (1, 1, 1), ((0, 0), (0, 1), (1, 0)), (1, 1, 1))),
)
"""Images and windows with which, in the plan or in Verilator too, events are a few clocks late where a patch
keeps the planes of one window and of one step."""


@pytest.mark.slow
def test_events_follow_each_other_through_patches_with_large_steps(tmp_path: Path) -> None:
    cases = list(LATE)
    for seed in range(21):
        shape = SHAPES[seed % len(SHAPES)]
        cases.append((shape, _window(np.random.default_rng(seed), shape)[0]))
    builder, codes = GraphBuilder("steps"), {}
    for number, (shape, window) in enumerate(cases):
        weights = (np.arange(2 * prod(window.kernel)) % 5 - 2).reshape(*window.kernel, 1, 2)
        settings = (window.stride, window.pads, window.dilation)
        value = f"x{number}"
        builder.input(value, (*shape, 1), Fraction(1), IntRange(-8, 7))
        builder.node(f"y{number}", Conv(weights, np.zeros(2, int), (Fraction(1),), *settings), value)
        codes[value] = codes_of(builder.values[value], 8 * EVENTS, number)
    graph = builder.build(*(f"y{number}" for number in range(len(cases))))
    plan = plan_graph(graph, CLOCKS)
    patched = [isinstance(plan.layers[name].detail.window, PatchPlan) for name in graph.outputs]
    assert all(patched[: len(LATE)]) and sum(patched) > 2 * len(LATE)
    bench = build(graph, codes, tmp_path, clocks=CLOCKS)
    recording = bench.run()
    assert bench.wrong(recording) == []
    assert steady(recording, 8 * EVENTS) == {name: {busiest(plan, name)} for name in graph.outputs}

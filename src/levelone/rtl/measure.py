"""Clocks of a design, measured in simulation: latency and clocks per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.rtl.body import BuiltRtl
from levelone.rtl.simulation import STEADY, Recording, Traffic

RESETS = 8
PIPELINE = 32
"""Clocks in which an unrolled network is reset: it takes an event in each, and many are on their way."""


@dataclass(frozen=True)
class Timing:
    """Clocks without gaps and stalls, events back to back.

    Attributes
    ----------
    latency_clocks
        Output -> clocks from the first beat of an event into any port to its last beat out; of the first
        event, which nothing is in front of.
    after_last_clocks
        Output -> clocks from the last beat of that event into any port.
    clocks_per_event
        From the last beat of one event to that of the next, in the steady state: of the slowest output.
    planned_clocks_per_event, planned_latency_clocks, planned_after_last_clocks
        As planned before anything was generated.
    clock_ns
        Clock period for which the design was made.
    """

    latency_clocks: Mapping[str, int]
    after_last_clocks: Mapping[str, int]
    clocks_per_event: int | None
    planned_clocks_per_event: int
    planned_latency_clocks: Mapping[str, int]
    planned_after_last_clocks: Mapping[str, int]
    clock_ns: float

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form."""
        rate = None if not self.clocks_per_event else 1e9 / (self.clocks_per_event * self.clock_ns)
        return asdict(self) | {
            "latency_ns": {name: clocks * self.clock_ns for name, clocks in self.latency_clocks.items()},
            "events_per_second": rate,
        }


def steady(built: BuiltRtl, codes: Mapping[str, Codes]) -> Recording:
    """These events back to back, without gaps and stalls; unfinished if the design stands still."""
    return replace(built, traffic=STEADY).record(codes)


def timing_of(built: BuiltRtl, recording: Recording) -> Timing:
    """Clocks of a recording without gaps and stalls."""
    document = built.document
    first, last = [], []
    for name, port in document.input_streams.items():
        first.append(int(recording.sent[name][0]))
        last.append(int(recording.sent[name][port.beats - 1]))
    out = {
        name: recording.given[name].reshape(-1, port.beats)[:, -1]
        for name, port in document.output_streams.items()
    }
    events = min(len(clocks) for clocks in out.values())
    # the first half fills the pipeline
    half = events // 2
    later = [np.diff(clocks[half:]) for clocks in out.values()]
    period = max(round(float(np.mean(steps))) for steps in later) if events - half > 1 else None
    return Timing(
        {name: int(clocks[0]) - min(first) for name, clocks in out.items()},
        {name: int(clocks[0]) - max(last) for name, clocks in out.items()},
        period,
        document.clocks_per_event,
        document.latency_clocks,
        document.after_last_clocks,
        document.rtl.clock_ns,
    )


def rough_traffic(built: BuiltRtl, graph: Graph, codes: Mapping[str, Codes], traffic: Traffic) -> str | None:
    """Whether outputs stay exact with gaps, stalls and resets: None, or what is wrong in one sentence."""
    recording = replace(built, traffic=traffic).record(codes)
    how = f"gaps {traffic.gaps:g}, stalls {traffic.stalls:g}, {len(traffic.resets)} resets"
    if not recording.finished:
        return f"with {how} {built.stands(recording, len(next(iter(codes.values()))))}"
    expected = execute(graph, codes, keep="outputs")
    for name in graph.outputs:
        wrong = np.argwhere(recording.outputs[name] != expected[name])
        if len(wrong):
            return f"with {how} output {name} differs first in event {int(wrong[0][0])}"
    return None


def mid_event_resets(clocks_per_event: int, seed: int) -> tuple[int, ...]:
    """Clocks of `RESETS` resets, each somewhere in the first two events, or while a pipeline holds many."""
    rng = np.random.default_rng(seed)
    return tuple(int(n) for n in rng.integers(1, max(2 * clocks_per_event, PIPELINE), RESETS))

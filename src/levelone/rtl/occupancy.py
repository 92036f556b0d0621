"""In which clocks beats move: what a timing diagram is drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from levelone.rtl.document import RtlDocument
from levelone.rtl.simulation import Recording

EVENTS, BINS = 3, 120
"""Events that a diagram shows at most, and into how many parts it divides their clocks, at most."""


def occupancy(document: RtlDocument, recording: Recording) -> dict[str, Any]:
    """Beats of every stream by clock, of the first events of a recording without gaps and stalls.

    Parameters
    ----------
    document
        The project's.
    recording
        Finished, of one event or more.

    Returns
    -------
    dict
        ``events`` shown; ``clocks_per_bin``; for each of ``streams``, ports first, its ``name``, ``beats`` in
        every bin counted from the first beat in, ``first`` and ``last`` clock of the first event's beats, and
        ``planned_clocks`` that an event occupies it; ``bottleneck``: the one with most of these.
    """
    inputs = document.input_streams
    start = min(int(clocks[0]) for clocks in recording.sent.values())
    ends = [
        clocks.reshape(-1, port.beats)[:EVENTS, -1]
        for clocks, port in zip(recording.given.values(), document.output_streams.values(), strict=True)
    ]
    clocks = max(int(last[-1]) for last in ends) + 1 - start
    per_bin = -(-clocks // BINS)
    edges = np.arange(-(-clocks // per_bin) + 1) * per_bin
    streams = [(name, recording.sent[name] - start, port.beats, port.beats) for name, port in inputs.items()]
    streams += [
        (layer.name, recording.seen[layer.name] - start, document.probes[layer.name].beats, layer.clocks)
        for layer in document.layers
    ]
    rows = [
        {
            "name": name,
            "beats": np.histogram(moved[moved < edges[-1]], edges)[0].tolist(),
            "first": int(moved[0]),
            "last": int(moved[beats - 1]),
            "planned_clocks": planned,
        }
        for name, moved, beats, planned in streams
    ]
    return {
        "events": min(len(last) for last in ends),
        "clocks_per_bin": per_bin,
        "streams": rows,
        "bottleneck": max(rows, key=lambda row: row["planned_clocks"])["name"],
    }

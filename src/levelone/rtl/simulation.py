"""A verilated network: events in, codes of every layer out, and the clocks at which they came."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.values import Codes
from levelone.rtl.beats import pack, unpack, words_of
from levelone.rtl.streams import Stream

PATIENCE = 1_000_000
"""Clocks without a beat anywhere after which a run is given up."""


@dataclass(frozen=True)
class Traffic:
    """How the outside behaves.

    Attributes
    ----------
    gaps, stalls
        Probability in every clock that no beat is offered to an input, or taken from an output.
    seed
        Of both.
    resets
        Clocks at which the design is reset, each counted from the reset before; events start over.
    """

    gaps: float = 0.0
    stalls: float = 0.0
    seed: int = 0
    resets: tuple[int, ...] = ()


STEADY = Traffic()
"""No gaps, no stalls, no resets."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What a run gave.

    Attributes
    ----------
    clocks
        Clocks from the last reset to the last beat.
    finished
        Whether every beat came.
    outputs, layers
        Name -> int64 [events, *shape], at the ports and inside; only whole events.
    sent
        Input port -> int64 [beats]: when each beat was taken.
    given
        Output -> int64 [beats]: when each beat was taken.
    seen
        Layer -> int64 [beats], likewise.
    """

    clocks: int
    finished: bool
    outputs: Mapping[str, Codes]
    layers: Mapping[str, Codes]
    sent: Mapping[str, NDArray[np.int64]]
    given: Mapping[str, NDArray[np.int64]]
    seen: Mapping[str, NDArray[np.int64]]


def simulate(
    program: Path,
    inputs: Mapping[str, Stream],
    outputs: Mapping[str, Stream],
    probes: Mapping[str, Stream],
    shapes: Mapping[str, tuple[int, ...]],
    codes: Mapping[str, Codes],
    traffic: Traffic = STEADY,
) -> Recording:
    """Run events back to back.

    Parameters
    ----------
    program
        As `levelone.rtl.verilator.build_simulation` returns it.
    shapes
        Of every value, without the event axis.
    codes
        Input codes by port, int [event, *shape].

    Raises
    ------
    LeveloneError
        If the program fails.
    """
    events = len(next(iter(codes.values())))
    with tempfile.TemporaryDirectory() as scratch:
        given, found = Path(scratch) / "in", Path(scratch) / "out"
        with given.open("wb") as stream:
            for name, port in inputs.items():
                words = pack(codes[name], port)
                np.int64(len(words)).tofile(stream)
                words.tofile(stream)
            for port in (*outputs.values(), *probes.values()):
                np.int64(events * port.beats).tofile(stream)
        command = [str(program), str(given), str(found), repr(traffic.gaps), repr(traffic.stalls)]
        command += [str(traffic.seed), str(PATIENCE), *map(str, traffic.resets)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not found.is_file():
            raise LeveloneError(f"the simulation {program} failed: {done.stderr.strip() or done.returncode}")
        return _read(found, inputs, outputs, probes, shapes)


def _read(
    path: Path,
    inputs: Mapping[str, Stream],
    outputs: Mapping[str, Stream],
    probes: Mapping[str, Stream],
    shapes: Mapping[str, tuple[int, ...]],
) -> Recording:
    with path.open("rb") as stream:

        def numbers(count: int) -> NDArray[np.int64]:
            return np.fromfile(stream, "<i8", count)

        clocks, finished = numbers(2)
        sent = {name: numbers(int(numbers(1)[0])) for name in inputs}
        clocks_of: list[dict[str, NDArray[np.int64]]] = []
        found: list[dict[str, Codes]] = []
        for ports in (outputs, probes):
            codes: dict[str, Codes] = {}
            taken: dict[str, NDArray[np.int64]] = {}
            for name, port in ports.items():
                beats = int(numbers(1)[0])
                taken[name] = numbers(beats)
                words = np.fromfile(stream, "<u4", beats * words_of(port)).reshape(beats, words_of(port))
                whole = beats // port.beats * port.beats
                codes[name] = unpack(words[:whole], port, shapes[name])
            clocks_of.append(taken)
            found.append(codes)
    outputs_found, layers = found
    given, seen = clocks_of
    return Recording(int(clocks), bool(finished), outputs_found, layers, sent, given, seen)


def blocked(order: Sequence[str], recording: Recording, beats: Mapping[str, int]) -> str | None:
    """The first layer, in the graph's order, that gave fewer beats than it should."""
    return next((name for name in order if len(recording.seen[name]) < beats[name]), None)

"""Running mutants: which faults change something at all, and which of those the standard vectors show.

Both questions are asked of the compiled mutant. "At all" is answered by every possible input where the input
space is small, else by many more vectors of another kind; "show" by the very vectors of `levelone csim`.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutation.faults import INVISIBLE, Fault, all_faults, plant
from benchmarks.mutation.graphs import pack
from levelone.errors import LeveloneError
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hls.body import BODY as HLS
from levelone.hls.config import HlsConfig
from levelone.hls.manifest import Manifest
from levelone.hls.project import convert
from levelone.stimuli import random_vectors
from levelone.verify.check import check_project
from levelone.verify.reading import read_project

STANDARD = 1000
"""Random vectors that `levelone csim` takes by default; with seed 1."""

STOPPING = ("dilation", "extent", "groups", "line buffer", "padding", "source", "stride", "window")
"""Kinds of faults that may leave streams unread or read memory that is not there."""

MANY = 20_000
"""Vectors of another kind that stand in for every input where there are too many."""


@dataclass(frozen=True)
class Mutant:
    """A fault and what became of it.

    Attributes
    ----------
    equivalent
        Whether no integer of any layer changed in the thorough evaluation.
    caught
        Whether the standard vectors gave another verdict than exact.
    read
        Whether reading the project, without running it, shows the fault.
    note
        ``does not build`` or ``crashes`` for a mutant that never gave an integer. One that only crashes on
        the thorough vectors has none: it counts by what the standard ones showed.
    """

    fault: Fault
    equivalent: bool
    caught: bool
    note: str = ""
    read: bool = False

    @property
    def missed(self) -> bool:
        """Not equivalent, and not caught by the vectors."""
        return not self.equivalent and not self.caught

    @property
    def survived(self) -> bool:
        """Missed, and not read either: `levelone csim` would call it exact."""
        return self.missed and not self.read


def standard_vectors(graph: Graph) -> dict[str, Codes]:
    """The random vectors of `levelone csim`."""
    return random_vectors(graph, STANDARD, seed=1)


def every_input(graph: Graph, limit: int = 2**17) -> dict[str, Codes] | None:
    """Every combination of codes of every port, ports side by side; None if a port has more than `limit`.

    Exhaustive for graphs whose ports are not joined anywhere.
    """
    made: dict[str, Codes] = {}
    for port in graph.inputs:
        levels = range(port.value.range.lo, port.value.range.hi + 1)
        if len(levels) ** port.value.size > limit:
            return None
        codes = np.array(list(itertools.product(levels, repeat=port.value.size)), dtype=np.int64)
        made[port.value.name] = codes.reshape(-1, *port.value.shape)
    return _cycled(made)


def many_inputs(graph: Graph, count: int, seed: int) -> dict[str, Codes]:
    """Noise of all densities and levels, and every input element alone at every end of its range.

    Made without `random_vectors`, so that it shares none of its blind spots.
    """
    rng = np.random.default_rng(seed)
    result = {}
    for port in graph.inputs:
        low, high, shape = port.value.range.lo, port.value.range.hi, port.value.shape
        rest = min(max(0, low), high)
        noise = rng.integers(low, high, (count, *shape), endpoint=True)
        density = rng.choice([0.02, 0.1, 0.3, 0.6, 1.0], (count, *(1,) * len(shape)))
        noise = np.where(rng.random(noise.shape) < density, noise, rest)
        extreme = rng.random((count, *(1,) * len(shape))) < 0.3
        noise = np.where(extreme, np.where(noise > (low + high) / 2, high, low), noise)
        single = np.full((2 * port.value.size, port.value.size), rest)
        for i in range(port.value.size):
            single[2 * i, i], single[2 * i + 1, i] = low, high
        result[port.value.name] = np.concatenate([noise, single.reshape(-1, *shape)])
    return _cycled(result)


def run(
    graphs: Sequence[Graph],
    config: HlsConfig,
    scratch: Path,
    *,
    copies: int,
    builds: int,
    per_array: int = 4,
    alone: int = 0,
    vectors: Callable[[Graph], Mapping[str, Codes]] = standard_vectors,
    show: Callable[[str], None] = lambda line: None,
) -> list[Mutant]:
    """Plant faults in a project that holds each graph several times, one fault in each copy, and judge them.

    Parameters
    ----------
    scratch
        Folder for the projects.
    copies
        Of each graph in one project.
    builds
        Projects at most: ``builds * copies`` faults of each graph, taken from all kinds in turn.
    per_array
        Numbers that are changed per array of weights.
    alone
        Faults of each graph that need a build of their own, at most: in the code that layers share, and in
        numbers of beats and elements, which may stop the whole simulation.
    vectors
        What is to catch them: input codes by value name, for one graph.
    """
    packed = Packed.of(graphs, copies, vectors)
    manifest = convert(packed.graph, scratch / "packed", config)
    queues: dict[str, list[Fault]] = {}
    for fault in all_faults(manifest, seed=1, per_array=per_array):
        if fault.layer is not None and fault.kind not in STOPPING:
            queues.setdefault(fault.layer.split("_")[0], []).append(fault)
    chosen = []
    for prefix, queue in queues.items():
        graph_number, copy = map(int, prefix.removeprefix("g").split("c"))
        chosen.append(_kinds_in_turn(queue, graph_number)[copy::copies][:builds])
    groups = [[f for f in row if f is not None] for row in itertools.zip_longest(*chosen)]
    mutants: list[Mutant] = []
    while groups:
        group = groups.pop(0)
        found = _judge(packed, manifest, group, scratch)
        if found is None:  # one of them breaks the whole: halve
            middle = len(group) // 2
            groups[:0] = [group[:middle], group[middle:]]
            continue
        mutants += found
        show(f"{len(mutants)} faults judged, {len(groups)} builds to come")
    for number, graph in enumerate(graphs if alone else ()):
        single = Packed.of([graph], 1, vectors)
        manifest = convert(single.graph, scratch / f"single{number}", config)
        faults = all_faults(manifest, seed=1, per_array=per_array)
        faults = [f for f in faults if f.layer is None or f.kind in STOPPING]
        for fault in _kinds_in_turn(faults, number)[:alone]:
            mutants += _judge(single, manifest, [fault], scratch) or []
        show(f"{len(mutants)} faults judged")
    return mutants


@dataclass(frozen=True)
class Packed:
    """A graph of copies, and vectors: the standard ones of each graph alone, and the thorough ones."""

    graph: Graph
    standard: Mapping[str, Codes]
    thorough: Mapping[str, Codes]

    @classmethod
    def of(
        cls, graphs: Sequence[Graph], copies: int, vectors: Callable[[Graph], Mapping[str, Codes]]
    ) -> Packed:
        """`copies` of each graph."""
        standard: dict[str, Codes] = {}
        thorough: dict[str, Codes] = {}
        for number, graph in enumerate(graphs):
            own, deep = vectors(graph), every_input(graph)
            deep = deep if deep is not None else many_inputs(graph, MANY, seed=3)
            for copy in range(copies):
                standard |= {f"g{number}c{copy}_{name}": codes for name, codes in own.items()}
                thorough |= {f"g{number}c{copy}_{name}": codes for name, codes in deep.items()}
        return cls(pack(graphs, copies), _cycled(standard), _cycled(thorough))


def _cycled(codes: Mapping[str, Codes]) -> dict[str, Codes]:
    """As many events for every port, the shorter ones repeated."""
    events = max(map(len, codes.values()))
    return {name: found[np.arange(events) % len(found)] for name, found in codes.items()}


def _kinds_in_turn(faults: Sequence[Fault], first: int = 0) -> list[Fault]:
    """The same faults, kinds alternating, so that the first ones are of all kinds; from kind `first` on."""
    kinds: dict[str, list[Fault]] = {}
    for i in np.random.default_rng(0).permutation(len(faults)).tolist():
        kinds.setdefault(faults[i].kind, []).append(faults[i])
    names = sorted(kinds)
    turned = [names[(i + first) % len(names)] for i in range(len(names))]
    rows = itertools.zip_longest(*(kinds[kind] for kind in turned))
    return [fault for row in rows for fault in row if fault is not None]


def _judge(packed: Packed, manifest: Manifest, group: Sequence[Fault], scratch: Path) -> list[Mutant] | None:
    """Verdicts on the faults of one project, each in another copy; None if they cannot be told apart."""
    folder = scratch / "mutant"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(manifest.project, folder, ignore=shutil.ignore_patterns("build"))
    plant(folder, group)
    reading = read_project("hls", HLS.read(folder), packed.graph)
    read = {finding.file for finding in reading.findings()}

    def mutant(fault: Fault, **found: Any) -> Mutant:
        return Mutant(fault, read=all(edit.file in read for edit in fault.edits), **found)

    seen: list[tuple[set[str], bool]] = []
    for codes in (packed.standard, packed.thorough):
        try:
            check = check_project(folder, codes, graph=packed.graph, reading=reading)
        except LeveloneError as error:
            if len(group) > 1:
                return None
            if seen:  # it builds, and the standard vectors went through: the crash is what they would miss
                return [mutant(group[0], equivalent=False, caught=_shows(group[0], seen[0]))]
            note = "does not build" if "does not compile" in error.message else "crashes"
            return [mutant(group[0], equivalent=False, caught=True, note=note)]
        if check.verdict.reason and len(group) > 1:
            return None
        parts = (*check.verdict.layers, *check.verdict.outputs)
        wrong = {part.name.split("_")[0] for part in parts if part.mismatches}
        seen.append((wrong, bool(check.verdict.reason)))
    result = []
    for fault in group:
        caught, differs = (_shows(fault, run) for run in seen)
        result.append(mutant(fault, equivalent=not differs and not caught, caught=caught))
    return result


def _shows(fault: Fault, run: tuple[set[str], bool]) -> bool:
    """Whether a run with (copies with wrong integers, a dataflow out of step) shows a fault."""
    wrong, broken = run
    return broken or (bool(wrong) if fault.layer is None else fault.layer.split("_")[0] in wrong)


def score(mutants: Iterable[Mutant]) -> dict[str, dict[str, int]]:
    """Counts by kind, and of all: `COLUMNS`."""
    table: dict[str, dict[str, int]] = {}
    for mutant in mutants:
        for kind in (mutant.fault.kind, "all"):
            row = table.setdefault(kind, dict.fromkeys(COLUMNS, 0))
            row["planted"] += 1
            if mutant.fault.kind == INVISIBLE and mutant.equivalent:
                row["not visible"] += 1
            elif mutant.equivalent:
                row["equivalent"] += 1
            elif mutant.note:
                row["did not run"] += 1
            else:
                row["caught" if mutant.caught else "only read" if mutant.read else "survived"] += 1
    table["all"] = table.pop("all", dict.fromkeys(COLUMNS, 0))
    return table


COLUMNS = ("planted", "caught", "only read", "survived", "equivalent", "not visible", "did not run")


def percent(row: Mapping[str, Any]) -> float | None:
    """Mutants that the vectors catch over those that change something and run; None if there are none."""
    visible = row["caught"] + row["only read"] + row["survived"]
    return 100.0 * row["caught"] / visible if visible else None

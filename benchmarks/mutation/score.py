"""Which faults reading a project shows, which ones change something at all, and which of those vectors show.

Reading is asked of every fault alone, without a compiler. "At all" is answered by the compiled mutant on
every possible input where the input space is small, else on many more vectors of another kind; "show" by the
very vectors of `levelone csim`.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutation.edits import Fault, plant, planted
from benchmarks.mutation.faults import INVISIBLE, all_faults
from benchmarks.mutation.packed import Packed, standard_vectors
from benchmarks.mutation.program import program_of
from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import DOCUMENT
from levelone.hls.config import HlsConfig
from levelone.hls.manifest import Manifest, read_manifest
from levelone.hls.project import convert
from levelone.verify.check import check_project
from levelone.verify.hls.firmware import compare_firmware
from levelone.verify.hls.reading import HlsReading

STOPPING = (
    "array",
    "call",
    "call order",
    "dilation",
    "extent",
    "groups",
    "include",
    "line buffer",
    "padding",
    "source",
    "stride",
    "window",
)
"""Kinds that may not build, leave streams unread or read memory that is not there: a build for each."""


@dataclass(frozen=True)
class Mutant:
    """A fault and what became of it.

    Attributes
    ----------
    read
        Whether reading the project, without running it, shows the fault.
    ran
        Whether the mutant was compiled and run, or shown to be the same program.
    equivalent
        Whether no integer of any layer changed in the thorough evaluation.
    caught
        Whether the standard vectors gave another verdict than exact.
    note
        ``does not build`` or ``crashes`` for a mutant that never gave an integer. One that only crashes on
        the thorough vectors has none: it counts by what the standard ones showed.
    """

    fault: Fault
    read: bool
    ran: bool = False
    equivalent: bool = False
    caught: bool = False
    note: str = ""

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.fault.harmless and self.read:
            return "false alarm"
        if not self.ran:
            return "read, not run" if self.read else "harmless" if self.fault.harmless else "survived"
        if self.note:
            return "did not run"
        if self.equivalent:
            return "harmless" if self.fault.harmless else "equivalent"
        return "caught" if self.caught else "only read" if self.read else "survived"


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
    """Plant faults and judge them: each is read by itself, and some of them are run.

    Parameters
    ----------
    scratch
        Folder for the projects.
    copies
        Of each graph in one project, which carries a fault in each copy.
    builds
        Projects with copies at most: ``builds * copies`` faults of each graph, taken from all kinds in turn.
    per_array
        Numbers that are changed per array of weights.
    alone
        Faults of each graph that need a build of their own, at most: in the code that layers share, and in
        numbers of beats and elements, which may stop the whole simulation.
    vectors
        What is to catch them: input codes by value name, for one graph.
    """
    mutants = _together(graphs, config, scratch, copies, builds, per_array, vectors, show)
    mutants += _harmless(graphs, config, scratch, per_array, vectors, show)
    told: set[str] = set()
    for number, graph in enumerate(graphs):
        single = Packed.of([graph], 1, vectors)
        manifest = convert(single.graph, scratch / f"single{number}", config)
        judged = Judge(single, manifest, scratch)
        read = [
            Mutant(fault, judged.shown(fault)) for fault in all_faults(manifest, seed=1, per_array=per_array)
        ]
        chosen = _chosen(read, number, alone, told)
        told |= {fault.what for fault in chosen}
        for mutant in read:
            if any(mutant.fault is fault for fault in chosen) or not (
                mutant.read or mutant.fault.harmless or _unseen(mutant.fault)
            ):
                mutants += judged([mutant.fault]) or []
            elif mutant.fault.harmless and not mutant.read and mutant.fault.layer is None:
                mutants.append(judged.same_program(mutant.fault))
            elif not (mutant.fault.harmless and mutant.fault.layer is not None and not mutant.read):
                mutants.append(mutant)  # those that are left out here are run by `_harmless`
        show(f"{len(mutants)} faults judged")
    return mutants


def _together(
    graphs: Sequence[Graph],
    config: HlsConfig,
    scratch: Path,
    copies: int,
    builds: int,
    per_array: int,
    vectors: Callable[[Graph], Mapping[str, Codes]],
    show: Callable[[str], None],
) -> list[Mutant]:
    """Faults of single layers, one in each copy of its graph."""
    if not builds:
        return []
    packed = Packed.of(graphs, copies, vectors)
    manifest = convert(packed.graph, scratch / "packed", config)
    queues: dict[str, list[Fault]] = {}
    for fault in all_faults(manifest, seed=1, per_array=per_array):
        if fault.layer is not None and not fault.harmless and fault.kind not in (*STOPPING, *INVISIBLE):
            prefix = fault.layer.split("_")[0]
            if re.fullmatch(r"g\d+c\d+", prefix):  # copies of streams, which hls4ml adds, are judged alone
                queues.setdefault(prefix, []).append(fault)
    chosen = []
    for prefix, queue in queues.items():
        graph_number, copy = map(int, prefix.removeprefix("g").split("c"))
        chosen.append(_kinds_in_turn(queue, graph_number)[copy::copies][:builds])
    groups = [[f for f in row if f is not None] for row in itertools.zip_longest(*chosen)]
    return _in_groups(Judge(packed, manifest, scratch), groups, show)


def _harmless(
    graphs: Sequence[Graph],
    config: HlsConfig,
    scratch: Path,
    per_array: int,
    vectors: Callable[[Graph], Mapping[str, Codes]],
    show: Callable[[str], None],
) -> list[Mutant]:
    """Every fault that must change nothing: of each layer one in a build, and every layer is recorded."""
    packed = Packed.of(graphs, 1, vectors)
    manifest = convert(packed.graph, scratch / "harmless", config)
    by_layer: dict[str, list[Fault]] = {}
    for fault in all_faults(manifest, seed=1, per_array=per_array):
        if fault.harmless and fault.layer is not None:
            by_layer.setdefault(fault.layer, []).append(fault)
    groups = [[f for f in row if f is not None] for row in itertools.zip_longest(*by_layer.values())]
    return _in_groups(Judge(packed, manifest, scratch), groups, show)


def _in_groups(judge: Judge, groups: list[list[Fault]], show: Callable[[str], None]) -> list[Mutant]:
    mutants: list[Mutant] = []
    while groups:
        group = groups.pop(0)
        found = judge(group)
        if found is None:  # one of them breaks the whole: halve
            middle = len(group) // 2
            groups[:0] = [group[:middle], group[middle:]]
            continue
        mutants += found
        show(f"{len(mutants)} faults judged, {len(groups)} builds to come")
    return mutants


def _chosen(read: Sequence[Mutant], number: int, alone: int, told: set[str]) -> list[Fault]:
    """Faults that need a build of their own; in shared code, those that no other graph has tried."""
    candidates = [
        mutant.fault
        for mutant in read
        if not mutant.fault.harmless
        and not _unseen(mutant.fault)
        and (mutant.fault.layer is None or mutant.fault.kind in STOPPING)
        and mutant.fault.what not in told
    ]
    return _kinds_in_turn(candidates, number)[:alone]


def _unseen(fault: Fault) -> bool:
    return fault.kind in INVISIBLE


def _kinds_in_turn(faults: Sequence[Fault], first: int = 0) -> list[Fault]:
    """The same faults, kinds alternating, so that the first ones are of all kinds; from kind `first` on."""
    kinds: dict[str, list[Fault]] = {}
    for i in np.random.default_rng(0).permutation(len(faults)).tolist():
        kinds.setdefault(faults[i].kind, []).append(faults[i])
    names = sorted(kinds)
    turned = [names[(i + first) % len(names)] for i in range(len(names))]
    rows = itertools.zip_longest(*(kinds[kind] for kind in turned))
    return [fault for row in rows for fault in row if fault is not None]


@dataclass(frozen=True)
class _Touched(Manifest):
    """A project whose other files need no digest."""

    files: tuple[str, ...]

    @property
    def edited(self) -> list[str]:
        digests = self.document.digests
        return [n for n in self.files if n in digests and sha256(self.project / n) != digests[n]]


@dataclass(frozen=True)
class Judge:
    """Verdicts on faults of one project, which stays as it is.

    Called with several faults, each in another copy: None if they cannot be told apart.
    """

    packed: Packed
    intact: Manifest
    scratch: Path

    def shown(self, fault: Fault) -> bool:
        """Whether reading shows this fault when it is the only one."""
        again = self._again
        with planted(self.intact.project, fault):
            try:
                return bool(self._reading(self._touched(fault), again).findings())
            except LeveloneError:  # it says what is wrong with the project
                return True

    def same_program(self, fault: Fault) -> Mutant:
        """The verdict on a fault that must not be seen by the compiler."""
        before = self._program
        with planted(self.intact.project, fault):
            same = program_of(self.intact) == before
        return Mutant(fault, read=False, ran=True, equivalent=same)

    def __call__(self, group: Sequence[Fault]) -> list[Mutant] | None:
        folder = self.scratch / "mutant"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.intact.project, folder, ignore=shutil.ignore_patterns("build"))
        plant(folder, group)
        reading = self._reading(read_manifest(folder), self.intact.project)

        def mutant(fault: Fault, **found: Any) -> Mutant:
            return Mutant(fault, self.shown(fault), True, **found)

        seen: list[tuple[set[str], bool]] = []
        for codes in (self.packed.standard, self.packed.thorough):
            try:
                check = check_project(folder, codes, graph=self.packed.graph, reading=reading)
            except LeveloneError as error:
                if len(group) > 1:
                    return None
                if (
                    seen
                ):  # it builds, and the standard vectors went through: the crash is what they would miss
                    return [mutant(group[0], caught=_shows(group[0], seen[0]))]
                note = "does not build" if "does not compile" in error.message else "crashes"
                return [mutant(group[0], caught=True, note=note)]
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

    def _touched(self, fault: Fault) -> Manifest:
        """The project with one fault in it, of which it is known which files can have changed."""
        files = tuple({edit.file for edit in fault.edits})
        if DOCUMENT in files:
            return read_manifest(self.intact.project)
        return _Touched(self.intact.project, self.intact.document, files)

    @cached_property
    def _program(self) -> str:
        return program_of(self.intact)

    @property
    def _again(self) -> Path:
        """The same project a second time, to compare with."""
        again = self.scratch / f"{self.intact.project.name}-again"
        if not again.is_dir():
            shutil.copytree(self.intact.project, again)
        return again

    def _reading(self, manifest: Manifest, again: Path) -> HlsReading:
        return HlsReading(manifest, self.packed.graph, compare_firmware(manifest, again))


def _shows(fault: Fault, run: tuple[set[str], bool]) -> bool:
    """Whether a run with (copies with wrong integers, a dataflow out of step) shows a fault."""
    wrong, broken = run
    return broken or (bool(wrong) if fault.layer is None else fault.layer.split("_")[0] in wrong)


STATES = (
    "read, not run",
    "caught",
    "only read",
    "equivalent",
    "did not run",
    "harmless",
    "false alarm",
    "survived",
)
COLUMNS = ("planted", "read", *STATES)


def score(mutants: Iterable[Mutant]) -> dict[str, dict[str, int]]:
    """Counts by kind, and of all: `COLUMNS`."""
    table: dict[str, dict[str, int]] = {}
    for mutant in mutants:
        for kind in (mutant.fault.kind, "all"):
            row = table.setdefault(kind, dict.fromkeys(COLUMNS, 0))
            row["planted"] += 1
            row["read"] += mutant.read
            row[mutant.state] += 1
    table["all"] = table.pop("all", dict.fromkeys(COLUMNS, 0))
    return table


def added(scores: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The sum of several scores."""
    table: dict[str, dict[str, int]] = {"all": dict.fromkeys(COLUMNS, 0)}
    for one in scores:
        for kind, row in one.items():
            known = table.setdefault(kind, dict.fromkeys(COLUMNS, 0))
            for column in COLUMNS:
                known[column] += row[column]
    return table


def percent(row: Mapping[str, Any]) -> float | None:
    """Mutants that the vectors catch over those that change something and run; None if there are none."""
    visible = row["caught"] + row["only read"] + row["survived"]
    return 100.0 * row["caught"] / visible if visible else None

"""The check itself: a body against the reference, trained module against reference, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import Generated, OutOfStepError
from levelone.verify.body import body_of, read_graph
from levelone.verify.coverage import FLOOR_SHARE, FLOOR_VECTORS, Coverage
from levelone.verify.reading import Finding, Reading, proves, read_project
from levelone.verify.ties import FloatTies, compare_module
from levelone.verify.verdict import (
    PORT,
    LayerComparison,
    Outcome,
    Verdict,
    add_part,
    compare_codes,
    judge,
    on_grid,
)

Answers = Mapping[str, Codes] | Callable[[slice], Mapping[str, Codes]]
"""A trained module's own integers, [event, ...] by value name; or what makes those of some of the events when
they are compared, so that all layers of all events need not be held."""


@dataclass(frozen=True)
class Check:
    """What `check_project` found.

    Attributes
    ----------
    body, title
        The body that the project is of: its name, and what people call it.
    project
        What lies in the folder.
    verdict
        What it gives against the reference.
    module
        Trained module against the reference, each layer on the module's own operands and float ties left out;
        None if its codes were not given.
    findings
        What reading the project shows to be otherwise than it was proven.
    proven
        Whether a project without findings is proven, whatever the vectors reach.
    coverage
        What the vectors reached; None if none were run.
    build_seconds
        Wall time of the build.
    build_reused
        Whether the very same sources had been built before.
    seconds_per_event
        Wall time of the run per event, all layers recorded.
    float_ties
        Codes of the module that float32 rounded to the other neighbour; None if its codes were not given.
    """

    body: str
    title: str
    project: Generated
    verdict: Verdict
    module: Verdict | None
    findings: tuple[Finding, ...]
    proven: bool
    coverage: Coverage | None
    build_seconds: float
    build_reused: bool
    seconds_per_event: float
    float_ties: FloatTies | None = None

    @property
    def outcome(self) -> Outcome:
        """Exact only if every comparison that was made is exact and the project is as proven."""
        return Outcome.worst([self.judged, *([self.module.outcome] if self.module is not None else [])])

    @property
    def judged(self) -> Outcome:
        """The same without the trained module."""
        return Outcome.NOT_PROVEN if self.unproven else self.verdict.outcome

    @property
    def unproven(self) -> str:
        """Why a project that is equal on all vectors is not called exact; empty if it is, or is not equal."""
        if self.verdict.outcome is not Outcome.EXACT:
            return ""
        if self.findings:
            first, more = self.findings[0], len(self.findings) - 1
            return f"{first.file}: {first.text}" + (f"; and {more} more findings" if more else "")
        if self.proven or self.coverage is None or self.coverage.enough:
            return ""
        return (
            f"{self.coverage.vectors} vectors reach {self.coverage.share:.0%} of what they should; without a "
            f"proof of this body it takes {FLOOR_VECTORS} and {FLOOR_SHARE:.0%}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form of `levelone csim`.

        Its ``verdict`` is over both comparisons; the second one stands under ``module``.
        """
        document = {
            "body": self.body,
            "title": self.title,
            "project": str(self.project.folder),
            **self.verdict.to_dict(),
            "verdict": self.outcome.value,
            "findings": [asdict(finding) for finding in self.findings],
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
            "build_seconds": self.build_seconds,
            "build_reused": self.build_reused,
            "seconds_per_event": self.seconds_per_event,
            "edited_files": list(self.project.edited),
            # a proof speaks of the types and numbers that were generated, not of others
            "proofs": [] if self.project.void else list(self.project.proofs),
            "proofs_void": list(self.project.void),
            "module": None if self.module is None else self.module.to_dict(),
            "float_ties": None if self.float_ties is None else self.float_ties.to_dict(),
        }
        if self.module is not None and not document["reason"]:
            document["reason"] = self.module.reason
        return document


def check_project(
    project: Path,
    codes: Mapping[str, Codes],
    module_codes: Answers | None = None,
    *,
    graph: Graph | None = None,
    workers: int | None = None,
    reading: Reading | None = None,
    coverage: Coverage | None = None,
) -> Check:
    """Build the project as it lies there, run it, and compare every layer and output with the reference.

    Parameters
    ----------
    project
        Folder that a body wrote.
    codes
        Input codes by value name, int [event, *shape], channels last.
    module_codes
        The trained module's own integers for the same events, by value name and in the same layout.
    graph
        What the project computes; by default read from its ``levelone/model.onnx``.
    workers
        Processes that share the events.
    reading
        The project as it was read before; by default it is read.
    coverage
        What other vectors have reached, to which these are added; by default nothing.

    Raises
    ------
    LeveloneError
        If the project cannot be built or run at all, or is changed meanwhile.
    """
    body = body_of(project)
    generated = body.read(project)
    if graph is None:
        try:
            graph = read_graph(generated)
        except LeveloneError as error:
            nothing = Verdict(Outcome.NOT_COMPARABLE, 0, (), str(error))
            return Check(body.name, body.title, generated, nothing, None, (), False, None, 0.0, False, 0.0)
    reading = reading or read_project(body.name, generated, graph)
    coverage = coverage or Coverage(graph)
    built = body.build(project)
    layers: dict[str, LayerComparison] = {}
    outputs: dict[str, LayerComparison] = {}
    module: dict[str, LayerComparison] = {}
    ties, told = FloatTies(), set[str]()
    problem, seconds, events = "", 0.0, 0
    chunks = built.run(codes, workers=workers)
    while True:
        start = time.perf_counter()
        try:
            chunk = next(chunks, None)
        except OutOfStepError as error:
            problem, chunk = str(error), None
        seconds += time.perf_counter() - start
        if chunk is None:
            break
        reference = execute(graph, {name: found[chunk.events] for name, found in codes.items()}, keep="all")
        events = chunk.events.stop
        coverage.add(reference | {name: found[chunk.events] for name, found in codes.items()})
        for name, found in chunk.found.items():
            part = compare_codes(name, reference[name], on_grid(found, reference[name]))
            add_part(layers, part, chunk.events.start)
        for name, found in chunk.outputs.items():
            part = compare_codes(name, reference[name], on_grid(found, reference[name]), PORT)
            add_part(outputs, part, chunk.events.start)
        if module_codes is not None:
            inputs = {name: found[chunk.events] for name, found in codes.items()}
            own = _of_events(module_codes, chunk.events)
            told |= own.keys()
            for part in compare_module(graph, inputs, own, reference, ties, chunk.events.start):
                add_part(module, part, chunk.events.start)
    if body.read(project) != generated:
        raise LeveloneError(
            f"{project} was changed while it was being checked: nothing can be said of it",
            hint="run the command again",
        )
    verdict = judge(list(layers.values()), events, list(outputs.values()))
    if problem and verdict.outcome is Outcome.EXACT:
        verdict = replace(verdict, outcome=Outcome.NOT_COMPARABLE, reason=problem)
    elif problem:
        verdict = replace(verdict, reason=problem)
    return Check(
        body.name,
        body.title,
        generated,
        verdict,
        None if module_codes is None else _judge_module(module, told, graph, events),
        tuple(reading.findings()),
        proves(body.name),
        coverage,
        built.build_seconds,
        built.reused,
        seconds / max(events, 1),
        None if module_codes is None else ties,
    )


def _of_events(answers: Answers, events: slice) -> Mapping[str, Codes]:
    return answers(events) if callable(answers) else {name: codes[events] for name, codes in answers.items()}


def _judge_module(found: Mapping[str, LayerComparison], told: set[str], graph: Graph, events: int) -> Verdict:
    ordered = [found[name] for name in graph.values if name in found]
    strange = sorted(told - set(graph.values))
    verdict = judge(ordered, events)
    if strange and verdict.outcome is Outcome.EXACT:
        reason = f"the trained module gives layers that the graph does not have: {', '.join(strange)}"
        return replace(verdict, outcome=Outcome.NOT_COMPARABLE, reason=reason)
    return verdict

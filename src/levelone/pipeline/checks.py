"""Project -> verdict: which vectors are compared with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.graph import Codes, Graph
from levelone.graph.inputs import enter, real_inputs
from levelone.graph.port_counts import PortCount, merged, port_count, port_notes
from levelone.hardware.body import MODEL, SIDE
from levelone.pipeline.floats import float_line
from levelone.pipeline.job import Job
from levelone.pipeline.modules import VECTORS, TrainedModule, metadata_of, module_in
from levelone.pipeline.verdicts import of_all, of_set
from levelone.stimuli import affordable, random_vectors
from levelone.verify import (
    Vectors,
    body_of,
    check_project,
    read_graph,
    read_vectors,
)
from levelone.verify.check import Answers
from levelone.verify.coverage import FLOOR_VECTORS, Coverage
from levelone.verify.reading import Reading, proves, read_project
from levelone.zoo import find_system

RANDOM_VECTORS = (8, 1000)
"""Fewest, where reading proves the projects, and most random vectors that `levelone csim` takes by itself."""

RANDOM_WORK = 10_000_000_000
"""Multiplications and codes (`work_per_event`) in all of them: minutes of C simulation."""


@dataclass(frozen=True)
class VectorSet:
    """Some input codes and, if there is one, what gives the trained module's integers for them."""

    name: str
    codes: Mapping[str, Codes]
    module_codes: Answers | None
    ports: tuple[PortCount, ...] = ()
    """What became of real numbers at the ports; empty if the vectors were codes from the beginning."""


def check_run(
    job: Job,
    project: Path,
    *,
    most: int | None = None,
    show: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """The run's own check of one of its projects: golden vectors, test events, random vectors.

    Parameters
    ----------
    most
        So many of each kind at most, but random ones as many as a verdict takes; by default as many as the
        recipe asks for.

    Returns
    -------
    dict
        As that of `check_folder`, but for ``float32``.
    """
    graph = read_graph(body_of(project).read(project))
    module = module_in(project / SIDE)
    events, random = job.recipe.verify.events, job.recipe.verify.random
    if most is not None:
        events, random = min(events, most), min(random, max(most, FLOOR_VECTORS))
    golden = _golden(project, graph)
    inputs, layers = ({n: c[:most] for n, c in part.items()} for part in (golden.inputs, golden.layers))
    sets = [VectorSet(f"{len(next(iter(inputs.values())))} golden vectors", inputs, layers)]
    notes = [] if most is None else [f"{most:,} events of each kind at most: a clocked simulation is slow"]
    found = _test_events(job.data, module, job.recipe.system, graph, events, job.recipe.seed)
    sets.append(found)
    if _events(found) < events:
        notes.append(f"the data file has only {_events(found):,} test events of the {events:,} asked for")
    if random:
        sets.append(_random(graph, module, random, job.recipe.seed))
    return compare([project], graph, sets, notes, show)


def check_folder(
    project: Path,
    *others: Path,
    data: Path | Mapping[str, NDArray[Any]] | None = None,
    vectors: int | None = None,
    seed: int = 1,
    events: int = 10_000,
    show: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """`levelone csim`: compare a project on events, random vectors or both, by default its golden ones.

    Parameters
    ----------
    others
        Projects of other bodies, made from the same model: compared on the same vectors.
    data
        A file of the system's events, of which `events` test events are taken, or arrays by input name.
    vectors
        Random vectors. With neither these nor `data`: the golden vectors, and random ones.

    Returns
    -------
    dict
        ``verdict``, ``vectors``, ``layers``, ``outputs`` (what left the output ports), ``first_mismatch``,
        ``findings`` (what reading the projects shows), ``coverage`` (what the vectors reached), ``reason``,
        ``build_seconds``, ``seconds_per_event``, ``edited_files``, ``notes``, ``ports`` (what they carry, and
        how many of the given real numbers saturated there), the ``proofs`` of the project's
        layers as far as they hold for the files that lie there, ``proofs_void``: edited files of the
        firmware that take all of them away, one entry of ``bodies`` for each project and one of ``sets`` for
        each set of vectors, and ``float32``: how qonnx's own execution of the file differs from its exact
        meaning (`float_line`; null where a trained module is compared).

    Raises
    ------
    LeveloneError
        If the project cannot be built or run, or the vectors cannot be read.
    """
    generated = body_of(project).read(project)
    graph = read_graph(generated)
    for other in others:
        if body_of(other).read(other).model_sha256 != generated.model_sha256:
            raise LeveloneError(
                f"{other} was made from another model than {project}",
                hint="convert the same QONNX file for both",
            )
    module = module_in(project / SIDE)
    sets, notes = [], list(graph.left_off)
    if module is None:
        notes.append("the project holds no trained module: compared with the exact reference only")
    if isinstance(data, Mapping):
        sets.append(_given(graph, module, data))
    elif data is not None:
        system = str(metadata_of(project / MODEL).get("system", ""))
        sets.append(_test_events(data, module, system, graph, events, seed))
    if vectors is not None:
        sets.append(_random(graph, module, vectors, seed))
    if not sets:
        if lexists(project / SIDE / VECTORS):
            golden = _golden(project, graph)
            sets.append(VectorSet(f"{len(golden)} golden vectors", golden.inputs, golden.layers))
        else:
            notes.append("the project holds no golden vectors")
        wanted = random_count(graph, [project, *others])
        if module is not None:
            wanted = min(wanted, module.recipe.verify.random)
        sets.append(_random(graph, module, wanted, seed))
    result = compare([project, *others], graph, sets, notes, show)
    model = project / MODEL
    return result | {"float32": float_line(model, graph, sets[0].codes) if module is None else None}


def random_count(graph: Graph, projects: Sequence[Path]) -> int:
    """Random vectors of a check that asks for no number: a thousand, fewer where an event is much work.

    Never fewer than a verdict takes if one of the projects is not proven by reading it.
    """
    count = affordable(graph, RANDOM_VECTORS, RANDOM_WORK)
    proven = all(proves(body_of(project).name) for project in projects)
    return count if proven else max(count, FLOOR_VECTORS)


def compare(
    projects: Sequence[Path],
    graph: Graph,
    sets: Sequence[VectorSet],
    notes: list[str],
    show: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Check every project on every set and join the results: the worst verdict counts."""
    checks = []
    readings = [_reading(project, graph) for project in projects]  # the same for every set
    coverages = [Coverage(graph) for _ in projects]
    for chosen in sets:
        show(f"{chosen.name}: {_events(chosen):,} events")
        modules = [chosen.module_codes, *[None] * (len(projects) - 1)]
        parts = zip(projects, modules, readings, coverages, strict=True)
        checks.append(
            [
                check_project(project, chosen.codes, module, graph=graph, reading=reading, coverage=coverage)
                for project, module, reading, coverage in parts
            ]
        )
    # each set is judged by what all of them have reached together, and that is known only now
    results = [
        of_set(chosen.name, found, chosen.module_codes is not None)
        | {"ports": [count.to_dict() for count in chosen.ports]}
        for chosen, found in zip(sets, checks, strict=True)
    ]
    joined = of_all(results, list(graph.values))
    edited = {name: None for body in joined["bodies"] for name in body["edited_files"]}
    if edited:
        notes.append(f"edited since it was generated: {', '.join(edited)}")
    void = {name: None for body in joined["bodies"] for name in body["proofs_void"]}
    ports = merged([[port_count(port) for port in graph.inputs], *(chosen.ports for chosen in sets)])
    notes += [line for count in ports for line in port_notes(count)]
    return joined | {
        "ports": [count.to_dict() for count in ports],
        "edited_files": list(edited),
        "notes": notes,
        "proofs": [proof for body in joined["bodies"] for proof in body["proofs"]],
        "proofs_void": list(void),
    }


def _reading(project: Path, graph: Graph) -> Reading:
    body = body_of(project)
    return read_project(body.name, body.read(project), graph)


def _events(chosen: VectorSet) -> int:
    return len(next(iter(chosen.codes.values())))


def _golden(project: Path, graph: Graph) -> Vectors:
    path = project / SIDE / VECTORS
    golden = read_vectors(path, graph)
    if golden.model_sha256 != sha256(project / MODEL):
        raise LeveloneError(
            f"{path}: these vectors belong to another model", hint="convert the QONNX file again"
        )
    return golden


def _random(graph: Graph, module: TrainedModule | None, count: int, seed: int) -> VectorSet:
    codes = random_vectors(graph, count, seed)
    answers = _answers(graph, module, lambda events: real_inputs(graph, _some(codes, events)))
    return VectorSet(f"{count} random vectors, seed {seed}", codes, answers)


def _given(graph: Graph, module: TrainedModule | None, inputs: Mapping[str, NDArray[Any]]) -> VectorSet:
    codes, ports = enter(graph, inputs)
    answers = _answers(graph, module, lambda events: _some(inputs, events))
    return VectorSet(f"{len(next(iter(inputs.values())))} given events", codes, answers, ports)


def _test_events(
    data: Path, module: TrainedModule | None, system: str, graph: Graph, limit: int, seed: int
) -> VectorSet:
    if module is not None:
        owner, recipe = module.system, module.recipe
    elif system:
        owner = find_system(system)
        recipe = owner.read_recipe()
    else:
        raise LeveloneError(
            "the project does not say which system it belongs to: events from a file cannot be prepared",
            hint="use --vectors N, or convert a QONNX file that levelone exported",
        )
    # a system that takes a random part of the events draws it with the recipe's seed
    events = owner.load(recipe.model_copy(update={"seed": seed}), data, "test", limit)
    codes, ports = enter(graph, events.inputs)
    answers = _answers(graph, module, lambda chosen: _some(events.inputs, chosen))
    return VectorSet(f"{len(events)} test events of {data.name}", codes, answers, ports)


def _answers(
    graph: Graph, module: TrainedModule | None, inputs: Callable[[slice], Mapping[str, NDArray[Any]]]
) -> Answers | None:
    """The module's integers for some of the events at a time, when they are compared."""
    return None if module is None else lambda events: module.codes(graph, inputs(events))


def _some(arrays: Mapping[str, NDArray[Any]], events: slice) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(array[events]) for name, array in arrays.items()}

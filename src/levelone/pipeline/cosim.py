"""QONNX file -> RTL -> the verdict of a simulation, with clocks and rough traffic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.graph import read_qonnx
from levelone.pipeline.checks import check_folder, check_run
from levelone.pipeline.job import Job
from levelone.rtl.body import BODY, BuiltRtl
from levelone.rtl.config import RtlConfig
from levelone.rtl.document import RtlDocument
from levelone.rtl.measure import mid_event_resets, rough_traffic, steady, timing_of
from levelone.rtl.occupancy import occupancy
from levelone.rtl.project import layer_facts, plan_of
from levelone.rtl.simulation import Traffic
from levelone.rtl.unrolled.plan import UnrolledPlan
from levelone.stimuli import random_vectors
from levelone.verify import Outcome, body_of, read_graph

CLOCKS = 1_000_000
"""Simulated clocks that a measurement should take, and each kind of vectors of a run."""
FEWEST, MOST = 4, 64
"""Events of a measurement."""
ROUGH = 0.3
"""Probability of a gap, and of a stall, in a run."""
UNTIMED: dict[str, Any] = {
    "timing": None,
    "latency_clocks": None,
    "clocks_per_event": None,
    "events_per_second": None,
    "traffic": [],
    "occupancy": None,
}
"""What is known of the clocks of a design that stands still."""


def plan_rows(model: Path, config: RtlConfig) -> dict[str, Any]:
    """`levelone rtl --plan`: the design in integers, nothing written.

    Returns
    -------
    dict
        ``style``, ``clocks_per_event``, ``bottleneck``; of every output ``latency_clocks`` and
        ``after_last_clocks``; of each of ``layers`` its ``clocks``, codes per beat ``codes_in`` (of each
        operand) and ``codes_out``, ``multipliers``, ``rom_bits``, ``buffer_bits`` and ``fifo_bits``. Of a
        streamed one ``clocks_asked``, what an event may take; None where nobody said. Of an
        unrolled design ``lut``, ``adder_lut``, ``alkaid_lut`` and ``registers`` of each, and in all its
        ``stages``, most ``levels`` between registers, and ``port_registers``.
    """
    graph = read_qonnx(model)
    plan = plan_of(graph, config)
    rows = []
    for node in graph.nodes:
        facts = layer_facts(plan, node)
        del facts["proof"]
        rows.append({"name": node.name, "operation": type(node.op).__name__, **facts})
    whole: dict[str, Any] = {"style": config.style, **asdict(plan.latency), "layers": rows}
    if isinstance(plan, UnrolledPlan):
        ports = sum(plan.layers[port.value.name].registers for port in graph.inputs)
        return whole | {
            "clocks_per_event": 1,
            "bottleneck": graph.inputs[0].value.name,
            "stages": plan.schedule.stages,
            "levels": plan.schedule.levels,
            "port_registers": ports,
        }
    return whole | {
        "clocks_per_event": plan.clocks_per_event,
        "clocks_asked": config.clocks_per_event,
        "bottleneck": plan.bottleneck,
    }


def cosim_folder(
    project: Path,
    *,
    data: Path | None = None,
    vectors: int | None = None,
    seed: int = 1,
    events: int = 10_000,
    gaps: float = 0.0,
    stalls: float = 0.0,
    show: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """`levelone cosim`: the verdict of `levelone csim`, and what only a clocked simulation tells.

    Returns
    -------
    dict
        As `levelone.pipeline.checks.check_folder`, and ``timing`` (`levelone.rtl.measure.Timing`),
        ``latency_clocks`` and ``clocks_per_event`` of the slowest output, ``events_per_second`` at the
        design's clock, ``traffic``: gaps, stalls and resets that were tried, and ``problem``, null if
        the outputs stayed exact, and ``occupancy`` (`levelone.rtl.occupancy.occupancy`). Of a design that
        stands still clocks and occupancy are null, and the reason names the layer that waits.

    Raises
    ------
    LeveloneError
        If it is no project, or not of RTL, or cannot be built or run.
    """
    body = body_of(project)
    if body.name != BODY.name:
        body.read(project)  # says what is wrong with a folder that is no project
        raise LeveloneError(
            f"{project} is a project of body {body.name}: it has no clock to simulate",
            hint=f"levelone csim {project}, or write RTL with: levelone rtl MODEL -o FOLDER",
        )
    result = check_folder(project, data=data, vectors=vectors, seed=seed, events=events, show=show)
    return _clocked(project, result, seed=seed, gaps=gaps, stalls=stalls, show=show)


def cosim_run(job: Job, project: Path, show: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """The run's own check of its RTL, on as many events as `CLOCKS` hold of each kind.

    Returns
    -------
    dict
        As that of `cosim_folder`.
    """
    most = max(FEWEST, CLOCKS // RtlDocument.read(project).clocks_per_event)
    result = check_run(job, project, most=most, show=show)
    return _clocked(project, result, seed=job.recipe.seed, gaps=ROUGH, stalls=ROUGH, show=show)


def _clocked(
    project: Path,
    result: dict[str, Any],
    *,
    seed: int,
    gaps: float,
    stalls: float,
    show: Callable[[str], None],
) -> dict[str, Any]:
    """A verdict with clocks, and with what rough traffic changes."""
    built = BODY.build(project)
    assert isinstance(built, BuiltRtl)  # noqa: S101  (the body that was asked)
    graph = read_graph(BODY.read(project))
    events = measured_events(built)
    codes = random_vectors(graph, events, seed)
    show("clocks, events back to back")
    recording = steady(built, codes)
    if not recording.finished:
        return _demoted(result, built.stands(recording, events)) | UNTIMED
    timing = timing_of(built, recording)
    traffic = []
    for how in rough_ways(built, gaps, stalls, seed):
        show(f"gaps {how.gaps:g}, stalls {how.stalls:g}, {len(how.resets)} resets in mid-event")
        traffic.append(asdict(how) | {"problem": rough_traffic(built, graph, codes, how)})
    problem = next((how["problem"] for how in traffic if how["problem"]), None)
    return _demoted(result, problem) | {
        "timing": timing.to_dict(),
        "latency_clocks": max(timing.latency_clocks.values()),
        "clocks_per_event": timing.clocks_per_event,
        "events_per_second": timing.to_dict()["events_per_second"],
        "traffic": traffic,
        "occupancy": occupancy(built.document, recording),
    }


def _demoted(result: dict[str, Any], problem: str | None) -> dict[str, Any]:
    """A verdict of equal integers, however sure, is none where traffic shows a problem."""
    if problem and result["verdict"] in (Outcome.EXACT.value, Outcome.NOT_PROVEN.value):
        return result | {"verdict": Outcome.MISMATCH.value, "reason": problem}
    return result


def rough_ways(built: BuiltRtl, gaps: float, stalls: float, seed: int) -> tuple[Traffic, ...]:
    """How the outside behaves when outputs are compared again: without resets, and with some in mid-event."""
    resets = mid_event_resets(built.document.clocks_per_event, seed)
    return Traffic(gaps, stalls, seed), Traffic(gaps, stalls, seed + 1, resets)


def measured_events(built: BuiltRtl) -> int:
    """Events of which clocks are measured, and which come again in rough traffic."""
    return min(MOST, max(FEWEST, CLOCKS // built.document.clocks_per_event))

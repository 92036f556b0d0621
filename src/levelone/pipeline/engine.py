"""Running a chain of stages: skip what is up to date, say why the rest runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from levelone.errors import LeveloneError
from levelone.pipeline.state import RunState, StageRecord, file_digests

Context = TypeVar("Context")


@dataclass(frozen=True)
class Stage(Generic[Context]):
    """One step of a run.

    Attributes
    ----------
    name
        Key in `state.json`.
    title
        For people.
    inputs
        Digests of everything the step reads, by name: recipe sections, earlier files, code, versions.
    outputs
        Files or folders it writes, relative to the run folder.
    work
        Does it and returns a JSON summary; `resume` tells that an earlier attempt with the same inputs was
        interrupted.
    """

    name: str
    title: str
    inputs: Callable[[Context], dict[str, str]]
    outputs: tuple[str, ...]
    work: Callable[[Context, bool], dict[str, Any]]


@dataclass(frozen=True)
class StageResult:
    """What happened to a stage: whether it ran and why, how long it took (now, or when it was made)."""

    name: str
    title: str
    ran: bool
    reason: str
    seconds: float
    summary: dict[str, Any]


Listener = Callable[[str, StageResult | None, str], None]
"""Called with (title, None, reason) when a stage starts and (title, result, reason) when it is over."""


def run_stages(
    stages: Sequence[Stage[Context]],
    context: Context,
    folder: Path,
    *,
    force: bool = False,
    listen: Listener = lambda title, result, reason: None,
) -> list[StageResult]:
    """Bring every stage up to date, in order.

    Parameters
    ----------
    folder
        The run folder; holds `state.json`.
    force
        Run every stage from its beginning, whatever the state says.

    Raises
    ------
    LeveloneError
        From a stage, or if a stage did not write an output it declares.
    """
    state = RunState(folder)
    results = []
    for stage in stages:
        inputs = stage.inputs(context)
        record = state.stages.get(stage.name)
        reason = "forced" if force else why_run(record, inputs, folder)
        if record is not None and not reason:
            result = StageResult(stage.name, stage.title, False, "up to date", record.seconds, record.summary)
        else:
            listen(stage.title, None, reason)
            # Only an unfinished attempt at exactly this work may be continued.
            resume = not force and record is not None and not record.finished and record.inputs == inputs
            before = record.seconds if resume and record is not None else 0.0
            if not resume:
                state.record(stage.name, StageRecord(inputs))
            start = time.perf_counter()
            try:
                summary = stage.work(context, resume)
            finally:
                seconds = before + time.perf_counter() - start
                state.record(stage.name, StageRecord(inputs, seconds=seconds))
            missing = [name for name in stage.outputs if not (folder / name).exists()]
            if missing:
                raise LeveloneError(f"{stage.title}: finished without writing {', '.join(missing)}")
            outputs = file_digests(folder, stage.outputs)
            state.record(stage.name, StageRecord(inputs, outputs, seconds, True, summary))
            result = StageResult(stage.name, stage.title, True, reason, seconds, summary)
        listen(stage.title, result, result.reason)
        results.append(result)
    return results


def why_run(record: StageRecord | None, inputs: dict[str, str], folder: Path) -> str:
    """Why a stage must run, or an empty string if it is up to date."""
    if record is None:
        return "not done yet"
    changed = sorted(
        {name for name in record.inputs.keys() | inputs.keys() if record.inputs.get(name) != inputs.get(name)}
    )
    if changed:
        return "changed: " + ", ".join(changed)
    if not record.finished:
        return "was interrupted"
    for name, expected in record.outputs.items():
        found = file_digests(folder, (name,)) if (folder / name).is_file() else {}
        if name not in found:
            return f"{name} is missing"
        if found[name] != expected:
            return f"{name} was changed"
    return ""

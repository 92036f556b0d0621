"""Collecting what the report shows from a run folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError, UnsupportedError
from levelone.files import sha256
from levelone.panels import Panel, Rows
from levelone.pipeline.glance import Sample, geant4_reason, glance
from levelone.pipeline.job import Job, open_run
from levelone.pipeline.latency import project_latency
from levelone.pipeline.state import RunState
from levelone.pipeline.synthesis import synthesis_of
from levelone.pipeline.verdicts import read_verdict
from levelone.recipe import dump_recipe
from levelone.report.content import Content, read_json, read_kept
from levelone.report.page import build_page
from levelone.report.picture import write_pictures
from levelone.zoo.kit.control import control_rows

EXAMPLES_READ = 64  # events that a system picks its examples from
VERSIONS = ("levelone", "torch", "brevitas", "lightning", "qonnx", "onnx", "hls4ml", "numpy", "scikit-learn")
DIGESTS = ("module.pt", "model.onnx", "vectors.h5", "project/levelone.json", "scores.npz", "recipe.toml")


def report_page(job: Job) -> str:
    """The HTML report of a run folder; parts that are not there yet are named on the page.

    Raises
    ------
    LeveloneError
        If a file of the folder is damaged.
    """
    return build_page(content_of(job))


def content_of(job: Job) -> Content:
    """Everything that a report can show of a run folder."""
    metrics = read_json(job.path("metrics.json"))
    kept = read_kept(job.path("scores.npz"))
    state = RunState(job.folder)
    return Content(
        name=job.system.name,
        title=job.system.title,
        command=f"levelone run {job.recipe.system}",
        recipe=dump_recipe(job.recipe),
        metrics=metrics,
        curves=read_json(job.path("curves.json")),
        project=read_json(job.path("project/levelone.json")),
        csim=read_verdict(job.path("csim.json")),
        cosim=None if job.recipe.rtl is None else read_verdict(job.path("cosim.json")),
        rtl=None if job.recipe.rtl is None else read_json(job.path("rtl/levelone.json")),
        synthesis=synthesis_of(job.path("rtl")),
        latency=_latency(job),
        costs=(metrics or {}).get("cost", {}).get("layers"),
        stages={name: record.seconds for name, record in state.stages.items() if name != "report"},
        digests={name: sha256(job.path(name)) for name in DIGESTS if job.path(name).is_file()},
        versions=_versions(),
        glance=None if metrics is None else _at_a_glance(job, metrics),
        panels=() if metrics is None or kept is None else _panels(job, metrics, kept),
        cards=() if metrics is None else tuple(job.system.cards(metrics)),
        example_panels=_examples(job),
    )


def _latency(job: Job) -> dict[str, Any] | None:
    """The estimate; None without a project, or where a layer's loops are unknown."""
    if not job.path("project/levelone.json").is_file():
        return None
    try:
        return project_latency(job.path("project"))
    except UnsupportedError:
        return None


def _at_a_glance(job: Job, metrics: Mapping[str, Any]) -> Rows | None:
    """The headline figures; a run holds none on Geant4's events."""
    others = Sample("Geant4's events", reason=geant4_reason(job.system))
    return glance(job.system, Sample("test events", (metrics,)), others)


def _panels(job: Job, metrics: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[Panel, ...]:
    """The system's own, and how its leak control is to be read."""
    return (*job.system.panels(metrics, kept), *control_rows(metrics))


def _examples(job: Job) -> tuple[Panel, ...]:
    """What the system shows of a few test events; nothing without the data file."""
    if not job.data.is_file():
        return ()
    events = job.system.golden(job.recipe, job.data, EXAMPLES_READ)
    return tuple(job.system.examples(job.recipe, events))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main(arguments: list[str]) -> None:
    """``python -m levelone.pipeline.reporting RUN FOLDER``: the pictures of README and docs."""
    if len(arguments) != 2:
        raise LeveloneError("expected a run folder and a target folder", hint="scripts/pictures RUN FOLDER")
    for path in write_pictures(content_of(open_run(Path(arguments[0]))), Path(arguments[1])):
        print(path)


if __name__ == "__main__":
    import sys

    from levelone.exits import run_and_exit

    run_and_exit(lambda: main(sys.argv[1:]))

"""Collecting what the report shows from a run folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.pipeline.job import Job, open_run
from levelone.pipeline.state import RunState
from levelone.pipeline.verdicts import read_verdict
from levelone.recipe import dump_recipe
from levelone.report.content import Content, Examples, read_json, read_scores
from levelone.report.page import build_page
from levelone.report.picture import write_pictures
from levelone.zoo.kit.system import Sample
from levelone.zoo.kit.voxelsystem import VoxelSystem

EXAMPLES_READ = 64  # events that a system of voxel events picks its examples from
VERSIONS = ("levelone", "torch", "brevitas", "lightning", "qonnx", "onnx", "hls4ml", "numpy", "scikit-learn")
DIGESTS = ("module.pt", "model.onnx", "vectors.h5", "project/levelone.json", "scores.npz", "recipe.toml")
IMAGES = {"pixelseed": ("images", ("inner hit", "outer hit"))}
"""System -> the network input that is drawn, and the names of its channels."""


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
    scores = read_scores(job.path("scores.npz"))
    state = RunState(job.folder)
    shown: dict[str, Any] = {}
    if isinstance(job.system, VoxelSystem):
        shown = _shown(job, job.system, metrics, scores)
    return Content(
        name=job.system.name,
        title=job.system.title,
        command=f"levelone run {job.system.name}",
        recipe=dump_recipe(job.recipe),
        metrics=metrics,
        curves=read_json(job.path("curves.json")),
        scores=scores,
        project=read_json(job.path("project/levelone.json")),
        csim=read_verdict(job.path("csim.json")),
        examples=_examples(job),
        costs=(metrics or {}).get("cost", {}).get("layers"),
        stages={name: record.seconds for name, record in state.stages.items() if name != "report"},
        digests={name: sha256(job.path(name)) for name in DIGESTS if job.path(name).is_file()},
        versions=_versions(),
        **shown,
    )


def _shown(
    job: Job,
    system: VoxelSystem,
    metrics: dict[str, Any] | None,
    scores: dict[str, NDArray[Any]] | None,
) -> dict[str, Any]:
    """What a system of voxel events shows by itself."""
    found: dict[str, Any] = {"panels": ()}
    if metrics is not None and scores is not None:
        predictions, truth = split_scores(scores)
        found["panels"] = tuple(system.panels(metrics, predictions, truth))
        found["cards"] = tuple(system.cards(metrics))
    if job.data.is_file():
        events = system.load(job.recipe, job.data, "test", mixture="natural", limit=EXAMPLES_READ)
        found["example_panels"] = tuple(system.examples(job.recipe, events))
    return found


def split_scores(
    scores: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]:
    """Predictions by model and output, and truth by column, from the arrays of ``scores.npz``."""
    predictions: dict[str, dict[str, NDArray[Any]]] = {}
    truth: dict[str, NDArray[Any]] = {}
    for key, array in scores.items():
        owner, _, name = key.partition("/")
        if owner == "truth":
            truth[name] = array
        else:
            predictions.setdefault(owner, {})[name] = array
    return predictions, truth


def _examples(job: Job) -> Examples | None:
    """A few true and fake candidates from test events; None without the data file."""
    if job.system.name not in IMAGES or not job.data.is_file():
        return None
    name, titles = IMAGES[job.system.name]
    found = job.system.load(job.recipe, job.data, "test", mixture="balanced", limit=200, seed=job.recipe.seed)
    if not isinstance(found, Sample):
        return None
    return Examples(found.inputs[name], found.target, titles)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main(arguments: list[str]) -> None:
    """``python -m levelone.pipeline.reporting RUN FOLDER``: the README's pictures."""
    if len(arguments) != 2:
        raise LeveloneError("expected a run folder and a target folder", hint="scripts/pictures RUN FOLDER")
    for path in write_pictures(content_of(open_run(Path(arguments[0]))), Path(arguments[1])):
        print(path)


if __name__ == "__main__":
    import sys

    from levelone.exits import run_and_exit

    run_and_exit(lambda: main(sys.argv[1:]))

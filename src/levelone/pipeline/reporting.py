"""Collecting what the report shows from a run folder."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.pipeline.job import Job, open_run
from levelone.pipeline.state import RunState
from levelone.recipe import dump_recipe
from levelone.report import Content, Examples, build_page
from levelone.report.content import read_json, read_scores
from levelone.report.picture import write_pictures

EXAMPLES = 4  # candidates of each class
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
    state = RunState(job.folder)
    return Content(
        name=job.system.name,
        title=job.system.title,
        command=f"levelone run {job.system.name}",
        recipe=dump_recipe(job.recipe),
        metrics=metrics,
        curves=read_json(job.path("curves.json")),
        scores=read_scores(job.path("scores.npz")),
        project=read_json(job.path("project/levelone.json")),
        csim=read_json(job.path("csim.json")),
        examples=_examples(job),
        costs=(metrics or {}).get("cost", {}).get("layers"),
        stages={name: record.seconds for name, record in state.stages.items() if name != "report"},
        digests={name: sha256(job.path(name)) for name in DIGESTS if job.path(name).is_file()},
        versions=_versions(),
    )


def _examples(job: Job) -> Examples | None:
    """A few true and fake candidates from test events; None without the data file."""
    if job.system.name not in IMAGES or not job.data.is_file():
        return None
    name, titles = IMAGES[job.system.name]
    found = job.system.load(job.recipe, job.data, "test", mixture="balanced", limit=200, seed=job.recipe.seed)
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

    from levelone.cli.console import run_and_exit

    run_and_exit(lambda: main(sys.argv[1:]))

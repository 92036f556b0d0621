"""Collecting what the report shows from a run folder."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from levelone.files import sha256
from levelone.pipeline.job import Job
from levelone.pipeline.state import RunState
from levelone.recipe import dump_recipe
from levelone.report import Content, Examples, build_page
from levelone.report.content import read_json, read_scores

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
    metrics = read_json(job.path("metrics.json"))
    state = RunState(job.folder)
    content = Content(
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
    return build_page(content)


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

"""From a finished run to a folder of `hls_projects/`: what is committed, nothing that can be regenerated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.files import atomic_path, sha256
from levelone.pipeline.job import EVENTS, RECIPE, SAMPLE, Job
from levelone.pipeline.modules import MODULE, VECTORS
from levelone.pipeline.verdicts import read_verdict
from levelone.recipe import dump_recipe
from levelone.report.content import read_json
from levelone.zoo.kit.control import CONTROL

SCHEMA = "levelone-training"
VERSION = 1
_FIGURES = ("models", "differences", CONTROL, "reference", "cost")


def publish(job: Job, folder: Path) -> list[Path]:
    """Fill `folder` with recipe, QONNX, golden vectors, trained module and ``training.json``.

    ``training.json`` holds the command and the figures of the training, and the digests of the files.

    Raises
    ------
    LeveloneError
        If the run is not finished, its C simulation is not exact, or its events are of an older version of
        their generator.
    """
    csim = read_verdict(job.path("csim.json"))
    metrics = read_json(job.path("metrics.json"))
    if csim is None or metrics is None:
        raise LeveloneError(
            f"{job.folder}: the run is not finished",
            hint=f"levelone run {job.recipe.system} --out {job.folder}",
        )
    if csim["verdict"] != "exact":
        raise LeveloneError(f"{job.folder}: the C simulation is not exact ({csim['verdict']}): not published")
    provenance = job.system.provenance(job.data)
    job.system.generator.check_current(job.data, provenance)
    if folder.exists() and not (folder / RECIPE).is_file() and any(folder.iterdir()):
        raise LeveloneError(f"{folder} exists and is not a project folder", hint="choose another folder")
    portable = job.recipe.data.model_copy(update={"file": _portable(job)})
    recipe = job.recipe.model_copy(update={"data": portable})
    with atomic_path(folder, directory=True) as scratch:
        (scratch / RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
        for name in ("model.onnx", VECTORS, MODULE):
            shutil.copyfile(job.path(name), scratch / name)
        training = _training(job, metrics, csim, provenance)
        training["files"] = {path.name: sha256(path) for path in sorted(scratch.iterdir())}
        (scratch / "training.json").write_text(json.dumps(training, indent=1) + "\n", encoding="utf-8")
        for kept in ("README.md",):
            if (folder / kept).is_file():
                shutil.copyfile(folder / kept, scratch / kept)
    return sorted(folder.iterdir())


def _portable(job: Job) -> str:
    """The data file without the folder it had on the machine of the training."""
    return SAMPLE if job.recipe.data.file == SAMPLE or _made_here(job) else Path(job.recipe.data.file).name


def _made_here(job: Job) -> bool:
    """Whether the run made its events itself; the recipe says how, and a run of it makes the same."""
    return bool(job.recipe.generate) and job.data.resolve() == job.path(EVENTS).resolve()


def _command(job: Job) -> list[str]:
    """What trains the same network again, from a clone."""
    words = ["levelone", "run", job.recipe.system, "--recipe", f"hls_projects/{job.system.name}/{RECIPE}"]
    data = _portable(job)
    return words if data == SAMPLE else [*words, "--data", data]


def _training(
    job: Job, metrics: dict[str, Any], csim: dict[str, Any], provenance: dict[str, Any]
) -> dict[str, Any]:
    curves = read_json(job.path("curves.json")) or {}
    parts = {name: curves[name] for name in ("float", "quantised") if name in curves}
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "command": " ".join(_command(job)),
        "data": metrics["data"] | {"provenance": provenance},
        "metrics": {key: metrics[key] for key in _FIGURES if key in metrics},
        "training": {
            name: {
                "epochs": len(part["epochs"]),
                "best_epoch": part["best_epoch"],
                "stopped": part["stopped"],
                "seconds": sum(epoch.get("seconds", 0.0) for epoch in part["epochs"]),
            }
            for name, part in parts.items()
        },
        "csim": {
            "verdict": csim["verdict"],
            "vectors": csim["vectors"],
            "sets": [
                {key: s[key] for key in ("name", "against", "verdict", "vectors")} for s in csim["sets"]
            ],
        },
    }


def main(arguments: list[str]) -> None:
    """``python -m levelone.pipeline.publishing RUN FOLDER``."""
    from levelone.pipeline.job import open_run

    if len(arguments) != 2:
        raise LeveloneError("expected a run folder and a target folder", hint="scripts/publish RUN FOLDER")
    for path in publish(open_run(Path(arguments[0])), Path(arguments[1])):
        print(path)


if __name__ == "__main__":
    import sys

    from levelone.exits import run_and_exit

    run_and_exit(lambda: main(sys.argv[1:]))

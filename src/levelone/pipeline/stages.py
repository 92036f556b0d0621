"""The stages of the main job: what each reads, what it writes, and the function that does it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelone.files import write_text
from levelone.pipeline.engine import Stage
from levelone.pipeline.firmware import FIRMWARE, RTL
from levelone.pipeline.imports import import_digest
from levelone.pipeline.job import EVENTS, Job
from levelone.pipeline.run import Run, system_code, versions
from levelone.recipe import digest


def _simulate_inputs(run: Run) -> dict[str, str]:
    generator = run.job.system.generator
    maker = generator.chosen(generator.options(run.job.recipe))
    return {
        "generate": digest(run.job.recipe.generate),
        "code of the generator": import_digest((maker.module,), "levelone.simulate"),
        **versions(*maker.packages),
    }


def _simulate(run: Run, resume: bool) -> dict[str, Any]:
    tenths = 0

    def progress(done: int, events: int) -> None:
        nonlocal tenths
        if 10 * done // events > tenths:
            tenths = 10 * done // events
            run.show(f"{done:,} of {events:,} events")

    generator = run.job.system.generator
    return asdict(generator.make(run.job.data, generator.options(run.job.recipe), progress))


def _data_inputs(run: Run) -> dict[str, str]:
    return run.data_digest() | run.recipe_digest("data") | system_code(run, "data")


def _data(run: Run, resume: bool) -> dict[str, Any]:
    return check_data(run.job)


def check_data(job: Job) -> dict[str, Any]:
    """Touch every split once: a file that cannot be trained on is refused before any training.

    Raises
    ------
    LeveloneError
        If the file is damaged or of another kind, or lacks what the system reads.
    """
    return {"file": str(job.data), **job.system.check_data(job.recipe, job.data)}


def _train_inputs(run: Run) -> dict[str, str]:
    return {
        **run.data_digest(),
        **run.recipe_digest("seed", "data", "model", "quant", "train"),
        **_train_code(run),
    }


def _train_code(run: Run) -> dict[str, str]:
    return system_code(run, "quant", "train") | versions("torch", "brevitas", "lightning", "numpy")


def _train(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.train import train_system

    job = run.job
    # Training itself knows checkpoints of another recipe or other data and leaves them alone; what it cannot
    # know is that the code which made them was different, or that the user wants a fresh start.
    made_by = json.dumps(_train_code(run), indent=1) + "\n"
    marker = job.path("training.json")
    if (run.force and not resume) or not marker.is_file() or marker.read_text(encoding="utf-8") != made_by:
        for name in ("float", "quantised", "rivals"):
            shutil.rmtree(job.path(name), ignore_errors=True)
        write_text(marker, made_by)
    result = train_system(job.system, job.recipe, job.data, job.folder, progress=run.show)
    return {
        f"{name} {key}": result.curves[name][key]
        for name in ("float", "quantised")
        if name in result.curves
        for key in ("best_epoch", "stopped")
    }


def _evaluate_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("module.pt", "float/best.ckpt"),
        **run.data_digest(),
        **run.recipe_digest("seed", "data", "model"),
        **system_code(run, "quant", "train", "metrics"),
        **versions("scikit-learn"),
    }


def _evaluate(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.train import evaluate

    job = run.job
    metrics = evaluate(job.system, job.recipe, job.data, job.folder, progress=run.show)
    return {card.what: card.value for card in job.system.cards(metrics)}


def _report_inputs(run: Run) -> dict[str, str]:
    files = (
        "metrics.json",
        "curves.json",
        "scores.npz",
        "csim.json",
        "cosim.json",
        "project/levelone.json",
        "rtl/levelone.json",
        "rtl/synthesis.json",
        "recipe.toml",
    )
    code = system_code(run, "report", "pipeline", "panels")
    return run.digest_of(*files) | run.data_digest() | code


def _report(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.reporting import report_page

    write_text(run.job.path("report.html"), report_page(run.job))
    return {"report": str(run.job.path("report.html"))}


_TRAINED = {
    "float": ("curves.json", "float/best.ckpt"),
    "quantised": ("module.pt", "curves.json", "float/best.ckpt", "quantised/best.ckpt"),
}
_REPORT = Stage[Run]("report", "report", _report_inputs, ("report.html",), _report)


def training_stages(job: Job) -> tuple[Stage[Run], ...]:
    """From events to a trained and measured network, as far as the recipe's network is carried."""
    simulation = Stage[Run]("simulate", "simulate events", _simulate_inputs, (EVENTS,), _simulate)
    carried = job.system.reach(job.recipe)
    title = "train float network" if carried == "float" else "train float twin and quantised model"
    written = _TRAINED["float" if carried == "float" else "quantised"]
    return (
        *((simulation,) if job.generated else ()),
        Stage[Run]("data", "check the data", _data_inputs, (), _data),
        Stage[Run]("train", title, _train_inputs, written, _train),
        Stage[Run]("evaluate", "measure", _evaluate_inputs, ("metrics.json", "scores.npz"), _evaluate),
    )


def all_stages(job: Job) -> tuple[Stage[Run], ...]:
    """The whole chain; a network that is not carried to hardware ends with training and report.

    Raises
    ------
    LeveloneError
        If RTL is asked for, and what simulates it is missing.
    """
    if job.system.reach(job.recipe) != "firmware":
        return (*training_stages(job), _REPORT)
    if job.recipe.rtl is None:
        return (*training_stages(job), *FIRMWARE, _REPORT)
    from levelone.rtl.verilator import find_verilator

    find_verilator()  # before any work
    return (*training_stages(job), *FIRMWARE, *RTL, _REPORT)


def products(folder: Path) -> dict[str, Path]:
    """What a finished run leaves, for people: name -> path."""
    names = {
        "report": "report.html",
        "trained model": "module.pt",
        "QONNX": "model.onnx",
        "HLS project": "project",
        "verdict": "csim.json",
        "RTL": "rtl",
        "RTL verdict": "cosim.json",
        "metrics": "metrics.json",
        "recipe": "recipe.toml",
    }
    return {what: folder / name for what, name in names.items() if (folder / name).exists()}

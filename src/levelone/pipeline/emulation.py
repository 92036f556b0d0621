"""From arrays on disk through the exact reference to arrays on disk."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.graph import Graph, execute, quantise_inputs, read_qonnx, to_onnx_layout

CHUNK = 8192  # events at a time: bounds the memory of intermediate layers


def emulate_files(
    model: Path, inputs: Sequence[str], output: Path, *, codes: bool = False, every: bool = False
) -> dict[str, Any]:
    """Run the reference on arrays from files.

    Parameters
    ----------
    model
        A QONNX file, or a project or run folder that holds one.
    inputs
        ``FILE.npz`` with one array per input, or ``FILE.npy`` / ``NAME=FILE.npy``, one for each input.
    output
        ``.npy`` for a model with one output, else ``.npz``; arrays are in ONNX layout.
    codes
        Write int64 codes; otherwise float64 values, code times scale.
    every
        Write every value of the graph.

    Returns
    -------
    dict
        ``events``, ``outputs`` (name -> shape), ``file``.

    Raises
    ------
    LeveloneError
        If the model or an array is not usable, or the output cannot be written.
    """
    graph = read_qonnx(model_file(model))
    several = every or len(graph.outputs) > 1
    expected = ".npz" if several else ".npy"
    if output.suffix not in {".npz", expected}:
        raise LeveloneError(f"{output}: expected a name that ends in {expected}")
    real = read_inputs(graph, inputs)
    events = len(next(iter(real.values())))
    parts: dict[str, list[NDArray[Any]]] = {}
    for start in range(0, max(events, 1), CHUNK):
        ports = quantise_inputs(graph, {name: array[start : start + CHUNK] for name, array in real.items()})
        for name, found in execute(graph, ports, keep="all" if every else "outputs").items():
            values = found if codes else found * np.array([float(s) for s in graph.values[name].scale])
            parts.setdefault(name, []).append(to_onnx_layout(graph, name, values))
    arrays = {name: np.concatenate(found) for name, found in parts.items()}
    with atomic_path(output) as scratch, scratch.open("wb") as stream:
        if output.suffix == ".npz":
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        else:
            np.save(stream, next(iter(arrays.values())))
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    return {"file": str(output), "events": events, "outputs": shapes}


def model_file(model: Path) -> Path:
    """The QONNX file behind a file, a project or a run folder.

    Raises
    ------
    LeveloneError
        If there is none.
    """
    if model.is_dir():
        for name in ("model.onnx", "levelone/model.onnx"):
            if (model / name).is_file():
                return model / name
        raise LeveloneError(
            f"{model}: no model.onnx in this folder", hint="levelone export RUN -o model.onnx"
        )
    return model


def read_inputs(graph: Graph, named: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays that ``--input`` names, by ONNX input name.

    Raises
    ------
    LeveloneError
        If a file is not a plain NumPy file, or it is not clear which input an array is for.
    """
    sources = [port.source for port in graph.inputs]
    arrays: dict[str, NDArray[Any]] = {}
    for text in named:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        loaded = _load(path)
        if isinstance(loaded, dict):
            arrays |= loaded
        elif equals:
            arrays[name] = loaded
        elif len(sources) == 1:
            arrays[sources[0]] = loaded
        else:
            raise LeveloneError(
                f"--input {text}: the model has inputs {', '.join(sources)}; which one is this?",
                hint=f"--input {sources[0]}={text}, or one .npz file with all of them",
            )
    return arrays


def _load(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """A NumPy file without pickles."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LeveloneError(f"{path}: not a readable .npy or .npz file: {error}") from error

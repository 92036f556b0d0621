"""A QONNX file against qonnx's own execution, tensor by tensor.

Inputs without a quantiser get fixed<16,6>, as hls4ml gives them. A tensor is *equal* if every number is;
*codes equal* if only the floats that stand for the same integers differ (general scales: float32 rounds
``code * scale``); else the number of codes that differ is shown: there float32 rounded a quantiser's
operand the other way, or an earlier such difference is carried on. Sums that are no codes in float32 differ
by rounding in most places.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

import levelone
from levelone.api import Model
from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, to_onnx_layout
from levelone.graph.reader.ports import annotated
from levelone.pipeline.floats import float_line, run_qonnx
from levelone.report.words import float_in_words

PORT = "fixed<16,6>"
FLOAT_BITS = 24
"""Wider integers are no float32 numbers: there qonnx rounds, and only the size of the difference is shown."""


def read(path: Path) -> tuple[Model, bool]:
    """The model, and whether its inputs had to be declared."""
    try:
        return levelone.read(path), False
    except LeveloneError as error:
        if "--port" not in str(error):
            raise
    model = onnx.load(path)
    parameters = {tensor.name for tensor in model.graph.initializer}
    names = [info.name for info in model.graph.input if info.name not in parameters]
    return levelone.read(path, ports=dict.fromkeys(names, PORT)), True


def executed(model: onnx.ModelProto, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Every tensor as qonnx computes it, event by event."""
    events = len(next(iter(inputs.values())))
    found = [run_qonnx(model, {k: v[e : e + 1] for k, v in inputs.items()}) for e in range(events)]
    named = set.intersection(*map(set, found))  # it invents names for tensors without one, anew each time
    return {name: np.stack([f[name] for f in found]) for name in named}


def compare(path: Path, events: int) -> tuple[str, str]:
    """(class, details) of one file."""
    read_model, declared = read(path)
    graph = read_model.graph
    model, rng = onnx.load(path), np.random.default_rng(0)
    types, inputs = annotated(model.graph), {}
    for port in graph.inputs:
        shape = port.source_shape or graph.layouts[port.value.name].shape
        real: NDArray[Any] = rng.standard_normal((events, *shape)) * 2
        if declared:
            real = np.clip(np.rint(real * 1024), -(2**15), 2**15 - 1) / 1024
        elif port.source in types:
            annotation = types[port.source]
            real = (
                np.where(real > 0, 1, -1)
                if annotation.bipolar
                else rng.integers(0, 2 ** (annotation.bits - 1), real.shape)
            )
        inputs[port.source] = real.astype(np.float32)
    codes = quantise_inputs(graph, inputs)
    layers = execute(graph, codes)
    try:
        theirs = executed(model, inputs)
    except Exception as error:  # whatever qonnx and onnxruntime raise
        return "read, but qonnx cannot execute it", str(error).strip().splitlines()[0][:120]
    classes: Counter[str] = Counter()
    for name, layout in graph.layouts.items():
        if not layout.tensor or layout.tensor not in theirs:
            continue
        scale = np.array([float(s) for s in graph.values[name].scale])
        exact = to_onnx_layout(graph, name, layers[name] * scale)
        given = theirs[layout.tensor].astype(np.float64).reshape(exact.shape)
        unit = to_onnx_layout(graph, name, np.broadcast_to(scale, layers[name].shape))
        off = int((np.rint((given - exact) / unit) != 0).sum())
        if (exact == given).all():
            classes["equal"] += 1
        elif graph.values[name].width > FLOAT_BITS:
            size = float(np.abs(exact - given).max() / np.abs(exact).max())
            classes[f"too wide for float32, off by {size:.0e} of the largest number"] += 1
        else:
            classes[f"{off} codes differ" if off else "codes equal"] += 1
    kind = "float32 differs" if any("differ" in what for what in classes) else "exact"
    details = ", ".join(f"{n} tensors {what}" for what, n in classes.items()) + (
        " (--port)" if declared else ""
    )
    if kind != "exact":
        details += f"\n  each layer on its own operands: {float_in_words(float_line(path, graph, codes))}"
    return kind, details

"""The host's side of the input port: real numbers to the integers that the hardware receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph, GraphInput
from levelone.graph.layout import from_onnx_layout, layout_of, to_onnx_layout
from levelone.graph.rounding import round_float
from levelone.graph.values import Codes


def quantise_inputs(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
    """Run the input quantisers.

    The arithmetic is that of the trained model: float32 division by the scale, then rounding, then
    saturation. With a power-of-two scale nothing is lost before the rounding.

    Parameters
    ----------
    inputs
        By ONNX input name: finite real numbers [event, *ONNX shape], converted to float32.

    Returns
    -------
    dict
        By value name: int64 codes [event, *graph shape], channels last.

    Raises
    ------
    LeveloneError
        If an input is missing or unknown, of the wrong shape, not numeric, or holds NaN or infinity.
    """
    known = {port.source for port in graph.inputs}
    unknown = sorted(set(inputs) - known)
    if unknown:
        raise LeveloneError(f"no input is called {unknown[0]!r}; the graph has {', '.join(sorted(known))}")
    codes = {}
    events: dict[int, str] = {}
    for port in graph.inputs:
        if port.source not in inputs:
            raise LeveloneError(f"input {port.source!r} is missing")
        real = _checked(graph, port, np.asarray(inputs[port.source]))
        events[len(real)] = port.source
        for step in port.host:
            real = step.run(real)
        if np.isnan(real).any():
            raise LeveloneError(f"input {port.source!r}: the steps before its quantiser make NaN of it")
        codes[port.value.name] = _quantise(port, from_onnx_layout(graph, port.value.name, real))
    if len(events) > 1:
        counts = ", ".join(f"{source}: {n}" for n, source in events.items())
        raise LeveloneError(f"inputs hold different numbers of events ({counts})")
    return codes


def real_inputs(graph: Graph, codes: Mapping[str, Codes]) -> dict[str, NDArray[np.float64]]:
    """Real numbers in ONNX layout that the host's steps and the input quantisers turn into `codes`.

    Parameters
    ----------
    codes
        By value name of every port: integers [event, *graph shape].

    Raises
    ------
    LeveloneError
        If there are no such numbers: a step loses them, or two ports read one input differently.
    """
    real: dict[str, NDArray[np.float64]] = {}
    for port in graph.inputs:
        quantiser, given = port.quantiser, np.asarray(codes[port.value.name])
        scale = np.array([float(s) for s in quantiser.scales or (quantiser.scale,)])
        shift = np.array([float(s) for s in quantiser.shifts or (0,)])
        centred = 2 * given - 1 if quantiser.bipolar else given - shift
        found = to_onnx_layout(graph, port.value.name, centred * scale)
        for step in reversed(port.host):
            found = step.undo(found)
        real[port.source] = found
    back = quantise_inputs(graph, real)
    for name, wanted in back.items():
        if not np.array_equal(wanted, codes[name]):
            raise LeveloneError(f"no input makes the wanted codes of port {name!r}")
    return real


def _checked(graph: Graph, port: GraphInput, real: NDArray[Any]) -> NDArray[np.float32]:
    expected = port.source_shape or layout_of(graph, port.value.name).shape
    if real.dtype.kind not in "fiub":
        raise LeveloneError(f"input {port.source!r}: numbers expected, found dtype {real.dtype}")
    if real.shape[1:] != expected or real.ndim != len(expected) + 1:
        raise LeveloneError(
            f"input {port.source!r}: shape {real.shape}, expected (events, {_list(expected)})"
        )
    with np.errstate(over="ignore"):
        single = real.astype(np.float32)
    if not np.isfinite(single).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(single))[0])
        raise LeveloneError(
            f"input {port.source!r}: {real[where]} at {where}; finite float32 numbers expected"
        )
    return single


def _quantise(port: GraphInput, real: NDArray[np.float32]) -> Codes:
    """Codes of real numbers [event, *graph shape]."""
    quantiser = port.quantiser
    if quantiser.bipolar:
        return (real >= 0).astype(np.int64)
    scale = np.array([float(s) for s in quantiser.scales or (quantiser.scale,)], dtype=np.float32)
    shift = [float(s) for s in quantiser.shifts or (quantiser.zero_point,)]
    with np.errstate(over="ignore", invalid="ignore"):  # overflow to infinity saturates, as it should
        scaled = real / scale
        scaled += np.array(shift, dtype=np.float32)
    clipped = np.clip(scaled.astype(np.float64), quantiser.range.lo, quantiser.range.hi)
    return round_float(clipped, quantiser.rounding).astype(np.int64) - quantiser.zero_point


def _list(shape: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in shape)

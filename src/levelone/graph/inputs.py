"""The host's side of the input port: real numbers to the integers that the hardware receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph, GraphInput
from levelone.graph.layout import from_onnx_layout, layout_of, to_onnx_layout
from levelone.graph.port_counts import PortCount, counted, grid
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
    return enter(graph, inputs)[0]


def enter(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> tuple[dict[str, Codes], tuple[PortCount, ...]]:
    """The same, and what became of the numbers at each port: how many saturated, how many were rounded."""
    known = {port.source for port in graph.inputs}
    unknown = sorted(set(inputs) - known)
    if unknown:
        raise LeveloneError(f"no input is called {unknown[0]!r}; the graph has {', '.join(sorted(known))}")
    codes = {}
    counts = []
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
        arranged = from_onnx_layout(graph, port.value.name, real)
        scaled, codes[port.value.name] = _quantise(port, arranged)
        counts.append(counted(port, arranged, scaled, codes[port.value.name]))
    if len(events) > 1:
        told = ", ".join(f"{source}: {n}" for n, source in events.items())
        raise LeveloneError(f"inputs hold different numbers of events ({told})")
    return codes, tuple(counts)


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
        scale, shift = grid(port)
        shift = shift - quantiser.zero_point  # which the codes have lost already
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
    return single(f"input {port.source!r}", real)


def single(told: str, given: NDArray[Any], start: int = 0) -> NDArray[np.float32]:
    """Numbers [event, ...], which messages call `told`, as float32; `start` is the number of the first event.

    Raises
    ------
    LeveloneError
        If one is NaN, infinite or too large for float32, or an integer that float32 does not hold.
    """
    with np.errstate(over="ignore"):
        found = given.astype(np.float32, copy=False)
    good, fault = np.isfinite(found), "finite float32 numbers expected"
    if given.dtype.kind in "iu" and given.dtype.itemsize > 2:
        large = (given > WHOLE) | (given < -WHOLE)
        if large.any():
            whole = given.astype(np.float64)
            good &= ~large | ((np.abs(whole) < 2.0**53) & (whole == found))
            fault = "float32, in which the network computes, does not hold that number"
    if not good.all():
        event, *where = (int(i) for i in np.argwhere(~good)[0])
        place = f"{given[event][tuple(where)]} in event {start + event} at {tuple(where)}"
        raise LeveloneError(f"{told}: {place}; {fault}")
    return found


WHOLE = 2**24
"""Up to here float32 holds every integer."""


def _quantise(port: GraphInput, real: NDArray[np.float32]) -> tuple[NDArray[np.float32], Codes]:
    """Real numbers [event, *graph shape] in units of the port's last place, and their codes."""
    quantiser = port.quantiser
    if quantiser.bipolar:
        return real, (real >= 0).astype(np.int64)
    scale, shift = (numbers.astype(np.float32) for numbers in grid(port))
    with np.errstate(over="ignore", invalid="ignore"):  # overflow to infinity saturates, as it should
        scaled = real / scale
        scaled += shift
    clipped = np.clip(scaled.astype(np.float64), quantiser.range.lo, quantiser.range.hi)
    return scaled, round_float(clipped, quantiser.rounding).astype(np.int64) - quantiser.zero_point


def _list(shape: tuple[int, ...]) -> str:
    return ", ".join(str(n) for n in shape)

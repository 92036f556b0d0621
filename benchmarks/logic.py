"""Look-up tables of the fully unrolled design (initiation interval 1), estimated by alkaid.

Run it as ``python -m benchmarks.logic MODEL.onnx [--json]``; it needs ``pip install alkaid==0.8.2``. alkaid
turns the graph into a fixed-point program of adders with shared subexpressions; its cost counts the LUTs of
those adders. Yosys (``synth_xilinx -family xcup``) finds about 1.1 to 1.2 times as many on such designs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from levelone.graph import Graph, IntRange, execute, read_qonnx
from levelone.graph.ops import Concat, Conv, Dense, MaxPool, Relu, Requantise, Reshape
from levelone.verify import random_vectors


def constant_product(x: Any, weights: Any, bias: Any) -> Any:
    """``x @ weights + bias`` on symbolic fixed-point values; x [..., in], weights [in, out]."""
    return x @ weights.astype(np.float64) + bias.astype(np.float64)


def convolve(op: Conv, x: Any) -> Any:
    """One constant matrix product per output position; x [*spatial, channels]."""
    if op.groups != 1:
        raise NotImplementedError("grouped convolution")
    out = op.window.output_shape("conv", x.shape[:-1])
    padded = np.zeros(
        (*(n + sum(p) for n, p in zip(x.shape[:-1], op.pads, strict=True)), x.shape[-1]), dtype=object
    )
    inner = tuple(slice(p[0], p[0] + n) for n, p in zip(x.shape[:-1], op.pads, strict=True))
    raw = np.asarray(x, dtype=object)
    padded[inner] = raw
    weights = op.weights * op.step
    rows = []
    for position in np.ndindex(*out):
        cut = tuple(
            slice(o * s, o * s + d * (k - 1) + 1, d)
            for o, s, d, k in zip(position, op.stride, op.dilation, op.weights.shape[:-2], strict=True)
        )
        patch = padded[cut].reshape(-1)
        live = np.array([not isinstance(v, int) for v in patch])
        operands = type(x)(patch[live], x.solver_options, hwconf=x.hwconf)
        flat = weights.reshape(-1, weights.shape[-1])[live]
        rows.append(np.asarray(constant_product(operands, flat, op.bias), dtype=object))
    return type(x)(np.array(rows).reshape(*out, -1), x.solver_options, hwconf=x.hwconf)


def requantise(op: Requantise, x: Any, source: IntRange) -> Any:
    """Shift, round half to even, saturate: the only kind that power-of-two graphs have."""
    if not op.is_shift or op.rounding.value != "ROUND":
        raise NotImplementedError(f"requantisation {op}")
    factor = op.multiplier[0]
    if factor.denominator == 1 and factor * source.lo >= op.range.lo and factor * source.hi <= op.range.hi:
        return x * float(factor)  # onto a finer grid: nothing rounds or clips
    signed = op.range.lo < 0
    bits = op.range.hi.bit_length()
    if op.range.hi != 2**bits - 1:
        raise NotImplementedError(f"clip range {op.range}")
    mode = "SAT_SYM" if signed and op.range.lo == -op.range.hi else "SAT"
    return (x * float(factor)).quantize(k=int(signed), i=bits, f=0, overflow_mode=mode, round_mode="RND_CONV")


def trace_graph(graph: Graph) -> Any:
    """The graph as one alkaid program over its input codes."""
    from alkaid.trace import FVArray, HWConfig, trace

    live: dict[str, Any] = {}
    for port in graph.inputs:
        shape, reach = port.value.shape, port.value.range
        ends = (np.full(shape, float(e)) for e in (reach.lo, reach.hi, 1))
        live[port.value.name] = FVArray.from_lhs(*ends, HWConfig(1, -1, -1))
    ports = [live[port.value.name] for port in graph.inputs]
    for node in graph:
        xs = [live[name] for name in node.inputs]
        op: Any = node.op
        match op:
            case Conv():
                y = convolve(op, xs[0])
            case Dense():
                y = constant_product(xs[0], op.weights * op.step, op.bias)
            case Requantise():
                y = requantise(op, xs[0], graph.values[node.inputs[0]].range)
            case Relu():
                y = np.maximum(xs[0], 0)
            case Reshape():
                y = xs[0].reshape(op.shape)
            case Concat():
                y = np.concatenate(xs, axis=op.axis)
            case MaxPool():
                y = pool(op, xs[0])
            case _:
                raise NotImplementedError(f"{node.name}: {type(op).__name__}")
        live[node.name] = y
    inputs = np.concatenate([np.asarray(p, dtype=object).ravel() for p in ports])
    outputs = np.concatenate([np.asarray(live[name], dtype=object).ravel() for name in graph.outputs])
    return trace(list(inputs), list(outputs), keep_dead_inputs=True)


def pool(op: MaxPool, x: Any) -> Any:
    """Maximum over each window of an unpadded tensor."""
    if any(sum(p) for p in op.pads):
        raise NotImplementedError("padded pooling")
    out = op.window.output_shape("pool", x.shape[:-1])
    best = None
    for tap in op.window.taps():
        cut = tuple(slice(t, t + s * (o - 1) + 1, s) for t, s, o in zip(tap, op.stride, out, strict=True))
        best = x[cut] if best is None else np.maximum(best, x[cut])
    return best


def main() -> None:
    """Trace, check the program against the reference on random vectors, print the estimate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--vectors", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    graph = read_qonnx(arguments.model)
    program = trace_graph(graph)
    codes = random_vectors(graph, arguments.vectors, seed=0)
    stacked = np.concatenate(
        [codes[p.value.name].reshape(len(codes[p.value.name]), -1) for p in graph.inputs], 1
    )
    found = program.predict(stacked.astype(np.float64))
    expected = np.concatenate(
        [execute(graph, codes, keep="outputs")[o].reshape(len(stacked), -1) for o in graph.outputs], 1
    )
    result = {
        "luts": round(program.cost),
        "vectors": len(stacked),
        "equal": int(np.sum((found == expected).all(axis=1))),
    }
    print(json.dumps(result) if arguments.json else result)


if __name__ == "__main__":
    main()

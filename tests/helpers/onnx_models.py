"""Small QONNX models made node by node, and their execution by qonnx."""

from __future__ import annotations

import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from levelone.graph import execute, quantise_inputs, read_qonnx, to_onnx_layout

DOMAIN = "qonnx.custom_op.general"


class Model:
    """Collects nodes and initializers; every method returns a tensor name."""

    def __init__(self, **inputs):
        self.nodes, self.constants, self.outputs = [], [], []
        self.inputs = inputs
        self.count = 0

    def constant(self, array, dtype=np.float32) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype=dtype), name))
        return name

    def add(self, op_type, *inputs, out=None, domain="", **attributes) -> str:
        self.count += 1
        out = out or f"{op_type.lower()}_{self.count}"
        kinds = (np.int64 if getattr(i, "dtype", None) == np.int64 else np.float32 for i in inputs)
        names = [i if isinstance(i, str) else self.constant(i, k) for i, k in zip(inputs, kinds, strict=True)]
        self.nodes.append(
            helper.make_node(op_type, names, [out], name=f"n_{out}", domain=domain, **attributes)
        )
        return out

    def quant(
        self, x, scale, bits, *, signed=1, narrow=0, zero=0.0, mode="ROUND", out=None, op="Quant"
    ) -> str:
        parameters = (np.float32(s) for s in (zero, bits))
        return self.add(
            op, x, np.asarray(scale, np.float32), *parameters, out=out, domain=DOMAIN, signed=signed,
            narrow=narrow, rounding_mode=mode,
        )  # fmt: skip

    def weight(self, array, scale, bits=5, **kw) -> str:
        return self.quant(self.constant(array), scale, bits, narrow=1, **kw)

    def build(self, *outputs, batch=1, output_dims=None) -> onnx.ModelProto:
        given = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, *shape])
            for n, shape in self.inputs.items()
        ]
        made = [helper.make_tensor_value_info(n, TensorProto.FLOAT, output_dims) for n in outputs]
        graph = helper.make_graph(self.nodes, "made", given, made, self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers that depend on shape and seed alone, not on what has run before."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape) * 0.5


def real_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Graph inputs that are not parameters (some exporters list those as well)."""
    parameters = {tensor.name for tensor in model.graph.initializer}
    return [info for info in model.graph.input if info.name not in parameters]


def run_qonnx(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every tensor, event by event: float arrays [event, *ONNX shape]."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for info in (*real_inputs(copy), *copy.graph.output):
        if info.type.tensor_type.shape.dim:
            info.type.tensor_type.shape.dim[0].dim_value = 1
    wrapper = ModelWrapper(copy).transform(InferShapes())
    events = len(next(iter(inputs.values())))
    names = {info.name for info in real_inputs(copy)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output shapes disagree")  # its shape inference, not ours
        contexts = [
            execute_onnx(wrapper, {n: inputs[n][e : e + 1] for n in names}, return_full_exec_context=True)
            for e in range(events)
        ]
    return {name: np.stack([c[name] for c in contexts]) for name in contexts[0]}


def compare(model: onnx.ModelProto, events: int = 6, seed: int = 0, spread: float = 3.0) -> int:
    """Codes times scale must equal what qonnx computes, at every tensor that is a value; returns how many."""
    graph = read_qonnx(model)
    rng = np.random.default_rng(seed)
    inputs = {
        info.name: (
            rng.standard_normal((events, *(d.dim_value for d in info.type.tensor_type.shape.dim[1:])))
            * spread
        ).astype(np.float32)
        for info in real_inputs(model)
    }
    layers = execute(graph, quantise_inputs(graph, inputs))
    executed = run_qonnx(model, inputs)
    compared = 0
    for name, value in graph.values.items():
        layout = graph.layouts[name]
        if not layout.tensor or layout.tensor not in executed:
            continue
        scale = np.array([float(s) for s in value.scale])
        found = to_onnx_layout(graph, name, layers[name] * scale)
        wanted = executed[layout.tensor].astype(np.float64).reshape(found.shape)
        assert (found == wanted).all(), f"{name}: differs at {np.argwhere(found != wanted)[0]}"
        assert len(np.unique(wanted)) > 1, f"{name} is constant: nothing was tested"
        compared += 1
    assert {graph.layouts[o].tensor for o in graph.outputs} <= set(executed)
    return compared


BRANCHES = np.random.default_rng(8)


def branch(m: Model, x: str, channels: int = 3) -> str:
    """A convolution with a scale and a float bias of its own."""
    scale = np.float32(BRANCHES.uniform(0.002, 0.008, (channels, 1, 1)))
    weight = m.weight(BRANCHES.normal(size=(channels, 3, 3)), scale, 6)
    return m.add("Conv", x, weight, m.constant(BRANCHES.normal(size=channels)), pads=[1, 1])

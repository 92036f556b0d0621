"""Files that ask for too much: small on disk, huge in memory or time. Made node by node."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx_models import Model


def _chain(steps: int, step: Callable[[Model, str], str], shape=(2, 4)) -> onnx.ModelProto:
    m = Model(x=shape)
    x = m.quant("x", 0.25, 4)
    for _ in range(steps):
        x = step(m, x)
    return m.build(x)


def _constants(steps: int, step: Callable[[Model, str], str], start) -> onnx.ModelProto:
    m = Model(x=(2, 4))
    x, c = m.quant("x", 0.25, 4), m.constant(start)
    for _ in range(steps):
        c = step(m, c)
    return m.build(m.add("Add", x, c))


def _one(shape, op: str, *operands, **attributes) -> onnx.ModelProto:
    m = Model(x=shape)
    names = [o if isinstance(o, str) else m.constant(*o) for o in operands]
    return m.build(m.add(op, m.quant("x", 0.25, 4), *names, **attributes))


def _claimed(dims: list[int], *, external: bool = False) -> onnx.ModelProto:
    m = Model(x=(4,))
    model = m.build(m.add("MatMul", m.quant("x", 0.25, 4), "w"))
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims)
    if external:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="model.onnx")
        tensor.external_data.add(key="length", value=str(4 * int(np.prod(dims, dtype=object))))
    model.graph.initializer.append(tensor)
    return model


def _wide_convolution() -> onnx.ModelProto:
    m = Model(x=(1, 40, 40, 40))
    w = m.weight(np.ones((1, 1, 40, 40, 40)), 0.5)
    return m.build(m.add("Conv", m.quant("x", 0.25, 4), w, pads=[39] * 6))


def _tables(count: int) -> onnx.ModelProto:
    m = Model(x=(2,))
    ends = [m.quant(m.add("Tanh", m.quant("x", 2.0**-12, 16)), 2.0**-7, 8) for _ in range(count)]
    return m.build(*ends)


def _nested(op: str) -> onnx.ModelProto:
    m = Model(x=(2,))
    x = m.quant("x", 0.25, 4)
    body = helper.make_graph([helper.make_node("Relu", [x], ["inner"])], "body", [],
                             [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)])  # fmt: skip
    given = {"If": {"then_branch": body, "else_branch": body}}.get(op, {"body": body})
    inputs = [m.constant(True, bool)] if op == "If" else ["", "", x] if op == "Loop" else [x]
    m.nodes.append(helper.make_node(op, inputs, ["y"], name="n_y", **given))
    return m.build("y")


def _deep_subgraphs(depth: int) -> onnx.ModelProto:
    graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", [], [])
    for _ in range(depth):
        node = helper.make_node("If", ["a"], ["b"])
        node.attribute.append(helper.make_attribute("then_branch", graph))
        graph = helper.make_graph([node], "g", [], [])
    model = _one((2,), "Relu")
    model.graph.node.append(graph.node[0])
    return model


BOMBS: dict[str, Callable[[], onnx.ModelProto]] = {
    "reshape to 2**40": lambda: _one((2, 4), "Reshape", ([1, 2**40], np.int64)),
    "reshape to 2**62 and -1": lambda: _one((2, 4), "Reshape", ([0, 2**62, -1], np.int64)),
    "convolution padded by 2**31": lambda: _one((1, 8), "Conv", (np.ones((1, 1, 2)),), pads=[2**31, 2**31]),
    "convolution strided by 2**62": lambda: _one((1, 8), "Conv", (np.ones((1, 1, 2)),), strides=[2**62]),
    "a kernel larger than everything": _wide_convolution,
    "pooling of 2**20 by 2**20": lambda: _one(
        (1, 2**20), "MaxPool", kernel_shape=[2**20], pads=[2**20 - 1] * 2
    ),
    "pooling padded by 2**40": lambda: _one((1, 8), "MaxPool", kernel_shape=[2**40 + 1], pads=[2**40] * 2),
    "transposed convolution strided by 2**30": lambda: _one(
        (1, 8, 8), "ConvTranspose", (np.ones((1, 1, 2, 2)),), strides=[2**30, 2**30]
    ),
    "transposed convolution, huge output padding": lambda: _one(
        (1, 8), "ConvTranspose", (np.ones((1, 1, 2)),), output_padding=[2**40]
    ),
    "claims of 10**12 numbers": lambda: _claimed([4, 250_000_000_000]),
    "claims of 2**70 numbers": lambda: _claimed([2**35, 2**35]),
    "claims of 10**12 numbers in another file": lambda: _claimed([4, 250_000_000_000], external=True),
    "expand": lambda: _one((2, 4), "Expand", ([1, 2**20, 2**20], np.int64)),
    "tile": lambda: _one((2, 4), "Tile", ([1, 2**20, 2**20], np.int64)),
    "constant of shape": lambda: _constants(
        1, lambda m, c: m.add("ConstantOfShape", m.constant([2**20, 2**20], np.int64)), 1.0
    ),
    "range": lambda: _constants(1, lambda m, c: m.add("Range", 0.0, 1e12, 1.0), 1.0),
    "padding by 2**40": lambda: _one((2, 4), "Pad", ([0, 0, 2**40, 0, 0, 0], np.int64)),
    "padding before the quantiser": lambda: _before("Pad", ([0, 0, 2**40, 0, 0, 0], np.int64)),
    "gather of many": lambda: _before("Gather", (np.zeros(2**20), np.int64), axis=1),
    "repeated gathers": lambda: _chain(
        40, lambda m, x: m.add("Gather", x, m.constant([0, 0, 1, 1, 2, 2, 3, 3], np.int64), axis=2)
    ),
    "upsampling, again and again": lambda: _chain(
        40,
        lambda m, x: m.add("Upsample", x, m.constant([1, 1, 4]), mode="nearest"),
    ),
    "concatenation, again and again": lambda: _chain(60, lambda m, x: m.add("Concat", x, x, axis=1)),
    "sums that double": lambda: _chain(200, lambda m, x: m.add("Add", x, x)),
    "products that square": lambda: _chain(200, lambda m, x: m.add("Mul", x, x)),
    "factors without a quantiser": lambda: _chain(3000, lambda m, x: m.add("Mul", x, m.constant(1.1))),
    "concatenated constants": lambda: _constants(60, lambda m, c: m.add("Concat", c, c, axis=0), np.ones(8)),
    "constants that broadcast": lambda: _constants(
        1, lambda m, c: m.add("Mul", c, m.constant(np.ones((1, 2**16)))), np.ones((2**16, 1))
    ),
    "gathered constants": lambda: _constants(
        1, lambda m, c: m.add("Gather", c, m.constant(np.zeros(2**14), np.int64)), np.ones((4, 2**14))
    ),
    "many axes": lambda: _chain(40, lambda m, x: m.add("Unsqueeze", x, m.constant([1], np.int64))),
    "many nodes": lambda: _chain(3000, lambda m, x: m.add("Relu", x)),
    "many nodes of one name": lambda: _same_names(3000),
    "many tables": lambda: _tables(60),
    "a negative axis": lambda: _one((2, 4), "Concat", axis=-(2**60)),
    "transposed axes": lambda: _one((2, 4), "Transpose", perm=[0, 2**40, 1]),
    "split": lambda: _one((2, 4), "Split", ([2**62, 2**62], np.int64), axis=1),
    "slice": lambda: _one(
        (2, 4), "Slice", *(([number], np.int64) for number in (-(2**62), 2**62, 1, 2**62))
    ),
    "if": lambda: _nested("If"),
    "loop": lambda: _nested("Loop"),
    "scan": lambda: _nested("Scan"),
    "nested subgraphs": lambda: _deep_subgraphs(12),
    "a bit width of 2**40": lambda: _bits(2.0**40),
    "a scale of the smallest float": lambda: _scale(1e-45),
    "a scale of the largest float": lambda: _scale(3e38),
}  # fmt: skip


def _before(op: str, *operands, **attributes) -> onnx.ModelProto:
    m = Model(x=(2, 4))
    return m.build(m.quant(m.add(op, "x", *(m.constant(*o) for o in operands), **attributes), 0.25, 4))


def _bits(bits: float) -> onnx.ModelProto:
    m = Model(x=(2,))
    return m.build(m.quant("x", 0.25, bits))


def _scale(scale: float) -> onnx.ModelProto:
    m = Model(x=(2,))
    x = m.quant(m.quant("x", scale, 8), 0.3, 8)
    return m.build(m.add("MatMul", x, m.weight(np.ones((2, 2)), scale)))


def _same_names(count: int) -> onnx.ModelProto:
    """Names that become equal once everything but letters, digits and underscores is gone."""
    m = Model(x=(2,))
    x = m.quant("x", 0.25, 4)
    for number in range(count):
        x = m.add("Relu", x, out="é" * (number + 1))
    return m.build(x)


def write(folder) -> None:
    """Every bomb as a file."""
    for name, make in BOMBS.items():
        (folder / f"{name.replace(' ', '_').replace('*', '').replace(',', '')}.onnx").write_bytes(
            make().SerializeToString()
        )

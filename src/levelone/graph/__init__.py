"""The integer graph: QONNX in, exact ranges, an exact and fast reference.

Reading and running::

    graph = read_qonnx("model.onnx")
    codes = quantise_inputs(graph, {"images": images, "features": features})   # ONNX layout, real numbers
    layers = execute(graph, codes, keep="all")             # {value name: int64 codes [event, *shape]}
    conv1 = to_onnx_layout(graph, "conv1", layers["conv1"])                    # channels first again

`layer_table(graph)` lists what each layer costs: widths, ranges, multiply-accumulates, weights.

Building by hand::

    b = GraphBuilder("tiny")
    x = b.input("images_q", (16, 16, 2), Fraction(1, 4), IntRange(0, 15), source="images")
    y = b.node("conv1", Conv(weights, bias, weight_scale=(Fraction(1, 8),), stride=(2, 2),
                             pads=((1, 1), (1, 1)), dilation=(1, 1), groups=1, step=1), x)
    r = b.node("act1_relu", Relu(), y)
    a = b.requantise("act1", r, Fraction(1, 4), IntRange(0, 15))               # ROUND: half to even
    p = b.node("pool1", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), a)
    f = b.node("flat", Reshape((64,)), p)
    z = b.node("logit", Dense(weights, bias, weight_scale=(Fraction(1, 8),), step=1), f)
    graph = b.build(z)

Operations (`levelone.graph.ops`), shapes channels last and without the batch axis:
``Conv`` (weights [*kernel, channels in / groups, channels out]; result ``step * sum + bias``, scale
``x.scale * weight_scale / step``), ``Dense`` (weights [in, out], likewise), ``Requantise`` (multiplier,
offset, scale, range, rounding, zero_point; ``is_cast`` when an assignment does it), ``Relu``, ``MaxPool``,
``AveragePool`` (code = sum; ``divisor``), ``Add`` (equal scales), ``Affine`` (integer factor and term per
channel), ``Concat`` (axis), ``Reshape``, ``Transpose``. Every `Value` has shape, scale(s), ``exponent`` (or
None), exact ``range`` (and ``channel_ranges``), width and sign.
"""

from levelone.graph.build import GraphBuilder, sanitise
from levelone.graph.cost import LayerCost, layer_table, totals
from levelone.graph.execute import Executor, execute
from levelone.graph.inputs import quantise_inputs
from levelone.graph.ir import Graph, GraphInput, InputQuantiser, Layout, Node
from levelone.graph.layout import from_onnx_layout, layout_of, to_onnx_layout
from levelone.graph.operation import Op
from levelone.graph.outputs import file_outputs, output_shapes
from levelone.graph.reader import read_qonnx
from levelone.graph.values import Codes, IntRange, Rounding, Value

__all__ = [
    "Codes",
    "Executor",
    "Graph",
    "GraphBuilder",
    "GraphInput",
    "InputQuantiser",
    "IntRange",
    "LayerCost",
    "Layout",
    "Node",
    "Op",
    "Rounding",
    "Value",
    "execute",
    "file_outputs",
    "from_onnx_layout",
    "layer_table",
    "layout_of",
    "output_shapes",
    "quantise_inputs",
    "read_qonnx",
    "sanitise",
    "to_onnx_layout",
    "totals",
]

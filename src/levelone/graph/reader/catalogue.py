"""What the reader carries and what it refuses, operator by operator: the source of docs/supported-models.md.

`tests/graph/test_catalogue.py` compares it with the tables and the messages of the reader itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One operator.

    Attributes
    ----------
    becomes
        Names of the integer operations it can become; empty if it only moves the layout or waits.
    reads
        Which attributes and operands.
    refuses
        Pieces of the messages for what it does not carry.
    """

    becomes: tuple[str, ...]
    reads: str
    refuses: tuple[str, ...] = ()


WINDOW = "negative padding crops"
ADD = ("Add", "AddRequantise", "Affine", "ElementAffine", "Requantise")
TABLE = ("Lookup", "Staircase")
FUNCTION = ("is not followed by a quantiser", "would need a table of")
UNDEFINED = "is not defined everywhere"
CONSTANT = ("varies along spatial axes",)
REDUCED = ("reduces every axis", "include the batch axis")

ENTRIES: dict[str, Entry] = {
    "Abs": Entry((*TABLE, "Affine", "Relu", "Add"), "anything; before a quantiser it is a table"),
    "Acos": Entry(TABLE, "before a quantiser, where it is defined", (*FUNCTION, UNDEFINED)),
    "Add": Entry(
        ADD,
        "two activations (axes of length 1 broadcast, scales may differ), or a constant: one, one per "
        "channel or along another axis, one per element; after MatMul and Conv the bias",
        ("adds activations of shapes", *CONSTANT),
    ),
    "Asin": Entry(TABLE, "before a quantiser, where it is defined", (*FUNCTION, UNDEFINED)),
    "Asinh": Entry(TABLE, "before a quantiser", FUNCTION),
    "Atan": Entry(TABLE, "before a quantiser", FUNCTION),
    "AveragePool": Entry(
        ("AveragePool", "Pad"),
        "1 to 3 spatial axes, strides, pads, auto_pad, dilations, count_include_pad, ceil_mode",
        (WINDOW,),
    ),
    "BatchNormalization": Entry(("Affine",), "constants, inference; also channels last", ("training mode",)),
    "BipolarQuant": Entry(("Requantise", "Affine"), "one scale or one per channel; on inputs too"),
    "Cast": Entry((), "to float32 or float64", ("no float32 or float64",)),
    "Ceil": Entry(("Requantise",), "anything; it is a quantiser itself"),
    "Celu": Entry(TABLE, "before a quantiser", FUNCTION),
    "Clip": Entry(("Requantise", "Relu"), "constant limits (HardTanh)", ("above max",)),
    "Concat": Entry(
        ("Concat", "Requantise"), "any axis but the batch's, any number of operands", ("joins events along",)
    ),
    "Conv": Entry(
        ("Conv",),
        "1 to 3 spatial axes, groups, depthwise, strides, pads, auto_pad, dilations, bias; also channels "
        "last; weights through a quantiser, or on a binary grid of at most 16 bits",
        ("are not quantised", "weight scales that vary within an output channel", WINDOW),
    ),
    "ConvTranspose": Entry(
        ("Conv", "Reshape", "Transpose", "Take"),
        "1 to 3 spatial axes, groups, strides, pads, dilations, output_padding, bias: as a Conv",
        ("output_shape or automatic padding",),
    ),
    "Cos": Entry(TABLE, "before a quantiser", FUNCTION),
    "DepthToSpace": Entry(("Reshape", "Transpose"), "DCR and CRD", ("does not divide",)),
    "Div": Entry(
        TABLE, "by a constant; of a constant, before a quantiser", ("divides by something computed",)
    ),
    "Dropout": Entry((), "inference"),
    "Einsum": Entry(
        ("LocallyConnected", "Conv"),
        "one activation and constant weights, an equation that names each axis, that of the events first: "
        "sums of products with weights of each position, or a convolution where all share them",
        ("does not stay first in", "multiplies two activations", "sums weights that meet no operand"),
    ),
    "Elu": Entry(TABLE, "before a quantiser", FUNCTION),
    "Erf": Entry(TABLE, "before a quantiser", FUNCTION),
    "Exp": Entry(TABLE, "before a quantiser", FUNCTION),
    "Expand": Entry(("Take",), "constant shape", ("the axes of one event", "does not expand")),
    "Flatten": Entry(("Reshape",), "axis=1", ("flattens the batch axis or keeps others",)),
    "Floor": Entry(("Requantise",), "anything; it is a quantiser itself"),
    "Gather": Entry(("Take",), "constant indices, of any shape"),
    "Gelu": Entry(TABLE, "before a quantiser", ("approximates Gelu by tanh", *FUNCTION)),
    "Gemm": Entry(("Dense",), "transB, bias, alpha, beta", ("transA, or alpha 0",)),
    "GlobalAveragePool": Entry(("AveragePool",), "1 to 3 spatial axes"),
    "GlobalMaxPool": Entry(("MaxPool",), "1 to 3 spatial axes"),
    "HardSigmoid": Entry(("Requantise",), "before a quantiser; at the end it stays on the host"),
    "HardSwish": Entry(TABLE, "before a quantiser", FUNCTION),
    "Identity": Entry((), "anything"),
    "IntQuant": Entry(("Requantise", "Affine"), "as Quant"),
    "LeakyRelu": Entry(
        ("Lookup", "Requantise", "Affine", "Add", "Relu", "Staircase"),
        "anything; before a quantiser by table, or for wide sums as the larger of two quantisers",
    ),
    "Log": Entry(TABLE, "before a quantiser, where it is defined", (*FUNCTION, UNDEFINED)),
    "MatMul": Entry(
        ("Dense", "MatMul", "LocallyConnected", "Conv"),
        "by a constant matrix on either side, or one for each position; of two activations whose other axes "
        "are equal (attention)",
        ("a constant of shape", "mixes events", "multiplies activations of shapes"),
    ),
    "Max": Entry(("Requantise", "Relu"), "with constants", ("compares two activations",)),
    "MaxPool": Entry(
        ("MaxPool",),
        "1 to 3 spatial axes, strides, pads, auto_pad, dilations, ceil_mode; also channels last",
        ("the indices of maxima are used", WINDOW),
    ),
    "Mean": Entry(ADD, "as Add, any number of operands"),
    "Min": Entry(("Requantise",), "with constants", ("compares two activations",)),
    "Mish": Entry(TABLE, "before a quantiser", FUNCTION),
    "Mul": Entry(
        ("Multiply", "Power", "Affine", "ElementAffine", "LocallyConnected", "Conv"),
        "two activations of equal rank (axes of length 1 broadcast: squeeze and excitation), an "
        "activation and itself, or a constant, also weights of each position that a ReduceSum adds up; "
        "x * Sigmoid(x) before a quantiser is one table",
        ("activations of equal rank", *CONSTANT),
    ),
    "Neg": Entry(("Affine",), "anything"),
    "PRelu": Entry(("Lookup", "Requantise", "Affine", "Add", "Relu", "Staircase"), "constant slopes"),
    "Pad": Entry(
        ("Pad", "Take"),
        "constant (with a number that is a code), reflect, edge; negative pads crop; chosen axes",
        ("reach the batch axis", "which is no code of"),
    ),
    "Pow": Entry(
        (*TABLE, "Power"),
        "a constant base or exponent, before a quantiser; whole exponents from 2 to 16 without one, too",
        ("a computed power", *FUNCTION, UNDEFINED),
    ),
    "Quant": Entry(
        ("Requantise", "AddRequantise", "Affine", "Lookup", "Staircase"),
        "1 to 62 bits, fractions of bits too, signed, unsigned, narrow; one scale or one per channel (on "
        "parameters any, on a common grid); zero point none, integer, fractional, or one per channel; "
        "rounding ROUND (HALF_EVEN), CEIL, FLOOR, UP, DOWN, HALF_UP, "
        "HALF_DOWN; on inputs, activations, weights and biases; one bit and signed is bipolar",
        ("rounding mode", "bit width", "a zero point below 2**24"),
    ),
    "Reciprocal": Entry(TABLE, "before a quantiser, where it is defined", (*FUNCTION, UNDEFINED)),
    "ReduceMax": Entry(("MaxPool",), "any axes but the batch's", REDUCED),
    "ReduceMean": Entry(("AveragePool",), "any axes but the batch's", REDUCED),
    "ReduceMin": Entry(("Affine", "MaxPool"), "any axes but the batch's", REDUCED),
    "ReduceSum": Entry(("AveragePool", "Affine"), "any axes but the batch's", REDUCED),
    "Relu": Entry(("Relu",), "anything"),
    "Reshape": Entry(("Reshape",), "0 and -1, allowzero", ("drops the batch", "keep the batch axis first")),
    "Resize": Entry(
        ("Upsample",),
        "nearest, by whole factors, where all conventions mean repetition",
        ("whole factors on spatial axes", "resizes chosen axes"),
    ),
    "Round": Entry(("Requantise",), "anything, half to even; it is a quantiser itself"),
    "Selu": Entry(TABLE, "before a quantiser", FUNCTION),
    "Sigmoid": Entry(TABLE, "before a quantiser; at the end it stays on the host", FUNCTION),
    "Sign": Entry(("Requantise",), "anything; it is a quantiser itself"),
    "Sin": Entry(TABLE, "before a quantiser", FUNCTION),
    "Slice": Entry(("Take",), "constant starts, ends, steps", ("include the batch axis", "keeps nothing")),
    "Softplus": Entry(TABLE, "before a quantiser", FUNCTION),
    "Softsign": Entry(TABLE, "before a quantiser", FUNCTION),
    "SpaceToDepth": Entry(("Reshape", "Transpose"), "any block size", ("does not divide",)),
    "Split": Entry(("Take",), "any axis but the batch's", ("does not split an axis",)),
    "Sqrt": Entry(TABLE, "before a quantiser, where it is defined", (*FUNCTION, UNDEFINED)),
    "Squeeze": Entry(("Reshape",), "named axes", ("squeezes every axis of length 1",)),
    "Sub": Entry(ADD, "two activations, or a constant on either side", CONSTANT),
    "Sum": Entry(ADD, "as Add, any number of operands"),
    "Tan": Entry(TABLE, "before a quantiser", FUNCTION),
    "Tanh": Entry(TABLE, "before a quantiser; at the end it stays on the host", FUNCTION),
    "ThresholdedRelu": Entry(TABLE, "before a quantiser", FUNCTION),
    "Tile": Entry(("Take",), "constant repeats", ("1 for that of the events",)),
    "Transpose": Entry(("Reshape", "Transpose"), "any but of the batch axis", ("leaves the batch axis",)),
    "Trunc": Entry(
        ("Requantise",),
        "versions 1 and 2, every rounding mode, one scale",
        ("a zero point, or a scale per channel", "a ratio of scales that is no power of two"),
    ),
    "Unsqueeze": Entry(("Reshape",), "axes after the batch axis", ("include the batch axis",)),
    "Upsample": Entry(("Upsample",), "as Resize", ("whole factors on spatial axes",)),
    "Where": Entry(
        ("Affine", "ElementAffine"), "a constant condition, an activation and a constant", CONSTANT
    ),
}

"""The operations of the integer graph: one meaning and one exact range each.

Every operation is a frozen dataclass with ``infer`` (shape, scale, exact range of the result) and
``evaluate`` (exact codes, NumPy style). To add one, write it here, list it in `OPERATIONS`, and give it a
slow twin in the tests: the executor runs any operation from its meaning alone; a fast kernel is optional.
"""

from __future__ import annotations

from types import MappingProxyType

from levelone.graph.ops._rounding import Quantiser
from levelone.graph.ops._weighted import WeightedSum
from levelone.graph.ops._window import Window
from levelone.graph.ops.add_requantise import AddRequantise
from levelone.graph.ops.affine import Affine
from levelone.graph.ops.conv import Conv
from levelone.graph.ops.dense import Dense
from levelone.graph.ops.element_affine import ElementAffine
from levelone.graph.ops.elementwise import Add, Multiply, Relu
from levelone.graph.ops.locally_connected import LocallyConnected
from levelone.graph.ops.lookup import Lookup
from levelone.graph.ops.matmul import MatMul
from levelone.graph.ops.pool import AveragePool, MaxPool
from levelone.graph.ops.power import Power
from levelone.graph.ops.requantise import Requantise
from levelone.graph.ops.resample import Pad, Upsample
from levelone.graph.ops.shape import Concat, Reshape, Take, Transpose
from levelone.graph.ops.staircase import Staircase

OPERATIONS = MappingProxyType(
    {
        "Add": Add,
        "AddRequantise": AddRequantise,
        "Affine": Affine,
        "AveragePool": AveragePool,
        "Concat": Concat,
        "Conv": Conv,
        "Dense": Dense,
        "ElementAffine": ElementAffine,
        "LocallyConnected": LocallyConnected,
        "Lookup": Lookup,
        "MatMul": MatMul,
        "MaxPool": MaxPool,
        "Multiply": Multiply,
        "Pad": Pad,
        "Power": Power,
        "Relu": Relu,
        "Requantise": Requantise,
        "Reshape": Reshape,
        "Staircase": Staircase,
        "Take": Take,
        "Transpose": Transpose,
        "Upsample": Upsample,
    }
)

__all__ = [
    "OPERATIONS",
    "Add",
    "AddRequantise",
    "Affine",
    "AveragePool",
    "Concat",
    "Conv",
    "Dense",
    "ElementAffine",
    "LocallyConnected",
    "Lookup",
    "MatMul",
    "MaxPool",
    "Multiply",
    "Pad",
    "Power",
    "Quantiser",
    "Relu",
    "Requantise",
    "Reshape",
    "Staircase",
    "Take",
    "Transpose",
    "Upsample",
    "WeightedSum",
    "Window",
]

"""How each operation of the integer graph is streamed: one family a file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from levelone.graph.operation import Op
from levelone.graph.ops import (
    Add,
    AddRequantise,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    ElementAffine,
    LocallyConnected,
    Lookup,
    MatMul,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)
from levelone.rtl.operations.elements import Elements
from levelone.rtl.operations.matrices import Matrices
from levelone.rtl.operations.merge import Arithmetic, Concatenation, RequantisedSums
from levelone.rtl.operations.moves import Moves
from levelone.rtl.operations.pointwise import Powers, Quantisers, Rectifiers, Staircases, Tables
from levelone.rtl.operations.pools import Pools
from levelone.rtl.operations.sums import Sums
from levelone.rtl.site import Family

FAMILIES: Mapping[type[Op], Family[Any]] = MappingProxyType(
    {
        Add: Arithmetic(),
        AddRequantise: RequantisedSums(),
        Affine: Quantisers(),
        AveragePool: Pools(),
        Concat: Concatenation(),
        Conv: Sums(),
        Dense: Sums(),
        ElementAffine: Elements(),
        LocallyConnected: Sums(),
        Lookup: Tables(),
        MatMul: Matrices(),
        MaxPool: Pools(),
        Multiply: Arithmetic(),
        Pad: Moves(),
        Power: Powers(),
        Relu: Rectifiers(),
        Requantise: Quantisers(),
        Reshape: Moves(),
        Staircase: Staircases(),
        Take: Moves(),
        Transpose: Moves(),
        Upsample: Moves(),
    }
)
"""Operation -> how it is planned and written."""

"""The exact reference: integer codes in, integer codes at every value out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Graph


def execute(
    graph: Graph, codes: Mapping[str, NDArray[Any]], keep: Literal["all", "outputs"] = "all"
) -> dict[str, Codes]:
    """Evaluate the graph exactly.

    Parameters
    ----------
    codes
        By input value name: integers [event, *shape] within the port's range.
    keep
        Which values to return.

    Returns
    -------
    dict
        By value name: int64 codes [event, *shape], channels last. With "all", inputs are included.
    """
    checked = {port.value.name: np.asarray(codes[port.value.name]) for port in graph.inputs}
    values = dict(checked)
    for node in graph:
        values[node.name] = node.op.evaluate(*(values[i] for i in node.inputs))
    names = graph.values if keep == "all" else graph.outputs
    for name in names:
        if values[name].dtype == object:
            raise LeveloneError(f"{name} exceeds 64 bits")
    return {name: values[name].astype(np.int64) for name in names}

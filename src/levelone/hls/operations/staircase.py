"""`Staircase`: a function of few levels of a wide code, by comparators."""

from __future__ import annotations

import numpy as np

from levelone.graph.ops import Staircase
from levelone.hardware.types import Parameter
from levelone.hls.spec import Body, LayerSpec, Site


def lower_staircase(op: Staircase, site: Site) -> list[LayerSpec]:
    """`Staircase`: the first level, and what each step that is reached adds to it."""
    codes = {"first": op.levels[:, 0], "step": op.steps, "rise": np.diff(op.levels, axis=1)}
    constants = {"size": site.output.size, "channels": len(op.steps), "steps": op.steps.shape[1]}
    return [
        site.layer(
            "Staircase",
            parameters={key: Parameter.of_integers(found) for key, found in codes.items()},
            body=Body("levelone_staircase.h", "levelone::staircase", constants),
        )
    ]

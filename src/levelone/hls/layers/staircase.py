"""`Staircase`: a function of few levels of a wide code, by comparators."""

from __future__ import annotations

import numpy as np

from levelone.graph.ops import Staircase
from levelone.hardware.types import value_type
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site


def lower_staircase(op: Staircase, site: Site) -> list[LayerSpec]:
    """`Staircase`: the first level, and what each step that is reached adds to it."""
    parameters = {"first": op.levels[:, 0], "step": op.steps, "rise": np.diff(op.levels, axis=1)}
    return [
        LayerSpec(
            site.name,
            "Staircase",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            parameters={key: Parameter.of_integers(codes) for key, codes in parameters.items()},
            value=site.output,
            body=Body(
                "levelone_staircase.h",
                "levelone::staircase",
                {"size": site.output.size, "channels": len(op.steps), "steps": op.steps.shape[1]},
            ),
        )
    ]

"""`Requantise` between any scales, with any rounding and clipping: proven before it is written."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import IntRange, Rounding
from levelone.graph.ops import Requantise
from levelone.hardware.proof import prove
from levelone.hardware.staircase import Scaling, Thresholds, channel_ranges, choose
from levelone.hardware.types import FixedType, exact_type, value_type
from levelone.hls.lowering.ranges import range_of
from levelone.hls.lowering.spec import Body, LayerSpec, Parameter, Site

HEADER = "levelone_requantise.h"

MODES = {
    mode: number
    for number, mode in enumerate(
        (
            Rounding.FLOOR,
            Rounding.CEIL,
            Rounding.DOWN,
            Rounding.UP,
            Rounding.ROUND,
            Rounding.HALF_UP,
            Rounding.HALF_DOWN,
        )
    )
}
"""Numbers of the rounding modes in the C++ header."""


def lower_any_requantise(op: Requantise, site: Site) -> list[LayerSpec]:
    """`Requantise` as a multiplier, adder and shift, or as thresholds, with its proof.

    Raises
    ------
    UnsupportedError
        If no hardware within the limits of `levelone.hardware.staircase` is exact.
    """
    x = site.operands[0]
    try:
        hardware = choose(op, x)
        proof = prove(op, x, hardware)
    except LeveloneError as error:
        raise UnsupportedError(f"{site.name}: {error.message}", hint=error.hint) from error
    same, multiplies = _folded(hardware), isinstance(hardware, Scaling)
    constants = {"size": site.output.size, "channels": 1 if same else x.shape[-1]}
    keep = slice(0, 1) if same else slice(None)
    types: dict[str, FixedType] = {}
    if isinstance(hardware, Scaling):
        function = "scale"
        codes = {"factor": np.array(hardware.factor[keep]), "term": np.array(hardware.term[keep])}
        shared, most = min(hardware.shift), max(hardware.shift)
        if shared < most:
            function = "scale_by_channel"
            codes["more"] = np.array(hardware.shift) - shared
        reach = hardware.product(channel_ranges(x))
        product = exact_type(reach, 0)
        # shifting a number by all of its bits is undefined in hardware
        types = {"product": replace(product, width=max(product.width, most + 1))}
        constants |= {
            "shift": shared,
            "rounding": MODES[hardware.rounding],
            # limits that are never reached may lie far beyond any integer of C++
            "lowest": max(hardware.clip.lo, site.output.range.lo),
            "highest": min(hardware.clip.hi, site.output.range.hi),
        }
        details = range_of("product", reach) | {
            "multiplier_bits": hardware.bits,
            "shifts": sorted(set(hardware.shift)),
        }
    else:
        function = "count_steps"
        codes = {
            "first": np.array(hardware.first[keep]),
            "falling": np.array(hardware.falling[keep], dtype=np.int64),
            "step": hardware.steps[keep],
        }
        steps = hardware.steps.shape[1]
        constants |= {"steps": steps}
        details = range_of("count", IntRange(0, steps)) | {"thresholds": steps}
    return [
        LayerSpec(
            site.name,
            "Requantise",
            site.inputs,
            site.output.shape,
            value_type(site.output),
            types=types,
            parameters={key: Parameter.of_integers(found) for key, found in codes.items()},
            value=site.output,
            body=Body(HEADER, f"levelone::{function}", constants, multiplies),
            proof=asdict(proof) | details,
        )
    ]


def _folded(hardware: Scaling | Thresholds) -> bool:
    """Whether every channel has the same parameters."""
    if isinstance(hardware, Scaling):
        return len(set(zip(hardware.factor, hardware.term, hardware.shift, strict=True))) == 1
    rows = zip(hardware.first, hardware.falling, map(tuple, hardware.steps.tolist()), strict=True)
    return len(set(rows)) == 1

"""`Relu` and `Requantise`: assignments to the right type, or our own layer with proven constants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ops import Relu, Requantise
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Rounding
from levelone.hardware.choose import cast_type, choose
from levelone.hardware.forms import Assignment, Scaling, Thresholds
from levelone.hardware.prove import prove
from levelone.hardware.types import FixedType, Parameter, exact_type, value_type
from levelone.hls.ap_fixed import ROUNDINGS
from levelone.hls.spec import Body, LayerSpec, Site

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


def lower_relu(op: Relu, site: Site) -> list[LayerSpec]:
    """`Relu`, onto a type without a sign."""
    return [_activation("relu", site)]


def lower_requantise(op: Requantise, site: Site) -> list[LayerSpec]:
    """`Requantise`: a mere cast by the type's own rounding and saturation, anything else by a body."""
    source = site.operands[0]
    result = cast_type(op, source, site.output)
    if result is None or result.rounding not in ROUNDINGS:
        return _lower_any(op, site)
    exponent = value_type(source).exponent
    # one rule for all channels, so that it is enough to look at all of their codes together
    whole = replace(source, shape=(1,), channel_ranges=())
    proof = prove(op, whole, Assignment(exponent, result))
    made = replace(_activation("linear", site), result=result, proof=proof)
    dropped = result.exponent - exponent
    if result.rounding is Rounding.FLOOR or dropped <= source.width:
        return [made]
    # The vendor's types look at the highest dropped bit even where the source has none: give it one.
    wide = replace(
        _activation("linear", site),
        name=f"{site.name}_wide",
        result=replace(value_type(source), width=dropped),
        value=None,
    )
    return [wide, replace(made, inputs=(wide.name,))]


def _activation(function: str, site: Site) -> LayerSpec:
    return site.layer("Activation", attributes={"activation": function, "n_in": site.output.size})


def _lower_any(op: Requantise, site: Site) -> list[LayerSpec]:
    """A multiplier, adder and shift, or thresholds, proven before they are written.

    Raises
    ------
    UnsupportedError
        If no hardware within the limits of `levelone.hardware.choose` is exact.
    """
    x = site.operands[0]
    try:
        hardware = choose(op, x)
        proof = prove(op, x, hardware)
    except LeveloneError as error:
        raise UnsupportedError(f"{site.name}: {error.message}", hint=error.hint) from error
    same = _folded(hardware)
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
        product = exact_type(hardware.product(ranges_of(x, x.shape[-1])), 0)
        # shifting a number by all of its bits is undefined in hardware
        types = {"product": replace(product, width=max(product.width, most + 1))}
        constants |= {
            "shift": shared,
            "rounding": MODES[hardware.rounding],
            # limits that are never reached may lie far beyond any integer of C++
            "lowest": max(hardware.clip.lo, site.output.range.lo),
            "highest": min(hardware.clip.hi, site.output.range.hi),
        }
    else:
        function = "count_steps"
        codes = {
            "first": np.array(hardware.first[keep]),
            "falling": np.array(hardware.falling[keep], dtype=np.int64),
            "step": hardware.steps[keep],
        }
        constants |= {"steps": hardware.steps.shape[1]}
    return [
        site.layer(
            "Requantise",
            types=types,
            parameters={key: Parameter.of_integers(found) for key, found in codes.items()},
            proof=proof,
            body=Body(HEADER, f"levelone::{function}", constants, isinstance(hardware, Scaling)),
        )
    ]


def _folded(hardware: Scaling | Thresholds) -> bool:
    """Whether every channel has the same parameters."""
    if isinstance(hardware, Scaling):
        return len(set(zip(hardware.factor, hardware.term, hardware.shift, strict=True))) == 1
    rows = zip(hardware.first, hardware.falling, map(tuple, hardware.steps.tolist()), strict=True)
    return len(set(rows)) == 1

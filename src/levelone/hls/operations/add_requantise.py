"""`AddRequantise`: two operands of any scales, one rounding, in integers as wide as they have to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ops import AddRequantise
from levelone.graph.values import IntRange
from levelone.hardware.types import Parameter
from levelone.hls.operations.requantise import MODES
from levelone.hls.spec import Body, LayerSpec, Site

LIMB = 32
"""Bits of one part of a constant: a whole one would not pass through the double that hls4ml is handed."""
MAX_BITS = 1000
"""Widest integers of the vendor's types."""


def lower_add_requantise(op: AddRequantise, site: Site) -> list[LayerSpec]:
    """`AddRequantise`: ``(a * first + b * second + term) / divisor``, by a division that is exact.

    Nothing is approximated, so nothing has to be proven but that the integers hold everything on the way.
    """
    channels = site.output.shape[-1]
    forms = list(dict.fromkeys(op.integer_form(channels)))
    if len(forms) > 1:
        forms = op.integer_form(channels)
    limits = IntRange(site.output.range.lo + op.zero_point, site.output.range.hi + op.zero_point)
    # a floor that is one below the limits or within them, counted from there
    quotient = (limits.hi - limits.lo + 2).bit_length()
    a, b = (max(abs(x.range.lo), abs(x.range.hi)) for x in site.operands)
    largest = max(
        max(a * abs(first) + b * abs(second) + abs(term), divisor << (quotient + 1))
        + divisor * (max(abs(limits.lo), abs(limits.hi)) + 2)
        for first, second, term, divisor in forms
    )
    bits = largest.bit_length() + 1
    if bits > MAX_BITS:
        raise UnsupportedError(
            f"{site.name}: a sum of two scales that needs integers of {bits} bits",
            hint="use scales whose ratios are shorter numbers",
        )
    columns = dict(zip(("first", "second", "term", "divisor"), zip(*forms, strict=True), strict=True))
    limbs = max(-(-(max(n.bit_length() for n in numbers) + 1) // LIMB) for numbers in columns.values())
    constants = {
        "size": site.output.size,
        "channels": len(forms),
        "limbs": limbs,
        "limb_bits": LIMB,
        "bits": bits,
        "quotient_bits": quotient,
        "rounding": MODES[op.rounding],
        "lowest": site.output.range.lo,
        "highest": site.output.range.hi,
        "zero_point": op.zero_point,
    }
    return [
        site.layer(
            "AddRequantise",
            parameters={
                key: Parameter.of_integers(_limbs(numbers, limbs)) for key, numbers in columns.items()
            },
            body=Body("levelone_add_requantise.h", "levelone::add_requantise", constants),
        )
    ]


def _limbs(numbers: Sequence[int], count: int) -> NDArray[np.int64]:
    """int64 [numbers, count]: parts of `LIMB` bits, the lowest first, the sign in the last."""
    mask = (1 << LIMB) - 1
    parts = [
        [*(number >> LIMB * i & mask for i in range(count - 1)), number >> LIMB * (count - 1)]
        for number in numbers
    ]
    return np.array(parts, dtype=np.int64)

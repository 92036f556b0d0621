"""What an assignment to a fixed-point type of the firmware does to a number, computed on integers.

Source of the semantics: the quantisation and overflow modes of the vendor's `ap_fixed`, as the headers that
hls4ml ships implement them.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.rounding import round_divide
from levelone.hls import ap_fixed
from levelone.hls.ap_fixed import ApFixed

_FIXED = re.compile(r"ap_(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*((?:,\s*[\w:]+\s*)*)>")
_INTEGER = re.compile(r"ap_(u?)int<\s*(\d+)\s*>")

ROUNDINGS = {word: mode for mode, word in ap_fixed.ROUNDINGS.items()}
HALF_TO = {"RND": 1, "RND_MIN_INF": -1}
"""Modes without a QONNX name: ties upwards, ties downwards."""

IN_WORDS = {
    "TRN": "rounds down",
    "TRN_ZERO": "rounds towards zero",
    "RND_CONV": "rounds to nearest, ties to even",
    "RND_INF": "rounds to nearest, ties away from zero",
    "RND_ZERO": "rounds to nearest, ties towards zero",
    "RND": "rounds to nearest, ties upwards",
    "RND_MIN_INF": "rounds to nearest, ties downwards",
    "WRAP": "wraps",
    "SAT": "saturates",
    "SAT_SYM": "saturates symmetrically",
    "SAT_ZERO": "becomes 0 on overflow",
}


def bits_in_words(count: int) -> str:
    """``1 bit``, ``2 bits``."""
    return f"{count} bit{'s' * (count != 1)}"


def parse_type(text: str) -> ApFixed | None:
    """The fixed-point type in a C++ type (for arrays: of an element); None if there is none."""
    found = _FIXED.search(text)
    if found is not None:
        modes = [word.strip().removeprefix("AP_") for word in found[4].split(",") if word.strip()]
        rounding, saturation = (modes + ["TRN", "WRAP"][len(modes) :])[:2]
        if rounding not in (*ROUNDINGS, *HALF_TO) or saturation not in IN_WORDS:
            return None
        width, integer = int(found[2]), int(found[3])
        return ApFixed(width, integer - width, not found[1], rounding, saturation)
    found = _INTEGER.search(text)
    return None if found is None else ApFixed(int(found[2]), 0, not found[1])


def is_plain(text: str) -> bool:
    """Whether a C++ type is a fixed-point type and nothing besides."""
    return any(kind.fullmatch(text.strip()) for kind in (_FIXED, _INTEGER))


def assign(codes: NDArray[Any], exponent: int, target: ApFixed) -> NDArray[Any]:
    """Codes of `target` after ``target = codes * 2**exponent``.

    Parameters
    ----------
    codes
        Integers; int64 below 2**40 in magnitude, or Python integers.
    exponent
        One code is worth ``2**exponent``.
    """
    return overflow(onto_grid(codes, target.exponent - exponent, target.rounding), target)


def onto_grid(codes: NDArray[Any], dropped: int, rounding: str) -> NDArray[Any]:
    """``codes / 2**dropped`` rounded in the vendor's mode; a negative `dropped` appends zeros."""
    if dropped <= 0:
        return _roomy(codes, -dropped) * 2**-dropped
    wide = _roomy(codes, dropped + 2)
    unit = np.array(2**dropped, dtype=wide.dtype)
    if rounding in ROUNDINGS:
        return round_divide(wide, unit, ROUNDINGS[rounding])
    half = 2 ** (dropped - 1)
    return (wide + half) // unit if HALF_TO[rounding] > 0 else -((half - wide) // unit)


def overflow(codes: NDArray[Any], target: ApFixed) -> NDArray[Any]:
    """Integers on the grid of `target`, brought into its bits."""
    match target.saturation:
        case "WRAP":
            return wrap(codes, target.width, target.signed)
        case "SAT_ZERO":
            inside = (codes >= target.range.lo) & (codes <= target.range.hi)
            return np.where(inside, codes, 0)
        case _:
            return np.minimum(np.maximum(codes, target.range.lo), target.range.hi)


def wrap(codes: NDArray[Any], width: int, signed: bool) -> NDArray[Any]:
    """The lowest `width` bits of two's-complement integers, read with or without a sign."""
    low = codes & (2**width - 1)
    return np.where(low >= 2 ** (width - 1), low - 2**width, low) if signed else low


def _roomy(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    """The same integers in a dtype that also holds them shifted by `bits`."""
    largest = max((abs(int(codes.max())), abs(int(codes.min()))), default=0) if codes.size else 0
    return codes if codes.dtype == object or largest.bit_length() + bits < 62 else codes.astype(object)

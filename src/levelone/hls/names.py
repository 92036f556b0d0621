"""Names in the firmware: the graph's own, unless C++ or hls4ml has another use for them."""

from __future__ import annotations

import re
from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CPP_WORDS = _words(
    """
    alignas alignof and asm auto bool break case catch char class const constexpr continue decltype
    default delete do double else enum explicit export extern false float for friend goto if inline int
    long main mutable namespace new noexcept not nullptr operator or private protected public register
    return short signed sizeof static struct switch template this throw true try typedef typeid typename
    union unsigned using virtual void volatile while xor nnet std hls
    """
)
# hls4ml keeps a layer's output beside its other attributes, and reserves "input".
HLS4ML_WORDS = _words(
    """
    input output name index trace inputs outputs class_name weight bias scale accum table param strategy
    reuse_factor target_cycles implementation activation axis op perm perm_str dim depth height width
    algorithm size data_format parallelization_factor count_pad depth_multiplier dilation include_header
    type_name expected events log features predictions numbers
    """
)
HLS4ML_PATTERN = re.compile(
    r"(n|in|out|pad|filt|stride|pool|ap|clone|nnet)_.*|config\d.*|.*_(t|data|cpp|shape|quantizer|found|ap|cpy\d+|weight|bias|accum)"
)


def firmware_names(names: Sequence[str], project: str) -> dict[str, str]:
    """hls4ml layer name of each name, unique also without regard to case, which hls4ml disregards.

    Parameters
    ----------
    names
        C identifiers; the first ones have the first choice.
    project
        Name of the top function.
    """
    taken = {project.lower()}
    result: dict[str, str] = {}
    for name in names:
        candidate = f"{name}_v" if _reserved(name.lower()) else name
        while candidate.lower() in taken:
            candidate += "v"
        taken.add(candidate.lower())
        result[name] = candidate
    return result


def _reserved(name: str) -> bool:
    return name in CPP_WORDS or name in HLS4ML_WORDS or HLS4ML_PATTERN.fullmatch(name) is not None

"""Layers that hls4ml lacks: one file per layer with its lowering, its C++ header beside it.

The C++ works on integer codes (`code`, `set_code` in ``levelone_common.h``), so it does not matter where the
binary point of a value's type is. A body is a function template

    template <class in_T, class out_T, typename CONFIG_T> void name(in_T in[...], out_T out[...], weights...);

with an overload for ``hls::stream<in_T> &``, where a beat is one position with all its channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_INCLUDE = re.compile(r'^#include "(levelone_\w+\.h)"$', re.MULTILINE)


def header_path(name: str) -> Path:
    """The C++ header `name` of this package."""
    return Path(__file__).with_name(name)


def with_includes(names: Iterable[str]) -> set[str]:
    """The headers `names` and those of this package that they include, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _INCLUDE.findall(header_path(name).read_text(encoding="utf-8"))
    return found

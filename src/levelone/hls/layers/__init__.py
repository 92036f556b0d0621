"""Layers that hls4ml lacks: one file per layer with its lowering, its C++ header beside it.

The C++ works on integer codes (`code`, `set_code` in ``levelone_common.h``), so it does not matter where the
binary point of a value's type is. A body is a function template

    template <class in_T, class out_T, typename CONFIG_T> void name(in_T in[...], out_T out[...], weights...);

with an overload for ``hls::stream<in_T> &``, where a beat is one position with all its channels.
"""

from __future__ import annotations

from pathlib import Path

COMMON = "levelone_common.h"


def header_path(name: str) -> Path:
    """The C++ header `name` of this package."""
    return Path(__file__).with_name(name)

"""Weights for the compiler: the same numbers from the same headers, in a form that compiles fast.

A parameter header initialises thousands of fixed-point objects one by one, which is most of a csim build.
The firmware stays as it is: its include guards let a file that is included first define the same arrays from
plain numbers, which the compiler only has to copy: doubles, or integers where one of these is larger.
"""

from __future__ import annotations

import re
from pathlib import Path

_HEADER = re.compile(
    r"\A(?:\s*//[^\n]*\n)*\s*#ifndef (?P<guard>\w+)\s+#define (?P=guard)\s+"
    r"(?P<type>\w+) (?P<name>\w+)\[(?P<size>\d+)\] = \{(?P<numbers>[^{}]*)\};\s*#endif\s*\Z"
)

_PLAIN = re.compile(r"[-+.\deE,\s]*")
"""Decimal numbers."""

_LONG = re.compile(r"(?<![\d.])\d{16,}(?![\d.eE])")
"""An integer of more digits than every double has."""

_START = """\
#include "defines.h"
namespace levelone_overlay {
template <class T> struct fill {
    template <class N> fill(T *target, const N *source, unsigned size) {
        for (unsigned i = 0; i < size; i++)
            target[i] = source[i];
    }
};
}
"""

_ENTRY = """\
#define {guard}
static const {number} levelone_{name}[{size}] = {{{numbers}}};
{type} {name}[{size}];
static levelone_overlay::fill<{type}> levelone_fill_{name}({name}, levelone_{name}, {size});
"""


def overlay(headers: list[Path]) -> str:
    """C++ text to be included before the firmware.

    Parameters
    ----------
    headers
        Parameter headers. One that is not of the form that `convert` writes (edited by hand, say), or whose
        numbers no plain type holds as they are written, is left to the compiler as it is.
    """
    text = _START
    for path in headers:
        found = _HEADER.match(path.read_text(encoding="utf-8", errors="replace"))
        if found is None or found["numbers"].count(",") >= int(found["size"]):
            continue
        number = _type_of(found["numbers"])
        if number is not None:
            text += _ENTRY.format(**found.groupdict(), number=number)
    return text


def _type_of(numbers: str) -> str | None:
    """The plain type that holds numbers as they are written, if one does."""
    if not _PLAIN.fullmatch(numbers):
        return None
    if not _LONG.search(numbers):
        return "double"
    return None if re.search("[.eE]", numbers) else "long long"

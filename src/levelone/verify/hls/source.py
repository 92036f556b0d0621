"""Text of generated sources without what says nothing to the tool that reads them."""

from __future__ import annotations

import re

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
"""A decimal literal: what C++ and everybody else read alike, unlike 010, 1_0 or 1/2."""

_BLANK = r"[ \t\f\v]"
_TOKEN = re.compile(
    rf"""(?P<kept>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?:{_BLANK}|//[^\n]*|/\*.*?\*/)+""", re.DOTALL
)
_ODD = re.compile(
    rf"""\?\?[=/'()!<>-]    # trigraphs, which compilers of older standards replace first
    | \r                    # alone it ends a line for some tools and a comment for none
    | \\{_BLANK}+\n         # goes on in the next line for some compilers
    | \b(?:u8|[uUL])?R"     # a raw string""",
    re.VERBOSE,
)
_SETTING = re.compile(
    r"""set\ (?:part|clock_period|clock_uncertainty|version)\b.*
    | (?:Part|ClockPeriod|ClockUncertainty|Version):.*
    | (?:reset|csim|synth|cosim|validation|export|vsynth|fifo_opt)\ +\d+""",
    re.VERBOSE,
)
"""A line of a script that says for which device, how fast and which steps: no integer depends on it."""


def code_of(text: str) -> str:
    """Text of a C++ source whose comments, blank lines and repeated blanks are left out.

    Lines are joined first where a backslash says so: a comment may go on in the next line. What compilers may
    understand differently (trigraphs, say) leaves the text as it is.
    """
    text = text.replace("\r\n", "\n")
    if _ODD.search(text):
        return text
    bare = _TOKEN.sub(lambda found: found["kept"] or " ", text.replace("\\\n", ""))
    lines = (line.strip(" ") for line in bare.split("\n"))
    return "\n".join(line for line in lines if line)


def script_of(text: str) -> str:
    """Text of a shell, Tcl or YAML file without its comments, blank lines and choices of device and steps.

    A comment that ends with a backslash goes on in the next line for some of them; it stays.
    """
    lines = (line.strip(" \t") for line in text.replace("\r\n", "\n").split("\n"))
    kept = (line for line in lines if line.endswith("\\") or not line.startswith("#"))
    return "\n".join(line for line in kept if line and not _SETTING.fullmatch(line))

"""Text of generated sources without what says nothing to the tool that reads them."""

from __future__ import annotations

import re

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
"""A decimal literal, unlike 010, 1_0 or 1/2; with a point or an exponent it is a double in C++."""

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
_WORD = r"""(?:"[\w.%/-]*"|[\w.%/-][\w.%/"-]*)"""
_IDLE = re.compile(
    rf"""(?:\#[^\r{{}}]*(?<!\\))?    # nothing, or a comment that ends here and in which Tcl counts no braces
    | set\ (?:part|clock_period|clock_uncertainty|version)\ +{_WORD}
    | (?:Part|ClockPeriod|ClockUncertainty|Version):(?:\ +{_WORD})?
    | (?:reset|csim|synth|cosim|validation|export|vsynth|fifo_opt)\ +\d+""",
    re.VERBOSE | re.ASCII,
)
"""A line of a script that does nothing, or only says for which device, how fast and which steps: no integer
depends on it. Whatever else stands in such a line (a second command, say) is not of this form."""


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

    A comment that ends with a backslash goes on in the next line for some of them; it stays, and so does any
    line after a backslash.
    """
    lines = [
        re.sub(r"(?<!\\)[ \t]+\Z", "", line.lstrip(" \t")) for line in text.replace("\r\n", "\n").split("\n")
    ]
    pairs = zip(["", *lines], lines, strict=False)
    return "\n".join(line for before, line in pairs if before.endswith("\\") or not _IDLE.fullmatch(line))

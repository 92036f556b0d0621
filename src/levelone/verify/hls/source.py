"""C++ text without what says nothing to a compiler."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//(?P<line>[^\n]*)|/\*.*?\*/""", re.DOTALL
)


def code_of(text: str) -> str:
    """Text of a source whose comments, blank lines and repeated blanks are left out.

    A comment that ends with a backslash goes on in the next line; text with such a comment is left as it is.
    """
    if any((found["line"] or "").endswith("\\") for found in _TOKEN.finditer(text)):
        return text
    bare = _TOKEN.sub(lambda found: found["kept"] or " ", text)
    lines = (" ".join(line.split()) for line in bare.splitlines())
    return "\n".join(line for line in lines if line)

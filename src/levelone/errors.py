"""The one exception a user sees: what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

LONGEST_LINE = 1000
"""Characters of a line of a message; what is longer comes from a hostile file."""
LONGEST_WORD = 80


class LeveloneError(Exception):
    """Bad input or a missing tool. The command line prints it as one message and exits with code 2.

    Parameters
    ----------
    message
        What is wrong, naming the bad value, the expectation and the place (file, key, node).
    hint
        What the user can do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = _lines(message)
        self.hint = None if hint is None else _lines(hint)
        super().__init__(self.message if hint is None else f"{self.message}\n  hint: {self.hint}")


class UnsupportedError(LeveloneError):
    """A valid model that this version cannot carry exactly: the verdict is `not comparable`."""


class PortWarning(UserWarning):
    """Numbers that a declared input port does not hold: they were saturated or rounded to its steps."""


def plain(text: object, longest: int = LONGEST_WORD) -> str:
    """Foreign text for a message: on one line, without what a terminal would obey, and not too long."""
    shown = str(text)
    if len(shown) > longest:
        shown = f"{shown[: longest // 2]}...{shown[-longest // 4 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)


def listed(names: Iterable[object], most: int = 12) -> str:
    """Foreign names for a message, the first of many."""
    known = [plain(name) for name in names]
    more = len(known) - most
    return ", ".join(known[:most]) + (f" and {more} more" if more > 0 else "")


def nearest(name: str, valid: Sequence[str]) -> str:
    """A hint: what the user may have meant by `name`, and every name that is valid there."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    known = f"valid here: {', '.join(sorted(valid))}"
    return f"did you mean {close[0]!r}? {known}" if close else known


def _lines(message: str) -> str:
    return "\n".join(plain(line, LONGEST_LINE) for line in message.split("\n"))

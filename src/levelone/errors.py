"""The one exception a user sees: what is wrong, where, and what to do about it."""

from __future__ import annotations


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
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n  hint: {hint}")


class UnsupportedError(LeveloneError):
    """A valid model that this version cannot carry exactly: the verdict is `not comparable`."""

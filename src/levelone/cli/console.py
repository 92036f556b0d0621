"""What reaches the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from levelone.errors import LeveloneError


@contextmanager
def stdout_on_stderr() -> Iterator[int]:
    """Send all that the process prints, from C code and children too, to standard error.

    Yields
    ------
    int
        A file descriptor of the real standard output.
    """
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        os.dup2(2, 1)
        yield saved
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def one_json_object(
    wanted: bool, on_error: Mapping[str, Any] | None = None
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Do the work of a reporting command; with ``--json``, print one JSON object and nothing else.

    The block calls the yielded function once with its result. If it raises `LeveloneError` instead, the
    object is ``{"error": message, "hint": hint}`` joined with `on_error`, and the exception goes on.

    Parameters
    ----------
    wanted
        Whether ``--json`` was given; without it the block's own prints go to standard error all the same.
    on_error
        Further keys of the object that reports a failure.
    """
    results: list[Mapping[str, Any]] = []
    with stdout_on_stderr() as real:
        try:
            yield results.append
        except LeveloneError as error:
            results[:] = [{"error": error.message, "hint": error.hint, **(on_error or {})}]
            raise
        finally:
            if wanted and results:
                _write_all(real, (json.dumps(results[-1], default=str) + "\n").encode())


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]

"""How a program of levelone ends: its exit code, and one readable message for every failure."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType

from levelone.errors import LeveloneError, plain

COULD_NOT_RUN = 2
INTERRUPTED = 130

DISK_ERRORS = {
    errno.ENOSPC: "free some space, or choose another output folder",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "choose an output folder that can be written to",
    errno.EACCES: "check the permissions",
    errno.EPERM: "check the permissions",
    errno.ENOENT: "check the path",
}


def run_and_exit(command: Callable[[], object]) -> None:
    """Run the command line and leave with its exit code; every failure becomes one readable message.

    Exit codes: 0 success or exact, 1 mismatch, 2 bad input or could not run, 3 equal on the vectors but not
    proven, 130 interrupted, 143 terminated.
    """
    _open_closed_streams()
    interrupted: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        # Libraries below may turn KeyboardInterrupt into their own exit code: remember who asked.
        interrupted.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    code = _guarded(command)
    try:
        sys.stdout.flush()
    except OSError as error:
        if code != COULD_NOT_RUN:  # then it has been reported
            code = _report_os_error(error) or code
        # The interpreter flushes again on its way out: let it flush into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if interrupted and code != 0:
        _say("interrupted; nothing half-written is left, and `levelone run` goes on where it stopped")
        code = 128 + interrupted[0]
    sys.exit(code)


def _open_closed_streams() -> None:
    """Give standard streams that the caller closed (``>&-``) to the null device, as a redirection would."""
    for handle, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(handle, mode))


def _guarded(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LeveloneError as error:
        _say(f"error: {error}")
        return COULD_NOT_RUN
    except OSError as error:
        return _report_os_error(error)
    except Exception as error:
        # Nobody's input: keep the traceback, but never leave with the code of a mismatch.
        traceback.print_exc()
        _say(f"error: {_whose_fault(error)}")
        return COULD_NOT_RUN
    return 0


def _whose_fault(error: Exception) -> str:
    """levelone's, unless the last code on the way, libraries aside, is somebody else's: a system's, say."""
    from levelone.plugins import OWN, foreign  # imports much, and is needed here alone

    way = [
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    last = next((step for step in reversed(range(len(way))) if foreign(way[step][0])), None)
    if last is None:
        return "this is a fault in levelone, not in your input; please report it with the lines above"
    module, file, line = way[last]
    place = f"{plain(module)} ({file}, line {line})"
    if any(name.partition(".")[0] == OWN for name, _, _ in way[last:]):
        return (
            f"this is a fault in levelone, or in how {place} uses it; please report it with the lines above"
        )
    return (
        f"this is a fault in {place}, not in levelone: {type(error).__name__}: {plain(error, 300)}\n"
        f"  hint: report it to whoever wrote {plain(module.partition('.')[0])}, with the lines above"
    )


def _report_os_error(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        return 0  # the reader of our output left: `levelone list | head -1`
    place = f"{error.filename}: " if error.filename else ""
    _say(f"error: {place}{error.strerror or error}")
    if error.errno in DISK_ERRORS:
        _say(f"  hint: {DISK_ERRORS[error.errno]}")
    return COULD_NOT_RUN


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)

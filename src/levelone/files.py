"""Writing files so that nothing half-written is ever left under the final name; reading JSON."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError

JUST_MADE_SECONDS = 60
"""Scratch folders younger than this may not be locked yet."""


def parse_json(text: str | bytes) -> Any:
    """What JSON text says.

    Raises
    ------
    ValueError
        If it is not JSON, or nested more deeply than anything that levelone writes.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


@contextmanager
def atomic_path(target: Path, *, directory: bool = False) -> Iterator[Path]:
    """Yield a scratch path beside `target`; rename it over `target` only if the block succeeds.

    Parameters
    ----------
    target
        The final file (or folder, with ``directory=True``; an existing folder is replaced whole).

    Raises
    ------
    LeveloneError
        If the folder cannot be written to or the disk is full.
    """
    target = Path(target)
    try:
        if target.parent.is_file():
            raise NotADirectoryError(errno.ENOTDIR, "")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch_folder(target) as scratch:
            inner = scratch / target.name
            if directory:
                inner.mkdir()
            yield inner
            if directory and target.is_dir():
                target.replace(scratch / "replaced")
            inner.replace(target)
    except OSError as error:
        raise LeveloneError(
            f"cannot write {target}: {reason(error)}",
            hint="check that the folder exists, is writable and has free space; nothing was left behind",
        ) from error


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target`, locked while it is in use and removed afterwards.

    What killed processes have left there for the same target is removed, too: nobody holds its lock.
    """
    prefix, suffix = f".{target.name[:100]}.", ".levelone"
    for left in target.parent.iterdir():
        if left.name.startswith(prefix) and left.name.endswith(suffix) and not left.is_symlink():
            with suppress(OSError):
                _remove_abandoned(left)
    scratch = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=target.parent))
    handle = os.open(scratch, os.O_RDONLY)
    try:
        with suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield scratch
    finally:
        os.close(handle)
        with suppress(OSError):
            shutil.rmtree(scratch)


def _remove_abandoned(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - folder.stat().st_mtime > JUST_MADE_SECONDS:
            shutil.rmtree(folder)
    finally:
        os.close(handle)


def reason(error: OSError) -> str:
    """What the operating system said, without what libraries wrap around it."""
    text = str(error)
    found = re.search(r"\berrno[ =]+(\d+)", text, re.IGNORECASE)
    code = error.errno or (int(found[1]) if found else 0)
    return os.strerror(code) if code in errno.errorcode else text.split("\n")[0]


def write_text(target: Path, text: str) -> None:
    """Write `text` (UTF-8) to `target` atomically."""
    with atomic_path(target) as scratch:
        scratch.write_text(text, encoding="utf-8")


def write_bytes(target: Path, data: bytes) -> None:
    """Write `data` to `target` atomically."""
    with atomic_path(target) as scratch:
        scratch.write_bytes(data)


def sha256(path: Path) -> str:
    """Hex SHA-256 digest of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

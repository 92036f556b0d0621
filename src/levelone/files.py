"""Writing files so that nothing half-written is ever left under the final name."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from levelone.errors import LeveloneError


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
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        inner = scratch / target.name
        if directory:
            inner.mkdir()
        yield inner
        if directory and target.is_dir():
            target.replace(scratch / "replaced")
        inner.replace(target)
    except OSError as error:
        raise LeveloneError(
            f"cannot write {target}: {error.strerror or error}",
            hint="check that the folder exists, is writable and has free space; nothing was left behind",
        ) from error
    finally:
        if scratch is not None:
            with suppress(OSError):
                shutil.rmtree(scratch)


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

"""What a run folder remembers: for each stage the digests it was made from and the digests it made."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.files import parse_json, sha256, write_text

SCHEMA = "levelone-run"
VERSION = 1


@dataclass(frozen=True)
class StageRecord:
    """One stage of one run.

    Attributes
    ----------
    inputs
        Digest of everything the stage reads, by name.
    outputs
        SHA-256 of every file it wrote, by path relative to the run folder; empty while it is unfinished.
    seconds
        Wall-clock time, summed over interrupted attempts that went on.
    finished
        False from the moment the stage starts until all its outputs are on disk.
    summary
        The stage's own results, JSON.
    """

    inputs: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    finished: bool = False
    summary: dict[str, Any] = field(default_factory=dict)


class RunState:
    """The `state.json` of a run folder, written after every change."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / "state.json"
        self.stages: dict[str, StageRecord] = {}
        if self.path.exists():
            self.stages = _read(self.path)

    def record(self, name: str, record: StageRecord) -> None:
        """Replace one stage's record and save."""
        self.stages[name] = record
        stages = {key: asdict(value) for key, value in self.stages.items()}
        content = {"schema": SCHEMA, "version": VERSION, "stages": stages}
        write_text(self.path, json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> dict[str, StageRecord]:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA or content["version"] != VERSION:
            raise ValueError(f"schema {content['schema']} version {content['version']}")
        return {name: StageRecord(**record) for name, record in content["stages"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LeveloneError(
            f"{path}: not the state of a levelone run: {error}",
            hint="choose another folder with --out, or delete this file to start the run afresh",
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder; a second run in it is refused instead of mixing files. Freed even by SIGKILL.

    Raises
    ------
    LeveloneError
        If another process holds it or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LeveloneError(
            f"cannot write to the run folder {folder}: {error.strerror}", hint="choose another with --out"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise LeveloneError(
            f"another levelone command is working in {folder}", hint="wait for it, or choose another --out"
        ) from error
    try:
        yield
    finally:
        os.close(handle)


def file_digests(folder: Path, paths: Mapping[str, bool] | tuple[str, ...]) -> dict[str, str]:
    """SHA-256 of each existing path (a folder counts file by file), by path relative to `folder`."""
    digests: dict[str, str] = {}
    for name in paths:
        path = folder / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        digests |= {str(item.relative_to(folder)): sha256(item) for item in found if item.is_file()}
    return digests


def code_digest(*packages: str) -> str:
    """Digest of the Python and C++ source of parts of levelone: ``code_digest("zoo", "train")``."""
    total = hashlib.sha256()
    root = Path(str(files("levelone")))
    for package in packages:
        place = root / package
        sources = sorted(place.rglob("*")) if place.is_dir() else [place.with_suffix(".py")]
        for source in sources:
            if source.suffix in {".py", ".h", ".html"}:
                total.update(str(source.relative_to(root)).encode() + b"\0" + source.read_bytes() + b"\0")
    return total.hexdigest()

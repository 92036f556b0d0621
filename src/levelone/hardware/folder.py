"""Project folders: complete or not at all, and never in place of something else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.hardware.body import DOCUMENT, MODEL, SIDE
from levelone.hardware.document import SCHEMA


@contextmanager
def project_folder(output: Path, body: str) -> Iterator[Path]:
    """Yield an empty folder that becomes `output` if the block succeeds.

    An earlier project of the same `body` is replaced; what else lies in its folder (vendor tool output, say)
    is kept.

    Raises
    ------
    LeveloneError
        If `output` is something else than a project of that body, or cannot be written.
    """
    _check(output, body)
    with atomic_path(output, directory=True) as folder:
        yield folder
        _keep_others(output, folder)


def copy_extras(folder: Path, model: Path | None, extras: Mapping[str, bytes | Path]) -> None:
    """Put the model and other files that a project was made from beside it, in `SIDE`.

    Raises
    ------
    LeveloneError
        If a name is not that of a plain file.
    """
    wanted: dict[str, bytes | Path] = dict(extras)
    if model is not None:
        wanted[Path(MODEL).name] = Path(model)
    for name, source in wanted.items():
        if Path(name).name != name:
            raise LeveloneError(f"{name!r} is not a plain file name")
        target = folder / SIDE / name
        target.parent.mkdir(exist_ok=True)
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)


def _check(output: Path, body: str) -> None:
    if not output.exists():
        return
    if not output.is_dir():
        raise LeveloneError(f"{output} is a file, a project is a folder", hint="choose another -o")
    if not any(output.iterdir()):
        return
    # a project of another version, or a damaged one, is a project as well
    text = _text(output / DOCUMENT)
    other = re.search(r'"body": *"([^"]*)"', text)
    kind = "a levelone project" if SCHEMA not in text else f"a project of body {body}"
    if SCHEMA not in text or (other and other[1] != body):
        raise LeveloneError(
            f"{output} exists and is not {kind}; nothing was written",
            hint="choose another -o, or remove that folder yourself",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _keep_others(output: Path, folder: Path) -> None:
    if not output.is_dir():
        return
    generated = {path.name for path in folder.iterdir()}
    for entry in sorted(output.iterdir()):
        if entry.name in generated:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, folder / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, folder / entry.name, follow_symlinks=False)

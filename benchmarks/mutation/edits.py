"""What a fault is: small edits of a project's text, put in and taken out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """Characters `start` to `end` of a file become `text`; a file that is not there is empty."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Fault:
    """A change of a generated project.

    Attributes
    ----------
    kind
        Its class in the score.
    layer
        Firmware name of the layer that it hits; None for what several share.
    what
        In words.
    harmless
        Whether it must change nothing and must not be reported: what people do to a proven project.
    """

    kind: str
    layer: str | None
    what: str
    edits: tuple[Edit, ...]
    harmless: bool = False


def plant(project: Path, faults: Sequence[Fault]) -> None:
    """Edit the files of a project; the edits of one file must not overlap."""
    for name, text in planted_texts(project, faults).items():
        write(project / name, text)


@contextmanager
def planted(project: Path, fault: Fault) -> Iterator[None]:
    """One fault in the files of a project, which are as before afterwards."""
    texts = planted_texts(project, [fault])
    before = {name: (project / name).read_bytes() if (project / name).exists() else None for name in texts}
    try:
        for name, text in texts.items():
            write(project / name, text)
        yield
    finally:
        for name, content in before.items():
            if content is None:
                (project / name).unlink()
            else:
                (project / name).write_bytes(content)


def planted_texts(project: Path, faults: Sequence[Fault]) -> dict[str, str]:
    """The text of every file that `faults` edit, edited."""
    by_file: dict[str, list[Edit]] = {}
    for fault in faults:
        for edit in fault.edits:
            by_file.setdefault(edit.file, []).append(edit)
    texts = {}
    for name, edits in by_file.items():
        text = text_of(project, name)
        for edit in sorted(edits, key=lambda e: -e.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        texts[name] = text
    return texts


def text_of(project: Path, name: str) -> str:
    """Text of a file, line ends as they are; empty if there is none."""
    path = project / name
    return path.read_bytes().decode() if path.is_file() else ""


def write(path: Path, text: str) -> None:
    """`text` as it is, line ends included."""
    path.write_bytes(text.encode())


def owner(name: str, layers: Sequence[str]) -> str | None:
    """The layer whose variable, type or file is called so; `layers` has the longest names first."""
    return next((layer for layer in layers if name == layer or name.startswith(f"{layer}_")), None)

"""What a diagnosis knows of a project beyond its integers; each body has its own reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from levelone.graph.ir import Graph
from levelone.hardware.body import Generated
from levelone.plugins import load
from levelone.verify.difference import Evidence

READERS = {"hls": "levelone.verify.hls.reading:read"}
"""By name of the body. A body without one is diagnosed by its integers alone."""


@dataclass(frozen=True)
class Finding:
    """Something in a project that is not as it was proven, found by reading and not by running it.

    Attributes
    ----------
    file
        Path inside the project.
    kind
        ``type``, ``number``, ``code`` or ``file``.
    text
        What is there, and what was meant.
    layer
        Whose it is, by its name in the hardware; None if that is not known.
    """

    file: str
    kind: str
    text: str
    layer: str | None = None


class Reading(Protocol):
    """A project folder as its reader understands it."""

    def findings(self) -> list[Finding]:
        """What is there otherwise than it was proven; empty only if all that was generated is as proven."""

    def edits(self) -> list[dict[str, Any]]:
        """Changed lines: ``file``, ``line``, ``meant``, ``found``, ``layer``."""

    def edits_told(self) -> list[str]:
        """Everything that was changed since the project was generated, a line of text each."""

    def types(self, evidence: Evidence) -> dict[str, str]:
        """The types that the layer at fault has in the project now: ``result``, ``accum``, ..."""

    def cause(self, evidence: Evidence) -> dict[str, Any]:
        """Why a layer is at fault.

        ``kind``, ``text``, ``confirmed``, ``explained``, ``looked_at``, ``guess``, ``lines``.
        """


@dataclass(frozen=True)
class Unread:
    """The reading of a project of which only the integers are known, and which files were edited."""

    void: tuple[str, ...]

    def findings(self) -> list[Finding]:
        return [Finding(name, "file", "was edited since it was generated") for name in self.void]

    def edits(self) -> list[dict[str, Any]]:
        return []

    def edits_told(self) -> list[str]:
        return []

    def types(self, evidence: Evidence) -> dict[str, str]:
        return {}

    def cause(self, evidence: Evidence) -> dict[str, Any]:
        return {
            "kind": "unknown",
            "text": "the sources of this body are not read",
            "confirmed": False,
            "explained": 0,
            "looked_at": evidence.found.size,
            "guess": None,
            "lines": [],
        }


def proves(body: str) -> bool:
    """Whether a project of that body in which nothing is found is proven, and needs no vector."""
    return body in READERS


def read_project(body: str, generated: Generated, graph: Graph) -> Reading:
    """Read a project of the body called `body`.

    Raises
    ------
    LeveloneError
        If the folder is damaged.
    """
    if not proves(body):
        return Unread(generated.void)
    return cast(Callable[[Path, Graph], Reading], load(READERS[body]))(generated.folder, graph)

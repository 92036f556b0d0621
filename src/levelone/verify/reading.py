"""What a diagnosis knows of a project beyond its integers; each body has its own reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from levelone.graph.ir import Graph
from levelone.plugins import load
from levelone.verify.difference import Evidence

READERS = {"hls": "levelone.verify.hls.reading:read"}
"""By name of the body. A body without one is diagnosed by its integers alone."""


class Reading(Protocol):
    """A project folder as its reader understands it."""

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


class Unread:
    """The reading of a project of which only the integers are known."""

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


def read_project(body: str, project: Path, graph: Graph) -> Reading:
    """Read a project of the body called `body`.

    Raises
    ------
    LeveloneError
        If the folder is damaged.
    """
    if body not in READERS:
        return Unread()
    return cast(Callable[[Path, Graph], Reading], load(READERS[body]))(project, graph)

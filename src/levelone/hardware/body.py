"""What a hardware body is: it writes a project for a graph, builds it, and runs codes through it.

Bodies implement `Body`; `levelone.verify` compares any of them with the meaning of the graph, knowing none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph
from levelone.graph.values import Codes

DOCUMENT = "levelone.json"
"""The document in every project folder; its entry ``body`` says whose project it is."""

SIDE = "levelone"
"""Folder inside a project for what it was made from."""

MODEL = f"{SIDE}/model.onnx"


class OutOfStepError(LeveloneError):
    """A stream was read while empty or left unread: the numbers may be right, but hardware would hang."""


@dataclass(frozen=True)
class Chunk:
    """What a body gave for some consecutive events.

    Attributes
    ----------
    events
        Which ones.
    found
        Recorded values of the graph by name, [event, *shape] in units of the value's least significant bit:
        int64, or floats or Python's fractions where a project edited by hand may leave the grid.
    outputs
        The same of what left the output ports.
    """

    events: slice
    found: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]


def between_codes(found: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a body gave no integer of 64 bits (see `Chunk.found`)."""
    if found.dtype.kind in "iu":
        return np.zeros(found.shape, dtype=bool)
    if found.dtype == object:
        code = [number.denominator == 1 and -(2**63) <= number < 2**63 for number in found.flat]
        return ~np.array(code).reshape(found.shape)
    apart: NDArray[np.bool_] = found != np.floor(found)
    return apart


@dataclass(frozen=True)
class Generated:
    """What lies in a project folder, and what of it is as it was generated.

    Attributes
    ----------
    folder
        The project.
    model_sha256
        Digest of the QONNX file in it (`MODEL`); None if it holds none.
    values
        Shape of every value of the graph, inputs included, by name.
    edited
        Generated files that were changed or removed since.
    void
        Those of them that the hardware is made of: proofs of `convert` do not hold for them.
    proofs
        How layers were proven to be exact: ``layer``, ``method`` and what belongs to it.
    """

    folder: Path
    model_sha256: str | None
    values: Mapping[str, tuple[int, ...]]
    edited: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    proofs: tuple[Mapping[str, Any], ...] = field(default=())


class Built(Protocol):
    """A project that was built and can run."""

    @property
    def build_seconds(self) -> float:
        """Wall time of the build; nearly nothing if `reused`."""

    @property
    def reused(self) -> bool:
        """Whether an earlier build of the very same sources was found."""

    def run(self, codes: Mapping[str, Codes], *, workers: int | None = None) -> Iterator[Chunk]:
        """Run events, in chunks of bounded size and in order.

        Parameters
        ----------
        codes
            Input codes by value name, int [event, *shape], channels last.
        workers
            Processes that share the events; by default one per core.

        Raises
        ------
        LeveloneError
            If inputs do not fit the ports, or the simulation crashes.
        OutOfStepError
            After the last chunk, if the numbers are there but hardware would hang.
        """


class Body(Protocol):
    """One way to turn a graph into hardware.

    Attributes
    ----------
    name
        By which it is chosen, and which ``levelone.json`` keeps: a registered name or ``module:NAME``.
    title
        For people: ``C simulation``.

    One that has choices of hardware says their class, too: ``config`` (`levelone.hardware.choices.Choices`).
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def write(
        self,
        graph: Graph,
        folder: Path,
        *,
        choices: Any = None,
        model: Path | None = None,
        extras: Mapping[str, bytes | Path] | None = None,
        golden: Mapping[str, Codes] | None = None,
    ) -> None:
        """Write a project, completely or not at all.

        Parameters
        ----------
        choices
            The body's own choice of hardware, an object of its ``config``; None: its default.
        model
            The QONNX file that `graph` was read from; to be copied to `MODEL`.
        extras
            Files to keep beside it in `SIDE`: name -> bytes or path.
        golden
            Input codes of the test bench's events, by value name.

        Raises
        ------
        UnsupportedError
            If this body cannot carry the graph exactly.
        LeveloneError
            If the folder is something else than a project, or cannot be written.
        """

    def read(self, folder: Path) -> Generated:
        """What lies in a project of this body.

        Raises
        ------
        LeveloneError
            If it is damaged, or of another version.
        """

    def build(self, folder: Path) -> Built:
        """Build what lies in the folder, as it is.

        Raises
        ------
        LeveloneError
            If it does not build.
        """

"""The document of a streamed project, ``levelone.json``: one type that both writes and reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.hardware.body import DOCUMENT
from levelone.rtl.config import RtlConfig
from levelone.rtl.streams import Stream

SCHEMA = "levelone-rtl"
VERSION = 1
BODY = "rtl"


@dataclass(frozen=True)
class Layer:
    """A layer as it was planned."""

    name: str
    operation: str
    clocks: int
    multipliers: int
    rom_bits: int
    buffer_bits: int


@dataclass(frozen=True)
class Document:
    """What a streamed project is.

    Attributes
    ----------
    version
        Of levelone, which wrote it.
    top
        Module of the network.
    config
        The choices.
    model_sha256
        Of the QONNX file inside; None if there is none.
    values
        Shape of every value of the graph.
    inputs, outputs, probes
        Streams at the ports, and of layers that a simulation records.
    layers
        Planned clocks per event and resources.
    proofs
        How requantisations were proven: ``layer``, ``method`` and what belongs to it.
    digests
        SHA-256 of every generated file by path.
    """

    version: str
    top: str
    config: RtlConfig
    model_sha256: str | None
    values: Mapping[str, tuple[int, ...]]
    inputs: Mapping[str, Stream]
    outputs: Mapping[str, Stream]
    probes: Mapping[str, Stream]
    layers: tuple[Layer, ...]
    proofs: tuple[Mapping[str, Any], ...]
    digests: Mapping[str, str]

    @property
    def clocks_per_event(self) -> int:
        """As planned: of the busiest port or layer."""
        return max(*(s.beats for s in self.inputs.values()), *(layer.clocks for layer in self.layers))

    def text(self) -> str:
        """As JSON."""
        return (
            json.dumps({"schema": SCHEMA, "format": VERSION, "body": BODY, **asdict(self)}, indent=1) + "\n"
        )


def read_document(folder: Path) -> Document:
    """The document of a project.

    Raises
    ------
    LeveloneError
        If there is none, or it is damaged or of another version.
    """
    path = Path(folder) / DOCUMENT
    again = "write the project again with: levelone rtl"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LeveloneError(f"{folder} is not a levelone project: it has no {DOCUMENT}", hint=again) from None
    except (OSError, ValueError, RecursionError) as error:
        raise LeveloneError(f"{path} cannot be read: {error}", hint=again) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise LeveloneError(f"{path} does not describe a streamed RTL project", hint=again)
    if found.get("format") != VERSION:
        raise LeveloneError(f"{path} is of format {found.get('format')!r}, expected {VERSION}", hint=again)
    try:
        return Document(
            version=found["version"],
            top=found["top"],
            config=RtlConfig(**found["config"]),
            model_sha256=found["model_sha256"],
            values={name: tuple(shape) for name, shape in found["values"].items()},
            inputs=_streams(found["inputs"]),
            outputs=_streams(found["outputs"]),
            probes=_streams(found["probes"]),
            layers=tuple(Layer(**layer) for layer in found["layers"]),
            proofs=tuple(found["proofs"]),
            digests=dict(found["digests"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise LeveloneError(f"{path} is damaged: {type(error).__name__}: {error}", hint=again) from None


def _streams(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Stream]:
    return {name: Stream(**stream) for name, stream in found.items()}

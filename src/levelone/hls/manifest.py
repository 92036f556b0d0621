"""`levelone.json` of an hls4ml project: what ties it to its model, its types and its tools."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from levelone.errors import LeveloneError
from levelone.hardware.document import (
    AGAIN,
    Entry,
    Identifier,
    InputEntry,
    LayerEntry,
    OutputEntry,
    ProjectDocument,
    Size,
    proofs_of,
    shapes_of,
)
from levelone.hls.config import HlsConfig, Io

BODY = "hls"
FLAT_CHOICES = (
    "io",
    "part",
    "clock_ns",
    "clock_uncertainty",
    "reuse_factor",
    "strategy",
    "partition_factor",
    "tight",
)
"""Entries of version 3 that are choices."""


class HlsInput(InputEntry):
    """An input port and its name and type in the firmware."""

    layer: Identifier
    type: str


class HlsOutput(OutputEntry):
    """An output port, its name and type in the firmware, and how many doubles carry each of its numbers."""

    layer: Identifier
    type: str
    words: Literal[1, 2] = 1


class HlsLayer(LayerEntry):
    """A layer of the firmware.

    Attributes
    ----------
    layer
        Its name there.
    trace
        Under which name the firmware records it; two values that share storage share it. None: not at all.
    reuse_factor
        As hls4ml made it: the nearest one that divides the layer's work.
    types
        C++ types by hls4ml's key: ``result``, ``accum``, ``weight``, ...
    """

    layer: Identifier
    trace: Identifier | None
    reuse_factor: int
    types: dict[str, str]


class RecordEntry(Entry):
    """Something that the firmware records, its number of elements and the doubles of each."""

    name: Identifier
    size: Size
    words: Literal[1, 2] = 1


class BenchEntry(Entry):
    """The test bench: how many events, in which files."""

    events: int
    inputs: str
    outputs: str


class HlsDocument(ProjectDocument):
    """What levelone writes into an hls4ml project, and reads from it.

    Attributes
    ----------
    hls
        The choices that it was made with.
    pipeline_style
        How the top function runs: "pipeline" or "dataflow".
    stamp
        Digest of all that shapes the firmware.
    helpers
        Layers that compute no value of the graph, by their names in the firmware.
    records
        Everything that the firmware records, in order.
    """

    body: Literal["hls"] = "hls"
    hls: HlsConfig
    pipeline_style: Literal["pipeline", "dataflow"]
    backend: Literal["Vitis"] = "Vitis"
    stamp: str
    inputs: Annotated[tuple[HlsInput, ...], Field(min_length=1)]
    outputs: Annotated[tuple[HlsOutput, ...], Field(min_length=1)]
    layers: tuple[HlsLayer, ...]
    helpers: tuple[Identifier, ...]
    records: tuple[RecordEntry, ...]
    test_bench: BenchEntry

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = {record.name: record.size for record in self.records}
        if len(sizes) != len(self.records):
            raise ValueError("two records have the same name")
        for layer in self.layers:
            if layer.trace is not None and sizes.get(layer.trace) != math.prod(layer.shape):
                raise ValueError(f"no record {layer.trace!r} has the size of layer {layer.name!r}")
        return self

    @classmethod
    def upgraded(cls, data: dict[str, Any], path: Path) -> dict[str, Any]:
        """Version 3 had no body and every choice at the top."""
        if data.get("version") != 3:
            return data
        missing = [key for key in FLAT_CHOICES if key not in data and key != "partition_factor"]
        if missing:
            raise LeveloneError(f"{path} is damaged: {missing[0]} is missing", hint=AGAIN)
        choices = {key: data[key] for key in FLAT_CHOICES if key in data}
        choices["layers"] = data.get("layer_choices", {})
        rest = {key: data[key] for key in data if key not in (*FLAT_CHOICES, "layer_choices")}
        return rest | {"version": 4, "body": BODY, "hls": choices}


@dataclass(frozen=True)
class Manifest:
    """A project and its document.

    Attributes
    ----------
    project
        The folder.
    document
        Its ``levelone.json``.
    """

    project: Path
    document: HlsDocument

    @property
    def data(self) -> dict[str, Any]:
        """The document as JSON's types."""
        return self.document.to_dict()

    @property
    def name(self) -> str:
        """Name of the top function."""
        return self.document.project

    @property
    def io(self) -> Io:
        return self.document.hls.io

    @property
    def inputs(self) -> tuple[HlsInput, ...]:
        return self.document.inputs

    @property
    def outputs(self) -> tuple[HlsOutput, ...]:
        return self.document.outputs

    @property
    def edited(self) -> list[str]:
        """Generated files that were changed or removed since they were written."""
        return self.document.edited(self.project)

    @property
    def firmware_names(self) -> list[str]:
        """Every layer's name in the firmware, helpers included, the longest first."""
        entries: tuple[HlsInput | HlsLayer, ...] = (*self.document.inputs, *self.document.layers)
        names = {entry.layer for entry in entries} | set(self.document.helpers)
        return sorted(names, key=len, reverse=True)

    @property
    def traces(self) -> tuple[tuple[str, HlsLayer], ...]:
        """Every recorded value with the name of its record, in the order of computation."""
        return tuple((layer.trace, layer) for layer in self.document.layers if layer.trace is not None)

    @property
    def proofs(self) -> list[dict[str, Any]]:
        """How layers were proven to be exact: `levelone.hardware.document.proofs_of`."""
        return proofs_of(self.document.layers)

    @property
    def values(self) -> dict[str, tuple[int, ...]]:
        """Shape of every value of the graph, inputs included, by name."""
        return shapes_of(*self.document.inputs, *self.document.layers)

    @property
    def recorded(self) -> tuple[tuple[str, int], ...]:
        """Name and number of doubles of every record that the firmware makes, helpers included."""
        return tuple((record.name, record.size * record.words) for record in self.document.records)

    @property
    def given(self) -> tuple[int, ...]:
        """Number of doubles that leave every output port."""
        return tuple(math.prod(port.shape) * port.words for port in self.outputs)


def read_manifest(project: Path) -> Manifest:
    """Read and check ``PROJECT/levelone.json``.

    Raises
    ------
    LeveloneError
        If `project` is not a folder that `levelone convert` wrote, or is of another version.
    """
    project = Path(project)
    return Manifest(project, HlsDocument.read(project))

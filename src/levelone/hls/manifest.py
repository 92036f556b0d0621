"""`levelone.json`: what ties a generated project to its model, its types and its tools."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from levelone.errors import LeveloneError
from levelone.hardware.body import DOCUMENT

FILE = DOCUMENT
BODY = "hls"
SCHEMA = "levelone-project"
VERSION = 3

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][0-9A-Za-z_]*$")]
Size = Annotated[int, Field(gt=0, le=2**31)]
Exponent = Annotated[int, Field(ge=-(2**14), le=2**14)]
Rational = Annotated[str, Field(pattern=r"^[0-9]+(/[1-9][0-9]*)?$")]

FITS = ("of", "lo", "hi", "bits")
TRIED = ("checked", "reachable", "exhaustive", "identical")
PROOF_KEYS = {
    "range": FITS,
    "scaling": ("multiplier_bits", "shifts", *TRIED, *FITS),
    "thresholds": ("thresholds", *TRIED, *FITS),
    "assignment": (*TRIED, *FITS),
}
"""What belongs to a proof of this method; there may be other methods."""


class _Section(BaseModel):
    """A part of the document: what levelone reads of it is checked, the rest is let through."""

    model_config = ConfigDict(strict=True, extra="allow")


class _Port(_Section):
    name: Identifier
    layer: Identifier
    shape: list[Size]
    exponent: Exponent
    scale: Annotated[list[Rational], Field(min_length=1)]
    width: int
    signed: bool
    lo: int
    hi: int


class _Proof(_Section):
    method: str
    of: str | None = None
    lo: int | None = None
    hi: int | None = None
    bits: int | None = None
    width_only_bits: int | None = None
    multiplier_bits: int | None = None
    shifts: Annotated[list[int], Field(min_length=1)] | None = None
    thresholds: int | None = None
    checked: int | None = None
    reachable: int | None = None
    exhaustive: bool | None = None
    identical: bool | None = None

    @model_validator(mode="after")
    def _complete(self) -> _Proof:
        for key in PROOF_KEYS.get(self.method, ()):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing")
        return self


class _Layer(_Port):
    op: str
    inputs: list[Identifier]
    trace: Identifier | None
    reuse_factor: int
    types: dict[str, str]
    proof: _Proof | None


class _Record(_Section):
    name: Identifier
    size: Size


class _Model(_Section):
    sha256: str | None


class _Document(_Section):
    """What levelone relies on in `levelone.json`."""

    project: Identifier
    io: str
    part: str
    clock_ns: float
    clock_uncertainty: str
    reuse_factor: int
    strategy: str
    partition_factor: int = 0
    tight: bool
    left_off: list[str]
    inputs: Annotated[list[_Port], Field(min_length=1)]
    outputs: Annotated[list[_Port], Field(min_length=1)]
    layers: list[_Layer]
    helpers: list[Identifier]
    records: list[_Record]
    model: _Model
    digests: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> _Document:
        sizes = {record.name: record.size for record in self.records}
        if len(sizes) != len(self.records):
            raise ValueError("two records have the same name")
        for layer in self.layers:
            if layer.trace is not None and sizes.get(layer.trace) != math.prod(layer.shape):
                raise ValueError(f"no record {layer.trace!r} has the size of layer {layer.name!r}")
        return self


@dataclass(frozen=True)
class Port:
    """An input or output of the top function, as csim passes it.

    Attributes
    ----------
    name
        Value of the graph.
    shape
        Channels last, no batch axis.
    exponent
        One code is worth ``2**exponent``.
    """

    name: str
    shape: tuple[int, ...]
    exponent: int


@dataclass(frozen=True)
class Trace:
    """A layer whose output the C simulation records.

    Attributes
    ----------
    name
        Value of the graph.
    layer
        Name under which the firmware records it; two values that share storage share it.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    exponent: int


@dataclass(frozen=True)
class Manifest:
    """The parsed `levelone.json` of a project.

    Attributes
    ----------
    project
        The folder.
    data
        The whole document.
    """

    project: Path
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["project"])

    @property
    def io(self) -> str:
        return str(self.data["io"])

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port(p["name"], tuple(p["shape"]), p["exponent"]) for p in self.data["inputs"])

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(Port(p["name"], tuple(p["shape"]), p["exponent"]) for p in self.data["outputs"])

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every recorded value, in the order of computation."""
        return tuple(
            Trace(layer["name"], layer["trace"], tuple(layer["shape"]), layer["exponent"])
            for layer in self.data["layers"]
            if layer["trace"] is not None
        )

    @property
    def proofs(self) -> list[dict[str, Any]]:
        """How layers were proven to be exact: ``layer``, ``method`` and what belongs to it.

        Each says what is computed (``of``) and its exact bounds ``lo``, ``hi`` and ``bits``.
        """
        layers = self.data["layers"]
        return [{"layer": layer["name"], **layer["proof"]} for layer in layers if layer["proof"]]

    @property
    def values(self) -> dict[str, tuple[int, ...]]:
        """Shape of every value of the graph, inputs included, by name."""
        return {e["name"]: tuple(e["shape"]) for e in (*self.data["inputs"], *self.data["layers"])}

    @property
    def recorded(self) -> tuple[tuple[str, int], ...]:
        """Name and size of every record that the firmware makes, helpers included."""
        return tuple((record["name"], record["size"]) for record in self.data["records"])

    @property
    def model_sha256(self) -> str | None:
        found = self.data["model"]["sha256"]
        return None if found is None else str(found)


def read_manifest(project: Path) -> Manifest:
    """Read and check ``PROJECT/levelone.json``.

    Raises
    ------
    LeveloneError
        If `project` is not a folder that `levelone convert` wrote, or is of a later version.
    """
    project = Path(project)
    path = project / FILE
    hint = "make one with: levelone convert MODEL.onnx -o PROJECT"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LeveloneError(
            f"{project} is not a levelone project: there is no {FILE} in it", hint=hint
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise LeveloneError(f"{path} cannot be read: {error}", hint=hint) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise LeveloneError(f"{path}: schema is not {SCHEMA!r}", hint=hint)
    if data.get("version") != VERSION:
        raise LeveloneError(
            f"{path}: version {data.get('version')!r}, this levelone reads version {VERSION}",
            hint="convert the model again with this levelone",
        )
    try:
        _Document.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise LeveloneError(
            f"{path} is damaged: {place + ': ' if place else ''}{first['msg']}",
            hint="convert the model again",
        ) from None
    return Manifest(project, data)

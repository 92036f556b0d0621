"""``levelone.json``, as far as every body's project has one: what it was made from, and with which values.

Each body has its own document that extends `ProjectDocument`, both written and read through it. The entry
``body`` says which: `body_name` finds it in a file whose rest need not be known.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from levelone import __version__
from levelone.errors import LeveloneError, plain
from levelone.files import parse_json, sha256
from levelone.graph.ir import Graph, GraphInput, HostEnd, InputQuantiser
from levelone.graph.values import Value
from levelone.hardware.body import DOCUMENT, MODEL
from levelone.hardware.proof import Proof
from levelone.hardware.types import exponent_of

SCHEMA = "levelone-project"
VERSION = 4
AGAIN = "convert the model again with this levelone: levelone convert MODEL.onnx -o PROJECT"

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][0-9A-Za-z_]*$")]
Size = Annotated[int, Field(gt=0, le=2**31)]
Exponent = Annotated[int, Field(ge=-(2**14), le=2**14)]
Scale = Annotated[str, Field(pattern=r"^[0-9]+(/[1-9][0-9]*)?$")]
Rational = Annotated[str, Field(pattern=r"^-?[0-9]+(/[1-9][0-9]*)?$")]


class Entry(BaseModel):
    """A part of the document: immutable, and nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ValueEntry(Entry):
    """A value of the graph: codes between `lo` and `hi`, each worth ``2**exponent`` in the hardware.

    `scale` is the exact real value of one code, one for the tensor or one per channel.
    """

    name: Identifier
    shape: tuple[Size, ...]
    exponent: Exponent
    scale: Annotated[tuple[Scale, ...], Field(min_length=1)]
    width: int
    signed: bool
    lo: int
    hi: int


class QuantiserEntry(Entry):
    """What the host does to a number before the port (`levelone.graph.ir.InputQuantiser`)."""

    scale: Scale
    scales: tuple[Scale, ...]
    zero_point: int
    shifts: tuple[Rational, ...]
    bipolar: bool
    lo: int
    hi: int
    rounding: Literal["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]


class InputEntry(ValueEntry):
    """An input port: the tensor of the model that it carries, and what the host does to that."""

    source: str
    channels_first: bool
    quantiser: QuantiserEntry
    host: tuple[str, ...]


class EndEntry(Entry):
    """What the host makes of an output's real numbers (`levelone.graph.ir.HostEnd`)."""

    gain: tuple[Rational, ...]
    bias: tuple[Rational, ...]
    lower: Rational | None
    upper: Rational | None


class OutputEntry(ValueEntry):
    """An output port."""

    end: EndEntry | None


class LayerEntry(ValueEntry):
    """A value that a node computes: by which operation, from which values, proven how."""

    op: str
    inputs: tuple[Identifier, ...]
    proof: Annotated[Proof, Field(discriminator="method")] | None


class ModelEntry(Entry):
    """The QONNX file inside the project."""

    file: str | None
    sha256: str | None


class ProjectDocument(Entry):
    """What every project says of itself; a body's own document has more, and ports and layers of its own.

    Attributes
    ----------
    project
        Name of the top module or function.
    graph
        Name of the graph.
    left_off
        What the host has to do, or what was left off, in words.
    versions
        Of levelone and the libraries that took part.
    digests
        SHA-256 of every generated file but this document, by path inside the project.
    seal
        SHA-256 of all the rest of the file, as it was written; None in those of earlier versions.
    """

    again: ClassVar[str] = AGAIN
    """How a project is made again: the hint where one cannot be read."""

    schema_: Literal["levelone-project"] = Field("levelone-project", alias="schema")
    version: Literal[4] = 4
    body: str
    project: Identifier
    graph: str
    left_off: tuple[str, ...]
    model: ModelEntry
    versions: dict[str, str]
    digests: dict[str, str] = Field(default_factory=dict)
    seal: str | None = None
    _changed: bool = PrivateAttr(default=False)
    """Whether the seal is not that of the file that was read."""

    def with_digests(self, folder: Path) -> Self:
        """The same with the digest of every file that lies in `folder` now, sealed."""
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != DOCUMENT)
        digests = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
        made = self.model_copy(update={"digests": digests})
        made = made.model_copy(update={"seal": _seal(made.to_dict())})
        made._changed = False
        return made

    def edited(self, folder: Path) -> list[str]:
        """Generated files in `folder`, this one included, that were changed or removed since."""
        found = [
            name
            for name, digest in self.digests.items()
            if not (folder / name).is_file() or sha256(folder / name) != digest
        ]
        return [*found, DOCUMENT] if self._changed else found

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON's types."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, folder: Path) -> None:
        """Write it into `folder`."""
        text = json.dumps(self.to_dict(), indent=1) + "\n"
        (folder / DOCUMENT).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check the document in `folder`.

        Raises
        ------
        LeveloneError
            If there is none, it is of another version or body, or an entry is missing or impossible.
        """
        path = Path(folder) / DOCUMENT
        written = raw_document(folder, cls.again)
        # of the file itself: what is read gains the defaults of keys that it was written without
        changed = written.get("seal") not in (None, _seal(written))
        data = cls.upgraded(written, path)
        if data.get("version") != VERSION:
            raise LeveloneError(
                f"{path}: version {data.get('version')!r}, this levelone reads version {VERSION}",
                hint=cls.again,
            )
        try:
            document = cls.model_validate_json(json.dumps(data))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise LeveloneError(
                f"{path} is damaged: {place + ': ' if place else ''}{plain(first['msg'], 200)}",
                hint=cls.again,
            ) from None
        document._changed = changed
        return document

    @classmethod
    def upgraded(cls, data: dict[str, Any], path: Path) -> dict[str, Any]:
        """`data` of an earlier version in the form of this one, as far as the body still reads it."""
        return data


def raw_document(folder: Path, again: str = AGAIN) -> dict[str, Any]:
    """What stands in ``levelone.json``, unchecked but for its schema.

    Raises
    ------
    LeveloneError
        If there is no such file, or it is none of levelone's.
    """
    path = Path(folder) / DOCUMENT
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LeveloneError(
            f"{folder} is not a levelone project: there is no {DOCUMENT} in it", hint=again
        ) from None
    except (OSError, ValueError) as error:
        raise LeveloneError(f"{path} cannot be read: {error}", hint=again) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise LeveloneError(f"{path}: schema is not {SCHEMA!r}", hint=again)
    return data


def _seal(data: Mapping[str, Any]) -> str:
    """The seal of a document's JSON: whatever it holds, in whatever order and layout."""
    rest = {key: data[key] for key in data if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def value_fields(value: Value) -> dict[str, Any]:
    """The fields of `ValueEntry`."""
    return {
        "name": value.name,
        "shape": value.shape,
        "exponent": exponent_of(value),
        "scale": tuple(map(str, value.scale)),
        "width": value.width,
        "signed": value.signed,
        "lo": value.range.lo,
        "hi": value.range.hi,
    }


def input_fields(port: GraphInput) -> dict[str, Any]:
    """The fields of `InputEntry`."""
    return value_fields(port.value) | {
        "source": port.source,
        "channels_first": port.channels_first,
        "quantiser": _quantiser(port.quantiser),
        "host": tuple(map(repr, port.host)),
    }


def output_fields(graph: Graph, name: str) -> dict[str, Any]:
    """The fields of `OutputEntry`."""
    return value_fields(graph.values[name]) | {"end": _end(graph.ends.get(name))}


def shapes_of(*entries: ValueEntry) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    return {entry.name: entry.shape for entry in entries}


def proofs_of(layers: Iterable[LayerEntry]) -> list[dict[str, Any]]:
    """How layers were proven to be exact: ``layer``, ``method`` and what belongs to it.

    Each says what is computed (``of``) and its exact bounds ``lo``, ``hi`` and ``bits``.
    """
    found = ((layer.name, layer.model_dump(mode="json", include={"proof"})["proof"]) for layer in layers)
    return [{"layer": name, **proof} for name, proof in found if proof]


def model_entry(model: Path | None) -> ModelEntry:
    """The entry of a QONNX file that is copied to `MODEL`."""
    if model is None:
        return ModelEntry(file=None, sha256=None)
    return ModelEntry(file=MODEL, sha256=sha256(model))


def versions_of(*packages: str) -> dict[str, str]:
    """Versions of levelone and of `packages`."""
    return {"levelone": __version__} | {name: importlib.metadata.version(name) for name in packages}


def _quantiser(quantiser: InputQuantiser) -> QuantiserEntry:
    return QuantiserEntry(
        scale=str(quantiser.scale),
        scales=tuple(map(str, quantiser.scales)),
        zero_point=quantiser.zero_point,
        shifts=tuple(map(str, quantiser.shifts)),
        bipolar=quantiser.bipolar,
        lo=quantiser.range.lo,
        hi=quantiser.range.hi,
        rounding=quantiser.rounding.value,
    )


def _end(end: HostEnd | None) -> EndEntry | None:
    if end is None:
        return None
    return EndEntry(
        gain=tuple(map(str, end.gain)),
        bias=tuple(map(str, end.bias)),
        lower=None if end.lower is None else str(end.lower),
        upper=None if end.upper is None else str(end.upper),
    )

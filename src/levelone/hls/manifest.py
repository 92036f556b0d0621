"""`levelone.json`: what ties a generated project to its model, its types and its tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError

FILE = "levelone.json"
SCHEMA = "levelone-project"
VERSION = 2


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
        """How layers were proven to be exact: ``layer``, ``method`` and what belongs to it."""
        layers = self.data["layers"]
        return [{"layer": layer["name"], **layer["proof"]} for layer in layers if layer["proof"]]

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
    except (OSError, ValueError) as error:
        raise LeveloneError(f"{path} cannot be read: {error}", hint=hint) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise LeveloneError(f"{path}: schema is not {SCHEMA!r}", hint=hint)
    if data.get("version") != VERSION:
        raise LeveloneError(
            f"{path}: version {data.get('version')}, this levelone reads version {VERSION}",
            hint="convert the model again with this levelone",
        )
    manifest = Manifest(project, data)
    try:
        _ = (
            manifest.name,
            manifest.inputs,
            manifest.outputs,
            manifest.traces,
            manifest.recorded,
            manifest.model_sha256,
            manifest.proofs,
            data["tight"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LeveloneError(f"{path}: entry {error} is missing or malformed", hint=hint) from error
    return manifest

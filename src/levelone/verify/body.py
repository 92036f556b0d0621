"""Which bodies there are, of which one a project folder is, and which graph it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from levelone.errors import LeveloneError, UnsupportedError
from levelone.files import parse_json, sha256
from levelone.graph.ir import Graph
from levelone.hardware.body import DOCUMENT, MODEL, Body, Generated
from levelone.plugins import Registry

DEFAULT = "hls"
BODIES = Registry(
    "body", "levelone.bodies", {DEFAULT: "levelone.hls.body:BODY", "rtl": "levelone.rtl.body:BODY"}
)
"""levelone's own by name; other distributions add entry points, and ``module:NAME`` needs no registration."""


def find_body(name: str) -> Body:
    """The body called `name`, or that ``module:NAME`` leads to.

    Raises
    ------
    LeveloneError
        If there is none, or it would not be found again by the name that it gives itself.
    """
    body = cast(Body, BODIES.find(name))
    if getattr(body, "name", None) != name:
        raise LeveloneError(
            f"body {name!r} calls itself {getattr(body, 'name', None)!r}",
            hint="its attribute `name` must be what it is chosen by: projects are found again by it",
        )
    return body


def read_document(project: Path) -> dict[str, Any]:
    """The ``levelone.json`` of a project of any body.

    Raises
    ------
    LeveloneError
        If the folder is no project, or is damaged.
    """
    body_of(project).read(project)
    document: dict[str, Any] = parse_json((Path(project) / DOCUMENT).read_text(encoding="utf-8"))
    return document


def body_of(project: Path) -> Body:
    """The body that a project folder is of, as its ``levelone.json`` says.

    A folder that says nothing is read as one of hls4ml, and that reader says what is wrong with it.

    Raises
    ------
    LeveloneError
        If it names a body that cannot be found.
    """
    try:
        document = parse_json((Path(project) / DOCUMENT).read_text(encoding="utf-8"))
        name = document.get("body", DEFAULT)
    except (OSError, ValueError, AttributeError):
        name = DEFAULT
    try:
        return find_body(str(name))
    except LeveloneError as error:
        raise LeveloneError(f"{project}: {error.message}", hint=error.hint) from error


def read_graph(generated: Generated) -> Graph:
    """The graph that a project was made from, read from the model inside it.

    Raises
    ------
    LeveloneError
        If there is no model, or it is not the one that the project was made from, value by value.
    """
    from levelone.graph import read_qonnx

    path = generated.folder / MODEL
    if generated.model_sha256 is None or not path.is_file():
        raise LeveloneError(
            f"{generated.folder} holds no {MODEL}: nothing to compare with",
            hint="convert the QONNX file again",
        )
    if sha256(path) != generated.model_sha256:
        raise LeveloneError(
            f"{path} is not the model of this project: its SHA-256 differs from the one in levelone.json",
            hint="convert the QONNX file again",
        )
    try:
        graph = read_qonnx(path)
    except UnsupportedError as error:
        raise LeveloneError(f"{path}: {error.message}", hint=error.hint) from error
    if generated.values != {name: value.shape for name, value in graph.values.items()}:
        raise LeveloneError(
            f"{generated.folder}: levelone.json describes other values than {MODEL} has",
            hint="convert the QONNX file again",
        )
    return graph

"""Models of others whose inputs have no quantiser: the types of the ports, as the user declares them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx

from levelone.errors import LeveloneError
from levelone.graph.reader.load import load_model
from levelone.graph.reader.ports import declare_ports


def parse_ports(texts: Sequence[str]) -> dict[str, str]:
    """``NAME=TYPE`` texts as a mapping; `LeveloneError` if one is not of that form."""
    ports = {}
    for text in texts:
        name, equals, kind = text.rpartition("=")
        if not equals or not name or not kind:
            raise LeveloneError(f"--port {text!r}: NAME=TYPE expected", hint="--port 'images=fixed<16,6>'")
        if name in ports:
            raise LeveloneError(f"--port {text!r}: {name} has been declared already")
        ports[name] = kind
    return ports


@contextmanager
def with_ports(model: Path, texts: Sequence[str]) -> Iterator[Path]:
    """The model file itself, or a temporary copy in which a quantiser follows every declared input.

    Raises
    ------
    LeveloneError
        If the file is no QONNX, an input does not exist, or a type is unknown.
    """
    if not texts:
        yield model
        return
    proto, _ = load_model(model)
    declare_ports(proto, parse_ports(texts))
    with tempfile.TemporaryDirectory(prefix="levelone-") as folder:
        copy = Path(folder) / model.name
        onnx.save(proto, copy)
        yield copy

"""Models of others whose inputs have no quantiser: the types of the ports, as the user declares them."""

from __future__ import annotations

from collections.abc import Sequence

from levelone.errors import LeveloneError


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

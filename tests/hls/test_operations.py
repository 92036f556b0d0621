"""Every operation of the graph has a lowering, every header a lowering that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone.graph.ops import OPERATIONS
from levelone.hls import operations
from levelone.hls.operations import LOWERINGS

FOLDER = Path(operations.__file__).parent


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_operation_has_a_lowering(name: str) -> None:
    assert OPERATIONS[name] in LOWERINGS, f"list the lowering of {name} in levelone.hls.operations"


def test_no_lowering_is_of_an_operation_that_does_not_exist() -> None:
    assert set(LOWERINGS) <= set(OPERATIONS.values())


def test_every_header_is_used() -> None:
    """By a lowering, by another header, or by what writes the project."""
    files = [*FOLDER.glob("*"), *FOLDER.parent.glob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    headers = sorted(path.name for path in FOLDER.glob("*.h"))
    assert headers
    assert [name for name in headers if f'"{name}"' not in text] == []

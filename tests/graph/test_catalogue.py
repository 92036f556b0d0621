"""docs/supported-models.md says what the code does: its tables and its messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone.graph.ops import OPERATIONS
from levelone.graph.reader.catalogue import ENTRIES
from levelone.graph.reader.handlers import HANDLERS, NEAREST
from levelone.graph.reader.hosted import HOSTED
from levelone.graph.reader.tail import ENDS
from levelone.pipeline.supported import render

ROOT = Path(__file__).parents[2]
SOURCES = [
    *(ROOT / "src/levelone/graph/reader").glob("*.py"),
    *(ROOT / "src/levelone/graph/ops").glob("*.py"),
]


def test_the_page_is_current() -> None:
    """If not: python -m levelone.pipeline.supported > docs/supported-models.md."""
    assert (ROOT / "docs/supported-models.md").read_text(encoding="utf-8") == render()


def test_every_operator_has_an_entry_and_every_entry_an_operator() -> None:
    assert set(ENTRIES) == set(HANDLERS)
    assert set(HOSTED) | set(ENDS) <= set(HANDLERS)
    assert not (set(NEAREST) & set(HANDLERS))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_names_operations_and_messages_that_exist(name: str) -> None:
    assert set(ENTRIES[name].becomes) <= set(OPERATIONS)
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "catalogue.py")
    for message in ENTRIES[name].refuses:
        assert message in text, message

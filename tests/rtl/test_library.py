"""Blocks come with the blocks that they are made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from levelone.rtl.library import BLOCKS, with_parts

FILES = sorted(BLOCKS.glob("*.sv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_block_that_a_block_names_comes_with_it(path: Path) -> None:
    code = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    named = set(re.findall(r"levelone_\w+", code))
    assert named >= {path.stem}
    assert named <= set(with_parts([path.stem])) <= {file.stem for file in FILES}


def test_parts_are_found() -> None:
    assert with_parts(["levelone_scale", "levelone_fifo"]) == (
        "levelone_fifo",
        "levelone_scale",
        "levelone_stage",
    )
    assert with_parts([]) == ()

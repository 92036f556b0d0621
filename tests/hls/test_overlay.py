"""The compiler is given the numbers of a header in another form only where it reads the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone.hls.overlay import overlay


@pytest.mark.parametrize(
    ("numbers", "plain"),
    [
        ("0.5, -3", "double"),
        ("0.1234567890123456789, 1e-3", "double"),
        ("9007199254740993, -3", "long long"),
        ("9007199254740993, 0.5", None),  # the first would be rounded
        ("9007199254740993, 1e3", None),
        ("0x20000000000001, 1", None),
        ("7/2, 1", None),
    ],
)
def test_plain_numbers_of_a_header(numbers: str, plain: str | None, tmp_path: Path) -> None:
    header = tmp_path / "w.h"
    header.write_text(f"#ifndef W_H_\n#define W_H_\n\nw_t w[2] = {{{numbers}}};\n\n#endif\n")
    text = overlay([header])
    assert (f"w[2] = {{{numbers}}};" in text) == (plain is not None)
    assert plain is None or f"static const {plain} levelone_w[2]" in text

"""Weights and other constants as they were written, against the codes that were meant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from levelone.errors import LeveloneError
from levelone.hls.spec import LayerSpec


def check_parameters(specs: Sequence[LayerSpec], folder: Path) -> None:
    """Read the weights back from the written headers and compare them with the graph's codes, exactly.

    Raises
    ------
    LeveloneError
        If a printed number is not the intended one.
    """
    for spec in specs:
        for key, parameter in spec.parameters.items():
            path = folder / "firmware" / "weights" / f"{spec.name}_{key}.h"
            written = read_codes(path, parameter.type.exponent)
            codes = parameter.codes
            if spec.outputs_first:
                codes = np.moveaxis(codes, -1, 0)
            if written != codes.reshape(-1).tolist():
                raise LeveloneError(
                    f"{spec.name}: hls4ml wrote other numbers than the {key} codes into {path.name}"
                )


def read_codes(path: Path, exponent: int) -> list[int]:
    """Integer codes of a parameter header, exactly, in units of ``2**exponent``.

    Raises
    ------
    LeveloneError
        If a number is not a whole multiple.
    """
    text = path.read_text(encoding="utf-8")
    numbers = text[text.index("= {") + 3 : text.rindex("};")].split(",")
    unit = Fraction(2) ** exponent
    try:
        codes = {number: Fraction(number.strip()) / unit for number in set(numbers)}
    except ValueError as error:
        raise LeveloneError(f"{path.name}: {error}") from error
    if any(code.denominator != 1 for code in codes.values()):
        raise LeveloneError(f"{path.name}: a number is not a multiple of 2**{exponent}")
    whole = {number: int(code) for number, code in codes.items()}
    return [whole[number] for number in numbers]

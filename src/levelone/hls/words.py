"""Numbers wider than a double: two doubles record them, and headers of constants have all their digits.

hls4ml records and prints doubles. Where a layer, an output or a constant is wider, what it wrote is completed
here; nothing else of a project differs for it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.files import write_text
from levelone.hls.operations.headers import with_includes
from levelone.hls.spec import DOUBLE_BITS, Body, LayerSpec

HEADER = "levelone_words.h"
MAX_REST = 2**10
"""At least what the nearest double leaves of an integer of 64 bits."""


def words_of(variable: Any) -> Literal[1, 2]:
    """Doubles that carry each number of an hls4ml variable."""
    return 2 if variable.type.precision.width > DOUBLE_BITS else 1


def is_recorded(layer: Any) -> bool:
    """Whether the firmware records what an hls4ml layer computes."""
    return bool(layer.get_attr("function_cpp", None) and layer.get_attr("trace", False))


def wrapper(project: str, words: Sequence[int]) -> str:
    """The function of the library that takes and gives doubles; `words` of its outputs."""
    return f"{project}_words" if max(words) > 1 else f"{project}_double"


def two_words(codes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The nearest double of each code, and what that leaves."""
    nearest = codes.astype(np.float64)
    rest = [code - int(near) for code, near in zip(codes.reshape(-1).tolist(), nearest.flat, strict=True)]
    return nearest, np.array(rest, dtype=np.float64).reshape(codes.shape)


def joined(nearest: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[Any]:
    """The sums of two words each: int64, or Python's fractions where one may be no integer of 64 bits."""
    whole = (nearest == np.rint(nearest)) & (rest == np.rint(rest))
    if whole.all() and (np.abs(nearest) < 2.0**63 - MAX_REST).all() and (np.abs(rest) <= MAX_REST).all():
        return nearest.astype(np.int64) + rest.astype(np.int64)
    exact = [Fraction(a) + Fraction(b) for a, b in zip(nearest.flat, rest.flat, strict=True)]
    return np.array(exact, dtype=object).reshape(nearest.shape)


def complete(model: Any, specs: Sequence[LayerSpec], folder: Path) -> None:
    """Make the project that hls4ml wrote in `folder` carry what is wider than a double."""
    for spec in specs:
        _write_parameters(spec, folder / "firmware" / "weights")
    name = model.config.get_project_name()
    recorded = [
        layer.name
        for layer in model.get_layers()
        if is_recorded(layer) and words_of(layer.get_output_variable()) > 1
    ]
    outputs = [variable for variable in model.get_output_variables() if words_of(variable) > 1]
    if not recorded:
        return
    for header, path in with_includes([Body(HEADER, "", {})]).items():
        shutil.copyfile(path, folder / "firmware" / "nnet_utils" / header)
    firmware, bridge = folder / "firmware" / f"{name}.cpp", folder / f"{name}_bridge.cpp"
    text = _including(firmware.read_text(encoding="utf-8"), f"nnet_utils/{HEADER}", '#include "parameters.h"')
    other = _including(
        bridge.read_text(encoding="utf-8"),
        f"firmware/nnet_utils/{HEADER}",
        '#include "firmware/nnet_utils/nnet_helpers.h"',
    )
    for layer in recorded:
        text = _replaced(rf'nnet::(save_layer_output<\w+>\(\w+, "{layer}")', r"levelone::\1", text)
        other = _replaced(rf'("{layer}", \(void \*\) malloc\()', r"\g<1>2 * ", other)
    if outputs:
        other = _with_words(other, name, [variable.name for variable in outputs])
    write_text(firmware, text)
    write_text(bridge, other)


def _including(text: str, header: str, after: str) -> str:
    return _replaced(re.escape(after), f'{after}\n#include "{header}"', text)


def _with_words(bridge: str, project: str, outputs: Sequence[str]) -> str:
    """The bridge with a third wrapper: like that of doubles, but with two for each number of `outputs`."""
    found = re.search(rf"^void {project}_double\(.*?^\}}\n", bridge, re.MULTILINE | re.DOTALL)
    assert found is not None  # noqa: S101  (hls4ml's template has it)
    made = found[0].replace(f"{project}_double(", f"{project}_words(")
    for name in outputs:
        made = _replaced(rf"nnet::convert_data<(\w+), double, ([^>]+)>\({name}_ap, {name}\)",
                         rf"levelone::convert_data<\1, \2>({name}_ap, {name})", made)  # fmt: skip
    return bridge.replace(found[0], f"{found[0]}\n{made}")


def _write_parameters(spec: LayerSpec, folder: Path) -> None:
    """Integers that a double rounds, as they are."""
    for key, parameter in spec.parameters.items():
        if spec.body is not None and parameter.type.exponent == 0 and parameter.type.width > DOUBLE_BITS:
            path = folder / f"{spec.name}_{key}.h"
            numbers = ", ".join(map(str, parameter.codes.reshape(-1).tolist()))
            text = path.read_text(encoding="utf-8")
            write_text(path, _replaced(r"= \{[^{}]*\};", f"= {{{numbers}}};", text))


def _replaced(pattern: str, by: str, text: str) -> str:
    made, count = re.subn(pattern, by, text)
    assert count == 1, (pattern, count)  # noqa: S101  (what hls4ml writes)
    return made

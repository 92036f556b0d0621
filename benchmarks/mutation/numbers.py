"""Faults in the headers of weights, biases and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.mutation.edits import Edit, Fault, owner, text_of
from levelone.verify.hls.fixed import parse_type

_ARRAY = re.compile(r"(?P<type>[\w:<>, -]+?) (?P<name>\w+)\[(?P<size>\d+)\] = \{(?P<numbers>[^{}]*)\};")
_KINDS = {
    "weight": "weight code",
    "bias": "bias code",
    "factor": "factor",
    "term": "term",
    "first": "threshold",
    "falling": "threshold",
    "step": "threshold",
    "source": "source",
    "channel": "source",
}
"""Kind of a fault in the numbers of a parameter; any other parameter is a table."""


def number_faults(
    project: Path, layers: Sequence[str], rng: np.random.Generator, count: int
) -> Iterator[Fault]:
    """Single numbers, whole rows and arrays; `count` numbers of each array, chosen by `rng`."""
    for path in sorted((project / "firmware/weights").glob("*.h")):
        yield from _numbers(project, path, layers, rng, count)
    yield from _respelled(project, layers)


@dataclass(frozen=True)
class _Array:
    """The numbers of a parameter header: where they stand, what they are, whose they are."""

    file: str
    name: str
    layer: str
    kind: str
    text: re.Match[str]
    spans: Sequence[tuple[int, int]]
    values: Sequence[Fraction]


def _numbers(
    project: Path, path: Path, layers: Sequence[str], rng: np.random.Generator, count: int
) -> Iterator[Fault]:
    file, text = path.relative_to(project).as_posix(), text_of(project, path.relative_to(project).as_posix())
    found, layer = _ARRAY.search(text), owner(path.stem, layers)
    if found is None or layer is None:
        return
    key = path.stem[len(layer) + 1 :]
    kind = _KINDS.get(key, "table entry")
    unit = _unit(project, found["type"].split()[-1])
    spans = [
        (m.start() + found.start("numbers"), m.end() + found.start("numbers"))
        for m in re.finditer(r"[^,\s]+", found["numbers"])
    ]
    values = [Fraction(text[a:b]) for a, b in spans]
    for i in sorted(rng.choice(len(spans), min(count, len(spans)), replace=False).tolist()):
        others = {"one up": values[i] + unit, "one down": values[i] - unit, "negated": -values[i]}
        for what, value in others.items():
            if value != values[i]:
                yield Fault(kind, layer, f"{path.stem}[{i}] {what}", (_at(file, spans[i], _real(value)),))
        j = next(
            (k % len(spans) for k in range(i + 1, i + len(spans)) if values[k % len(spans)] != values[i]),
            None,
        )
        if j is not None:
            swap = (_at(file, spans[i], _real(values[j])), _at(file, spans[j], _real(values[i])))
            yield Fault(kind, layer, f"{path.stem}[{i}] and [{j}] exchanged", swap)
    array = _Array(file, path.stem, layer, kind, found, spans, values)
    yield from _rows(array)
    yield from _spellings(array)


def _rows(array: _Array) -> Iterator[Fault]:
    """A part of an array zeroed, its end cut off, its size changed."""
    file, name, layer, spans, values = array.file, array.name, array.layer, array.spans, array.values
    size = len(spans)
    width = next(n for n in range(max(1, int(size**0.5)), 0, -1) if size % n == 0)
    for start in {0, size - width}:
        row = [i for i in range(start, start + width) if values[i] != 0]
        if row and size > 1:
            edits = tuple(_at(file, spans[i], "0") for i in row)
            yield Fault(f"row: {array.kind}", layer, f"{name}[{start}] to [{start + width - 1}] are 0", edits)
    if size > 1 and values[-1] != 0:
        cut = Edit(file, spans[-2][1], spans[-1][1], "")
        yield Fault("array", layer, f"{name}: the last number is missing", (cut,))
    edit = _at(file, array.text.span("size"), str(size + 1))
    yield Fault("array", layer, f"{name}: a number more than there are", (edit,))


def _spellings(array: _Array) -> Iterator[Fault]:
    """Text that people read as the same numbers, and C++ does not."""
    file, name, layer, spans, values = array.file, array.name, array.layer, array.spans, array.values
    for i, value in enumerate(values):
        if value.denominator > 1:
            text = f"{value.numerator}/{value.denominator}"
            yield Fault("spelling", layer, f"{name}[{i}] as {text}", (_at(file, spans[i], text),))
            break
    for i, value in enumerate(values):
        if value.denominator == 1 and 8 <= value < 100 and not {"8", "9"} & set(str(value)):
            yield Fault("spelling", layer, f"{name}[{i}] as 0{value}", (_at(file, spans[i], f"0{value}"),))
            break
    i = next((k for k, value in enumerate(values) if value != 0), None)
    if i is not None:
        text, start = array.text[0], array.text.start()
        a, b = (at - start for at in spans[i])
        other = f"/* was\n{text}\n*/\n{text[:a]}0{text[b:]}"
        edit = _at(file, array.text.span(), other)
        yield Fault("commented out", layer, f"{name}[{i}] is 0, the old array is a comment", (edit,))


def _respelled(project: Path, layers: Sequence[str]) -> Iterator[Fault]:
    """The same numbers with more decimals, in all arrays of a layer."""
    edits: dict[str, list[Edit]] = {}
    for path in sorted((project / "firmware/weights").glob("*.h")):
        file = path.relative_to(project).as_posix()
        found, layer = _ARRAY.search(text_of(project, file)), owner(path.stem, layers)
        if found is not None and layer is not None:
            numbers = ", ".join(f"{float(number):.30f}" for number in found["numbers"].split(","))
            edits.setdefault(layer, []).append(_at(file, found.span("numbers"), numbers))
    for layer, changed in edits.items():
        yield Fault("decimals", layer, f"{layer}: 30 decimals", tuple(changed), harmless=True)


def _at(file: str, span: tuple[int, int], text: str) -> Edit:
    return Edit(file, span[0], span[1], text)


def _unit(project: Path, type_name: str) -> Fraction:
    text = text_of(project, "firmware/defines.h")
    found = re.search(rf"typedef (.*) {re.escape(type_name)};", text)
    fixed = parse_type(found[1] if found is not None else type_name)
    return Fraction(1) if fixed is None else Fraction(2) ** fixed.exponent


def _real(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else repr(float(value))

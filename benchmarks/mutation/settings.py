"""Faults in the configuration of layers, and in the generated code that gathers windows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.mutation.edits import Edit, Fault, text_of
from levelone.hls.operations.requantise import MODES

FILE = "firmware/parameters.h"

_SETTING = re.compile(r"static const (?P<type>unsigned|long long) (?P<key>\w+) = (?P<value>-?\d+);")


def setting_faults(project: Path, layers: Sequence[str]) -> Iterator[Fault]:
    """Numbers in the configuration of every layer."""
    text = text_of(project, FILE)
    for heading, body_start, body_end in _sections(text, layers):
        settings = list(_SETTING.finditer(text, body_start, body_end))
        keys = {found["key"] for found in settings}
        for found in settings:
            key, value = found["key"], int(found["value"])
            for kind, other in _other_settings(key, value, keys):
                if other < 0 and found["type"] == "unsigned":
                    continue
                edit = Edit(FILE, *found.span("value"), str(other))
                yield Fault(kind, heading, f"{heading}: {key} = {other}, not {value}", (edit,))
        for old, new in (("nnet::Max;", "nnet::Average;"), ("nnet::Average;", "nnet::Max;")):
            at = text.find(old, body_start, body_end)
            if at >= 0:
                yield Fault("operation", heading, f"{heading}: {new}", (Edit(FILE, at, at + len(old), new),))
        strides = re.compile(r"perm_strides\[\d\] = \{\s*(\d+)\s*,\s*(\d+)").search(
            text, body_start, body_end
        )
        if strides is not None:
            edits = (Edit(FILE, *strides.span(1), strides[2]), Edit(FILE, *strides.span(2), strides[1]))
            yield Fault("order", heading, f"{heading}: first two axes exchanged", edits)


def _sections(text: str, layers: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    headings = [m for m in re.finditer(r"^// (\w+)\s*$", text, re.MULTILINE)]
    for here, following in zip(headings, [*headings[1:], None], strict=True):
        if here[1] in layers:
            yield here[1], here.end(), len(text) if following is None else following.start()


_LENGTHS = {"n_in", "n_out", "n_filt", "n_chan", "channels", "size", "entries", "steps", "blocks"}
_LENGTHS |= {"depth", "height", "width", "a_block", "b_block", "a_channels", "b_channels"}
_STEPS = {f"{operand}_{axis}" for operand in "ab" for axis in ("depth", "height", "width")}


def _other_settings(key: str, value: int, keys: Collection[str]) -> Iterator[tuple[str, int]]:
    """(kind, other value) of one setting of a layer that has the settings `keys`."""
    less = [value - 1] if value > 1 else []
    if key.startswith("stride") or key in _STEPS:  # a step of 0 repeats an operand that is merged
        yield from (("stride", other) for other in (value + 1, *less))
    elif key.startswith("dilation"):
        yield from (("dilation", other) for other in (value + 1, *less))
    elif key.startswith("pad_") or key == "fill":
        yield from (("padding", other) for other in (value + 1, *([value - 1] if value > 0 else ())))
    elif key.startswith(("filt_", "pool_")):
        yield from (("window", other) for other in less)
    elif key == "groups":
        yield "groups", 1 if value > 1 else 2
    elif key == "history" or key.endswith("_held"):
        yield from (("line buffer", other) for other in less)
    elif key == "shift":
        yield from (("shift", other) for other in (value + 1, *([value - 1] if value > 0 else ())))
    elif key == "rounding":
        yield from (("rounding", mode) for mode in MODES.values() if mode != value)
    elif key in ("lowest", "highest"):
        # a table that begins elsewhere is read past its ends
        yield from (("extent" if "entries" in keys else "limits", value + by) for by in (1, -1))
    elif key in _LENGTHS or key.startswith(("out_", "in_")):
        yield from (("extent", other) for other in less)


def buffer_faults(project: Path, rng: np.random.Generator, count: int) -> Iterator[Fault]:
    """The generated code that gathers the window of a convolution: other elements, other padding."""
    file = "firmware/nnet_utils/nnet_code_gen.h"
    text = text_of(project, file)
    owners = dict(
        re.findall(
            r"^// (\w+)\n(?:(?!^// ).*\n)*?.*nnet::(fill_buffer_\d+)<", text_of(project, FILE), re.MULTILINE
        )
    )
    by_class = {made: layer for layer, made in owners.items()}
    parts = re.split(r"(class fill_buffer_\d+)", text)
    at = len(parts[0])
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        at += len(heading)
        layer = by_class.get(heading.split()[1])
        items = list(re.finditer(r"= +(data\[\d+\]|0);", body))
        for i in sorted(rng.choice(len(items), min(count, len(items)), replace=False).tolist()):
            span = (items[i].start(1) + at, items[i].end(1) + at)
            other = next((m for m in items[i + 1 :] if m[1] != items[i][1]), None)
            if other is not None and layer is not None:
                swap = (
                    Edit(file, *span, other[1]),
                    Edit(file, other.start(1) + at, other.end(1) + at, items[i][1]),
                )
                yield Fault("order", layer, f"{layer}: elements {items[i][1]} and {other[1]} exchanged", swap)
            if items[i][1] != "0" and layer is not None:
                yield Fault(
                    "padding", layer, f"{layer}: {items[i][1]} read as padding", (Edit(file, *span, "0"),)
                )
        at += len(body)

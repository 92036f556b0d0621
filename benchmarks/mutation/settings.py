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


GATHERING = "firmware/nnet_utils/nnet_code_gen.h"

LOOPED: Sequence[tuple[str, str, str]] = (
    ("order", "position / CONFIG_T::out_width", "position % CONFIG_T::out_width"),
    ("order", "position % CONFIG_T::out_width", "position / CONFIG_T::out_width"),
    ("order", "tap / CONFIG_T::filt_width", "tap % CONFIG_T::filt_width"),
    ("order", "tap % CONFIG_T::filt_width", "tap / CONFIG_T::filt_width"),
    ("order", "row * int(CONFIG_T::in_width) + column", "column * int(CONFIG_T::in_height) + row"),
    ("order", "element * CONFIG_T::n_chan + channel", "(element + 1) * CONFIG_T::n_chan - 1 - channel"),
    ("stride", "* CONFIG_T::stride_height", "* (CONFIG_T::stride_height + 1)"),
    ("stride", "* CONFIG_T::stride_width", "* (CONFIG_T::stride_width + 1)"),
    ("padding", "- int(CONFIG_T::pad_top)", "+ 1 - int(CONFIG_T::pad_top)"),
    ("padding", "- int(CONFIG_T::pad_left)", "+ 1 - int(CONFIG_T::pad_left)"),
    ("padding", "row >= 0", "row > 0"),
    ("padding", "column >= 0", "column > 0"),
    ("padding", "row < int(CONFIG_T::in_height)", "row + 1 < int(CONFIG_T::in_height)"),
    ("padding", "column < int(CONFIG_T::in_width)", "column + 1 < int(CONFIG_T::in_width)"),
    ("padding", ": data_T(0)", ": data[0]"),
)
"""Kind, text of the loops that gather a window, other text."""


def buffer_faults(project: Path, rng: np.random.Generator, count: int) -> Iterator[Fault]:
    """The generated code that gathers the window of a convolution: other elements, other padding.

    Of a window that is spelt out, `count` elements; of one that loops gather, all of `LOOPED` that it has.
    """
    layers = {
        made: layer
        for layer, made in re.findall(
            r"^// (\w+)\n(?:(?!^// ).*\n)*?.*nnet::(fill_buffer_\d+)<", text_of(project, FILE), re.MULTILINE
        )
    }
    parts = re.split(r"(class fill_buffer_\d+)", text_of(project, GATHERING))
    at = len(parts[0])
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        at += len(heading)
        layer = layers.get(heading.split()[1])
        if layer is not None:
            items = list(re.finditer(r"\]\[\d+\] = +(data\[\d+\]|0);", body))
            yield from (
                _spelt_faults(layer, items, at, rng, count) if items else _looped_faults(layer, body, at)
            )
        at += len(body)


def _spelt_faults(
    layer: str, items: Sequence[re.Match[str]], at: int, rng: np.random.Generator, count: int
) -> Iterator[Fault]:
    """`count` of the assignments `items`, found in a text that begins at `at`."""
    for i in sorted(rng.choice(len(items), min(count, len(items)), replace=False).tolist()):
        span = (items[i].start(1) + at, items[i].end(1) + at)
        other = next((m for m in items[i + 1 :] if m[1] != items[i][1]), None)
        if other is not None:
            swap = (
                Edit(GATHERING, *span, other[1]),
                Edit(GATHERING, other.start(1) + at, other.end(1) + at, items[i][1]),
            )
            yield Fault("order", layer, f"{layer}: elements {items[i][1]} and {other[1]} exchanged", swap)
        if items[i][1] != "0":
            edit = Edit(GATHERING, *span, "0")
            yield Fault("padding", layer, f"{layer}: {items[i][1]} read as padding", (edit,))


def _looped_faults(layer: str, body: str, at: int) -> Iterator[Fault]:
    """Each of `LOOPED` at every place of a text that begins at `at`."""
    for kind, old, new in LOOPED:
        for found in re.finditer(re.escape(old), body):
            edit = Edit(GATHERING, found.start() + at, found.end() + at, new)
            yield Fault(kind, layer, f"{layer}: {new!r} in place of {old!r}", (edit,))

"""Faults in the top function: calls, their order and operands, streams, records, outputs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from benchmarks.mutation.edits import Edit, Fault, owner, text_of
from levelone.hls.manifest import Manifest

_CALL = re.compile(r"^    (?:nnet|levelone)::(?!save_layer)[^\n]*\n", re.MULTILINE)
_RECORD = re.compile(r'save_layer_output<\w+>\(\w+, "(\w+)"')


def top_faults(manifest: Manifest) -> Iterator[Fault]:
    """All of them."""
    file = f"firmware/{manifest.name}.cpp"
    text = text_of(manifest.project, file)
    yield from _operands(file, text, manifest)
    yield from _calls(file, text)
    yield from _outputs(file, text, manifest)
    yield from _records(file, text, manifest)
    yield from _pragmas(file, text, manifest)


def _operands(file: str, text: str, manifest: Manifest) -> Iterator[Fault]:
    for found in re.finditer(r"nnet::(relu|linear)<.*?// (\w+)$", text, re.MULTILINE):
        other = "linear" if found[1] == "relu" else "relu"
        yield Fault("operation", found[2], f"{found[2]}: {other}", (Edit(file, *found.span(1), other),))
    sizes = {layer.layer: math.prod(layer.shape) for layer in manifest.document.layers}
    for found in re.finditer(
        r"nnet::concatenate\w+<(\w+), (\w+), .*?>\((\w+), (\w+), .*// (\w+)$", text, re.MULTILINE
    ):
        if sizes.get(found[3], -1) == sizes.get(found[4]):  # else memory beyond an array would be read
            swapped = [(1, found[2]), (2, found[1]), (3, found[4]), (4, found[3])]
            edits = tuple(Edit(file, *found.span(group), other) for group, other in swapped)
            yield Fault("order", found[5], f"{found[5]}: operands exchanged", edits)


def _calls(file: str, text: str) -> Iterator[Fault]:
    calls = list(_CALL.finditer(text))
    for one, two in itertools.pairwise(calls):
        edits = (Edit(file, *one.span(), two[0]), Edit(file, *two.span(), one[0]))
        yield Fault("call order", None, f"exchanged: {one[0].strip()} and {two[0].strip()}", edits)
    for call in calls:
        at = call.end()
        yield Fault("call", None, f"left out: {call[0].strip()}", (Edit(file, *call.span(), ""),))
        yield Fault("call", None, f"twice: {call[0].strip()}", (Edit(file, at, at, call[0]),))


def _outputs(file: str, text: str, manifest: Manifest) -> Iterator[Fault]:
    """Outputs that change behind the last recording, in what is compiled and in what is synthesised."""
    end = text.rindex("}")
    for port in manifest.document.outputs:
        name = port.layer
        negated = f"{name}[0] = -{name}[0];"
        if manifest.io == "stream":
            negated = f"auto beat = {name}.read(); beat[0] = -beat[0]; {name}.write(beat);"
        line = f"    {{ {negated} }}\n"
        yield Fault("output", name, f"{name}: {negated}", (Edit(file, end, end, line),))
        hidden = f"#ifdef __SYNTHESIS__\n{line}#endif\n"
        yield Fault("synthesis only", name, f"{name}: {negated}", (Edit(file, end, end, hidden),))


def _records(file: str, text: str, manifest: Manifest) -> Iterator[Fault]:
    """A layer that is recorded under the name of the next one of its size."""
    sizes = {record.name: record.size for record in manifest.document.records}
    found = list(_RECORD.finditer(text))
    for one, two in itertools.pairwise(found):
        same_graph = one[1].split("_")[0] == two[1].split("_")[0]  # of several side by side
        if same_graph and sizes.get(one[1]) == sizes.get(two[1]):
            edits = (Edit(file, *one.span(1), two[1]), Edit(file, *two.span(1), one[1]))
            layer = owner(one[1], manifest.firmware_names)
            yield Fault("record", layer, f"{one[1]} and {two[1]} exchanged", edits)


def _pragmas(file: str, text: str, manifest: Manifest) -> Iterator[Fault]:
    for found in re.finditer(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)", text):
        if int(found[2]) > 1:
            layer, depth = owner(found[1], manifest.firmware_names), str(int(found[2]) // 2)
            edit = Edit(file, *found.span(2), depth)
            yield Fault("stream depth", layer, f"{found[1]}: depth {depth}, not {found[2]}", (edit,))
    for found in re.finditer(r"^ *#pragma HLS (?!STREAM).*\n", text, re.MULTILINE):
        yield Fault("pragma", None, f"left out: {found[0].strip()}", (Edit(file, *found.span(), ""),))

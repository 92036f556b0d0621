"""Edited lines that the integers of a layer can depend on, the nearest first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from levelone.hls.manifest import Manifest
from levelone.verify.hls.firmware import BUFFERS, PARAMETERS, WEIGHTS, Firmware, LineChange

HEADERS = "firmware/nnet_utils/"

_INCLUDE = re.compile(r'^\s*#include "(?:nnet_utils/)?(\w+\.h)"', re.MULTILINE)
_NAME = re.compile(r"\b(nnet|levelone)::(\w+)")
_HEADING = re.compile(r"^// (\w+)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"//.*|/\*.*?\*/")


def suspects(manifest: Manifest, firmware: Firmware, layer: str) -> list[LineChange]:
    """Edits that a layer at fault can be due to.

    First come the lines that are the layer's own (its configuration, its call, its types), then its numbers,
    then the headers of its code in the order in which they include each other, then what belongs to no layer.
    Lines of other layers, headers that the layer's code does not include, comments and pragmas are left out.

    Parameters
    ----------
    layer
        Firmware name.
    """
    own = {layer, *helpers_of(manifest, layer)}
    near = headers_of(manifest, own)
    ranked: list[tuple[int, int, LineChange]] = []
    for change in firmware.lines:
        if not change.file.startswith("firmware/") or _code(change.meant) == _code(change.found):
            continue
        if change.layer in own:
            ranked.append((0, 0, change))
        elif change.layer is not None:
            continue
        elif not change.file.startswith(HEADERS):
            ranked.append((3, 0, change))
        elif change.file != BUFFERS and (name := Path(change.file).name) in near:
            ranked.append((2, near[name], change))
    ranked += [(1, 0, change) for change in _numbers(firmware, own)]
    return [change for *_, change in sorted(ranked, key=lambda entry: entry[:2])]


def helpers_of(manifest: Manifest, layer: str) -> list[str]:
    """Firmware names of the layers that `convert` put before `layer`: a padding, part of a concatenation."""
    layers = [entry.layer for entry in manifest.document.layers]
    found = []
    for helper in manifest.document.helpers:
        owners = [name for name in layers if helper.startswith(f"{name}_")]
        if owners and max(owners, key=len) == layer:
            found.append(helper)
    return found


def headers_of(manifest: Manifest, layers: Collection[str]) -> dict[str, int]:
    """Headers that the code of layers is in -> how many includes they are away from what is called."""
    texts = {path.name: _text(path) for path in sorted((manifest.project / HEADERS).glob("*.h"))}
    parameters = _text(manifest.project / PARAMETERS)
    compiled = _reached(texts, _INCLUDE.findall(parameters))
    top = _text(manifest.project / "firmware" / f"{manifest.name}.cpp")
    sections = _sections(parameters)
    code = [sections.get(layer, "") for layer in layers]
    code += [
        line for layer in layers for line in re.findall(rf"^.*// {re.escape(layer)}\s*$", top, re.MULTILINE)
    ]
    called = set(_NAME.findall("\n".join(code)))
    return _reached(texts, [name for name in compiled if _defines(name, texts[name], called)])


def _reached(texts: Mapping[str, str], start: Iterable[str]) -> dict[str, int]:
    """Header -> how many includes it is away from the headers `start`."""
    distances: dict[str, int] = {}
    left = [(name, 0) for name in start]
    while left:  # breadth first: the first distance is the shortest
        name, distance = left.pop(0)
        if name in texts and name not in distances:
            distances[name] = distance
            left += [(other, distance + 1) for other in _INCLUDE.findall(texts[name])]
    return distances


def _defines(header: str, text: str, names: Iterable[tuple[str, str]]) -> bool:
    return any(
        header.startswith(f"{space}_") and re.search(rf"\b(?:void|class|struct) {name}\b", text)
        for space, name in names
    )


def _sections(parameters: str) -> Mapping[str, str]:
    """The configuration of each layer, as hls4ml's comments head it."""
    parts = _HEADING.split(parameters)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _numbers(firmware: Firmware, layers: set[str]) -> Sequence[LineChange]:
    return [
        LineChange(
            f"{WEIGHTS}{change.layer}_{change.key}.h",
            0,
            f"number {change.index}: {change.meant}",
            f"number {change.index}: {change.found}",
            change.layer,
        )
        for change in firmware.code_changes
        if change.layer in layers
    ]


def _code(line: str) -> str:
    """A line without what the C simulation does not see: comments, pragmas, blanks."""
    bare = "".join(_COMMENT.sub("", line).split())
    return "" if bare.startswith("#pragma") else bare


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

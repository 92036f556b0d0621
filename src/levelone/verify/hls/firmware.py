"""How the firmware that lies in a project differs from what `convert` would write there."""

from __future__ import annotations

import difflib
import json
import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from levelone.files import sha256
from levelone.graph.ir import Graph
from levelone.hardware.body import DOCUMENT
from levelone.hls.ap_fixed import ApFixed
from levelone.hls.manifest import Manifest, read_manifest
from levelone.hls.project import convert
from levelone.verify.hls.fixed import parse_type
from levelone.verify.hls.source import NUMBER, code_of, script_of

DEFINES = "firmware/defines.h"
PARAMETERS = "firmware/parameters.h"
BUFFERS = "firmware/nnet_utils/nnet_code_gen.h"
WEIGHTS = "firmware/weights/"
OWN = ("digests", "model", "seal", "test_bench", "versions")
"""Entries of the document that are of this very folder, or of the machine that wrote it."""

MAX_LINES = 40
"""Changed lines that are reported per file."""

_TYPEDEF = re.compile(r"^\s*typedef ([^;]+) (\w+);\s*$", re.MULTILINE)
_RECORD = re.compile(r'save_layer_output<(\w+)>\(\w+, "(\w+)"')
_SETTING = re.compile(r"static const (?:unsigned|bool|int|long long) (\w+) = (-?\w+);")
_LAYER = re.compile(r"^// (\w+)\s*$")
_NUMBERS = re.compile(r"= \{([^{}]*)\};")
_LONGEST = 2**63 - 1
"""The largest integer literal that every compiler takes as it is written."""
_DIGITS = 400
"""Characters of a literal: more are in no type's range, and Python reads no integer of any length."""


@dataclass(frozen=True)
class LineChange:
    """A line of a generated file that is not as it was written; empty text where there is no such line."""

    file: str
    line: int
    meant: str
    found: str
    layer: str | None = None


@dataclass(frozen=True)
class TypeChange:
    """A type of a layer that is not the one that `convert` chose; `key` is ``result``, ``accum``, ..."""

    layer: str
    key: str
    name: str
    meant: str
    found: str


@dataclass(frozen=True)
class CodeChange:
    """A number in a header of weights, biases or tables, by its flat index there."""

    layer: str
    key: str
    index: int
    meant: Fraction
    found: Fraction


@dataclass(frozen=True)
class Firmware:
    """What lies in the project, and where it deviates; layers by their firmware names.

    Attributes
    ----------
    types
        (layer, key) -> the type that the project has now; only fixed-point ones.
    numbers
        (layer, key) -> the numbers in the header as it is now; only of headers that deviate.
    settings
        layer -> {setting of its configuration: (meant, found)}, where they differ.
    foreign
        Edited files that cannot be compared line by line: this levelone would write them otherwise.
    code
        Files that deviate in more than comments, types of layers and numbers of parameters.
    document
        If ``levelone.json`` was edited: how it deviates, in words.
    """

    edited: tuple[str, ...]
    types: Mapping[tuple[str, str], ApFixed]
    type_changes: tuple[TypeChange, ...] = ()
    code_changes: tuple[CodeChange, ...] = ()
    numbers: Mapping[tuple[str, str], list[Fraction]] = field(default_factory=dict)
    lines: tuple[LineChange, ...] = ()
    settings: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    document: tuple[str, ...] = ()


def read_firmware(manifest: Manifest, graph: Graph) -> Firmware:
    """Compare the project with a fresh conversion of `graph` for the same hardware.

    Raises
    ------
    LeveloneError
        If `graph` cannot be converted.
    """
    if not any(map(_is_source, manifest.edited)):
        return Firmware((), _types(manifest.project, manifest, manifest.firmware_names))
    with tempfile.TemporaryDirectory(prefix="levelone-diff-") as scratch:
        again = Path(scratch) / "project"
        # the test bench's events are not compared: one is enough, and none has to be searched for
        event = {p.value.name: np.full((1, *p.value.shape), p.value.range.lo) for p in graph.inputs}
        convert(graph, again, manifest.document.hls, name=manifest.name, golden=event)
        return compare_firmware(manifest, again)


def compare_firmware(manifest: Manifest, again: Path) -> Firmware:
    """Compare the project with another one that was converted from the same graph for the same hardware."""
    document: tuple[str, ...] = ()
    changed = manifest.edited
    if DOCUMENT in changed:
        fresh = read_manifest(again).document
        document = tuple(_differing(manifest.data, fresh.to_dict())) or ("its seal",)
        manifest = replace(manifest, document=fresh)
        changed = manifest.edited
    layers, digests = manifest.firmware_names, manifest.document.digests
    edited = tuple(filter(_is_source, changed))
    known = [n for n in edited if (again / n).is_file() and sha256(again / n) == digests[n]]
    lines = [change for name in known for change in _lines(manifest, again, name, layers)]
    types = _types(manifest.project, manifest, layers)
    changes = _type_changes(manifest, again, layers) if DEFINES in known else ()
    codes: list[CodeChange] = []
    numbers: dict[tuple[str, str], list[Fraction]] = {}
    for name in known:
        if name.startswith(WEIGHTS):
            place = _split(Path(name).stem, layers)
            meant, found = read_numbers(again / name), read_numbers(manifest.project / name)
            if place is None or len(meant) != len(found):
                continue
            numbers[place] = found
            codes += [
                CodeChange(*place, i, a, b)
                for i, (a, b) in enumerate(zip(meant, found, strict=True))
                if a != b
            ]
    code = [name for name in known if _other_code(manifest, again, name, layers)]
    return Firmware(
        edited,
        types,
        tuple(changes),
        tuple(codes),
        numbers,
        tuple(change for change in lines if not change.file.startswith(WEIGHTS)),
        _settings(lines),
        tuple(name for name in edited if name not in known),
        tuple(code),
        document,
    )


def _differing(found: Any, meant: Any, place: str = "") -> Iterator[str]:
    """Where two documents differ: the entries that a conversion of the same graph writes alike."""
    if isinstance(found, dict) and isinstance(meant, dict):
        for key in sorted(found.keys() | meant.keys()):
            if place or key not in OWN:
                yield from _differing(found.get(key), meant.get(key), f"{place}{key}.")
    elif isinstance(found, list) and isinstance(meant, list) and len(found) == len(meant):
        for number, pair in enumerate(zip(found, meant, strict=True)):
            yield from _differing(*pair, f"{place}{number}.")
    elif found != meant:
        yield f"{place[:-1]} is {_brief(found)}, not {_brief(meant)}"


def _brief(entry: Any) -> str:
    text = json.dumps(entry)
    return text if len(text) < 60 else f"{text[:57]}..."


def _is_source(name: str) -> bool:
    """Whether a generated file is compiled, or says how it is."""
    return name.startswith("firmware/") or "/" not in name


def read_numbers(path: Path) -> list[Fraction]:
    """Numbers of a parameter header, exactly as C++ reads them; empty if the file is not of that form."""
    arrays = _NUMBERS.findall(code_of(_text(path)))  # one that is commented out does not count
    numbers = [number.strip() for array in arrays for number in array.split(",")]
    if len(arrays) != 1 or not all(map(NUMBER.fullmatch, numbers)):
        return []
    if any(n.lstrip("-").isdecimal() and len(n) > _DIGITS for n in numbers):
        return []
    values = [int(n) if n.lstrip("-").isdecimal() else float(n) for n in numbers]
    if any(math.isinf(v) if isinstance(v, float) else abs(v) > _LONGEST for v in values):
        return []
    return [Fraction(value) for value in values]


def _split(name: str, layers: list[str]) -> tuple[str, str] | None:
    """``conv1_accum`` -> (``conv1``, ``accum``)."""
    return next(((layer, name[len(layer) + 1 :]) for layer in layers if name.startswith(f"{layer}_")), None)


def _typedefs(project: Path, manifest: Manifest, layers: list[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(layer, key) -> (name of the type, its definition)."""
    definitions = {name: text for text, name in _TYPEDEF.findall(code_of(_text(project / DEFINES)))}
    result = {}
    for name, text in definitions.items():
        stem = name.removesuffix("_t")
        if stem in layers:
            result[stem, "result"] = (name, text)
        elif (place := _split(stem, layers)) is not None:
            result[place] = (name, text)
    for name, layer in _RECORD.findall(_text(project / "firmware" / f"{manifest.name}.cpp")):
        if name in definitions:
            result[layer, "result"] = (name, definitions[name])
    return result


def _types(project: Path, manifest: Manifest, layers: list[str]) -> dict[tuple[str, str], ApFixed]:
    parsed = {place: parse_type(text) for place, (_, text) in _typedefs(project, manifest, layers).items()}
    return {place: fixed for place, fixed in parsed.items() if fixed is not None}


def _type_changes(manifest: Manifest, again: Path, layers: list[str]) -> list[TypeChange]:
    meant = _typedefs(again, manifest, layers)
    found = _typedefs(manifest.project, manifest, layers)
    return [
        TypeChange(*place, name, text, found.get(place, ("", "(not defined)"))[1])
        for place, (name, text) in meant.items()
        if found.get(place, ("", ""))[1] != text
    ]


def _lines(manifest: Manifest, again: Path, name: str, layers: list[str]) -> list[LineChange]:
    texts = (_text(root / name).replace("\r\n", "\n") for root in (again, manifest.project))
    before, after = (text.removesuffix("\n").split("\n") for text in texts)
    if name == DEFINES:
        owners = _owners_of_types(before, _typedefs(again, manifest, layers))
    elif name == BUFFERS:
        owners = _owners_of_buffers(before, _text(again / PARAMETERS).splitlines(), layers)
    else:
        owners = _owners(before, layers)
    changes: list[LineChange] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for i in range(max(b - a, d - c)):
            meant = before[a + i].strip() if a + i < b else ""
            found = after[c + i].strip() if c + i < d else ""
            owner = owners[min(a + i, len(owners) - 1)] if owners else None
            changes.append(LineChange(name, min(c + i, max(d - 1, c)) + 1, meant, found, owner))
            if len(changes) == MAX_LINES:
                return changes
    return changes


def _owners(lines: list[str], layers: list[str]) -> list[str | None]:
    """The layer whose configuration or call each line belongs to, as far as hls4ml's comments tell."""
    owners: list[str | None] = []
    current = None
    for line in lines:
        heading = _LAYER.match(line)
        if heading is not None:
            current = heading[1] if heading[1] in layers else None
        call = re.search(r"// (\w+)\s*$", line)
        owners.append(call[1] if call is not None and call[1] in layers else current)
    return owners


def _owners_of_types(
    lines: list[str], typedefs: Mapping[tuple[str, str], tuple[str, str]]
) -> list[str | None]:
    """The layer whose type each line defines."""
    by_type = {name: layer for (layer, _), (name, _) in typedefs.items()}
    found = [_TYPEDEF.match(line) for line in lines]
    return [None if match is None else by_type.get(match[2]) for match in found]


def _owners_of_buffers(lines: list[str], parameters: list[str], layers: list[str]) -> list[str | None]:
    """The layer whose generated window buffer each line belongs to: its configuration names the class."""
    by_class: dict[str, str | None] = {}
    for line, owner in zip(parameters, _owners(parameters, layers), strict=True):
        by_class |= dict.fromkeys(re.findall(r"nnet::(fill_buffer_\d+)", line), owner)
    owners: list[str | None] = []
    current: str | None = None
    for line in lines:
        heading = re.search(r"class (\w+)", line)
        current = current if heading is None else by_class.get(heading[1])
        owners.append(current)
    return owners


def _other_code(manifest: Manifest, again: Path, name: str, layers: list[str]) -> bool:
    """Whether a file differs in what is neither a comment nor compared one by one."""
    read = code_of if name.endswith((".h", ".cpp")) else script_of
    meant, found = (read(_text(root / name)) for root in (again, manifest.project))
    if name.startswith(WEIGHTS) and _split(Path(name).stem, layers) is not None:
        numbers, now = (read_numbers(root / name) for root in (again, manifest.project))
        if not numbers or len(numbers) != len(now):
            return meant != found or not (manifest.project / name).is_file()
        meant, found = (_NUMBERS.sub("= {};", text) for text in (meant, found))
    if name == DEFINES:
        types = {type_name for type_name, _ in _typedefs(again, manifest, layers).values()}
        meant, found = (
            _TYPEDEF.sub(lambda line: f"typedef {line[2]};" if line[2] in types else line[0], text)
            for text in (meant, found)
        )
    return meant != found


def _settings(lines: list[LineChange]) -> dict[str, dict[str, tuple[str, str]]]:
    result: dict[str, dict[str, tuple[str, str]]] = {}
    for change in lines:
        meant, found = _SETTING.search(change.meant), _SETTING.search(change.found)
        if change.layer is not None and meant is not None and found is not None and meant[1] == found[1]:
            result.setdefault(change.layer, {})[meant[1]] = (meant[2], found[2])
    return result


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(encoding="utf-8", errors="replace")  # line ends as they are
    except OSError:
        return ""

"""What reading an hls4ml project shows without running it: whatever is not as `convert` proved it.

Every generated source that was edited is compared with a fresh conversion for the same hardware: types by
what they hold, weights, biases and tables as numbers, everything else (settings, sizes, includes, the order
of calls, headers) as code without its comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from levelone.hardware.body import DOCUMENT
from levelone.hls.manifest import Manifest
from levelone.verify.hls.firmware import DEFINES, WEIGHTS, Firmware, TypeChange
from levelone.verify.hls.fixed import is_plain, parse_type
from levelone.verify.reading import Finding

SEARCHED = "firmware/ap_types/"
FOREIGN = "was edited, and this version of levelone would write it otherwise"
SHOWN = 4
"""Lines and numbers of a file that are told; the rest is counted."""

_INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def findings(manifest: Manifest, firmware: Firmware) -> list[Finding]:
    """Everything in the firmware, its bridge and its test bench that is not proven."""
    return [
        *(found for change in firmware.type_changes if (found := _type(change)) is not None),
        *_numbers(firmware),
        *(_code(manifest, firmware, name) for name in firmware.code),
        *(Finding(name, "file", FOREIGN) for name in firmware.foreign),
        *_added(manifest),
        *(
            [Finding(DOCUMENT, "file", f"was edited: {_some(firmware.document)}")]
            if firmware.document
            else []
        ),
    ]


def _type(change: TypeChange) -> Finding | None:
    """A changed type; None for an accumulator that only has more bits at its upper end than it needs."""
    meant, found = parse_type(change.meant), parse_type(change.found)
    told = f"{change.name} is {change.found}, convert chose {change.meant}"
    if meant is not None and found is not None:
        same_grid = (found.exponent, found.rounding, found.saturation) == (
            meant.exponent,
            meant.rounding,
            meant.saturation,
        )
        holds = found.range.lo <= meant.range.lo and meant.range.hi <= found.range.hi
        if change.key == "accum" and same_grid and holds and is_plain(change.found):
            return None
        if not holds:
            now, before = (f"{fixed.range.lo} ... {fixed.range.hi}" for fixed in (found, meant))
            told += f": it holds {now}, not {before}"
    return Finding(DEFINES, "type", told, change.layer)


def _numbers(firmware: Firmware) -> Iterator[Finding]:
    by_place: dict[tuple[str, str], list[str]] = {}
    for change in firmware.code_changes:
        text = f"number {change.index} is {change.found}, not {change.meant}"
        by_place.setdefault((change.layer, change.key), []).append(text)
    for (layer, key), told in by_place.items():
        yield Finding(f"{WEIGHTS}{layer}_{key}.h", "number", _some(told), layer)


def _code(manifest: Manifest, firmware: Firmware, name: str) -> Finding:
    if not (manifest.project / name).is_file():
        return Finding(name, "file", "is missing")
    lines = [change for change in firmware.lines if change.file == name]
    told = [f"line {c.line}: {c.found or '(nothing)'}, was: {c.meant or '(nothing)'}" for c in lines]
    owners = {change.layer for change in lines}
    return Finding(name, "code", _some(told) or "other code", owners.pop() if len(owners) == 1 else None)


def _added(manifest: Manifest) -> Iterator[Finding]:
    """Files that `convert` did not write and that may hide another.

    They have a name that the firmware includes, or lie where headers of the system are looked for, too.
    """
    sources = [path for path in sorted((manifest.project / "firmware").rglob("*")) if path.is_file()]
    names = {path.relative_to(manifest.project).as_posix(): path for path in sources}
    added = names.keys() - manifest.document.digests.keys()
    if not added:
        return
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in sources)
    included = {Path(name).name for text in texts for name in _INCLUDE.findall(text)}
    for name in sorted(added):
        if Path(name).name in included:
            yield Finding(name, "file", "was added, and the firmware includes a file of that name")
        elif name.startswith(SEARCHED):
            yield Finding(name, "file", "was added, where compilers look for every header first")


def _some(told: Sequence[str]) -> str:
    more = len(told) - SHOWN
    return "; ".join(told[:SHOWN]) + (f"; and {more} more" if more > 0 else "")

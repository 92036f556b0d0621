"""An hls4ml project as a diagnosis reads it: edited lines, types, and the causes found in them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelone.graph.ir import Graph
from levelone.graph.ops import WeightedSum
from levelone.hls.manifest import Manifest, read_manifest
from levelone.verify.difference import Evidence
from levelone.verify.hls.bench import bench_findings
from levelone.verify.hls.causes import Case, Cause, explain
from levelone.verify.hls.firmware import DEFINES, WEIGHTS, Firmware, LineChange, read_firmware
from levelone.verify.hls.static import findings
from levelone.verify.hls.suspects import suspects
from levelone.verify.reading import Finding

TYPE_NAME = re.compile(r"(\w+);\s*$")


@dataclass(frozen=True)
class HlsReading:
    """See `levelone.verify.reading.Reading`."""

    manifest: Manifest
    graph: Graph
    firmware: Firmware

    def findings(self) -> list[Finding]:
        return [*findings(self.manifest, self.firmware), *bench_findings(self.manifest, self.graph)]

    def edits(self) -> list[dict[str, Any]]:
        return [asdict(change) for change in self.firmware.lines]

    def edits_told(self) -> list[str]:
        edits = [f"{name}: changed as a whole, or removed" for name in self.firmware.foreign]
        for change in self.firmware.lines:
            where = f"{change.file} line {change.line}" + (f" (layer {change.layer})" if change.layer else "")
            edits.append(f"{where}: {change.found or '(removed)'}   was: {change.meant or '(nothing)'}")
        for code in self.firmware.code_changes:
            edits.append(
                f"{WEIGHTS}{code.layer}_{code.key}.h number {code.index}: {code.found}, was {code.meant}"
            )
        return edits

    def types(self, evidence: Evidence) -> dict[str, str]:
        own = self._case(evidence).layer
        return {key: fixed.ap for (layer, key), fixed in self.firmware.types.items() if layer == own}

    def cause(self, evidence: Evidence) -> dict[str, Any]:
        case = self._case(evidence)
        cause: Cause = explain(case)
        lines = suspects(case.manifest, case.firmware, case.layer)
        if isinstance(evidence.node.op, WeightedSum):  # their numbers are told by the cause itself
            lines = [change for change in lines if not change.file.startswith(WEIGHTS)]
        lines = [change for change in lines if not _told(change, cause.text)]
        code = [change for change in lines if not change.file.startswith((DEFINES, WEIGHTS))]
        guess = None
        if not cause.confirmed and code:
            # types and numbers were replayed; what such an edit does is not known, but that it is there is
            guess = {"text": cause.text, "explained": cause.explained}
            first = code[0]
            seen = f"{first.file} line {first.line}: {first.found or '(removed)'!r}, was {first.meant!r}"
            text = f"the code was edited: {seen}"
            cause = Cause("edited code", text, 0, cause.looked_at)
        return {
            "kind": cause.kind,
            "text": cause.text,
            "confirmed": cause.confirmed,
            "explained": cause.explained,
            "looked_at": cause.looked_at,
            "guess": guess,
            "lines": [asdict(change) for change in lines],
        }

    def _case(self, evidence: Evidence) -> Case:
        return Case(self.graph, self.manifest, self.firmware, evidence)


def read(project: Path, graph: Graph) -> HlsReading:
    """Read a project that `levelone.hls.convert` wrote, possibly edited since.

    Raises
    ------
    LeveloneError
        If it is damaged, or `graph` cannot be converted.
    """
    manifest = read_manifest(project)
    return HlsReading(manifest, graph, read_firmware(manifest, graph))


def _told(change: LineChange, text: str) -> bool:
    """Whether a cause already names the type that a line defines."""
    return change.file == DEFINES and any(name in text.split() for name in TYPE_NAME.findall(change.meant))

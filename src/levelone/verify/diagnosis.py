"""The first difference of a project in one document: where, from which operands, why, and what follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Graph
from levelone.graph.ops import Conv, Dense
from levelone.hls.manifest import read_manifest
from levelone.hls.project import edited_files
from levelone.verify.check import read_graph
from levelone.verify.difference import Difference, Evidence, LayerState, find_difference
from levelone.verify.hls.causes import Case, Cause, explain
from levelone.verify.hls.firmware import DEFINES, WEIGHTS, Firmware, LineChange, read_firmware
from levelone.verify.hls.suspects import suspects
from levelone.verify.made_of import made_of
from levelone.verify.verdict import Outcome

TYPE_NAME = re.compile(r"(\w+);\s*$")
MOST_EXPLAINED = 4
"""Layers at fault whose cause is looked for."""

SHOWN_EDITS = 10
"""Edits that are told where a project does not build or run."""


def diagnose(
    project: Path, codes: Mapping[str, Codes], *, graph: Graph | None = None, workers: int | None = None
) -> dict[str, Any]:
    """Run a project and say where, from what and why it first differs from the reference.

    Parameters
    ----------
    project, codes, graph, workers
        See `levelone.verify.difference.find_difference`.

    Returns
    -------
    dict
        Plain JSON values: ``verdict`` (as `levelone csim` has it, of the C simulation against the reference),
        ``vectors``, ``left_out`` (further vectors that were not run: these show enough), ``layers``,
        ``first``, ``others``, ``edited_files``, ``edits``, ``reason``.

    Raises
    ------
    LeveloneError
        If there is nothing to compare with, or the project cannot be built or run; then with the edits that
        a fresh conversion shows.
    """
    try:
        found = find_difference(project, codes, graph=graph, workers=workers)
    except LeveloneError as error:
        raise _with_edits(project, graph, error) from error
    edited = edited_files(found.manifest)
    firmware = read_firmware(found.manifest, found.graph)
    explained = [_fault(found, firmware, evidence) for evidence in found.origins[:MOST_EXPLAINED]]
    if found.origins:
        outcome = Outcome.MISMATCH
    else:
        outcome = Outcome.NOT_COMPARABLE if found.problem or not found.vectors else Outcome.EXACT
    return {
        "verdict": outcome.value,
        "vectors": found.vectors,
        "left_out": found.left_out,
        "layers": [_layer(found, state) for state in found.layers],
        "first": explained[0] if explained else None,
        "others": explained[1:],
        "edited_files": edited,
        "edits": [asdict(change) for change in firmware.lines],
        "reason": found.problem,
    }


def _with_edits(project: Path, graph: Graph | None, error: LeveloneError) -> LeveloneError:
    """The same error, told together with the edited lines if there are any."""
    try:
        manifest = read_manifest(project)
        firmware = read_firmware(manifest, graph or read_graph(manifest))
    except LeveloneError:
        return error  # there is nothing to compare with
    edits = [f"{name}: changed as a whole, or removed" for name in firmware.foreign]
    for change in firmware.lines:
        where = f"{change.file} line {change.line}" + (f" (layer {change.layer})" if change.layer else "")
        edits.append(f"{where}: {change.found or '(removed)'}   was: {change.meant or '(nothing)'}")
    for code in firmware.code_changes:
        edits.append(
            f"{WEIGHTS}{code.layer}_{code.key}.h number {code.index}: {code.found}, was {code.meant}"
        )
    if not edits:
        return error
    shown = "\n".join(f"  {edit}" for edit in edits[:SHOWN_EDITS])
    more = f"\n  and {len(edits) - SHOWN_EDITS} more" if len(edits) > SHOWN_EDITS else ""
    return LeveloneError(
        f"{error.message}\nedited since the project was generated:\n{shown}{more}", hint=error.hint
    )


def _layer(found: Difference, state: LayerState) -> dict[str, Any]:
    follows = list(found.follows.get(state.name, ()))
    if state.own:
        words = "at fault"
    elif follows:
        words = "follows"
    else:
        words = "agrees" if state.recorded else "not recorded"
    return {
        "name": state.name,
        "op": state.op,
        "compared": state.compared,
        "differing": state.differing,
        "own": state.own,
        "state": words,
        "follows_from": follows,
    }


def _fault(found: Difference, firmware: Firmware, evidence: Evidence) -> dict[str, Any]:
    case = Case(found.graph, found.manifest, firmware, evidence)
    state = next(state for state in found.layers if state.name == evidence.node.name)
    expected, wrong = int(evidence.expected[evidence.first]), int(evidence.found[evidence.first])
    return {
        "layer": evidence.node.name,
        "op": state.op,
        "inputs": list(evidence.node.inputs),
        "events": state.events,
        "codes": state.own,
        "event": evidence.events[0],
        "position": list(evidence.position[:-1]),
        "channel": evidence.position[-1],
        "expected": expected,
        "found": wrong,
        "lsb": abs(expected - wrong),
        "types": {key: fixed.ap for (layer, key), fixed in firmware.types.items() if layer == case.layer},
        "made_of": made_of(evidence.node, [codes[0] for codes in evidence.operands], evidence.position),
        "cause": _cause(case),
    }


def _cause(case: Case) -> dict[str, Any]:
    cause: Cause = explain(case)
    lines = suspects(case.manifest, case.firmware, case.layer)
    if isinstance(case.evidence.node.op, (Conv, Dense)):  # their numbers are told by the cause itself
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


def _told(change: LineChange, text: str) -> bool:
    """Whether a cause already names the type that a line defines."""
    return change.file == DEFINES and any(name in text.split() for name in TYPE_NAME.findall(change.meant))

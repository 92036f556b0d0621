"""The first difference of a project in one document: where, from which operands, why, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from levelone.graph.ir import Codes, Graph
from levelone.graph.ops import Conv, Dense
from levelone.hls.project import edited_files
from levelone.verify.causes import Case, Cause, explain
from levelone.verify.difference import Difference, Evidence, LayerState, find_difference
from levelone.verify.firmware import DEFINES, WEIGHTS, Firmware, LineChange, read_firmware
from levelone.verify.made_of import made_of
from levelone.verify.verdict import Outcome

MOST_EXPLAINED = 4
"""Layers at fault whose cause is looked for."""


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
        ``vectors``, ``layers``, ``first``, ``others``, ``edited_files``, ``edits``, ``reason``.

    Raises
    ------
    LeveloneError
        If there is nothing to compare with, or the project cannot be built or run.
    """
    found = find_difference(project, codes, graph=graph, workers=workers)
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
        "layers": [_layer(found, state) for state in found.layers],
        "first": explained[0] if explained else None,
        "others": explained[1:],
        "edited_files": edited,
        "edits": [asdict(change) for change in firmware.lines],
        "reason": found.problem,
    }


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
    lines = [
        change
        for change in case.firmware.lines
        if change.layer in (case.layer, None) and change.file != DEFINES
    ]
    if not isinstance(case.evidence.node.op, (Conv, Dense)):  # of those, the cause itself speaks
        lines += [
            LineChange(
                f"{WEIGHTS}{change.layer}_{change.key}.h",
                0,
                f"number {change.index}: {change.meant}",
                f"number {change.index}: {change.found}",
                case.layer,
            )
            for change in case.firmware.code_changes
            if change.layer == case.layer
        ]
    if cause.kind == "unknown" and lines:
        first = lines[0]
        where = f"{first.file} line {first.line}" if first.line else first.file
        seen = f"{where}: {first.found or '(removed)'!r}, was {first.meant!r}"
        cause = replace(cause, kind="edited code", text=f"{cause.text}; but the code was edited: {seen}")
    return {
        "kind": cause.kind,
        "text": cause.text,
        "confirmed": cause.confirmed,
        "explained": cause.explained,
        "looked_at": cause.looked_at,
        "lines": [asdict(change) for change in lines],
    }

"""The first difference of a project in one document: where, from which operands, why, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import Generated
from levelone.verify.body import body_of, read_graph
from levelone.verify.difference import Difference, Evidence, LayerState, find_difference
from levelone.verify.made_of import made_of
from levelone.verify.reading import Reading, read_project
from levelone.verify.verdict import Outcome

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
        Plain JSON values: ``body``, ``title``, ``verdict`` (as `levelone csim` has it, of this body against
        the reference), ``vectors``, ``left_out`` (further vectors that were not run: these show enough),
        ``layers``, ``first``, ``others``, ``ports`` (outputs that leave the hardware otherwise than their
        layers recorded them), ``findings`` (what reading the project shows), ``edited_files``, ``edits``,
        ``reason``.

    Raises
    ------
    LeveloneError
        If there is nothing to compare with, or the project cannot be built or run; then with the edits that
        a fresh conversion shows.
    """
    body = body_of(project)
    generated = body.read(project)
    graph = graph or read_graph(generated)
    try:
        found = find_difference(project, codes, graph=graph, workers=workers)
    except LeveloneError as error:
        raise _with_edits(body.name, generated, graph, error) from error
    reading = read_project(body.name, generated, graph)
    explained = [_fault(found, reading, evidence) for evidence in found.origins[:MOST_EXPLAINED]]
    findings = reading.findings()
    if found.origins or found.ports:
        outcome = Outcome.MISMATCH
    elif found.problem or not found.vectors:
        outcome = Outcome.NOT_COMPARABLE
    else:
        outcome = Outcome.NOT_PROVEN if findings else Outcome.EXACT
    return {
        "body": body.name,
        "title": body.title,
        "verdict": outcome.value,
        "vectors": found.vectors,
        "left_out": found.left_out,
        "layers": [_layer(found, state) for state in found.layers],
        "first": explained[0] if explained else None,
        "others": explained[1:],
        "ports": [asdict(port.first) | {"codes": port.mismatches} for port in found.ports if port.first],
        "findings": [asdict(finding) for finding in findings],
        "edited_files": list(generated.edited),
        "edits": reading.edits(),
        "reason": found.problem,
    }


def _with_edits(body: str, generated: Generated, graph: Graph, error: LeveloneError) -> LeveloneError:
    """The same error, told together with the edited lines if there are any."""
    try:
        edits = read_project(body, generated, graph).edits_told()
    except LeveloneError:
        return error  # there is nothing to compare with
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


def _fault(found: Difference, reading: Reading, evidence: Evidence) -> dict[str, Any]:
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
        "types": reading.types(evidence),
        "made_of": made_of(evidence.node, [codes[0] for codes in evidence.operands], evidence.position),
        "cause": reading.cause(evidence),
    }

"""The verdict on one or more projects as a document: ``csim.json`` of a run, and `levelone csim --json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.report.content import read_json
from levelone.verify import Check, Outcome

SCHEMA = "levelone-verdict"
VERSION = 2
NOTHING_COMPARED: dict[str, Any] = {
    "verdict": Outcome.NOT_COMPARABLE.value,
    "vectors": 0,
    "layers": [],
    "outputs": [],
    "first_mismatch": None,
    "findings": [],
    "coverage": None,
    "bodies": [],
    "build_seconds": None,
    "seconds_per_event": None,
    "edited_files": [],
    "ports": [],
}
"""The result of a check that could not run, in the form of one that did."""

MODULE = "trained module"
_OWN = ("module", "float_ties", "coverage")  # of the set, not of a body


def of_set(name: str, checks: Sequence[Check], compared_module: bool) -> dict[str, Any]:
    """What one set of vectors gave: a check for every body; the first one has the trained module, too."""
    documents = [check.to_dict() for check in checks]
    bodies = [{key: part for key, part in d.items() if key not in _OWN} for d in documents]
    for body, check in zip(bodies, checks, strict=True):
        body["verdict"], body["reason"] = check.judged.value, check.verdict.reason or check.unproven
    module = documents[0]["module"]
    parts = [*bodies, *([{"title": MODULE, **module}] if module else [])]
    return {
        "name": name,
        "against": ["exact reference"] + ([MODULE] if compared_module else []),
        "verdict": _worst(parts),
        "vectors": bodies[0]["vectors"],
        "layers": _joined(bodies, "layers"),
        "outputs": _joined(bodies, "outputs"),
        "first_mismatch": _first(parts),
        "reason": _reason(parts),
        "coverage": documents[0]["coverage"],
        "module": module,
        "float_ties": documents[0]["float_ties"],
        "bodies": bodies,
    }


def of_all(sets: Sequence[Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    """Every set joined: the worst verdict counts.

    Parameters
    ----------
    sets
        As `of_set` gives them.
    order
        Names of the graph's values.
    """
    bodies = [
        _of_body([found["bodies"][number] for found in sets]) for number in range(len(sets[0]["bodies"]))
    ]
    modules = [found["module"] for found in sets if found["module"]]
    vectors = sum(found["vectors"] for found in sets)
    seconds = sum(body["seconds_per_event"] * body["vectors"] for body in bodies)
    first = next((found for found in sets if found["first_mismatch"] is not None), None)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "verdict": _worst(sets),
        "vectors": vectors,
        "layers": sorted(_joined([*bodies, *modules], "layers"), key=lambda c: order.index(c["name"])),
        "outputs": _joined(bodies, "outputs"),
        "first_mismatch": first and {"vectors": first["name"], **first["first_mismatch"]},
        "reason": _reason(sets),
        "findings": [finding for body in bodies for finding in body["findings"]],
        "coverage": sets[-1]["coverage"],  # each set's is that of all of them
        "bodies": bodies,
        "build_seconds": sum(body["build_seconds"] for body in bodies),
        "seconds_per_event": seconds / vectors if vectors else None,
        "sets": list(sets),
    }


def worst(verdicts: Iterable[str]) -> str:
    """The one that counts."""
    return Outcome.worst(map(Outcome, verdicts)).value


def read_verdict(path: Path) -> dict[str, Any] | None:
    """The ``csim.json`` of a run folder; None if there is none.

    Those of version 1, which knew one body and no output ports, are read as documents of this version.

    Raises
    ------
    LeveloneError
        If it is damaged, or of a later version.
    """
    document = read_json(path)
    if document is None:
        return None
    if "schema" not in document and isinstance(document.get("sets"), list) and "verdict" in document:
        return _upgraded(document)
    if document.get("schema") != SCHEMA or document.get("version") != VERSION:
        found = f"{document.get('schema')!r} of version {document.get('version')!r}"
        raise LeveloneError(
            f"{path}: {found}, this levelone reads {SCHEMA!r} of version {VERSION}",
            hint="remove that file and run `levelone run` again: it makes what is missing",
        )
    return document


def _upgraded(old: Mapping[str, Any]) -> dict[str, Any]:
    body = {"body": "hls", "title": "C simulation"}
    sets = [{"outputs": [], "findings": [], **found} for found in old["sets"]]
    sets = [{**found, "bodies": [{**body, **found}]} for found in sets]
    joined = {key: old.get(key) for key in ("verdict", "vectors", "layers", "first_mismatch", "reason")}
    of_body: dict[str, Any] = {**body, "outputs": [], "findings": [], **joined}
    head = {"schema": SCHEMA, "version": VERSION}
    return {**old, **head, "outputs": [], "findings": [], "coverage": None, "sets": sets, "bodies": [of_body]}


def _of_body(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One body over all sets."""
    vectors = sum(part["vectors"] for part in parts)
    seconds = sum(part["seconds_per_event"] * part["vectors"] for part in parts)
    return {
        "body": parts[0]["body"],
        "title": parts[0]["title"],
        "project": parts[0]["project"],
        "verdict": _worst(parts),
        "vectors": vectors,
        "layers": _joined(parts, "layers"),
        "outputs": _joined(parts, "outputs"),
        "first_mismatch": _first(parts),
        "reason": _reason(parts),
        "findings": parts[0]["findings"],
        "build_seconds": max(part["build_seconds"] for part in parts),
        "build_reused": parts[0]["build_reused"],
        "seconds_per_event": seconds / vectors if vectors else 0.0,
        "edited_files": parts[0]["edited_files"],
        "proofs": parts[0]["proofs"],
        "proofs_void": parts[0]["proofs_void"],
    }


def _worst(parts: Iterable[Mapping[str, Any]]) -> str:
    return worst(part["verdict"] for part in parts)


def _reason(parts: Iterable[Mapping[str, Any]]) -> str:
    return next((str(part["reason"]) for part in parts if part["reason"]), "")


def _first(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first difference of the first part that has one, and whose it is."""
    for part in parts:
        if part["first_mismatch"] is not None:
            return {"in": part["title"], **part["first_mismatch"]}
    return None


def _joined(parts: Iterable[Mapping[str, Any]], what: str) -> list[dict[str, Any]]:
    """Sums by layer."""
    layers: dict[str, dict[str, Any]] = {}
    for part in parts:
        for layer in part[what]:
            total = layers.setdefault(
                layer["name"], {"name": layer["name"], "compared": 0, "mismatches": 0, "max_lsb": 0}
            )
            total["compared"] += layer["compared"]
            total["mismatches"] += layer["mismatches"]
            total["max_lsb"] = max(total["max_lsb"], layer["max_lsb"])
    return list(layers.values())

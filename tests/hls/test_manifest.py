"""A damaged `levelone.json` is one message that names the entry, whatever is in its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph
from levelone.hls import Manifest, edited_files
from levelone.hls.manifest import FILE, read_manifest
from levelone.report.words import proof_in_words, proofs_in_words

WRONG = [None, 0, -1, 2**70, 1.5, "x", "../../../etc/passwd", "a\nb", [], {}, True, [1], {"a": 1}, 10**9]
GONE = object()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


def damaged(document: dict[str, Any], path: tuple[Any, ...], wrong: Any) -> dict[str, Any]:
    document = copy.deepcopy(document)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    if wrong is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = wrong
    return document


def use(manifest: Manifest) -> None:
    """Everything that other modules read without further questions."""
    edited_files(manifest)
    parts = (manifest.inputs, manifest.outputs, manifest.traces, manifest.recorded, manifest.values)
    assert all(isinstance(part, tuple | dict) for part in parts)
    assert manifest.name.isidentifier()
    sizes = dict(manifest.recorded)
    assert all(sizes[trace.layer] > 0 for trace in manifest.traces)
    tried = [proof for proof in manifest.proofs if proof["method"] != "range"]
    assert all(proof_in_words(proof) for proof in tried)
    proofs_in_words({"proof": proof} for proof in tried)


def test_every_entry_damaged_in_every_way(fresh: Manifest) -> None:
    document = {**fresh.data, "digests": dict(list(fresh.data["digests"].items())[:2])}
    path = fresh.project / FILE
    refused = 0
    for place in places(document):
        for wrong in (*WRONG, GONE):
            path.write_text(json.dumps(damaged(document, place, wrong)))
            try:
                manifest = read_manifest(fresh.project)
            except LeveloneError as error:
                assert error.message.startswith(str(path)), (place, wrong)
                assert "\n" not in error.message, (place, wrong)
                refused += 1
                continue
            use(manifest)
    assert refused > 1000


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (("project",), "../../x", "project: "),
        (("layers", 0, "trace"), "nowhere", "no record 'nowhere' has the size of layer"),
        (("records", 0, "size"), 1, "has the size of layer"),
        (("layers", 0, "exponent"), 2**70, "layers.0.exponent: "),
        (("layers", 0, "shape"), [-1], "layers.0.shape.0: "),
        (("digests",), [], "digests: "),
        (("clock_ns",), None, "clock_ns: "),
    ],
)
def test_the_message_names_the_entry(
    fresh: Manifest, place: tuple[Any, ...], wrong: Any, message: str
) -> None:
    (fresh.project / FILE).write_text(json.dumps(damaged(fresh.data, place, wrong)))
    with pytest.raises(LeveloneError, match=r"levelone\.json is damaged: ") as caught:
        read_manifest(fresh.project)
    assert message in caught.value.message
    assert "Traceback" not in str(caught.value)


def test_kinds_of_proofs_that_are_not_known_are_let_through(fresh: Manifest, network: Graph) -> None:
    document = damaged(fresh.data, ("layers", 0, "proof"), {"method": "oracle", "seer": "Delphi"})
    (fresh.project / FILE).write_text(json.dumps(document))
    manifest = read_manifest(fresh.project)
    assert manifest.proofs[0] == {
        "layer": document["layers"][0]["name"],
        "method": "oracle",
        "seer": "Delphi",
    }
    assert proof_in_words(manifest.proofs[0]) == "oracle"

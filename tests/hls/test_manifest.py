"""A damaged `levelone.json` is one message that names the entry, whatever is in its place."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, execute
from levelone.hardware.body import DOCUMENT as FILE
from levelone.hls import HlsConfig, LayerChoice, Manifest, build, convert, read_manifest, run
from levelone.report.words import proof_in_words, proofs_in_words
from levelone.stimuli import random_vectors

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
    assert isinstance(manifest.edited, list)
    parts = (manifest.inputs, manifest.outputs, manifest.traces, manifest.recorded, manifest.values)
    assert all(isinstance(part, tuple | dict) for part in parts)
    assert manifest.name.isidentifier()
    sizes = dict(manifest.recorded)
    assert all(sizes[record] > 0 for record, _ in manifest.traces)
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
        (("body",), "rtl", "body: "),
        (("layers", 0, "proof", "method"), "oracle", "layers.0.proof: "),
        (("layers", 0, "proof", "bits"), None, "layers.0.proof.range.bits: "),
        (("more",), 1, "more: "),
        (("hls", "clock_ns"), None, "hls.clock_ns: "),
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


VERSION_3 = Path(__file__).with_name("data") / "levelone-3.json"


def test_a_document_of_version_3_is_read_and_its_project_runs(network: Graph, tmp_path: Path) -> None:
    """The firmware is the same, so today's with the document of that time is such a project."""
    config = HlsConfig(
        io="stream",
        clock_ns=3.125,
        part="xcku115-flvb2104-2-i",
        layers={"fc1": LayerChoice(reuse_factor=2)},
    )
    today = convert(network, tmp_path / "tiny", config, name="tiny")
    shutil.copy(VERSION_3, today.project / FILE)
    old = read_manifest(today.project)
    volatile = {"digests", "seal", "stamp", "versions"}
    assert old.document.model_dump(exclude=volatile) == today.document.model_dump(exclude=volatile)
    assert old.document.hls == config
    # the stamp, of which it speaks, the names of the firmware's own, and golden vectors of that time
    bench = {entry for entry in old.document.digests if entry.startswith("tb_data/")}
    assert set(old.edited) <= {"build_lib.sh", "project.tcl", "hls4ml_config.yml", *bench}
    codes = random_vectors(network, 5, 1)
    found, meant = run(build(old.project), codes), execute(network, codes, keep="all")
    assert set(found) == {node.name for node in network}
    assert all(np.array_equal(codes, meant[name]) for name, codes in found.items())


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (("io",), GONE, "io is missing"),
        (("clock_ns",), -1.0, "hls.clock_ns: "),
        (("layer_choices",), {"fc1": {"reuse": 2}}, "hls.layers.fc1.reuse: "),
        (("layers", 0, "proof", "lo"), GONE, "layers.0.proof.range.lo: "),
    ],
)
def test_a_damaged_document_of_version_3_is_refused(
    place: tuple[Any, ...], wrong: Any, message: str, tmp_path: Path
) -> None:
    document = damaged(json.loads(VERSION_3.read_text()), place, wrong)
    (tmp_path / FILE).write_text(json.dumps(document))
    with pytest.raises(LeveloneError, match=r"levelone\.json is damaged: ") as caught:
        read_manifest(tmp_path)
    assert message in caught.value.message
    assert "levelone convert" in str(caught.value.hint)

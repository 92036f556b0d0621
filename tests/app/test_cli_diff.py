"""`levelone diff` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Levelone


@pytest.mark.slow
def test_a_broken_project_is_explained(levelone: Levelone, broken_project: Path) -> None:
    """`levelone csim` points to `levelone diff`, which names the weight; the build is shared."""
    checked = levelone("csim", broken_project, "--vectors", 60)
    assert checked.returncode == 1
    assert f"where it arises and why: levelone diff {broken_project}" in checked.stdout
    assert "\nproven:" not in checked.stdout
    assert "nothing is proven: the proofs of convert do not hold for edited files" in checked.stdout
    told = levelone("diff", broken_project, "--vectors", 60)
    assert told.returncode == 1
    assert told.stdout.startswith("first difference: layer evidence (Dense), channel 0, event ")
    assert "cause: firmware/weights/evidence_weight.h holds other numbers than the graph" in told.stdout
    done = levelone("diff", broken_project, "--vectors", 60, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["verdict"], found["vectors"], found["others"]) == ("mismatch", 60, [])
    first = found["first"]
    assert (first["layer"], first["position"], first["channel"]) == ("evidence", [], 0)
    assert first["cause"]["kind"] == "weight code" and first["cause"]["confirmed"]
    assert found["edited_files"] == ["firmware/weights/evidence_weight.h"]
    golden = levelone(
        "diff", broken_project, "--vectors", broken_project / "levelone" / "vectors.h5", "--json"
    )
    assert golden.returncode == 1 and json.loads(golden.stdout)["vectors"] == 256


def test_what_cannot_be_compared_is_refused(levelone: Levelone, project: Path, tmp_path: Path) -> None:
    for words, message in (
        ([tmp_path], "is not a levelone project"),
        ([project, "--vectors", "nothing.h5"], "neither a number nor a file"),
        ([project, "--vectors", "0"], "0 vectors asked for"),
    ):
        done = levelone("diff", *words, "--json")
        assert done.returncode == 2 and message in done.stderr
        assert "Traceback" not in done.stderr
        found = json.loads(done.stdout)
        assert found["verdict"] == "not comparable" and message in found["error"]

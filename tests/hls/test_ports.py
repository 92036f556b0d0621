"""What leaves the top function is compared, not only what its layers record: in either io mode."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Dense
from levelone.hls import HlsConfig, convert
from levelone.verify import Outcome, check_project, random_vectors
from levelone.verify.diagnosis import diagnose
from levelone.verify.verdict import PORT

TOP, BRIDGE = "firmware/myproject.cpp", "myproject_bridge.cpp"


def two_outputs() -> Graph:
    rng = np.random.default_rng(5)
    b = GraphBuilder("ports")
    x = b.input("x", (4,), Fraction(1, 4), IntRange(-8, 7))
    weights = [rng.integers(-7, 8, (4, n)) for n in (3, 2)]
    made = [
        b.node(name, Dense(w, np.arange(w.shape[1]), (Fraction(1, 8),)), x)
        for name, w in zip(("first", "second"), weights, strict=True)
    ]
    return b.build(*made)


def at_the_end(statement: str) -> Callable[[str], str]:
    """Put a statement before the last brace, behind every recording."""
    return lambda text: f"{text[: text.rindex('}')]}    {statement}\n}}\n"


def in_the_bridge(text: str) -> str:
    """Let the conversion of the second output mix its numbers up."""
    head, middle, tail = text.rpartition("nnet::convert_data<")
    assert "double" in tail
    changed = re.sub(r"\n\}", "\n    second[1] = second[0];\n}", tail, count=1)
    return head + middle + changed


FAULTS = {
    "negated": ("parallel", TOP, at_the_end("second[1] = -second[1];"), "second"),
    "zero": ("parallel", TOP, at_the_end("first[0] = 0;"), "first"),
    "stream": (
        "stream",
        TOP,
        at_the_end("auto beat = second.read(); beat[0] = -beat[0]; second.write(beat);"),
        "second",
    ),
    "bridge": ("parallel", BRIDGE, in_the_bridge, "second"),
    "bridge of streams": ("stream", BRIDGE, in_the_bridge, "second"),
}


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_faults_behind_the_last_recording(io: str, tmp_path: Path) -> None:
    graph = two_outputs()
    codes = random_vectors(graph, 40, 1)
    project = convert(graph, tmp_path / "p", HlsConfig(io=io)).project
    exact = check_project(project, codes, graph=graph)
    assert exact.outcome is Outcome.EXACT
    assert {port.name: port.compared for port in exact.verdict.outputs} == {"first": 120, "second": 80}
    for mode, file, change, output in FAULTS.values():
        if mode != io:
            continue
        path = project / file
        meant = path.read_text()
        path.write_text(change(meant))
        check = check_project(project, codes, graph=graph)
        path.write_text(meant)
        assert check.outcome is Outcome.MISMATCH, file
        assert {layer.mismatches for layer in check.verdict.layers} == {0}
        wrong = {port.name for port in check.verdict.outputs if port.mismatches}
        first = check.verdict.first_mismatch
        assert wrong == {output} and first is not None and (first.layer, first.at) == (output, PORT)


@pytest.mark.slow
def test_the_diagnosis_shows_the_edit(tmp_path: Path) -> None:
    graph = two_outputs()
    project = convert(graph, tmp_path / "p").project
    path = project / TOP
    path.write_text(at_the_end("second[1] = -second[1];")(path.read_text()))
    found = diagnose(project, random_vectors(graph, 40, 1), graph=graph)
    assert found["verdict"] == "mismatch" and found["first"] is None
    (port,) = found["ports"]
    assert (port["layer"], port["channel"], port["found"]) == ("second", 1, -port["expected"])
    assert found["edits"][0]["found"] == "second[1] = -second[1];"

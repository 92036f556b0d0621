"""Bodies are chosen by name and compared alike; verify knows none of them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import outside_body
import pytest
from onnx_models import Model, weights
from outside_body import BODY, EVENTS_AT_ONCE, NEGATING, PROGRAM

import levelone.verify
from levelone.errors import LeveloneError
from levelone.graph import execute, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.hls.body import BODY as HLS
from levelone.pipeline import checks
from levelone.pipeline.diagnosis import diff_folder
from levelone.pipeline.verdicts import SCHEMA, VERSION, read_verdict
from levelone.stimuli import random_vectors, work_per_event
from levelone.verify import Outcome, body_of, check_project, compare_codes, find_body
from levelone.verify.body import BODIES
from levelone.verify.coverage import FLOOR_VECTORS
from levelone.verify.diagnosis import diagnose
from levelone.verify.story import tell
from levelone.verify.verdict import PORT

HERE = Path(__file__).parents[1] / "helpers"
OUTSIDE = BODY.name


def network(path: Path) -> Path:
    m = Model(x=(6,))
    x = m.quant("x", 0.25, 4)
    x = m.add("Relu", m.add("MatMul", x, m.weight(weights(6, 5), 0.125), out="fc1"), out="positive")
    x = m.quant(x, 0.3, 4, signed=0, out="act")
    onnx.save(m.build(m.add("MatMul", x, m.weight(weights(5, 2), 0.125), out="fc2")), path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def outside(model: Path, tmp_path: Path) -> Path:
    BODY.write(read_qonnx(model), tmp_path / "outside", model=model)
    return tmp_path / "outside"


def broken(project: Path, change: Callable[[dict], None]) -> None:
    program = json.loads((project / PROGRAM).read_text())
    change(program)
    (project / PROGRAM).write_text(json.dumps(program))


def other_weight(program: dict) -> None:
    program["steps"][0]["rows"][3][2] += 1


def run(*words: object) -> tuple[int, dict, str]:
    """The program, run where the body's module lies: (exit code, what it prints with --json, messages)."""
    command = [str(Path(sys.executable).with_name("levelone")), *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE, env=os.environ, timeout=300)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_verify_imports_no_body_outside_its_folder() -> None:
    """Only verify/hls may know hls4ml; the rest names it in its two tables at most."""
    folder = Path(str(levelone.verify.__file__)).parent
    for path in sorted(folder.rglob("*.py")):
        if path.is_relative_to(folder / "hls"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [n for n in names if n and n.startswith(("levelone.hls", "levelone.verify.hls"))], path


def test_a_body_from_outside_is_exact(model: Path, outside: Path) -> None:
    graph = read_qonnx(model)
    check = check_project(outside, random_vectors(graph, 8 * EVENTS_AT_ONCE + 1, 1))
    assert check.outcome is Outcome.EXACT and check.verdict.vectors == 8 * EVENTS_AT_ONCE + 1
    assert [layer.name for layer in check.verdict.layers] == [node.name for node in graph]
    assert [(port.name, port.compared) for port in check.verdict.outputs] == [
        ("fc2", 2 * check.verdict.vectors)
    ]
    assert (check.body, check.title, check.project.edited) == (OUTSIDE, "plain Python", ())


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("at_once", [1, 7, 50, 1000])
def test_the_verdict_is_the_same_however_many_events_are_held(
    model: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, wrong: bool
) -> None:
    """And whether the trained module's integers are all there, or made for the events that are compared."""
    graph = read_qonnx(model)
    codes = random_vectors(graph, 130, 1)
    module = {name: found.copy() for name, found in execute(graph, codes, keep="all").items()}
    if wrong:
        broken(outside, other_weight)
        module["act"][77, 2] += 1  # one of the module's own, too

    def verdict(answers: Any) -> dict[str, Any]:
        found = check_project(outside, codes, answers).to_dict()
        return {key: part for key, part in found.items() if "seconds" not in key}

    expected = verdict(module)
    assert expected["verdict"] == ("mismatch" if wrong else "exact")
    monkeypatch.setattr(outside_body, "EVENTS_AT_ONCE", at_once)
    held: list[int] = []

    def some(events: slice) -> dict[str, np.ndarray]:
        held.append(events.stop - events.start)
        return {name: found[events] for name, found in module.items()}

    assert verdict(some) == verdict(module) == expected
    assert max(held) == min(at_once, 130) and sum(held) == 130


def test_given_events_and_random_vectors_are_compared_together(outside: Path) -> None:
    x = np.zeros((30, 6), dtype=np.float32)
    result = checks.check_folder(outside, data={"x": x}, vectors=20)
    assert [found["vectors"] for found in result["sets"]] == [30, 20] and result["vectors"] == 50
    assert result["coverage"]["vectors"] == 50


def test_few_vectors_alone_do_not_make_it_exact(model: Path, outside: Path) -> None:
    """Nobody has read its program, so the vectors must vouch for it."""
    for codes in (random_vectors(read_qonnx(model), 99, 1), {"x_q": np.zeros((500, 6), dtype=np.int64)}):
        (port,) = read_qonnx(model).inputs
        check = check_project(outside, {port.value.name: next(iter(codes.values()))})
        assert check.verdict.outcome is Outcome.EXACT and check.outcome is Outcome.NOT_PROVEN
        assert "of what they should" in check.unproven and check.findings == ()


def test_the_default_number_of_vectors_can_be_exact(
    model: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large the network is: fewer than a verdict takes are chosen only where reading proves it."""
    graph = read_qonnx(model)
    firmware = convert(graph, tmp_path / "hls", model=model).project
    projects = [outside], [firmware], [firmware, outside]
    assert [checks.random_count(graph, each) for each in projects] == [1000, 1000, 1000]
    monkeypatch.setattr(checks, "RANDOM_WORK", 40 * work_per_event(graph))
    assert [checks.random_count(graph, each) for each in projects] == [FLOOR_VECTORS, 40, FLOOR_VECTORS]
    result = checks.check_folder(outside)
    assert (result["verdict"], result["vectors"]) == ("exact", FLOOR_VECTORS)
    assert diff_folder(outside)["vectors"] == FLOOR_VECTORS


def test_a_broken_one_is_a_mismatch_with_layer_and_position(outside: Path) -> None:
    broken(outside, other_weight)
    (port,) = read_qonnx(outside / "levelone/model.onnx").inputs
    codes = {port.value.name: np.array([[0, 0, 0, 0, 0, 0], [1, 1, 2, 1, 1, 1]])}
    check = check_project(outside, codes)
    first = check.verdict.first_mismatch
    assert check.outcome is Outcome.MISMATCH and first is not None
    assert (first.layer, first.event, first.channel, first.at) == ("fc1", 1, 3, "layer")
    assert first.found - first.expected == 2  # the weight is one more, the code it meets is 2
    assert check.project.edited == (PROGRAM,)


def test_a_project_that_changes_while_it_is_checked(
    model: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = type(BODY).build

    def meanwhile(body: object, folder: Path) -> object:
        broken(folder, other_weight)
        return really(body, folder)

    monkeypatch.setattr(type(BODY), "build", meanwhile)
    with pytest.raises(LeveloneError, match="was changed while it was being checked"):
        check_project(outside, random_vectors(read_qonnx(model), 10, 1))


def test_its_diagnosis_says_where_and_from_what(outside: Path, model: Path) -> None:
    broken(outside, other_weight)
    found = diagnose(outside, random_vectors(read_qonnx(model), 20, 1))
    assert (found["body"], found["verdict"], found["first"]["layer"]) == (OUTSIDE, "mismatch", "fc1")
    assert found["first"]["channel"] == 3 and found["first"]["made_of"]["terms"] == 6
    assert "the sources of this body are not read" in "\n".join(tell(found))
    assert [layer["state"] for layer in found["layers"]].count("at fault") == 1


def test_an_output_that_is_not_what_was_recorded(model: Path, outside: Path) -> None:
    NEGATING.write(read_qonnx(model), outside, model=model)
    codes = random_vectors(read_qonnx(model), 20, 1)
    check = check_project(outside, codes)
    first = check.verdict.first_mismatch
    assert check.outcome is Outcome.MISMATCH and first is not None
    assert (first.layer, first.at, first.found) == ("fc2", PORT, -first.expected)
    assert all(layer.mismatches == 0 for layer in check.verdict.layers)
    found = diagnose(outside, codes)
    assert found["verdict"] == "mismatch" and found["first"] is None
    assert (
        found["ports"][0]["layer"] == "fc2" and found["ports"][0]["found"] == -found["ports"][0]["expected"]
    )
    assert "output fc2 does not leave the hardware as it was recorded" in tell(found)[0]


@pytest.mark.slow
def test_the_same_command_takes_any_body(model: Path, tmp_path: Path) -> None:
    project = tmp_path / "outside"
    code, document, _ = run("convert", model, "-o", project, "--body", OUTSIDE)
    assert code == 0 and document["body"] == OUTSIDE
    code, exact, _ = run("csim", project, "--vectors", 140)
    assert (code, exact["verdict"], exact["vectors"]) == (0, "exact", 140)
    assert [body["body"] for body in exact["bodies"]] == [OUTSIDE]
    broken(project, other_weight)
    code, wrong, _ = run("csim", project, "--vectors", 40)
    first = wrong["first_mismatch"]
    assert code == 1 and (first["in"], first["layer"], first["channel"]) == ("plain Python", "fc1", 3)
    code, _, message = run("convert", model, "-o", project, "--body", OUTSIDE, "--io", "stream")
    assert code == 2 and "convert: body outside_body:BODY takes no choices, but io given" in message


@pytest.mark.slow
def test_two_bodies_of_one_model_side_by_side(model: Path, outside: Path, tmp_path: Path) -> None:
    firmware = convert(read_qonnx(model), tmp_path / "hls", HlsConfig(), model=model).project
    broken(outside, other_weight)
    code, result, _ = run("csim", firmware, outside, "--vectors", 40)
    assert code == 1 and result["verdict"] == "mismatch" and result["vectors"] == 40
    told = {body["body"]: body for body in result["bodies"]}
    assert [told[name]["verdict"] for name in ("hls", OUTSIDE)] == ["exact", "mismatch"]
    assert told["hls"]["project"] == str(firmware) and result["first_mismatch"]["in"] == "plain Python"
    wrong = {layer["name"]: layer["mismatches"] for layer in told[OUTSIDE]["layers"]}
    assert wrong["fc1"] > 0 and {layer["mismatches"] for layer in told["hls"]["layers"]} == {0}
    joined = {layer["name"]: layer for layer in result["layers"]}
    compared = [next(c["compared"] for c in b["layers"] if c["name"] == "fc1") for b in told.values()]
    assert joined["fc1"]["mismatches"] == wrong["fc1"] and joined["fc1"]["compared"] == sum(compared)
    m = Model(x=(6,))
    onnx.save(m.build(m.quant("x", 0.25, 4)), tmp_path / "other.onnx")
    other = convert(
        read_qonnx(tmp_path / "other.onnx"), tmp_path / "other", HlsConfig(), model=tmp_path / "other.onnx"
    )
    code, _, message = run("csim", firmware, other.project, "--vectors", 10)
    assert code == 2 and "was made from another model" in message


def test_bodies_by_name(tmp_path: Path) -> None:
    assert find_body("hls") is HLS and find_body(OUTSIDE) is BODY
    for name, message in (
        ("hlss", "unknown body 'hlss'.*did you mean 'hls'"),
        ("no_such_module:BODY", "there is no module no_such_module"),
        ("outside_body:NOTHING", "outside_body has no NOTHING"),
        ("outside_body:MISNAMED", "calls itself 'another name'"),
    ):
        with pytest.raises(LeveloneError, match=f"(?s){message}"):
            find_body(name)
    assert body_of(tmp_path) is HLS  # whose reader says what is wrong with the folder
    (tmp_path / "levelone.json").write_text('{"body": "nobody"}')
    with pytest.raises(LeveloneError, match=r"unknown body 'nobody'"):
        body_of(tmp_path)


def test_entry_points_add_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("plain", OUTSIDE, "levelone.bodies"), EntryPoint("hls", OUTSIDE, "levelone.bodies")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
    assert BODIES.names() == ["hls", "rtl", "plain"]
    assert BODIES.find("plain") is BODY
    assert BODIES.find("hls") is HLS  # its own names cannot be taken


def test_verdicts_of_old_run_folders_are_read(tmp_path: Path) -> None:
    layer = compare_codes("fc", np.zeros((2, 3), int), np.zeros((2, 3), int)).to_dict()
    part = {"verdict": "exact", "vectors": 2, "layers": [layer], "first_mismatch": None, "reason": ""}
    old = part | {"sets": [part | {"name": "2 golden vectors", "against": ["exact reference"]}]}
    path = tmp_path / "csim.json"
    assert read_verdict(path) is None
    path.write_text(json.dumps(old))
    found = read_verdict(path)
    assert found is not None and (found["schema"], found["version"]) == (SCHEMA, VERSION)
    assert found["bodies"][0]["title"] == "C simulation" and found["bodies"][0]["layers"] == [layer]
    assert found["sets"][0]["bodies"][0]["layers"] == [layer] and found["outputs"] == []
    path.write_text(json.dumps({"schema": SCHEMA, "version": VERSION + 1}))
    with pytest.raises(LeveloneError, match=r"(?s)this levelone reads.*remove that file"):
        read_verdict(path)

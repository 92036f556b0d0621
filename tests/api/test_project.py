"""Projects, verdicts and diagnoses from Python, and how they show themselves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx_models import Model
from typer.testing import CliRunner

import levelone
from levelone.cli import app


@pytest.fixture(scope="module")
def exact(project: levelone.Project) -> levelone.Verdict:
    return project.csim(vectors=50, seed=3)


@pytest.fixture(scope="module")
def broken(project: levelone.Project, tmp_path_factory: pytest.TempPathFactory) -> levelone.Project:
    """A copy with one weight changed."""
    copy = tmp_path_factory.mktemp("api") / "broken"
    shutil.copytree(project.folder, copy)
    weights = copy / "firmware" / "weights" / "evidence_weight.h"
    text = weights.read_text()
    head, body = text[: text.index("= {") + 3], text[text.index("= {") + 3 :]
    first, rest = body.split(",", 1)
    weights.write_text(f"{head}{-float(first) if float(first) else 0.25},{rest}")
    return levelone.open(copy)


def test_the_project_shows_its_types(project: levelone.Project) -> None:
    assert project.to_dict()["hls"]["clock_ns"] == 5
    assert project.to_dict() == levelone.open(str(project.folder)).to_dict()
    text = str(project)
    assert "conv1" in text
    assert "saved)" in text
    assert "<td style='text-align:left'>conv1</td>" in project._repr_html_()


def test_exact(exact: levelone.Verdict) -> None:
    assert exact
    assert (exact.outcome, exact.exit_code, exact.vectors) == ("exact", 0, 50)
    assert exact.first_mismatch is None
    assert all(layer["compared"] > 0 and layer["mismatches"] == 0 for layer in exact.layers)
    assert "exact, 50 vectors" in str(exact).splitlines()
    json.dumps(exact.to_dict())


@pytest.mark.slow
def test_a_mismatch_is_false_and_explained(broken: levelone.Project) -> None:
    verdict = broken.csim(vectors=50, seed=3)
    assert not verdict
    assert (verdict.outcome, verdict.exit_code) == ("mismatch", 1)
    assert verdict.first_mismatch is not None
    assert verdict.first_mismatch["layer"] == "evidence"
    assert "first mismatch: in C simulation, layer evidence" in str(verdict)
    found = broken.diff(vectors=50, seed=3)
    assert not found
    assert found.first is not None
    assert found.first["layer"] == "evidence"
    assert found.first["cause"]["confirmed"]
    assert str(found).startswith("first difference: layer evidence")
    assert found._repr_html_().startswith(
        "<pre style='white-space:pre-wrap'>first difference: layer evidence"
    )


def test_nothing_foreign_becomes_html(exact: levelone.Verdict) -> None:
    content = exact.to_dict()
    content["notes"] = ["<script>alert(1)</script>"]
    content["layers"] = [{"name": "<b>", "compared": 1, "mismatches": 0, "max_lsb": 0}]
    shown = levelone.Verdict(content)._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown


def test_the_command_line_prints_the_same(project: levelone.Project, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["inspect", str(project.folder)])
    assert told.stdout.strip() == str(levelone.read(project.folder).inspect())


@pytest.mark.parametrize("folder", [".", "absent"])
def test_no_project(folder: str, tmp_path: Path) -> None:
    with pytest.raises(levelone.LeveloneError, match="is not a levelone project"):
        levelone.open(tmp_path / folder)


def test_own_events(project: levelone.Project, arrays: dict[str, np.ndarray]) -> None:
    arrays = {**arrays, "features": arrays["features"].copy()}
    arrays["features"][7, 3] = 1e6
    verdict = project.csim(data=arrays)
    assert verdict
    assert verdict.vectors == 40
    saturated = {port["input"]: port["saturated"] for port in verdict.to_dict()["ports"]}
    entering = levelone.read(project.folder).entering(arrays)
    assert saturated == {port["input"]: port["saturated"] for port in entering}
    assert saturated["features"] > 0
    assert "values, from " in str(verdict)
    assert "saturate at its port" in str(verdict)
    assert verdict.to_dict()["sets"][0]["name"] == "40 given events"
    with pytest.raises(
        levelone.LeveloneError, match=r"each input \(images, features, pair\) expected, found 1"
    ):
        project.csim(data=arrays["images"])
    with pytest.raises(levelone.LeveloneError, match="'features' is missing"):
        project.csim(data={"images": arrays["images"]})


@pytest.mark.slow
def test_projects_beside_each_other(model: levelone.Model, project: levelone.Project, tmp_path: Path) -> None:
    stream = model.convert(tmp_path / "stream", io="stream")
    verdict = project.csim(stream, vectors=20)
    assert verdict
    assert [body["project"] for body in verdict.bodies] == [str(project.folder), str(stream.folder)]


@pytest.mark.parametrize(
    ("body", "choices", "message"),
    [
        ("outside_body:BODY", {"reuse_factor": 2}, "takes no choices, but reuse_factor given"),
        ("rtl", {"reuse_factor": 2}, r"convert: unknown key rtl\.reuse_factor\n.*clocks_per_event"),
        ("hls", {"clocks_per_event": 9}, r"convert: unknown key hls\.clocks_per_event"),
        (
            "rtl",
            {"clocks_per_event": 0},
            r"convert: rtl\.clocks_per_event = 0: input should be greater than 0",
        ),
    ],
)
def test_choices_of_one_body_are_no_other_bodys(
    model: levelone.Model, tmp_path: Path, body: str, choices: dict[str, int], message: str
) -> None:
    with pytest.raises(levelone.LeveloneError, match=message):
        model.convert(tmp_path / "p", body=body, **choices)
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
def test_the_verdict_says_what_a_declared_port_assumes(tmp_path: Path) -> None:
    made = Model(x=(4,))
    made.add("MatMul", "x", made.weight(np.eye(4), 0.25), out="y")
    path = tmp_path / "bare.onnx"
    path.write_bytes(made.build("y").SerializeToString())
    verdict = levelone.read(path, ports={"x": "fixed<10,6>"}).convert(tmp_path / "project").csim(vectors=20)
    assert verdict.exact
    assert (
        "input 'x': its declared port holds -32 to 31.9375 in steps of 2^-4; what lies outside saturates"
        in str(verdict)
    )
    (port,) = verdict.to_dict()["ports"]
    assert (port["declared"], port["values"], port["saturated"]) == (True, 0, 0)


def test_rtl_is_converted_with_its_choices(model: levelone.Model, tmp_path: Path) -> None:
    plain = model.convert(tmp_path / "plain", body="rtl").to_dict()
    slow = model.convert(tmp_path / "slow", body="rtl", clocks_per_event=4096, clock_ns=4.0).to_dict()
    assert (plain["rtl"]["clocks_per_event"], plain["rtl"]["clock_ns"]) == (None, 5.0)
    assert (slow["rtl"]["clocks_per_event"], slow["rtl"]["clock_ns"]) == (4096, 4.0)
    multipliers = [sum(layer["multipliers"] for layer in found["layers"]) for found in (plain, slow)]
    assert multipliers[1] < multipliers[0]


def test_what_is_no_set_of_vectors(project: levelone.Project, tmp_path: Path) -> None:
    with pytest.raises(levelone.LeveloneError, match="neither a number nor a file"):
        project.diff(vectors=tmp_path / "no.h5")

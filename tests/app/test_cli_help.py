"""Every verb explains itself, and options with few values refuse all others at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from levelone.cli import app

VERBS = sorted(get_command(app).commands)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"Example: levelone {verb}" in told.stdout


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("--strategy", "fast", "latency"), ("--io", "both", "parallel"), ("--clock", "-1", "0.001")],
)
def test_a_wrong_value_names_the_option(option: str, value: str, allowed: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["convert", "model.onnx", "-o", str(tmp_path / "p"), option, value])
    assert told.exit_code == 2
    assert option in told.output
    assert allowed in told.output


def test_paths_in_lists_are_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / ("a_long_name_of_a_run" * 5)
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text('system = "pixelseed"')
    monkeypatch.chdir(tmp_path)
    told = CliRunner(env={"COLUMNS": "60"}).invoke(app, ["list"])
    assert str(folder) in told.stdout

"""Run folders from before systems were packages: read, reported, done again where they must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.pipeline.engine import why_run
from levelone.pipeline.job import open_run
from levelone.pipeline.reporting import content_of, report_page
from levelone.pipeline.run import Run
from levelone.pipeline.stages import all_stages
from levelone.pipeline.state import RunState

OLD = Path(__file__).parent / "old_runs"
"""Recipes as they were saved, and what two runs left (metrics of two regions, scores of 200 events)."""


@pytest.mark.parametrize("name", sorted(path.name for path in OLD.iterdir()))
def test_the_saved_recipe_gives_the_network_that_it_gave(name: str) -> None:
    job = open_run(OLD / name)
    assert job.system.name == job.recipe.system == name
    shapes = job.system.build_float(job.recipe).input_shapes
    assert shapes == job.system.input_shapes(job.recipe)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pixelseed", ["% quantised efficiency at 90 % rejection, balanced", "by region", "barrel-barrel"]),
        ("next", ["quantised AUC", "second densest blob", "drift below 0.5 m"]),
    ],
)
def test_what_a_run_left_is_reported(name: str, words: list[str]) -> None:
    page = report_page(open_run(OLD / name))
    assert page.index("<h2>At a glance</h2>") < page.index("<h2>The task</h2>")
    assert "<ol><li>" in page
    for word in [*words, "Learning curves", "Network output" if name == "next" else "Score, float twin"]:
        assert word in page
    assert "No metrics in this run folder" not in page


def test_the_verdict_of_then_is_the_verdict_of_now() -> None:
    content = content_of(open_run(OLD / "pixelseed"))
    assert content.csim is not None
    assert content.csim["verdict"] == "exact"
    assert len(content.csim["sets"]) == 3


def test_every_stage_says_why_it_is_done_again() -> None:
    """Code has changed since: nothing of then counts as up to date, and the state can be read."""
    job = open_run(OLD / "pixelseed")
    state = RunState(OLD / "pixelseed")
    for stage in all_stages(job):
        record = state.stages[stage.name]
        assert record.finished
        assert "code of" in why_run(record, stage.inputs(Run(job)), job.folder)


def test_a_recipe_of_another_system_says_what_to_do(tmp_path: Path) -> None:
    text = (OLD / "next" / "recipe.toml").read_text(encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(text.replace('"next"', '"nxt"'), encoding="utf-8")
    with pytest.raises(LeveloneError, match=r"unknown system 'nxt'[\s\S]*next"):
        open_run(tmp_path)

"""What is published of a finished run, and that events of an older generator are read, not published."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from levelone.errors import LeveloneError
from levelone.files import sha256
from levelone.pipeline.engine import run_stages
from levelone.pipeline.firmware import FIRMWARE
from levelone.pipeline.job import Job, open_run, plan, save_recipe
from levelone.pipeline.publishing import publish
from levelone.pipeline.run import Run
from levelone.pipeline.stages import training_stages
from levelone.pipeline.verdicts import SCHEMA, VERSION
from levelone.simulate.next.generator import simulate_next
from levelone.simulate.next.section import NextGenerate

TINY = (
    "train.float_epochs=1",
    "train.quantised_epochs=1",
    "train.max_minutes=1",
    "model.convolutions=[{channels=2}, {channels=2, kernel=[4,4,4], padding=[0,0,2]}]",
    "model.dense=[4]",
)
COMMITTED = {"recipe.toml", "model.onnx", "vectors.h5", "module.pt", "training.json"}


def aged(new: Path, path: Path, version: int | None) -> Path:
    """A copy of the file, made by another version of the generator, or one that says none."""
    shutil.copyfile(new, path)
    with h5py.File(path, "r+") as file:
        told = json.loads(file.attrs["provenance"])
        del told["generator_version"]
        file.attrs["provenance"] = json.dumps(
            told if version is None else told | {"generator_version": version}
        )
    return path


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of today."""
    path = tmp_path_factory.mktemp("events") / "new.h5"
    simulate_next(path, NextGenerate(events=120, seed=3))
    return path


@pytest.fixture(scope="module")
def finished(new: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A run on events of an older version: trained, measured, exported; its verdict is written by hand."""
    folder = tmp_path_factory.mktemp("publishing")
    old = aged(new, folder / "old.h5", NextGenerate.version - 1)
    job = plan("next", overrides=TINY, data=old, folder=folder / "run")
    job.folder.mkdir()
    save_recipe(job)
    export = FIRMWARE[0]
    run_stages((*training_stages(job), export), Run(job, show=lambda line: None), job.folder)
    verdict = {"schema": SCHEMA, "version": VERSION, "verdict": "exact", "vectors": 0, "sets": []}
    job.path("csim.json").write_text(json.dumps(verdict))
    return open_run(job.folder)


def test_events_of_an_older_generator_are_read_and_trained_on(finished: Job) -> None:
    metrics = json.loads(finished.path("metrics.json").read_text())
    assert metrics["data"]["train_events"] == len(
        finished.system.load(finished.recipe, finished.data, "train")
    )
    assert {"float", "quantised", "boosting"} <= set(metrics["models"])
    assert finished.path("model.onnx").is_file()


def test_events_of_an_older_generator_are_not_published(finished: Job, tmp_path: Path) -> None:
    now = NextGenerate.version
    with pytest.raises(LeveloneError) as no:
        publish(finished, tmp_path / "project")
    assert no.value.message == (
        f"{finished.data}: made by version {now - 1} of the generator, which is {now} today: such events "
        "can be read, but what is trained or measured on them is not published"
    )
    assert "levelone simulate next --events 120 --seed 3" in str(no.value)
    assert not (tmp_path / "project").exists()


def test_events_from_before_there_were_versions_are_not_published(
    finished: Job, new: Path, tmp_path: Path
) -> None:
    job = replace(finished, data=aged(new, tmp_path / "older.h5", None))
    with pytest.raises(LeveloneError, match=r"older\.h5: made by version 1 of the generator, which is"):
        publish(job, tmp_path / "project")


def test_events_of_today_are_published(finished: Job, new: Path, tmp_path: Path) -> None:
    """The same events, whose file says the version of today."""
    job, folder = replace(finished, data=new), tmp_path / "project"
    assert {path.name for path in publish(job, folder)} == COMMITTED
    training = json.loads((folder / "training.json").read_text())
    assert training["data"]["provenance"]["generator_version"] == NextGenerate.version
    assert training["files"] == {name: sha256(folder / name) for name in COMMITTED - {"training.json"}}
    assert training["files"]["model.onnx"] == sha256(finished.path("model.onnx"))
    (folder / "README.md").write_text("kept\n")
    publish(job, folder)
    assert (folder / "README.md").read_text() == "kept\n"


@pytest.mark.parametrize("name", ["csim.json", "metrics.json"])
def test_a_run_that_is_not_finished_is_not_published(finished: Job, tmp_path: Path, name: str) -> None:
    part = tmp_path / "run"
    part.mkdir()
    for path in finished.folder.glob("*.json"):
        if path.name != name:
            (part / path.name).write_text(path.read_text())
    with pytest.raises(LeveloneError, match="the run is not finished"):
        publish(replace(finished, folder=part), tmp_path / "project")


def test_a_simulation_that_is_not_exact_is_not_published(finished: Job, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.json").write_text(finished.path("metrics.json").read_text())
    verdict = json.loads(finished.path("csim.json").read_text()) | {"verdict": "mismatch"}
    (run / "csim.json").write_text(json.dumps(verdict))
    with pytest.raises(LeveloneError, match=r"the C simulation is not exact \(mismatch\)"):
        publish(replace(finished, folder=run), tmp_path / "project")


def test_a_folder_of_something_else_is_left_alone(finished: Job, new: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(LeveloneError, match="exists and is not a project folder"):
        publish(replace(finished, data=new), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]

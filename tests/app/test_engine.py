"""The engine: what runs, what is skipped and why, what is remembered after an interruption."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from levelone.errors import LeveloneError
from levelone.pipeline.engine import Stage, run_stages
from levelone.pipeline.job import plan
from levelone.pipeline.run import Run
from levelone.pipeline.stages import all_stages
from levelone.pipeline.state import RunState, code_digest, locked


@dataclass
class Toy:
    """Two stages: `first` writes its setting, `second` doubles it."""

    folder: Path
    setting: int = 1
    calls: list[tuple[str, bool]] = field(default_factory=list)
    fail_in: str = ""

    def stages(self) -> list[Stage[Toy]]:
        return [
            Stage("first", "First", lambda t: {"setting": str(t.setting)}, ("a.txt",), _first),
            Stage("second", "Second", _second_inputs, ("made",), _second),
        ]

    def run(self, **options: Any) -> list[tuple[str, bool, str]]:
        self.calls.clear()
        results = run_stages(self.stages(), self, self.folder, **options)
        return [(result.name, result.ran, result.reason) for result in results]


def _first(toy: Toy, resume: bool) -> dict[str, Any]:
    toy.calls.append(("first", resume))
    if toy.fail_in == "first":
        raise KeyboardInterrupt
    (toy.folder / "a.txt").write_text(str(toy.setting))
    return {"setting": toy.setting}


def _second_inputs(toy: Toy) -> dict[str, str]:
    return {"a": (toy.folder / "a.txt").read_text()}


def _second(toy: Toy, resume: bool) -> dict[str, Any]:
    toy.calls.append(("second", resume))
    (toy.folder / "made").mkdir(exist_ok=True)
    if toy.fail_in == "second":
        raise LeveloneError("no")
    (toy.folder / "made" / "b.txt").write_text(str(2 * toy.setting))
    return {}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


def test_everything_runs_once(toy: Toy) -> None:
    assert toy.run() == [("first", True, "not done yet"), ("second", True, "not done yet")]
    assert toy.run() == [("first", False, "up to date"), ("second", False, "up to date")]
    assert toy.calls == []


def test_a_changed_input_runs_what_depends_on_it(toy: Toy) -> None:
    toy.run()
    toy.setting = 2
    assert toy.run() == [("first", True, "changed: setting"), ("second", True, "changed: a")]
    assert (toy.folder / "made" / "b.txt").read_text() == "4"


def test_a_changed_or_missing_output_is_made_again(toy: Toy) -> None:
    toy.run()
    (toy.folder / "made" / "b.txt").write_text("tampered")
    assert toy.run()[1] == ("second", True, "made/b.txt was changed")
    (toy.folder / "a.txt").unlink()
    (toy.folder / "a.txt").write_text("1")
    (toy.folder / "made" / "b.txt").unlink()
    assert toy.run() == [("first", False, "up to date"), ("second", True, "made/b.txt is missing")]


def test_an_extra_file_in_an_output_folder_is_no_change(toy: Toy) -> None:
    toy.run()
    (toy.folder / "made" / "build.log").write_text("later")
    assert not any(ran for _, ran, _ in toy.run())


def test_force_runs_everything(toy: Toy) -> None:
    toy.run()
    assert toy.run(force=True) == [("first", True, "forced"), ("second", True, "forced")]
    assert toy.calls == [("first", False), ("second", False)]


def test_interruption_resumes_the_same_work_only(toy: Toy) -> None:
    toy.fail_in = "first"
    with pytest.raises(KeyboardInterrupt):
        toy.run()
    toy.fail_in = ""
    assert toy.run()[0] == ("first", True, "was interrupted")
    assert toy.calls[0] == ("first", True)


def test_interruption_then_another_setting_starts_afresh(toy: Toy) -> None:
    toy.fail_in = "first"
    with pytest.raises(KeyboardInterrupt):
        toy.run()
    toy.fail_in, toy.setting = "", 5
    assert toy.run()[0] == ("first", True, "changed: setting")
    assert toy.calls[0] == ("first", False)


def test_failure_keeps_what_was_finished(toy: Toy) -> None:
    toy.fail_in = "second"
    with pytest.raises(LeveloneError):
        toy.run()
    toy.fail_in = ""
    assert toy.run() == [("first", False, "up to date"), ("second", True, "was interrupted")]


def test_a_stage_that_breaks_its_promise_is_refused(toy: Toy) -> None:
    liar = Stage[Toy]("liar", "Liar", lambda t: {}, ("never.txt",), lambda t, resume: {})
    with pytest.raises(LeveloneError, match=r"Liar: finished without writing never\.txt"):
        run_stages([liar], toy, toy.folder)
    assert not RunState(toy.folder).stages["liar"].finished


def test_listener_hears_starts_and_ends(toy: Toy) -> None:
    heard: list[tuple[str, bool]] = []
    toy.run(listen=lambda title, result, reason: heard.append((title, result is None)))
    assert heard == [("First", True), ("First", False), ("Second", True), ("Second", False)]


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "x", "version": 1}', '{"schema": "levelone-run"}'])
def test_a_foreign_state_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(LeveloneError, match="not the state of a levelone run"):
        RunState(tmp_path)


def test_state_is_versioned(toy: Toy) -> None:
    toy.run()
    content = json.loads((toy.folder / "state.json").read_text())
    assert (content["schema"], content["version"]) == ("levelone-run", 1)


def test_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    def hold(ready: Any, done: Any) -> None:
        with locked(tmp_path / "run"):
            ready.set()
            done.wait(30)

    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(ready, done))
    other.start()
    assert ready.wait(30)
    with pytest.raises(LeveloneError, match="another levelone command"), locked(tmp_path / "run"):
        pass
    done.set()
    other.join()
    with locked(tmp_path / "run"):
        pass


def test_code_digest_sees_its_own_package_only() -> None:
    assert code_digest("report") != code_digest("pipeline")
    assert code_digest("recipe") == code_digest("recipe")


@pytest.mark.parametrize(
    ("name", "code"),
    [("convert", "graph, stimuli, hardware, hls"), ("csim", "graph, stimuli, hardware, hls, verify")],
)
def test_a_change_of_the_code_that_makes_vectors_counts(name: str, code: str, tmp_path: Path) -> None:
    job = plan("pixelseed", folder=tmp_path / "run")
    stage = next(stage for stage in all_stages(job) if stage.name == name)
    assert f"code of {code}" in stage.inputs(Run(job))


def test_the_way_a_folder_is_typed_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resumed from the parent folder, a run that makes its own events has the same inputs as before."""

    def inputs(folder: str, *overrides: str) -> dict[str, str]:
        job = plan("next", folder=Path(folder), overrides=overrides)
        assert job.data == Path(folder) / "events.h5"
        return {k: v for s in all_stages(job) for k, v in s.inputs(Run(job)).items() if "recipe." in k}

    monkeypatch.chdir(tmp_path)
    before = inputs("run")
    assert {"recipe.data", "recipe.train", "recipe.seed"} <= set(before)
    assert inputs(f"../{tmp_path.name}/run") == before
    assert inputs("run", "data.max_train=10")["recipe.data"] != before["recipe.data"]

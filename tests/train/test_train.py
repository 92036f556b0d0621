from __future__ import annotations

import json
import os
import shutil
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_system import FAKE, made_up, recipe

from levelone.errors import LeveloneError
from levelone.train import batches, checkpoints, train_system
from levelone.train.batches import Feed
from levelone.train.loop import fit
from levelone.train.objective import SystemObjective
from levelone.train.options import LoopOptions
from levelone.zoo.kit.events import MemorySource, join_events


def state(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)


def same_weights(a: Path, b: Path) -> bool:
    first, second = state(a), state(b)
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


def test_epoch_is_a_permutation_that_depends_on_seed_and_epoch_only():
    feed = Feed(MemorySource({"x": np.arange(1000, dtype=np.float32)[:, None]}, {}))

    def order(seed, epoch):
        return torch.cat([inputs[0] for inputs, _ in feed.epoch(100, seed, epoch)]).flatten()

    assert torch.equal(order(1, 2), order(1, 2))
    assert not torch.equal(order(1, 2), order(1, 3))
    assert not torch.equal(order(1, 2), order(2, 2))
    assert torch.equal(order(1, 2).sort().values, torch.arange(1000.0))


def test_in_order_gives_every_event_once_in_float32():
    source = made_up(1000, 4)
    batches = list(source.batches(300))
    assert [len(batch) for batch in batches] == [300, 300, 300, 100]
    joined = join_events(batches)
    assert np.array_equal(joined.truth["target"], source.truth["target"])
    assert joined.inputs["images"].dtype == np.float32
    assert np.array_equal(joined.inputs["images"], source.inputs["images"].astype(np.float32))


def test_what_is_skipped_is_left_out_at_the_beginning_of_the_order():
    source = made_up(100, 4)
    for order in (None, (1, 2)):
        whole = join_events(list(source.batches(7, order=order)))
        late = join_events(list(source.batches(7, order=order, skip=30)))
        for name, array in whole.inputs.items():
            assert np.array_equal(late.inputs[name], array[30:])
        assert np.array_equal(late.truth["group"], whole.truth["group"][30:])


def test_a_part_of_what_lies_in_memory_is_spread_over_all_of_it():
    source = MemorySource({"x": np.arange(10.0)[:, None]}, {"y": np.arange(10)})
    assert source.limited(3).truth["y"].tolist() == [0, 3, 6]
    assert source.limited(50).truth["y"].tolist() == list(range(10))


def test_training_learns_records_and_writes_its_files(trained):
    recipe, _, folder, result, lines = trained
    curves = json.loads((folder / "curves.json").read_text())
    assert curves == result.curves
    assert curves["seed"] == curves["float"]["seed"] == curves["quantised"]["seed"] == recipe.seed
    for part in ("float", "quantised"):
        assert [row["epoch"] for row in curves[part]["epochs"]] == [0, 1, 2, 3]
        assert curves[part]["stopped"] == "epochs"
        losses = [row["validation_loss"] for row in curves[part]["epochs"]]
        assert curves[part]["best_epoch"] == int(np.argmin(losses))
        assert (folder / part / "best.ckpt").exists()
        assert (folder / part / "last.ckpt").exists()
    losses = [row["validation_loss"] for row in curves["float"]["epochs"]]
    assert losses[-1] < 0.95 * losses[0]
    assert any("float epoch 1/4" in line for line in lines)
    assert any("quantised epoch 4/4" in line for line in lines)
    assert result.module == folder / "module.pt"


def test_recorded_losses_are_those_of_the_saved_weights(trained):
    recipe, _, folder, result, _ = trained
    module = FAKE.load_module(recipe, folder / "module.pt")
    source = made_up(recipe.data.max_validation, 2)
    target = torch.from_numpy(source.truth["target"]).double()
    with torch.no_grad():
        logits = module(*Feed(source).first(len(source)))[:, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.double(), target)
    assert float(loss) == pytest.approx(result.curves["quantised"]["best_loss"], rel=1e-6)


def test_finished_training_is_read_back_not_repeated(trained):
    recipe, data, folder, result, _ = trained
    before = (folder / "quantised" / "last.ckpt").stat().st_mtime_ns
    lines: list[str] = []
    again = train_system(FAKE, recipe, data, folder, progress=lines.append)
    assert again.curves == result.curves
    assert (folder / "quantised" / "last.ckpt").stat().st_mtime_ns == before
    assert not any("epoch" in line for line in lines)


def test_same_seed_same_weights_other_seed_other_weights(trained, tmp_path):
    _, data, folder, _, _ = trained
    train_system(FAKE, recipe(), data, tmp_path / "again")
    assert same_weights(folder / "module.pt", tmp_path / "again" / "module.pt")
    train_system(FAKE, recipe("seed=6"), data, tmp_path / "other")
    assert not same_weights(folder / "module.pt", tmp_path / "other" / "module.pt")


def test_checkpoints_of_another_recipe_are_not_continued(trained, tmp_path):
    _, data, _, _, _ = trained
    train_system(FAKE, recipe("train.float_epochs=1", "train.quantised_epochs=1"), data, tmp_path)
    longer = recipe("train.float_epochs=2", "train.quantised_epochs=1")
    result = train_system(FAKE, longer, data, tmp_path)
    assert len(result.curves["float"]["epochs"]) == 2
    train_system(FAKE, longer, data, tmp_path / "fresh")
    assert same_weights(tmp_path / "module.pt", tmp_path / "fresh" / "module.pt")


def test_quantised_training_may_decay_otherwise_and_float_is_kept(trained, tmp_path):
    shutil.copytree(trained[2], tmp_path / "run")
    folder = tmp_path / "run"
    done = (folder / "float" / "last.ckpt").stat().st_mtime_ns
    for decay, alike in (
        ("1e-4", True),
        ("0", False),
        ("10", False),
    ):  # the first is that of `train.weight_decay`
        other = recipe(f"train.quantised_weight_decay={decay}")
        result = train_system(FAKE, other, trained[1], folder)
        assert (folder / "float" / "last.ckpt").stat().st_mtime_ns == done
        assert result.curves["float"] == trained[3].curves["float"]
        assert same_weights(folder / "module.pt", trained[2] / "module.pt") is alike


def test_a_recipe_without_the_decay_of_quantised_training_keeps_its_digest():
    assert "quantised_weight_decay" not in recipe().model_dump()["train"]
    assert recipe("train.quantised_weight_decay=0").model_dump()["train"]["quantised_weight_decay"] == 0


def options(**changes) -> LoopOptions:
    values = {"name": "float", "seed": 1, "epochs": 3, "batch_size": 256, "learning_rate": 3e-3}
    values |= {"weight_decay": 0.0, "patience": 5, "max_minutes": None, "identity": "x"}
    return LoopOptions(**(values | changes))


def quick(folder: Path, **changes) -> dict:
    torch.manual_seed(1)
    network = FAKE.build_float(recipe())
    feeds = Feed(made_up(2000, 1)), Feed(made_up(500, 2))
    return fit(network, options(**changes), *feeds, folder, objective=SystemObjective(FAKE, recipe()))


def test_patience_and_time_limit_stop_and_are_recorded(tmp_path):
    # With a negligible rate only the running statistics move, and soon nothing improves any more.
    early = quick(tmp_path / "a", epochs=60, patience=1, learning_rate=1e-12)
    assert early["stopped"] == "patience"
    assert early["best_epoch"] == early["epochs"][-1]["epoch"] - 1
    limited = quick(tmp_path / "b", epochs=60, max_minutes=1e-6)
    assert limited["stopped"] == "max_minutes"
    assert len(limited["epochs"]) == 1


def test_a_loss_that_is_never_finite_is_an_error(tmp_path):
    with pytest.raises(LeveloneError, match="no epoch reached a finite validation loss"):
        quick(tmp_path, learning_rate=1e30, epochs=2)


def test_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"half a file")
    with pytest.raises(LeveloneError, match=r"last\.ckpt: not a checkpoint"):
        quick(tmp_path)


def test_nothing_is_written_to_standard_output(tmp_path, capfd):
    quick(tmp_path, epochs=1)
    assert capfd.readouterr().out == ""


def in_a_child(task: Callable[[], None]) -> int:
    """Status of a process that does `task`: one that is forked has imported everything already."""
    child = os.fork()
    if child == 0:
        try:
            task()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train_until(moment: str, data: Path, run: Path, lines: Path) -> None:
    """Train; kill this very process at `moment`."""
    kind, _, number = moment.partition(":")
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    if kind == "batch":
        as_batch = batches.as_batch
        batches.as_batch = lambda events: (step(), as_batch(events))[1]
    elif kind == "save":  # the checkpoint is complete in its scratch file, but not yet under its name
        replace = os.replace
        os.replace = lambda *paths: (step(), replace(*paths))[1]
    elif kind == "saved":
        save = checkpoints._save
        checkpoints._save = lambda *arguments: (save(*arguments), step())[0]
    with lines.open("w") as stream:
        train_system(FAKE, recipe(), data, run, progress=lambda line: print(line, file=stream, flush=True))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["batch:10", "batch:60", "saved:3", "save:11", "batch:190"])
def test_killed_and_resumed_gives_the_same_weights(trained, tmp_path, moment):
    _, data, uninterrupted, _, _ = trained
    run, lines = tmp_path / "run", tmp_path / "lines.txt"
    assert in_a_child(lambda: train_until(moment, data, run, lines)) == -signal.SIGKILL
    assert not (run / "module.pt").exists()
    assert in_a_child(lambda: train_until("never:0", data, run, lines)) == 0
    # Epochs that were finished before are not done again: together they are done as often as in one run.
    if moment != "batch:10":
        assert lines.read_text().count(": loss ") < 8
    for name in ("module.pt", "float/best.ckpt"):
        first, second = state(uninterrupted / name), state(run / name)
        if name.endswith("ckpt"):
            first, second = first["state_dict"], second["state_dict"]
        assert list(first) == list(second)
        assert all(torch.equal(first[key], second[key]) for key in first)
    for part in ("float", "quantised"):
        curves = [json.loads((folder / "curves.json").read_text())[part] for folder in (uninterrupted, run)]
        rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in c["epochs"]] for c in curves]
        assert rows[0] == rows[1]

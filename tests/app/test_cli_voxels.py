"""Voxel systems on the command line: making events, training on them, the report; refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from levelone.data.voxels import open_voxels
from levelone.zoo import SYSTEMS, find_system
from levelone.zoo.kit.voxels import VoxelSystem

from .conftest import ROOT, Levelone

VOXEL_SYSTEMS = sorted(name for name in SYSTEMS.known if isinstance(find_system(name), VoxelSystem))
SMALL = (
    "train.float_epochs=1",
    "train.quantised_epochs=1",
    "model.convolutions=[{channels=2}, {channels=2, kernel=[4,4,4], padding=[0,0,2]}]",
    "model.dense=[4]",
    "verify.events=20",
    "verify.random=5",
)


def settings(*pairs: str) -> list[str]:
    return [word for pair in pairs for word in ("--set", pair)]


@pytest.fixture(scope="module")
def events(levelone: Levelone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("next") / "next.h5"
    done = levelone("simulate", "next", "--events", 400, "--seed", 3, "-o", path, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["events"] == 400
    assert summary["file"] == str(path)
    return path


@pytest.mark.parametrize("name", VOXEL_SYSTEMS)
def test_every_voxel_system_makes_the_events_that_it_reads(
    levelone: Levelone, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.h5"
    done = levelone("simulate", name, "--events", 40, "--seed", 2, "-o", path)
    assert done.returncode == 0, done.stderr
    assert "events: 40" in done.stdout
    system = find_system(name)
    with open_voxels(path) as file:
        assert file.provenance["seed"] == 2
        assert set(system.grids) <= set(file.grids)
        assert set(system.columns) <= set(file.columns)


def test_the_seed_decides(levelone: Levelone, events: Path, tmp_path: Path) -> None:
    for seed, same in ((3, True), (4, False)):
        done = levelone("simulate", "next", "--events", 400, "--seed", seed, "-o", tmp_path / "n.h5")
        assert done.returncode == 0, done.stderr
        with open_voxels(events) as first, open_voxels(tmp_path / "n.h5") as second:
            equal = (first.read("tpc", slice(0, 20)) == second.read("tpc", slice(0, 20))).all()
            assert bool(equal) is same


def test_options_reach_the_generator(levelone: Levelone, tmp_path: Path) -> None:
    path = tmp_path / "n.h5"
    done = levelone("simulate", "next", "--events", 60, *settings("generate.signal_fraction=1"), "-o", path)
    assert done.returncode == 0, done.stderr
    with open_voxels(path) as file:
        assert file.truth("label").min() == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("simulate", "next", "--set", "generate.signal_fractoin=0.1", "-o", "x.h5"),
            "unknown key generate.signal_fractoin\n  hint: did you mean 'signal_fraction'?",
        ),
        (("simulate", "muon", "--set", "generate.pileup=3", "-o", "x.h5"), "unknown key generate.pileup"),
        (("simulate", "pixelseed", "--events", 2, "-o", "x.h5"), "generate.events = 2: input should be"),
        (
            ("simulate", "next", "--set", "train.patience=3", "-o", "x.h5"),
            "making events reads the section",
        ),
        (
            ("simulate", "next", "--recipe", "{recipe}", "-o", "x.h5"),
            "the recipe is for system 'pixelseed', not 'next'",
        ),
        (
            ("run", "next", "--set", "generate.signal_fraction=0.2", "--data", "{events}"),
            "generate.signal_fraction says how events are made, but --data names existing ones",
        ),
        (("train", "next", "--seed", 2, "--data", "{events}"), "generate.seed says how events are made"),
        (("run", "next", "--data", "missing.h5"), "data file missing.h5 does not exist"),
        (("run", "next", "--data", "/"), "data file / is no file"),
        (("train", "pixelseed", "--data", "{events}"), "{events}"),
    ],
)
def test_refusals(levelone: Levelone, events: Path, tmp_path: Path, words: tuple, message: str) -> None:
    pixelseed = ROOT / "hls_projects" / "pixelseed" / "recipe.toml"
    given = [str(word).format(events=events, recipe=pixelseed) for word in words]
    if words[0] in ("run", "train"):
        given += ["--out", str(tmp_path / "out")]
    done = levelone(*given, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message.format(events=events) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.h5").exists()
    assert not (tmp_path / "out").exists()


def test_a_recipe_says_how_events_are_made(levelone: Levelone, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('system = "next"\n[generate]\nevents = 50\nseed = 4\nsignal_fraction = 0\n')
    done = levelone("simulate", "next", "--recipe", recipe, "--seed", 5, "-o", tmp_path / "n.h5")
    assert done.returncode == 0, done.stderr
    with open_voxels(tmp_path / "n.h5") as file:
        assert (file.events, file.provenance["seed"], file.truth("label").max()) == (50, 5, 0)


@pytest.mark.slow
def test_the_whole_chain(levelone: Levelone, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("run", "next", "--data", events, "--out", out, "--json", *settings(*SMALL))
    done = levelone(*words)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = [stage["name"] for stage in result["stages"]]
    assert names == ["data", "train", "evaluate", "export", "convert", "csim", "report"]
    assert result["verdict"] == "exact"
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["models"]) == {"float", "quantised", "published", "boosting", "blob", "leak_control"}
    csim = json.loads((out / "csim.json").read_text())
    assert [part["against"] for part in csim["sets"]] == [["exact reference", "trained module"]] * 3
    page = (out / "report.html").read_text()
    for word in (
        "two-electron events kept",
        "published architecture (fully connected), trained here",
        "at 90 %",
        "Learning curves",
        "exact",
    ):
        assert word in page
    again = levelone(*words)
    assert again.returncode == 0
    assert again.stderr.count("skipped: up to date") == len(names)


@pytest.mark.slow
def test_a_run_makes_its_own_events_and_the_published_network_ends_with_the_report(
    levelone: Levelone, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    pairs = settings("model.variant=published", "model.dense=[4]", *SMALL[:2])
    done = levelone("run", "next", "--events", 300, "--seed", 8, "--out", out, "--json", *pairs)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = [stage["name"] for stage in result["stages"]]
    assert names == ["simulate", "data", "train", "evaluate", "report"]
    assert result["verdict"] is None
    with open_voxels(out / "events.h5") as file:
        assert (file.events, file.provenance["seed"]) == (300, 8)
    assert (out / "report.html").is_file()

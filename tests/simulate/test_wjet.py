"""W jets and jets of quarks and gluons, with Pythia and FastJet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest

from levelone.data.images import open_images
from levelone.errors import LeveloneError
from levelone.simulate.jets import spectrum
from levelone.simulate.jets.files import JetSummary
from levelone.simulate.jets.spectrum import SLICES
from levelone.simulate.jets.towers import Towers
from levelone.simulate.wjet import events, generator
from levelone.simulate.wjet.events import SIZE, STEP_GEV, select
from levelone.simulate.wjet.generator import simulate_wjet
from levelone.simulate.wjet.section import WJetGenerate

INSTALLED = all(importlib.util.find_spec(name) for name in ("pythia8mc", "fastjet", "awkward"))
needs_tools = pytest.mark.skipif(not INSTALLED, reason="needs levelone[sim]")

OPEN = WJetGenerate(events=30, seed=5, mass_gev=(20.0, 200.0))
"""A wide range of masses: quick."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JetSummary, list[tuple[int, int]]]:
    if not INSTALLED:
        pytest.skip("needs levelone[sim]")
    path = tmp_path_factory.mktemp("wjet") / "few.h5"
    ticks: list[tuple[int, int]] = []
    summary = simulate_wjet(path, OPEN, lambda *done: ticks.append(done), per_slice=2)
    return path, summary, ticks


@pytest.mark.sim
@pytest.mark.slow
def test_the_file_is_what_the_summary_says(few: tuple) -> None:
    path, summary, ticks = few
    assert ticks == [(20, 30), (30, 30)]
    assert (summary.events, summary.bytes) == (30, path.stat().st_size)
    with open_images(path) as file:
        assert file.splits == summary.splits == {"train": 21, "validation": 3, "test": 6}
        batch = file.read(np.arange(30))
        told = file.provenance
    assert told["command"].startswith("levelone simulate wjet --events 30 --seed 5 ")
    assert (told["generator_version"], told["per_slice"]) == (WJetGenerate.version, 2)
    assert all(told[package] for package in ("pythia8mc", "fastjet", "numpy", "levelone"))
    truth = batch.truth
    assert summary.classes == {
        "quark or gluon": int((truth["label"] == 0).sum()),
        "W": int(truth["label"].sum()),
    }
    # of the first block, which is whole, every slice of transverse momentum holds two jets of each class
    part = ((truth["pt"][:20] - 250) // 10).astype(int)
    assert np.bincount(part * 2 + truth["label"][:20], minlength=2 * SLICES).tolist() == [2] * (2 * SLICES)
    assert np.all((truth["mass"] >= 20) & (truth["mass"] <= 200))
    assert np.all(np.abs(truth["eta"]) < 2)
    assert np.all(truth["subjet1"] >= truth["subjet2"])
    assert np.all(truth["tau1"] >= truth["tau2"])
    assert np.all(truth["tau2"] >= truth["tau3"])
    # the image holds what trimming has left: momenta add up to more than that of the jet, which is a vector
    total = batch.images["jet"].sum((1, 2, 3)) * STEP_GEV
    assert np.all(total > 0.95 * truth["pt"])
    assert np.all(total < 1.2 * truth["pt"])
    assert np.all(
        batch.images["jet"][:, 0, SIZE // 2 - 1 : SIZE // 2 + 2, SIZE // 2 - 1 : SIZE // 2 + 2].any((1, 2))
    )


@pytest.mark.sim
@pytest.mark.slow
def test_the_same_jets_for_any_number_of_processes(few: tuple, tmp_path: Path) -> None:
    simulate_wjet(tmp_path / "b.h5", OPEN, workers=2, per_slice=2)
    with h5py.File(few[0]) as one, h5py.File(tmp_path / "b.h5") as other:
        for name in ("images/jet", "split", *(f"truth/{column}" for column in one["truth"])):
            assert np.array_equal(one[name][:], other[name][:]), name


@pytest.mark.sim
@needs_tools
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise LeveloneError("stopped")

    monkeypatch.setattr(generator, "block", stop)
    with pytest.raises(LeveloneError, match="stopped"):
        simulate_wjet(tmp_path / "a.h5", OPEN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sim
@needs_tools
def test_ranges_without_jets_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "select", lambda *_: None)
    monkeypatch.setattr(events, "of_events", lambda *_: None)
    monkeypatch.setattr(events, "fill", lambda made: made)
    monkeypatch.setattr(spectrum, "BATCH", 1)
    with pytest.raises(LeveloneError, match=r"class 'quark or gluon'[\s\S]*mass_gev = \[20.0, 200.0\]"):
        events.block(OPEN, 1, 0)


def two_prongs(row: int, column: int, rows: int, columns: int) -> Towers:
    """A tower of 150 GeV of transverse momentum, and one of 120 GeV so many towers away, in one event."""
    place = np.array([[row, column], [(row + rows) % 63, column + columns]])
    place = place[np.lexsort((place[:, 1], place[:, 0]))]
    pt = np.where((place == [row, column]).all(1), 150.0, 120.0)
    eta = (place[:, 1] + 0.5) * 0.1 - 5
    return Towers(np.zeros(2, np.int64), place[:, 0], place[:, 1], pt * np.cosh(eta))


@pytest.mark.sim
@needs_tools
@pytest.mark.parametrize("row", [30, 2, 61])
def test_an_image_is_centred_on_the_hardest_subjet(row: int) -> None:
    """Wherever the jet is, across pi in azimuth, too: the same image, the same numbers."""
    options = WJetGenerate(mass_gev=(0.0, 200.0), pt_gev=(200.0, 300.0))
    jets = select(two_prongs(row, 45, 3, -4), options, 1)
    assert jets is not None
    filled = np.argwhere(jets.images["jet"][0, 0]).tolist()
    assert filled == [[12, 12], [15, 8]]
    assert jets.images["jet"][0, 0, 12, 12] == 150 / STEP_GEV
    found = {name: float(values[0]) for name, values in jets.columns.items()}
    assert (found["subjets"], found["label"]) == (2, 1)
    assert found["dr"] == pytest.approx(np.hypot(3 * 2 * np.pi / 63, 0.4), rel=1e-5)
    assert found["turn"] == pytest.approx(np.arctan2(3 * 2 * np.pi / 63, -0.4), rel=1e-5)
    assert found["tau1"] == pytest.approx(120 * found["dr"] / 270, rel=1e-5)
    assert found["tau2"] == 0
    expected = np.sqrt(2 * 150 * 120 * (np.cosh(0.4) - np.cos(3 * 2 * np.pi / 63)))
    assert found["mass"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.sim
@needs_tools
def test_a_single_subjet_turns_along_its_long_axis() -> None:
    options = WJetGenerate(mass_gev=(0.0, 200.0), pt_gev=(200.0, 300.0))
    jets = select(two_prongs(30, 45, 1, 1), options, 1)
    assert jets is not None
    assert jets.columns["subjets"].tolist() == [1]
    assert float(jets.columns["dr"][0]) == 0
    assert np.tan(float(jets.columns["turn"][0])) == pytest.approx(1, abs=0.02)

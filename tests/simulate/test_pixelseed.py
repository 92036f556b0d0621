"""The whole simulation, with Pythia and ACTS."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from levelone.data.detector import reconstruct
from levelone.data.doublets import SPLITS, sample_path
from levelone.data.opening import open_doublets
from levelone.errors import LeveloneError
from levelone.simulate.pixelseed import collisions, generator
from levelone.simulate.pixelseed.clusters import make_clusters
from levelone.simulate.pixelseed.collection import collect
from levelone.simulate.pixelseed.generator import simulate_pixelseed
from levelone.simulate.pixelseed.section import PixelSeedGenerate
from levelone.simulate.pixelseed.sensors import SENSORS

INSTALLED = all(importlib.util.find_spec(name) for name in ("acts", "pythia8mc"))
needs_tools = pytest.mark.skipif(not INSTALLED, reason="needs levelone[sim]")


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, generator.SimulationSummary, list[tuple[int, int]]]:
    if not INSTALLED:
        pytest.skip("needs levelone[sim]")
    path = tmp_path_factory.mktemp("simulated") / "a.h5"
    ticks: list[tuple[int, int]] = []
    options = PixelSeedGenerate(events=12, pileup=6.0, seed=11)
    summary = simulate_pixelseed(path, options, lambda *done: ticks.append(done))
    return path, summary, ticks


@pytest.mark.sim
@pytest.mark.slow
def test_summary_is_that_of_the_file(small: tuple) -> None:
    path, summary, ticks = small
    assert ticks == [(5, 12), (9, 12), (10, 12), (12, 12)]
    assert summary.events == 12
    with open_doublets(path) as file:
        assert file.splits == summary.splits
        assert sum(file.splits.values()) == summary.doublets
        assert file.index.label.mean() == pytest.approx(summary.true_fraction)
        assert [len(file.events(split)) for split in SPLITS] == [9, 1, 2]
        options = "--events 12 --seed 11 --set generate.pileup=6.0 --set 'generate.geometry=\"cms\"'"
        assert file.provenance["command"] == f"levelone simulate pixelseed {options} -o FILE.h5"
        assert file.provenance["seed"] == 11
        for tool in ("pythia8mc", "pyacts", "numpy", "levelone"):
            assert file.provenance[tool]
    with h5py.File(path) as file:
        assert file["clusters/module"].shape[0] == summary.clusters
        size_x, size_y = file["clusters/size_x"][:], file["clusters/size_y"][:]
    assert ((size_x > 16) | (size_y > 16)).mean() == pytest.approx(summary.overflowing)
    assert summary.events_per_second > 0


@pytest.mark.sim
@pytest.mark.slow
def test_physics_is_plausible(small: tuple) -> None:
    path, summary, _ = small
    # Measured once with this detector at pile-up 50: 49 % of the clusters have one pixel and 2.3 % overflow.
    assert 0.42 < summary.single_pixel < 0.56
    assert 0.01 < summary.overflowing < 0.04
    assert summary.window_efficiency > 0.97
    assert 0.2 < summary.true_fraction < 0.9
    with open_doublets(path) as file:
        data = file.read(file.select("train"))
    names = list(file_features())
    true = data.label == 1
    # A true pair points to the beam spot (sigma 50 mm), and its clusters are as long as its slope says.
    z0 = data.features[true, names.index("z0")]
    assert 30 < np.std(z0) < 80
    excess = np.abs(data.features[:, names.index("inner_excess_y")])
    assert np.median(excess[true]) < 0.5
    assert np.median(excess[~true]) > 2 * np.median(excess[true])
    # Charge per path: most probable value of Landau's law in 285 um, clusters of primary-like short tracks.
    column = data.features[true, names.index("inner_charge_per_path")]
    counts, edges = np.histogram(column, np.arange(40, 150, 2.0))
    assert 74 < edges[counts.argmax()] < 84


def file_features() -> tuple[str, ...]:
    from levelone.data.doublets import FEATURE_NAMES

    return FEATURE_NAMES


@pytest.mark.sim
@pytest.mark.slow
def test_same_seed_same_file_whatever_the_workers(tmp_path: Path) -> None:
    contents = []
    for name, seed, workers in (("a", 3, 1), ("b", 3, 2), ("c", 4, 1)):
        options = PixelSeedGenerate(events=7, pileup=2.0, seed=seed)
        simulate_pixelseed(tmp_path / f"{name}.h5", options, workers=workers)
        contents.append((tmp_path / f"{name}.h5").read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "c.h5") as c:
        assert not np.array_equal(a["pixels/charge"][:500], c["pixels/charge"][:500])


@pytest.mark.sim
@pytest.mark.slow
def test_no_collision_is_in_two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "POOL_LIMIT", 8)
    seen: list[list[np.ndarray]] = []
    original = collisions.Pool.take

    class Recorder(collisions.Pool):
        def __init__(self, source: collisions.Source, limit: int) -> None:
            super().__init__(source, limit)
            seen.append([])

        def take(self, count: int) -> list[np.ndarray]:
            tables = original(self, count)
            seen[-1] += tables
            return tables

    monkeypatch.setattr(generator, "Pool", Recorder)
    split = np.array([0, 0, 0, 1, 2, 2], np.uint8)
    tasks = list(generator._tasks("cms", 5, split, np.full(6, 5)))
    assert [task.split for task in tasks] == [0, 1, 2]
    assert [len(tables) for tables in seen] == [15, 5, 10]
    names = [{table.tobytes() for table in tables} for tables in seen]
    # The pool of eight is used again inside a split, and its collisions are nowhere else.
    assert [len(group) for group in names] == [8, 5, 8]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]


@pytest.mark.sim
@needs_tools
def test_a_stiff_track_leaves_hits_on_its_line() -> None:
    # A 50 GeV muon from the origin: nearly straight, so every cluster lies on the line within a pixel.
    detector, sensor, layout, identifiers = generator._setup("cms")
    phi, cot = 0.4, 0.9
    momentum = 50.0 * np.array([np.cos(phi), np.sin(phi), cot])
    muon = np.array([[13, -1, 0.10566, 0, 0, 0, 0, *momentum]])
    (crossings,) = detector.simulate([muon], 1)
    module = np.searchsorted(identifiers, crossings.module)
    assert np.array_equal(identifiers[module], crossings.module)
    rng = np.random.default_rng(0)
    clusters, truth = make_clusters(layout, sensor, collect(layout, module, crossings, rng), rng)
    hits = reconstruct(layout, clusters)
    assert {layout.layer_names[layer] for layer in hits.layer} == {"B1", "B2", "B3", "B4"}
    np.testing.assert_allclose(hits.z, hits.r * cot, atol=0.25)
    np.testing.assert_allclose(hits.r * (hits.phi - phi), 0, atol=0.3)
    assert (truth.primary == 0).all()
    np.testing.assert_allclose(truth.pt_gev, 50, rtol=0.01)
    # A straight flight; the modules of a layer overlap.
    flight = np.tile(momentum / np.linalg.norm(momentum), (len(module), 1))
    np.testing.assert_allclose(crossings.direction, flight, atol=5e-3)
    off_plane = crossings.position_mm - layout.center_mm[module]
    np.testing.assert_allclose(np.einsum("ni,ni->n", off_plane, layout.normal[module]), 0, atol=1e-3)
    # Every barrel module turns its charge along +phi, no endcap module does.
    barrel = layout.layer_barrel[layout.module_layer]
    np.testing.assert_allclose(layout.drift[barrel], [[0.212, 0]] * barrel.sum(), atol=1e-5)
    np.testing.assert_allclose(layout.drift[~barrel], 0, atol=1e-5)


def test_the_tools_are_named_when_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("acts", "acts.examples", "pythia8mc"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(LeveloneError, match="pyacts") as caught:
        simulate_pixelseed(tmp_path / "a.h5", PixelSeedGenerate(events=10, pileup=1))
    assert caught.value.hint == "pip install 'levelone[sim]'"
    with pytest.raises(LeveloneError, match="pythia8mc") as caught:
        collisions.Source("ttbar", 1)
    assert caught.value.hint == "pip install 'levelone[sim]'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sim
@needs_tools
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(task: object) -> None:
        raise LeveloneError("stopped")

    monkeypatch.setattr(generator, "_run_block", fail)
    monkeypatch.setattr(generator, "_tasks", lambda *_: iter([None]))
    with pytest.raises(LeveloneError, match="stopped"):
        simulate_pixelseed(tmp_path / "a.h5", PixelSeedGenerate(events=3, pileup=0))
    assert list(tmp_path.iterdir()) == []


def test_sensors_fill_the_module() -> None:
    for sensor in SENSORS.values():
        assert sensor.rows * sensor.pitch_x_mm == pytest.approx(16.8)
        assert sensor.columns * sensor.pitch_y_mm == pytest.approx(72.0)


def test_the_sample_that_ships() -> None:
    assert sample_path().stat().st_size < 6 * 1024 * 1024
    with open_doublets(sample_path()) as file:
        assert file.provenance["command"].startswith("levelone simulate pixelseed --events ")
        assert file.splits["test"] > 10_000
        assert file.splits["train"] > 200_000
        data = file.read(file.select("test", "balanced", limit=2000))
        assert data.label.mean() == 0.5
        assert np.isfinite(data.features).all()
        assert data.images.sum(axis=(2, 3)).min() > 0
        text = str(file.provenance)
        assert "/" not in text.replace("100x150", "")

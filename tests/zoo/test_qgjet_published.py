"""Published jets of quarks and gluons: a file of their layout, its parts, and files that are damaged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.recipe import load_recipe
from levelone.simulate.jets.particles import CHARGED
from levelone.simulate.qgjet.events import SIZE, STEP_GEV, WIDTH
from levelone.zoo.qgjet import SYSTEM as QGJET
from levelone.zoo.qgjet import energyflow
from levelone.zoo.qgjet.energyflow import READER

CODES = (22, 211, -211, 130, 321, 2212, -2112, 11, -13)


def published(jets: int = 50, most: int = 12) -> dict[str, np.ndarray]:
    """Arrays of the published layout: jets of one particle and more, the rest zeros."""
    rng = np.random.default_rng(2)
    found = np.zeros((jets, most, 4))
    for jet in found:
        n = rng.integers(1, most + 1)
        y, phi = rng.uniform(-1.5, 1.5), rng.uniform(0, 6)
        jet[:n, 0] = rng.exponential(40, n) + 0.1
        jet[:n, 1], jet[:n, 2] = y + rng.normal(0, 0.1, n), phi + rng.normal(0, 0.1, n)
        jet[:n, 3] = rng.choice(CODES, n)
    return {"X": found, "y": (np.arange(jets) % 2).astype(float)}


def write(path: Path, **other: Any) -> dict[str, np.ndarray]:
    """A file of the published layout; `other` replaces arrays, None leaves one out."""
    arrays = {name: values for name, values in (published() | other).items() if values is not None}
    np.savez_compressed(path, **arrays)
    return arrays


def by_hand(jet: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Transverse momenta in GeV [2, rows, columns], counts [rows, columns] and quantities of one jet."""
    particles = [p for p in jet if p[0] > 0]
    momentum, count = np.zeros((2, SIZE, SIZE)), np.zeros((SIZE, SIZE))
    pt = sum(p[0] for p in particles)
    px = sum(p[0] * np.cos(p[2]) for p in particles)
    py = sum(p[0] * np.sin(p[2]) for p in particles)
    pz = sum(p[0] * np.sinh(p[1]) for p in particles)
    eta, phi = np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
    away = [((p[1] - eta), np.angle(np.exp(1j * (p[2] - phi)))) for p in particles]
    middle = [sum(p[0] * at[way] for p, at in zip(particles, away, strict=True)) / pt for way in (0, 1)]
    for p, at in zip(particles, away, strict=True):
        column, row = (int(np.floor((at[w] - middle[w] + WIDTH / 2) * SIZE / WIDTH)) for w in (0, 1))
        if 0 <= column < SIZE and 0 <= row < SIZE:
            charged = abs(p[3]) in CHARGED
            momentum[0 if charged else 1, row, column] += p[0]
            count[row, column] += charged
    told = {
        "pt": np.hypot(px, py),
        "eta": eta,
        "charged": sum(abs(p[3]) in CHARGED for p in particles),
        "particles": len(particles),
        "girth": sum(p[0] * np.hypot(*at) for p, at in zip(particles, away, strict=True)) / pt,
        "largest": max(p[0] for p in particles) / pt,
    }
    return momentum, count, told


def test_every_jet_is_in_one_split_and_as_its_particles_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energyflow, "SLAB", 16)
    told = write(tmp_path / "a.npz")
    assert READER.sniff(tmp_path / "a.npz")
    with READER.open(tmp_path / "a.npz") as file:
        assert file.splits == {"train": 35, "validation": 5, "test": 10}
        seen = []
        for split in file.splits:
            for batch in file.batches(split, 6):
                assert len(batch.events) <= 6
                seen += batch.events.tolist()
                for place, number in enumerate(batch.events):
                    momentum, count, quantities = by_hand(told["X"][number])
                    codes = batch.images["pt"][place].astype(float)
                    assert np.abs(codes * STEP_GEV - momentum).max() < 0.51 * STEP_GEV
                    assert np.array_equal(batch.images["count"][place, 0], count)
                    for name, value in quantities.items():
                        assert batch.truth[name][place] == pytest.approx(value, rel=1e-5), name
                    assert batch.truth["label"][place] == told["y"][number]
        assert sorted(seen) == list(range(50))
        one, again = ([row for b in file.batches("train", 6, seed=(1, 2)) for row in b.events] for _ in "ab")
        assert one == again != sorted(one)
        part = file.select("train", 7)
        assert len(part) == 7 and part[-1] > 35  # from all over the file


def test_the_system_reads_such_a_file(tmp_path: Path) -> None:
    told = write(tmp_path / "a.npz")
    recipe = load_recipe(QGJET.default_recipe)
    events = QGJET.load(recipe, tmp_path / "a.npz", "test")
    assert events.inputs["jet"].shape == (10, 3, SIZE, SIZE)
    with READER.open(tmp_path / "a.npz") as file:
        assert np.array_equal(events.truth["label"], told["y"][file.select("test")])
    assert "3164691" in QGJET.provenance(tmp_path / "a.npz")["source"]


def spoilt(name: str, place: tuple[int, ...], value: float) -> dict[str, np.ndarray]:
    values = published()[name].copy()
    values[place] = value
    return {name: values}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"X": np.zeros((50, 12, 3))}, r"'X' has shape \(50, 12, 3\), 'y' \(50,\); expected \(jets, part"),
        ({"y": np.zeros(49)}, r"'X' has shape \(50, 12, 4\), 'y' \(49,\)"),
        ({"X": published()["X"].astype("S4")}, r"array 'X' is \|S4; expected numbers"),
        ({"y": np.array([{}] * 50)}, r"it holds Python objects, not numbers"),
        ({"X": np.zeros((50, 5000, 4), np.int8)}, r"50 jets of at most 5000 particles; 3 to 10,000,000 jets"),
        ({"X": np.zeros((2, 3, 4)), "y": np.zeros(2)}, r"2 jets of at most 3 particles"),
        (spoilt("y", (4,), 2), r"'y' holds 2.0 at 4; its values must lie in 0 to 1"),
        (spoilt("y", (4,), 0.5), r"'y' holds other values than 0 and 1"),
        (spoilt("X", (20, 0, 0), -1), r"'X' holds -1.0 at \[20, 0\]; transverse momenta must lie in 0 to"),
        (spoilt("X", (20, 0, 0), np.nan), r"'X' holds nan at \[20, 0\]; transverse momenta must be finite"),
        (spoilt("X", (20, 0, 1), 99), r"'X' holds 99.0 at \[20, 0\]; rapidities must lie in -20 to 20"),
        (spoilt("X", (20, 0, 3), np.inf), r"'X' holds inf at \[20, 0\]; codes must be finite"),
        (spoilt("X", (20, slice(None), 0), 0), r"'X': jet 20 holds no particles"),
    ],
)
def test_damaged_files_are_refused(other: dict[str, Any], message: str, tmp_path: Path) -> None:
    write(tmp_path / "bad.npz", **other)
    with pytest.raises(LeveloneError, match=rf"bad\.npz: [\s\S]*{message}"):
        QGJET.load(load_recipe(QGJET.default_recipe), tmp_path / "bad.npz", "train")


def test_files_that_end_early_or_are_something_else_are_refused(tmp_path: Path) -> None:
    recipe = load_recipe(QGJET.default_recipe)
    write(tmp_path / "whole.npz")
    (tmp_path / "half.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:2000])
    write(tmp_path / "less.npz", y=None)
    header, arrays = io.BytesIO(), published()
    np.save(header, arrays["X"])
    labels = io.BytesIO()
    np.save(labels, arrays["y"])
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as archive:
        archive.writestr("X.npy", header.getvalue()[:-8])
        archive.writestr("y.npy", labels.getvalue())
    for name in ("half", "less"):
        assert not READER.sniff(tmp_path / f"{name}.npz")
        with pytest.raises(LeveloneError, match=rf"{name}\.npz"):
            QGJET.load(recipe, tmp_path / f"{name}.npz", "train")
    with pytest.raises(LeveloneError, match=r"short\.npz: [\s\S]*the file ends too early"):
        QGJET.load(recipe, tmp_path / "short.npz", "train")

"""Neutrinos in a segmented detector: its matter, its light, its pictures; independence of steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp

from levelone.data.images import open_images
from levelone.errors import LeveloneError
from levelone.simulate.materials import ELECTRON_MEV, MUON_MEV
from levelone.simulate.nova import beam, generator
from levelone.simulate.nova.detector import (
    CELL_CM,
    CELL_MATTER,
    CELLS,
    EXCESS,
    FIBRE_CM,
    NUCLEONS,
    PLANE_CM,
    PLANES,
    light,
    matter,
)
from levelone.simulate.nova.generator import CHUNK, make_events, pass_through, simulate_nova, try_events
from levelone.simulate.nova.readout import (
    BEFORE,
    BITS,
    IN_FRONT,
    LONG,
    STEP_MEV,
    WIDE,
    Pictures,
    Readout,
    collected,
    framed,
    noise_hits,
    read_out,
)
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.losses import stopping, tables
from levelone.simulate.passage.particles import Deposits, Kind


def test_matter_is_what_it_is_made_of() -> None:
    assert sum(share for _, _, share in CELL_MATTER.elements) == pytest.approx(1.0, abs=1e-6)
    assert NUCLEONS.free + NUCLEONS.protons == pytest.approx(CELL_MATTER.z_over_a, abs=0.005)
    assert matter().x0_cm == pytest.approx(38, rel=0.06)  # the design report's
    assert CELL_MATTER.moliere_mm == pytest.approx(110, rel=0.1)


def test_muons_range_as_in_polystyrene_and_shine_as_designed() -> None:
    """2 GeV muons stop after some 10 m; one that crosses a cell at its far end gives 20 photoelectrons."""
    energy = np.array([2000.0])
    assert tables(MUON_MEV, matter()).range_of(energy)[0] == pytest.approx(1010, rel=0.05)
    least = stopping(np.array([300.0]), MUON_MEV, CELL_MATTER)
    seen = light(least)[0] * least[0] * PLANE_CM * np.exp(-1550 / FIBRE_CM)
    assert 20 <= seen * NovaGenerate().pe_per_mev < 20.5
    assert seen * 6.0 == pytest.approx(16, rel=0.02)  # of the committed model's events
    assert light(np.array([60.0]))[0] < 0.6 * light(np.array([2.0]))[0]
    assert stopping(np.array([20.0]), ELECTRON_MEV, CELL_MATTER)[0] > 0


def test_a_deposit_is_read_in_its_cell_and_its_view() -> None:
    """Planes alternate: the first measures x, the next one y."""
    place = np.array([[10.0, -5.0, 1.0], [10.0, -5.0, 1.0 + PLANE_CM], [10.0, -5.0, 1.0 + 2 * PLANE_CM]])
    zero = np.zeros(3, np.int64)
    found = collected(Deposits(zero, zero + Kind.MUON, place, np.ones(3)), 1, np.full((1, 2), 500.0))
    x, y = (int(np.floor(at / CELL_CM)) + WIDE // 2 for at in (10.0, -5.0))
    fired = {tuple(at) for at in np.argwhere(found[0])}
    assert fired == {(0, x, BEFORE), (1, y, BEFORE), (0, x, BEFORE + 1)}
    assert found[0, 0, x, BEFORE] == pytest.approx(np.exp(5 / FIBRE_CM))  # nearer to its end
    assert found[0, 1, y, BEFORE] == pytest.approx(np.exp(-10 / FIBRE_CM))


def test_pictures_begin_where_cells_fire_and_lie_around_their_median() -> None:
    values = np.zeros((2, 2, WIDE, LONG))
    values[0, 0, 70, 20:40] = 5
    values[0, 1, 100, 22:30] = 7
    made = framed(values)
    assert (made.counts[0, 0, CELLS // 2, IN_FRONT : IN_FRONT + 20] == 5).all()
    assert (made.counts[0, 1, CELLS // 2, IN_FRONT + 2 : IN_FRONT + 10] == 7).all()
    assert made.counts[0].sum() == 20 * 5 + 8 * 7
    assert not made.counts[1].any()
    assert made.outside.tolist() == [0, 0]


def every_cell(deposits: Deposits, events: int, far: np.ndarray, plan: Readout, rng) -> np.ndarray:
    """What `read_out` stands for: noise of every single cell; counts [events, 2, WIDE, LONG]."""
    scale = plan.per_mev * np.exp(-far / FIBRE_CM)[:, :, None, None]
    electrons = collected(deposits, events, far) * scale
    spread = np.sqrt((EXCESS - 1) * electrons + plan.noise**2)
    read = rng.poisson(electrons) + spread * rng.standard_normal(electrons.shape)
    read[read < plan.threshold] = 0
    return np.clip(np.rint(read / scale / STEP_MEV), 0, (1 << BITS) - 1)


def whole_frames(values: np.ndarray) -> Pictures:
    """What `framed` stands for, cell by cell."""
    counts = np.zeros((len(values), 2, CELLS, PLANES), np.uint16)
    outside = np.zeros(len(values))
    for event, views in enumerate(values):
        planes = np.flatnonzero(views.any((0, 1)))
        if not len(planes):
            continue
        begin = max(planes[0] - IN_FRONT, 0)
        for view, cells in enumerate(views):
            number = (cells > 0).sum(1)
            fired = np.repeat(np.arange(WIDE), number)
            median = fired[(len(fired) - 1) // 2] if len(fired) else 0
            first = min(max(median - CELLS // 2, 0), WIDE - CELLS)
            part = cells[first : first + CELLS, begin : begin + PLANES]
            counts[event, view, :, : part.shape[1]] = part
        outside[event] = 1 - counts[event].sum() / views.sum()
    return Pictures(counts, outside)


def test_pictures_are_cut_as_cell_by_cell() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(1, 900, (12, 2, WIDE, LONG)) * (rng.random((12, 2, WIDE, LONG)) < 0.002)
    values[0] = 0
    values[1, 0] = 0
    values[2] *= np.arange(LONG) > 100
    made, wanted = framed(values.astype(float)), whole_frames(values)
    assert np.array_equal(made.counts, wanted.counts)
    assert made.outside == pytest.approx(wanted.outside)


@pytest.mark.parametrize("threshold", [0.5, 4.0, 7.0])
def test_noise_above_the_threshold_is_that_of_every_cell(threshold: float) -> None:
    """How many of the cells without light fire, which ones, and what they read: as if all were drawn."""
    plan, cells, rng = Readout(3.0, threshold, 6.0), 4000, np.random.default_rng(5)
    counts, places, reads = [], np.zeros(cells, int), []
    for _ in range(100):
        fired, read = noise_hits(cells, plan, rng)
        assert len(np.unique(fired)) == len(fired) == len(read)
        counts.append(len(fired))
        places[fired] += 1
        reads.append(read)
    every = plan.noise * rng.standard_normal((100, cells))
    assert ks_2samp(counts, (every >= threshold).sum(1)).pvalue > 0.01
    found, drawn = np.concatenate(reads), every[every >= threshold]
    assert found.min() >= threshold
    assert ks_2samp(found, drawn).pvalue > 0.01
    # a cell fires in so many of 100 events: binomial, in each quarter of the detector alike
    share = found.size / (100 * cells)
    assert places.var() == pytest.approx(100 * share * (1 - share), rel=0.1)
    quarters = places.reshape(4, -1).mean(1)
    assert (np.abs(quarters - 100 * share) < 4 * np.sqrt(100 * share * (1 - share) / 1000)).all()
    assert not len(noise_hits(cells, Readout(0.0, threshold, 6.0), rng)[0])


def test_events_are_read_as_if_every_cell_were() -> None:
    """A deposit amid noise, 60 events by the short way and by the long one: same cells, same counts."""
    place = np.array([[1.0, 1.0, 1.0]])
    one = np.zeros(60, np.int64)
    deposits = Deposits(np.arange(60), one + Kind.MUON, np.repeat(place, 60, 0), np.full(60, 9.0))
    far = np.full((60, 2), 700.0)
    plan = Readout(3.0, 9.0, 6.0)
    short = read_out(deposits, 60, far, plan, np.random.default_rng(1))
    long = framed(every_cell(deposits, 60, far, plan, np.random.default_rng(2)))
    for low, high in ((1, 20), (20, 1 << BITS)):  # noise alone, and the deposit's cell
        mine, theirs = (((made.counts >= low) & (made.counts < high)) for made in (short, long))
        assert ks_2samp(mine.sum((1, 2, 3)), theirs.sum((1, 2, 3))).pvalue > 0.01
        assert ks_2samp(short.counts[mine], long.counts[theirs]).pvalue > 0.01


def test_oscillation_leaves_few_muon_neutrinos_at_the_peak() -> None:
    energy = np.array([1.6, 2.0, 8.0])
    muon, electron = beam.remains(0, energy), beam.remains(1, energy)
    assert muon[0] < 0.03 < electron[0] < 0.05
    assert muon[2] > 0.8
    equal, oscillated = NovaGenerate(), NovaGenerate(mixture="oscillated")
    rng = np.random.default_rng(1)
    kind, drawn = beam.draw(equal, NUCLEONS, 60_000, rng)
    weight = beam.weight(equal, NUCLEONS, kind, drawn)
    share = np.bincount(kind, weight) / weight.sum()
    other, _ = beam.draw(oscillated, NUCLEONS, 60_000, rng)
    assert share == pytest.approx(np.bincount(other) / 60_000, abs=0.01)
    low, high = equal.energy_gev
    assert (drawn >= low).all() and (drawn <= high).all()


def summary(step_cm: float, seed: int) -> np.ndarray:
    """Seen energy, cells, planes, width of some hundred events, [quantities, events]."""
    rows = []
    for number in range(2):
        rng = np.random.default_rng([seed, number])
        counts = try_events(NovaGenerate(), 160, rng, partial(pass_through, step_cm=step_cm)).pictures.counts
        fired = counts > 0
        wide = fired.any(3).sum((1, 2))
        rows.append(np.stack([counts.sum((1, 2, 3)), fired.sum((1, 2, 3)), fired.any(2).sum((1, 2)), wide]))
    return np.concatenate(rows, axis=1)


def test_options_that_hardly_an_event_meets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not tried again for ever."""
    options, rng = NovaGenerate(least_cells=100, threshold_pe=200.0), np.random.default_rng(1)
    made = try_events(options, 4, rng)
    monkeypatch.setattr(generator, "try_events", lambda *_: made)
    with pytest.raises(LeveloneError, match=r"generate\.least_cells = 100: 0 of 704 neutrinos leave so"):
        make_events(options, rng)


@pytest.mark.slow
def test_half_of_all_steps_changes_no_summary() -> None:
    """Means of energy, cells, planes and width: within four standard errors."""
    whole, half = summary(1.0, 1), summary(0.5, 2)
    errors = np.sqrt(whole.var(1) / whole.shape[1] + half.var(1) / half.shape[1])
    assert (np.abs(whole.mean(1) - half.mean(1)) < 4 * errors).all()


def test_files_hold_what_was_made_and_short_runs_begin_long_ones(tmp_path: Path) -> None:
    options = NovaGenerate(events=CHUNK + 4, seed=5)
    found = simulate_nova(tmp_path / "long.h5", options)
    assert sum(found.classes.values()) == found.events == CHUNK + 4
    assert min(found.classes.values()) > 15
    assert found.outside < 0.1
    made = make_events(options, np.random.default_rng([5, 0]))
    with open_images(tmp_path / "long.h5") as file:
        file.check()
        batch = file.read(np.arange(CHUNK))
        assert file.provenance["generator_version"] == NovaGenerate.version == 3
    for view, name in enumerate(("xz", "yz")):
        assert np.array_equal(batch.images[name][:, 0], made.pictures.counts[:, view])
        fired = np.count_nonzero(batch.images[name], axis=(1, 2, 3))
        assert fired.min() >= options.least_cells
        assert batch.images[name].shape[1:] == (1, CELLS, PLANES)
    assert np.array_equal(batch.truth["label"], made.truth["label"])
    assert ((batch.truth["lepton"] > 0) == (batch.truth["label"] < 2)).all()
    # a muon's track is long, an electron's shower is dense
    planes = (batch.images["xz"][:, 0] > 0).any(1).sum(1)
    assert planes[batch.truth["label"] == 0].mean() > 1.4 * planes[batch.truth["label"] == 1].mean()

"""Jets of quarks and gluons, with Pythia and FastJet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from levelone.data.images import open_images
from levelone.simulate.jets.files import JetSummary
from levelone.simulate.jets.particles import NEUTRINOS, Particles, of_events
from levelone.simulate.qgjet.events import SIZE, STEP_GEV, WIDTH, block, light, select
from levelone.simulate.qgjet.generator import simulate_qgjet
from levelone.simulate.qgjet.section import QGJetGenerate

INSTALLED = all(importlib.util.find_spec(name) for name in ("pythia8mc", "fastjet", "awkward"))
needs_tools = pytest.mark.skipif(not INSTALLED, reason="needs levelone[sim]")
OPTIONS = QGJetGenerate(events=12, seed=5)
AWAY = 0.21


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JetSummary]:
    if not INSTALLED:
        pytest.skip("needs levelone[sim]")
    path = tmp_path_factory.mktemp("qgjet") / "few.h5"
    return path, simulate_qgjet(path, OPTIONS, per_slice=1)


@pytest.mark.sim
@pytest.mark.slow
def test_the_file_is_what_the_summary_says_and_a_block_what_its_number_says(
    few: tuple[Path, JetSummary],
) -> None:
    path, summary = few
    with open_images(path) as file:
        assert file.splits == summary.splits
        batch, told = file.read(np.arange(12)), file.provenance
    assert (summary.events, summary.bytes) == (12, path.stat().st_size)
    assert told["command"].startswith("levelone simulate qgjet --events 12 --seed 5 ")
    assert (told["generator_version"], told["per_slice"]) == (QGJetGenerate.version, 1)
    truth = batch.truth
    assert summary.classes == {"gluon": int((truth["label"] == 0).sum()), "quark": int(truth["label"].sum())}
    part = ((truth["pt"][:10] - 200) // 4).astype(int)
    assert np.bincount(part * 2 + truth["label"][:10], minlength=10).tolist() == [1] * 10
    second = block(OPTIONS, 1, 1)
    for name, values in second.images.items():
        assert np.array_equal(batch.images[name][10:], values[:2])
    for name, values in second.columns.items():
        assert np.array_equal(truth[name][10:], values[:2])


def particles(*rows: tuple[float, float, float, int], event: int = 0) -> Particles:
    """From (pt, eta, phi, code) of each, massless."""
    pt, eta, phi, kind = np.array(rows, np.float64).T
    momentum = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
    return Particles(np.full(len(rows), event), kind.astype(np.int64), *momentum)


@pytest.mark.sim
@needs_tools
@pytest.mark.parametrize(("eta", "phi"), [(0.3, 1.0), (-1.9, 3.1), (0.0, -3.14)])
def test_colours_and_quantities_of_a_jet_by_hand(eta: float, phi: float) -> None:
    """A pion, a photon some way off along pseudorapidity, a pion on top of the first; wherever it is."""
    seen = particles((100, eta, phi, 211), (70, eta + AWAY, phi, 22), (40, eta, phi, 211), (5, 2.6, 0, 22))
    jets = select(seen, OPTIONS, 1)
    assert jets is not None
    assert len(jets) == 1
    pt, count = jets.images["pt"][0], jets.images["count"][0, 0]
    shift = AWAY * 70 / 210
    middle = SIZE // 2
    left = int(np.floor((WIDTH / 2 - shift) * SIZE / WIDTH))
    right = int(np.floor((WIDTH / 2 + AWAY - shift) * SIZE / WIDTH))
    assert np.argwhere(pt[0]).tolist() == [[middle, left]]
    assert np.argwhere(pt[1]).tolist() == [[middle, right]]
    assert (pt[0].sum(), pt[1].sum()) == (round(140 / STEP_GEV), round(70 / STEP_GEV))
    assert (count[middle, left], count.sum()) == (2, 2)
    found = {name: float(values[0]) for name, values in jets.columns.items()}
    assert (found["charged"], found["particles"], found["label"]) == (2, 3, 1)
    assert found["pt"] == pytest.approx(210, rel=1e-3)
    # the direction of the sum of momenta is nearly the centre of the transverse momentum
    assert found["girth"] == pytest.approx((140 * shift + 70 * (AWAY - shift)) / 210, rel=0.02)
    # the two pions are a rounding apart
    assert found["c1"] == pytest.approx(140 * 70 / 210**2 * AWAY**0.2, rel=2e-3)
    assert found["dispersion"] == pytest.approx(np.sqrt(100**2 + 70**2 + 40**2) / 210, rel=1e-5)
    assert found["largest"] == pytest.approx(100 / 210, rel=1e-5)


@pytest.mark.sim
@needs_tools
def test_jets_beyond_the_ranges_are_left_out() -> None:
    assert select(particles((150, 0, 0, 211)), OPTIONS, 0) is None
    assert select(particles((210, 2.2, 0, 211)), OPTIONS, 0) is None
    assert select(particles((210, 2.6, 0, 211)), OPTIONS, 0) is None
    # the third jet of an event is none of the two hardest
    three = particles((230, 0, 0, 211), (225, 0, 2, 211), (210, 0, -2, 211))
    assert select(three, OPTIONS, 0) is None


@pytest.mark.sim
@needs_tools
def test_events_with_heavy_quarks_and_neutrinos_are_left_out() -> None:
    import awkward as ak

    hard = [[21, 21], [1, -3], [4, 2], [21, 5]]
    ids = [[90, 2212, 2212, 1, 1, *pair, 211, 14, -2112] for pair in hard]
    rows = [[{"px": 1.0, "py": 0.0, "pz": 0.0, "e": 1.0}] * 10] * 4
    status = [[0] * 7 + [1] * 3] * 4
    events = ak.Array({"prt": ak.zip({"id": ids, "status": status, "p": rows}, depth_limit=2)})
    events = ak.zip({"prt": events.prt}, depth_limit=1)
    found = of_events(light(events), NEUTRINOS)
    assert found.event.tolist() == [0, 0, 1, 1]
    assert found.kind.tolist() == [211, 2112] * 2
    assert found.charged.tolist() == [True, False] * 2

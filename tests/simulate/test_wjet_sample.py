"""The sample of jets that ships: mass and subjets of the W, and what must not tell the class."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from levelone.data.images import open_images
from levelone.simulate.jets.spectrum import SLICES
from levelone.simulate.wjet.section import WJetGenerate

SAMPLE = Path(str(files("levelone.data") / "sample" / "wjet.h5"))


@pytest.fixture(scope="module")
def sample() -> dict[str, np.ndarray]:
    with open_images(SAMPLE) as file:
        truth = file.read(np.arange(file.events)).truth
        assert file.provenance["command"].startswith("levelone simulate wjet --events ")
        assert file.provenance["generator_version"] == WJetGenerate.version
        assert "/" not in str(file.provenance)
    return truth


def test_the_sample_is_small_and_holds_as_many_of_both(sample: dict[str, np.ndarray]) -> None:
    assert SAMPLE.stat().st_size < 3 << 20
    assert len(sample["label"]) >= 1500
    assert sample["label"].mean() == 0.5


def test_transverse_momentum_does_not_tell_the_class(sample: dict[str, np.ndarray]) -> None:
    """Every slice of 10 GeV holds as many of both, and within the slices they are spread alike."""
    part = ((sample["pt"] - 250) // (50 / SLICES)).astype(int)
    counts = np.bincount(part * 2 + sample["label"], minlength=2 * SLICES)
    assert len(set(counts.tolist())) == 1
    ordered = [np.sort(sample["pt"][sample["label"] == code]) for code in (0, 1)]
    distance = np.abs(ordered[0] - ordered[1]).max()
    assert distance < 3  # GeV, of quantiles of the two classes


def test_trimmed_w_jets_have_the_mass_of_a_w(sample: dict[str, np.ndarray]) -> None:
    """80.4 GeV (Particle Data Group); what is lost at the edge of the jet and gained from the underlying
    event nearly cancel after trimming. Other jets have no peak."""
    signal, other = (sample["mass"][sample["label"] == code] for code in (1, 0))
    counts, edges = np.histogram(signal, np.arange(65, 95.1, 2))
    peak = edges[counts.argmax()] + 1
    assert abs(peak - 80.4) < 2.5
    near = [np.mean(np.abs(mass - 80.4) < 5) for mass in (signal, other)]
    assert near[0] > 0.55
    assert near[1] == pytest.approx(1 / 3, abs=0.05)


def test_subjets_of_a_w_are_as_far_apart_as_its_mass_says(sample: dict[str, np.ndarray]) -> None:
    """Two massless subjets: mass squared is the product of their transverse momenta times distance squared,
    so that no distance is below 2 m / pt."""
    chosen = (sample["label"] == 1) & (sample["subjets"] == 2)
    mass, pt, dr = (sample[name][chosen] for name in ("mass", "pt", "dr"))
    expected = mass / np.sqrt(sample["subjet1"] * sample["subjet2"])[chosen]
    # subjets have masses of their own: the distance is a little smaller
    assert 0.85 < np.median(dr / expected) < 1.0
    assert np.quantile(dr * pt / (2 * mass), 0.05) == pytest.approx(1, abs=0.12)


def test_two_prongs_have_a_smaller_tau21(sample: dict[str, np.ndarray]) -> None:
    ratio = sample["tau2"] / sample["tau1"]
    assert np.median(ratio[sample["label"] == 1]) < 0.75 * np.median(ratio[sample["label"] == 0])

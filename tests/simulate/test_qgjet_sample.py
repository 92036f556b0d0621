"""The sample of quark and gluon jets that ships: what was measured, and what must not tell the class."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from levelone.data.images import ImageBatch, open_images
from levelone.simulate.jets.spectrum import SLICES
from levelone.simulate.qgjet.events import SIZE, STEP_GEV
from levelone.simulate.qgjet.section import QGJetGenerate

SAMPLE = Path(str(files("levelone.data") / "sample" / "qgjet.h5"))


@pytest.fixture(scope="module")
def sample() -> ImageBatch:
    with open_images(SAMPLE) as file:
        assert file.provenance["command"].startswith("levelone simulate qgjet --events ")
        assert file.provenance["generator_version"] == QGJetGenerate.version
        return file.read(np.arange(file.events))


def of_both(sample: ImageBatch, name: str) -> list[np.ndarray]:
    """A column of gluon and of quark jets."""
    return [sample.truth[name][sample.truth["label"] == code] for code in (0, 1)]


def test_the_sample_is_small_and_holds_as_many_of_both(sample: ImageBatch) -> None:
    assert SAMPLE.stat().st_size < 3 << 20
    assert len(sample.truth["label"]) >= 1500
    assert sample.truth["label"].mean() == 0.5


def test_transverse_momentum_does_not_tell_the_class(sample: ImageBatch) -> None:
    part = ((sample.truth["pt"] - 200) // (20 / SLICES)).astype(int)
    counts = np.bincount(part * 2 + sample.truth["label"], minlength=2 * SLICES)
    assert len(set(counts.tolist())) == 1
    gluon, quark = (np.sort(values) for values in of_both(sample, "pt"))
    assert np.abs(gluon - quark).max() < 1.5  # GeV, of quantiles of the two classes


def test_gluon_jets_hold_more_charged_particles_as_measured(sample: ImageBatch) -> None:
    """CDF, Phys. Rev. Lett. 94 (2005) 171802: 1.64 +- 0.17 times as many, in cones of 0.28 to 0.47 rad.

    Those have energies of 41 and 53 GeV; the ratio rises slowly with energy, to 9/4 at most.
    """
    gluon, quark = of_both(sample, "charged")
    assert abs(gluon.mean() / quark.mean() - 1.64) < 0.17


def test_gluon_jets_are_wider_and_share_their_momentum_among_more(sample: ImageBatch) -> None:
    for name, larger in (("girth", 0), ("c1", 0), ("mass", 0), ("dispersion", 1), ("largest", 1)):
        means = [values.mean() for values in of_both(sample, name)]
        assert means[larger] > 1.2 * means[1 - larger], name


def test_images_are_centred_and_hold_the_jet(sample: ImageBatch) -> None:
    total = sample.images["pt"].sum((1, 2, 3)) * STEP_GEV
    assert np.all(total > 0.95 * sample.truth["pt"])
    assert np.all(total < 1.1 * sample.truth["pt"])
    missing = sample.truth["charged"] - sample.images["count"].sum((1, 2, 3))
    assert missing.min() >= 0  # a few fly out of the image
    assert missing.mean() < 0.5
    places = np.arange(SIZE) - SIZE // 2
    for axis in (2, 3):
        along = sample.images["pt"].sum((1, 5 - axis)) * STEP_GEV
        assert np.abs((along * places).sum(1) / total).max() < 1  # pixel

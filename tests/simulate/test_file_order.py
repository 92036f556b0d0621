"""Where an event stands in its file tells nothing of what it is.

A network never sees where its events stood, but whoever splits, draws or batches by it would carry a leak
from there into a result. Asked are boosted trees that know the number of an event, in the file and in its
split, and the remainders of both by 2 to 16; and whether an event is as those before it.

Files of jets hold blocks of 200, in each as many of one class as of the other, in random order. Labels that
are known therefore say a little of the others in the block: the correlation of neighbours is -1/199, not 0,
and the last one follows from the rest. The number alone must tell nothing even so.

smlm, bandgap and showergan have no classes. Nor has an event of lartpc or muon: there it is whether it is
more shower than track, and whether its energy is above the median. Doublets of pixelseed share hits with
their neighbours, which are of a kind for that; its leak control knows the event.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from levelone.data.argon_images import SHOWER, TRACK
from levelone.zoo import find_system

KINDS = {"next": "label", "nova": "label", "lcd": "particle", "wjet": "label", "qgjet": "label"}
"""The column of the truth that says the class."""
MADE = {"next": 400, "lcd": 400, "nova": 180, "lartpc": 200, "muon": 300}
"""Events that are made anew."""
SHIPPED = ("wjet", "qgjet")
MODULI = range(2, 17)
LAGS = range(1, 17)
BLOCK = 200
SIGMAS = 4.0

Labels = NDArray[np.bool_]


def surprise_of_numbers(label: Labels, places: NDArray[np.int64]) -> float:
    """How far trees that know the number of an event are above chance on others, in standard deviations."""
    numbers = (places, np.arange(len(places)))
    given = np.column_stack([column for n in numbers for column in (n, *(n % m for m in MODULI))])
    half = np.random.default_rng(1).random(len(label)) < 0.5
    trees = HistGradientBoostingClassifier(max_iter=40, min_samples_leaf=10, random_state=1)
    trees.fit(given[half], label[half])
    rest = label[~half]
    ones = int(rest.sum())
    area = roc_auc_score(rest, trees.predict_proba(given[~half])[:, 1])
    return float((area - 0.5) / np.sqrt((len(rest) + 1) / (12 * ones * (len(rest) - ones))))


def surprise_of_neighbours(label: Labels) -> float:
    """The largest correlation with an event before, in standard deviations; balanced blocks are allowed."""
    found = [np.corrcoef(label[lag:], label[:-lag])[0, 1] for lag in LAGS]
    return max(
        (abs(r) - 1 / (BLOCK - 1)) * np.sqrt(len(label) - lag) for r, lag in zip(found, LAGS, strict=True)
    )


def surprise(label: Labels, places: NDArray[np.int64]) -> float:
    return max(abs(surprise_of_numbers(label, places)), surprise_of_neighbours(label))


def labels(name: str, path: Path) -> tuple[list[Labels], NDArray[np.int64]]:
    """Of the training events, in the order of the file: for each class, which are of it; their numbers."""
    with h5py.File(path) as file:
        places = np.flatnonzero(file["split"][:] == 0)
        if name == "muon":
            energy = file["truth/energy"][:][places]
            return [energy > np.median(energy)], places
        if name == "lartpc":
            maps = file["maps/class"][:][places]
            shower, track = ((maps == kind).sum((1, 2, 3)) for kind in (SHOWER, TRACK))
            return [shower > track], places
        kinds = file[f"truth/{KINDS[name]}"][:][places]
    found = np.unique(kinds)
    assert len(found) > 1
    return [kinds == kind for kind in (found[1:] if len(found) == 2 else found)], places


@pytest.mark.parametrize("name", [*MADE, *SHIPPED])
def test_the_order_in_a_file_tells_nothing_of_the_class(name: str, tmp_path: Path) -> None:
    system = find_system(name)
    if name in MADE:
        path = tmp_path / "events.h5"
        recipe = system.read_recipe(None, [f"generate.events={MADE[name]}", "generate.seed=5"])
        system.generator.make(path, system.generator.options(recipe))
    else:
        path = system.sample_file()
        assert path is not None
    found, places = labels(name, path)
    for label in found:
        assert min(label.sum(), (~label).sum()) > 20
        assert surprise(label, places) < SIGMAS


N = 240
NUMBERS = np.arange(N)


@pytest.mark.parametrize(
    "label",
    [
        NUMBERS % 2 == 0,
        NUMBERS % 7 < 3,
        NUMBERS < N // 2,
        (NUMBERS // 30) % 2 == 0,
        np.random.default_rng(4).random(N // 4).repeat(4) < 0.5,
    ],
    ids=["in turn", "three in seven", "one class first", "in runs of 30", "in fours at random"],
)
def test_an_order_that_tells_is_seen(label: Labels) -> None:
    assert surprise(label, NUMBERS) > 1.5 * SIGMAS


def test_balanced_blocks_in_random_order_tell_nothing() -> None:
    rng = np.random.default_rng(6)
    label = np.concatenate([rng.permutation(BLOCK) < BLOCK // 2 for _ in range(8)])
    assert surprise(label, np.arange(len(label))) < SIGMAS

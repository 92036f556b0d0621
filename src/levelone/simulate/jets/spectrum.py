"""Jets of two classes with the same, even spectrum of transverse momentum.

The range of transverse momenta is cut into slices, and every block of jets holds as many of each class in
each slice: transverse momentum cannot tell the class, and no weights are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.simulate.jets.clustering import Rows
from levelone.simulate.jets.jets import Jets, join_jets
from levelone.simulate.materials import Floats
from levelone.simulate.pythia import seeds, start

SLICES = 5
BATCH = 100
"""Events of Pythia at a time."""
FRUITLESS = 40
"""Batches without a jet that is still wanted, after which a block gives up."""

Range = tuple[float, float]
Select = Callable[[Any], Jets | None]
"""From a batch of Pythia's events to its jets in the range; None if there are none."""


def hard_momenta(pt_gev: Range) -> tuple[str, str]:
    """Pythia's settings for hard collisions whose jets lie in a range.

    The range of the collisions is wider than that of the jets by what radiation makes of it.
    """
    low, high = pt_gev
    return f"PhaseSpace:pTHatMin = {0.88 * low}", f"PhaseSpace:pTHatMax = {1.33 * high}"


def mixed(seed: int, number: int, classes: Sequence[str], collect: Callable[[int, int], Jets]) -> Jets:
    """The block `number`: jets of all classes in random order, a function of its arguments.

    Parameters
    ----------
    collect
        Jets of a class, given its number and a seed for Pythia.
    """
    of_class = seeds((seed, 0, number), len(classes))
    jets = join_jets([collect(label, own) for label, own in enumerate(of_class)])
    return jets.at(np.random.default_rng([seed, 1, number]).permutation(len(jets)))


def collect_even(
    name: str,
    settings: Sequence[str],
    seed: int,
    select: Select,
    pt_gev: Range,
    per_slice: int,
    asked: str,
) -> Jets:
    """`SLICES * per_slice` jets of one class, from Pythia's events until there are enough in every slice.

    Parameters
    ----------
    name
        Of the class.
    asked
        What keys ask for, for the message.

    Raises
    ------
    LeveloneError
        If Pythia is missing, or no jets are found in the range that is asked for.
    """
    generator = start(name, settings, seed)
    left = np.full(SLICES, per_slice)
    found: list[Jets] = []
    fruitless = 0
    while left.any():
        fruitless += 1
        if (jets := select(generator.nextBatch(BATCH))) is not None:
            which = slices(jets.columns["pt"], pt_gev)
            wanted = _first(which, left)
            left -= np.bincount(which[wanted], minlength=SLICES)
            found.append(jets.at(wanted))
            fruitless = 0 if len(wanted) else fruitless
        if fruitless == FRUITLESS:
            raise LeveloneError(
                f"no jet of the class '{name}' that is wanted among {FRUITLESS * BATCH} events in a row: "
                f"{asked}",
                hint="ask for wider ranges",
            )
    return join_jets(found)


def slices(pt: Floats, pt_gev: Range) -> NDArray[np.int64]:
    """The slice of each transverse momentum of the range, [n]."""
    low, high = pt_gev
    return np.clip(((pt - low) / max(high - low, 1e-6) * SLICES).astype(np.int64), 0, SLICES - 1)


def within(values: Floats, ends: Range) -> NDArray[np.bool_]:
    """Which values lie in a range."""
    return (values >= ends[0]) & (values <= ends[1])


def _first(which: Rows, left: NDArray[np.int64]) -> Rows:
    """The first rows of every slice, at most so many as are left."""
    kept = [np.flatnonzero(which == code)[:count] for code, count in enumerate(left)]
    return np.sort(np.concatenate(kept))

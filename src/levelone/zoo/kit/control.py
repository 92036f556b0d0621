"""Leak controls: how far a method gets that is told only what must not matter.

A simulation can give its answer away in what no detector would see: the grain of its steps, the order of its
events. Boosted trees that are given such things alone, beside the network in every result, show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Rows
from levelone.zoo.kit.events import Predictor

CONTROL = "leak_control"
"""Its name among the models of a result."""
TITLE = "leak control"
LARGEST = 32
"""Cells whose energies `without_positions` gives."""


@dataclass(frozen=True)
class LeakControl:
    """A fitted leak control, and how its result is to be read.

    Attributes
    ----------
    given
        What it is told of an event.
    may_know
        What an honest simulation tells it thereby: how much is no leak.
    predictor
        Its answers.
    """

    given: str
    may_know: str
    predictor: Predictor

    def as_json(self) -> dict[str, str]:
        """What a result says of it."""
        return {"given": self.given, "may_know": self.may_know}


def without_positions(images: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.float32]:
    """Of every image [n, ...] the largest energies in order, how many cells are filled, and their sum.

    [n, images * (LARGEST + 2)]; nothing says where a cell is.
    """
    columns = []
    for image in images:
        cells = image.reshape(len(image), -1)
        most = min(LARGEST, cells.shape[1])
        columns.append(-np.sort(np.partition(-cells, most - 1, axis=1)[:, :most], axis=1))
        columns.append(np.count_nonzero(cells, axis=1)[:, None])
        columns.append(cells.sum(1, dtype=np.float64)[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def control_rows(metrics: Any) -> list[Rows]:
    """What a result's leak control was given and may know, as a table; none if the result has none."""
    found = metrics.get(CONTROL)
    if not found:
        return []
    return [
        Rows(
            "Leak control",
            f"The model called {TITLE!r}: boosted trees that are told nothing but this.",
            ("given", "may know"),
            ((found["given"], found["may_know"]),),
        )
    ]

"""Jets as events in memory: what enters the network, the truth, and what a person would compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.opening import Reader, open_image_events
from levelone.simulate.qgjet.events import STEP_GEV
from levelone.simulate.qgjet.generator import COLUMNS, COUNT, PT
from levelone.zoo.kit.control import without_positions
from levelone.zoo.kit.events import MemorySource, Split
from levelone.zoo.kit.imagefiles import hold_columns
from levelone.zoo.kit.jetfiles import find_image, read_split
from levelone.zoo.kit.jets import INPUT
from levelone.zoo.kit.streamed import refuse_missing
from levelone.zoo.qgjet.section import QGJetModel

SHARE = np.float32(1 / 16)
"""Of the jet's transverse momentum: what enters as 1 where pixels are shares."""


def read_jets(
    path: Path, split: Split, limit: int | None, model: QGJetModel, readers: Sequence[Reader]
) -> MemorySource:
    """The first jets of a split, at most `limit`.

    Parameters
    ----------
    readers
        Of formats that hold jets, beside image files.

    Raises
    ------
    LeveloneError
        If the file cannot be read, or lacks an image or a column that is wanted.
    """
    with open_image_events(path, readers) as file:
        for wanted in (PT, COUNT):
            find_image("qgjet", path, file, wanted, (wanted.unit,))
        names = tuple(column.name for column in COLUMNS)
        refuse_missing("qgjet", path, "truth column", names, tuple(file.columns))
        hold_columns(f"{path}: 'truth", "qgjet", names, file.columns.values(), COLUMNS)
        jets = read_split(path, file, split, limit)
    momentum = jets.images[PT.name].astype(np.float32) * np.float32(STEP_GEV)
    image = prepare(momentum, jets.images[COUNT.name], model)
    truth = {name: jets.columns[name] for name in names}
    return MemorySource(
        inputs={INPUT: image if split == "test" else image.astype(np.float16)},
        truth=truth | {"spectrum": without_positions([momentum[:, 0], momentum[:, 1]])},
    )


def prepare(momentum: NDArray[np.float32], count: NDArray[Any], model: QGJetModel) -> NDArray[np.float32]:
    """What enters the network, float32 [n, colours, rows, columns].

    Parameters
    ----------
    momentum
        Of charged and of neutral particles, GeV, [n, 2, rows, columns].
    count
        Charged particles, [n, 1, rows, columns].
    """
    grey = model.colours == "grey"
    if grey:
        momentum = momentum.sum(1, keepdims=True)
    if model.pixels == "root":
        scaled = np.sqrt(momentum)
    else:
        scaled = momentum / np.maximum(momentum.sum((1, 2, 3), keepdims=True), 1e-6) / SHARE
    return scaled if grey else np.concatenate([scaled, count.astype(np.float32)], axis=1)


def greyed(image: NDArray[np.float32], model: QGJetModel) -> NDArray[np.float32]:
    """What enters of one colour, [n, 1, rows, columns], from what enters of three."""
    momenta = image[:, :2]
    return (
        np.sqrt((momenta**2).sum(1, keepdims=True))
        if model.pixels == "root"
        else momenta.sum(1, keepdims=True)
    )

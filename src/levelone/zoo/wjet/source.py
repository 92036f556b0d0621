"""Jets as events in memory: what enters the network, the truth, and what a person would compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelone.data.opening import open_image_events
from levelone.errors import LeveloneError
from levelone.simulate.wjet.events import STEP_GEV
from levelone.simulate.wjet.generator import COLUMNS, IMAGE
from levelone.zoo.kit.control import without_positions
from levelone.zoo.kit.events import MemorySource, Split
from levelone.zoo.kit.imagefiles import hold_columns
from levelone.zoo.kit.jetfiles import find_image, read_split
from levelone.zoo.kit.jets import INPUT
from levelone.zoo.wjet.features import summary
from levelone.zoo.wjet.preparing import DOWN, prepare

STEPS = {IMAGE.unit: STEP_GEV, "GeV": 1.0}
"""What a pixel's value is worth in GeV, by its unit."""
UPRIGHT = {"turn", "subjets", "subjet1", "subjet2"}
"""Columns that jets lack which others have prepared; images without `turn` stand upright."""


def read_jets(path: Path, split: Split, limit: int | None, pixels: str) -> MemorySource:
    """The first jets of a split, at most `limit`.

    Raises
    ------
    LeveloneError
        If the file cannot be read, or lacks the image or a column that is wanted.
    """
    with open_image_events(path) as file:
        unit = find_image("wjet", path, file, IMAGE, STEPS).unit
        names = [column.name for column in COLUMNS if column.name in file.columns]
        missing = {column.name for column in COLUMNS} - set(names) - UPRIGHT
        if missing:
            raise LeveloneError(f"{path}: system wjet reads the column '{min(missing)}', which is missing")
        hold_columns(f"{path}: 'truth", "wjet", names, file.columns.values(), COLUMNS)
        jets = read_split(path, file, split, limit)
    raw = jets.images[IMAGE.name][:, 0] * np.float32(STEPS[unit])
    truth = {name: jets.columns[name] for name in names}
    image = prepare(raw, truth.get("turn"), pixels)[:, None]
    unknown = {name: np.zeros(len(raw), np.float32) for name in UPRIGHT - {"turn"} - set(names)}
    truth |= unknown | {"turn": truth.get("turn", np.full(len(raw), DOWN, np.float32))}
    return MemorySource(
        inputs={INPUT: image if split == "test" else image.astype(np.float16)},
        truth=truth | {"summary": summary(raw, truth), "spectrum": without_positions([raw])},
    )

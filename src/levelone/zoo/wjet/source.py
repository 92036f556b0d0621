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
        spec = file.images.get(IMAGE.name)
        if spec is None or spec.shape != IMAGE.shape or spec.unit not in STEPS:
            there = "there is none" if spec is None else f"it has shape {spec.shape}, in {spec.unit!r}"
            raise LeveloneError(
                f"{path}: system wjet reads an image '{IMAGE.name}' of shape {IMAGE.shape}, in "
                f"{' or '.join(STEPS)}; {there}"
            )
        names = [column.name for column in COLUMNS if column.name in file.columns]
        missing = {column.name for column in COLUMNS} - set(names) - UPRIGHT
        if missing:
            raise LeveloneError(f"{path}: system wjet reads the column '{min(missing)}', which is missing")
        batches = list(file.batches(split, 4096, limit=limit))
    if not batches:
        raise LeveloneError(f"{path}: the split '{split}' is empty", hint="simulate more events")
    raw = np.concatenate([batch.images[IMAGE.name][:, 0] for batch in batches])
    raw = raw * np.float32(STEPS[spec.unit])
    truth = {name: np.concatenate([batch.truth[name] for batch in batches]) for name in names}
    image = prepare(raw, truth.get("turn"), pixels)[:, None]
    unknown = {name: np.zeros(len(raw), np.float32) for name in UPRIGHT - {"turn"} - set(names)}
    truth |= unknown | {"turn": truth.get("turn", np.full(len(raw), DOWN, np.float32))}
    return MemorySource(
        inputs={"jet": image if split == "test" else image.astype(np.float16)},
        truth=truth | {"summary": summary(raw, truth), "spectrum": without_positions([raw])},
    )

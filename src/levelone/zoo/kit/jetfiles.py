"""Files of jets, a split of which is read into memory."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from levelone.data.imagecheck import ImageSpec
from levelone.data.opening import ImageEvents
from levelone.errors import LeveloneError
from levelone.simulate.jets.jets import Jets, join_jets
from levelone.zoo.kit.events import Split


def find_image(
    system: str, path: Path, file: ImageEvents, wanted: ImageSpec, units: Collection[str]
) -> ImageSpec:
    """What a file says of an image that a system reads, which may be in several `units`.

    Raises
    ------
    LeveloneError
        If it is not there, or has another shape or unit.
    """
    spec = file.images.get(wanted.name)
    if spec is None or spec.shape != wanted.shape or spec.unit not in units:
        there = "there is none" if spec is None else f"it has shape {spec.shape}, in {spec.unit!r}"
        raise LeveloneError(
            f"{path}: system {system} reads an image '{wanted.name}' of shape {wanted.shape}, in "
            f"{' or '.join(map(repr, units))}; {there}"
        )
    return spec


def read_split(path: Path, file: ImageEvents, split: Split, limit: int | None) -> Jets:
    """The jets of a split, at most `limit`.

    Raises
    ------
    LeveloneError
        If there are none, or a pixel is negative.
    """
    parts = []
    for batch in file.batches(split, 4096, limit=limit):
        for name, image in batch.images.items():
            if image.dtype.kind not in "ub" and len(bad := np.flatnonzero((image < 0).any((1, 2, 3)))):
                raise LeveloneError(
                    f"{path}: 'images/{name}', event {batch.events[bad[0]]}: a pixel holds "
                    f"{image[bad[0]].min():g}, and none is negative"
                )
        parts.append(Jets(batch.images, batch.truth))
    if not parts:
        raise LeveloneError(f"{path}: the split '{split}' is empty", hint="simulate more events")
    return join_jets(parts)

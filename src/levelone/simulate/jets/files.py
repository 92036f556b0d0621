"""Jets of two classes, block by block, to an image file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from levelone.data.imagecheck import ImageSpec
from levelone.data.images import create_images
from levelone.data.splitting import split_codes, split_sizes
from levelone.data.voxelcheck import Column
from levelone.recipe import GenerateSection
from levelone.simulate import Progress
from levelone.simulate.jets.clustering import load_fastjet
from levelone.simulate.jets.jets import Jets, join_jets
from levelone.simulate.jets.spectrum import SLICES
from levelone.simulate.processes import over_workers
from levelone.simulate.provenance import provenance
from levelone.simulate.unfinished import Arrays, remembered, unfinished

PER_SLICE = 20
"""Jets of each class and slice of transverse momentum that a block holds; part of what a seed means."""


@dataclass(frozen=True)
class JetFile:
    """What a file of jets is, whatever is in it.

    Attributes
    ----------
    system
        Whose events they are.
    images, columns
        What there is of every jet; the column `label` says which class, `pt` and `mass` are in GeV.
    facts
        For the provenance.
    """

    system: str
    images: Sequence[ImageSpec]
    columns: Sequence[Column]
    facts: Mapping[str, Any]

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes."""
        (names,) = (column.names for column in self.columns if column.name == "label")
        return names


@dataclass(frozen=True)
class JetSummary:
    """What was made.

    Attributes
    ----------
    events, splits
        Jets in all and per split.
    classes
        Jets per class.
    mean_mass_gev, mean_pt_gev
        Of the jets of each class.
    mean_pixels
        Pixels of an image that are filled in any of its channels.
    bytes
        Size of the file.
    seconds, events_per_second
        Wall time, and jets over it.
    """

    events: int
    splits: dict[str, int]
    classes: dict[str, int]
    mean_mass_gev: dict[str, float]
    mean_pt_gev: dict[str, float]
    mean_pixels: float
    bytes: int
    seconds: float
    events_per_second: float


def _arrays_of(block: Callable[[int], Jets], number: int) -> Arrays:
    return block(number).arrays()


def write_jets(
    path: Path,
    file: JetFile,
    options: GenerateSection,
    block: Callable[[int], Jets],
    per_slice: int,
    progress: Progress | None,
    workers: int,
) -> JetSummary:
    """Write the jets of `block(0)`, `block(1)` ... to `path`, those of an interrupted run not once more.

    Parameters
    ----------
    block
        Makes `2 * SLICES * per_slice` jets; can be pickled.
    workers
        Number of processes; the jets do not depend on it.

    Raises
    ------
    LeveloneError
        If the [sim] extra is missing, the ranges hold no jets, or the file cannot be written.
    """
    load_fastjet()
    began = time.perf_counter()
    events, size = options.events, 2 * SLICES * per_slice
    split = split_codes(events)
    told = {
        **provenance(file.system, options, "pythia8mc", "fastjet", "numpy"),
        **file.facts,
        "per_slice": per_slice,
    }
    parts: list[Jets] = []
    with (
        create_images(path, file.images, (), (), file.columns, told) as writer,
        unfinished(Path(path), told) as folder,
    ):
        make = partial(remembered, partial(_arrays_of, block), folder)
        for number, made in enumerate(over_workers(make, range(-(-events // size)), workers)):
            # a block is always made whole, so that a shorter run has the first jets of a longer one
            start, stop = number * size, min(number * size + size, events)
            jets = Jets.of(made).at(np.arange(stop - start))
            writer.append(jets.images, {}, {}, jets.columns, split[start:stop])
            parts.append(jets)
            if progress is not None:
                progress(stop, events)
    jets = join_jets(parts)
    seconds = time.perf_counter() - began
    label = jets.columns["label"]

    def by_class(name: str) -> dict[str, float]:
        return {
            what: float(jets.columns[name][label == code].mean())
            for code, what in enumerate(file.classes)
            if np.any(label == code)
        }

    filled = [image.any(1) for image in jets.images.values()]
    return JetSummary(
        events=len(jets),
        splits=split_sizes(split),
        classes={name: int(np.sum(label == code)) for code, name in enumerate(file.classes)},
        mean_mass_gev=by_class("mass"),
        mean_pt_gev=by_class("pt"),
        mean_pixels=float(np.count_nonzero(np.logical_or.reduce(filled)) / len(jets)),
        bytes=Path(path).stat().st_size,
        seconds=seconds,
        events_per_second=len(jets) / seconds,
    )

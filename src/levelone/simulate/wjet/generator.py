"""Jet images of W bosons, and of quarks and gluons with the same mass and transverse momentum."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from levelone.data.imagecheck import ImageSpec
from levelone.data.images import create_images
from levelone.data.splitting import split_codes, split_sizes
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.jets.clustering import load_fastjet
from levelone.simulate.jets.jets import Jets, join_jets
from levelone.simulate.processes import over_workers
from levelone.simulate.provenance import provenance
from levelone.simulate.wjet.events import CLASSES, SIZE, SLICES, STEP_GEV, block
from levelone.simulate.wjet.section import WJetGenerate

PER_SLICE = 20
"""Jets of each class and slice of transverse momentum that a block holds; part of what a seed means."""
IMAGE = ImageSpec(
    "jet",
    (1, SIZE, SIZE),
    "uint16",
    f"{STEP_GEV:g} GeV",
    "transverse momentum of the trimmed jet's towers; rows along azimuth, the hardest subjet in the middle",
    ("pt",),
    cell=(0.1, 0.1),
    cell_unit="in pseudorapidity and azimuth",
)
COLUMNS = (
    Column("label", "uint8", "", "what the jet comes from", CLASSES),
    Column("pt", "float32", "GeV", "transverse momentum of the trimmed jet"),
    Column("eta", "float32", "", "its pseudorapidity"),
    Column("mass", "float32", "GeV", "its mass"),
    *(
        Column(f"tau{n}", "float32", "", f"{n}-subjettiness of its towers; 0 if not more than {n}")
        for n in (1, 2, 3)
    ),
    Column("subjets", "float32", "", "how many subjets trimming has left"),
    Column("subjet1", "float32", "GeV", "transverse momentum of the hardest"),
    Column("subjet2", "float32", "GeV", "of the second; 0 if there is none"),
    Column("dr", "float32", "", "distance of the two; 0 if there is one"),
    Column("turn", "float32", "rad", "direction of the second from the hardest, or of the long axis of one"),
)


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
        Filled pixels per image.
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


def simulate_wjet(
    path: Path,
    options: WJetGenerate,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    per_slice: int = PER_SLICE,
) -> JetSummary:
    """Write jet images (25 x 25, transverse momentum of towers) to a file of jets.

    Parameters
    ----------
    path
        The HDF5 file to make.
    options
        How many jets, from which seed, in which ranges.
    workers
        Number of processes; the jets do not depend on it.
    per_slice
        Jets of each class and slice of transverse momentum in a block; part of what a seed means.

    Raises
    ------
    LeveloneError
        If the [sim] extra is missing, the ranges hold no jets, or the file cannot be written.
    """
    load_fastjet()
    began = time.perf_counter()
    events, size = options.events, 2 * SLICES * per_slice
    split = split_codes(events)
    facts = {
        **provenance("wjet", options, "pythia8mc", "fastjet", "numpy"),
        "process": "pp at 14 TeV: W' to W Z, W to quarks, Z to neutrinos; hard QCD",
        "per_slice": per_slice,
    }
    make = partial(block, options, per_slice)
    parts: list[Jets] = []
    with create_images(path, (IMAGE,), (), (), COLUMNS, facts) as writer:
        for number, made in enumerate(over_workers(make, range(-(-events // size)), workers)):
            # a block is always made whole, so that a shorter run has the first jets of a longer one
            start, stop = number * size, min(number * size + size, events)
            jets = made.at(np.arange(stop - start))
            writer.append({"jet": jets.image}, {}, {}, jets.columns, split[start:stop])
            parts.append(jets)
            if progress is not None:
                progress(stop, events)
    jets = join_jets(parts)
    seconds = time.perf_counter() - began
    label = jets.columns["label"]

    def by_class(name: str) -> dict[str, float]:
        return {
            what: float(jets.columns[name][label == code].mean())
            for code, what in enumerate(CLASSES)
            if np.any(label == code)
        }

    return JetSummary(
        events=len(jets),
        splits=split_sizes(split),
        classes={name: int(np.sum(label == code)) for code, name in enumerate(CLASSES)},
        mean_mass_gev=by_class("mass"),
        mean_pt_gev=by_class("pt"),
        mean_pixels=float(np.count_nonzero(jets.image) / len(jets)),
        bytes=Path(path).stat().st_size,
        seconds=seconds,
        events_per_second=len(jets) / seconds,
    )

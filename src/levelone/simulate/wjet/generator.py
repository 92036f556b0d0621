"""Jet images of W bosons, and of quarks and gluons with the same mass and transverse momentum."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from levelone.data.imagecheck import ImageSpec
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.jets.files import PER_SLICE, JetFile, JetSummary, write_jets
from levelone.simulate.wjet.events import CLASSES, SIZE, STEP_GEV, block
from levelone.simulate.wjet.section import WJetGenerate

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


FILE = JetFile(
    "wjet",
    (IMAGE,),
    COLUMNS,
    {"process": "pp at 14 TeV: W' to W Z, W to quarks, Z to neutrinos; hard QCD"},
)


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
    make = partial(block, options, per_slice)
    return write_jets(path, FILE, options, make, per_slice, progress, workers)

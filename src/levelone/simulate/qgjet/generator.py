"""Jet images of light quarks and of gluons with the same transverse momentum, in three colours."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from levelone.data.imagecheck import ImageSpec
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.jets.files import PER_SLICE, JetFile, JetSummary, write_jets
from levelone.simulate.qgjet.events import BETA, CLASSES, SIZE, STEP_GEV, WIDTH, block
from levelone.simulate.qgjet.section import QGJetGenerate

_CELL = (WIDTH / SIZE, WIDTH / SIZE)
_CELL_UNIT = "in pseudorapidity and azimuth"
PT = ImageSpec(
    "pt",
    (2, SIZE, SIZE),
    "uint16",
    f"{STEP_GEV:g} GeV",
    "transverse momentum of the jet's particles; rows along azimuth, its centre in the middle",
    ("charged", "neutral"),
    _CELL,
    _CELL_UNIT,
)
COUNT = ImageSpec(
    "count",
    (1, SIZE, SIZE),
    "uint8",
    "",
    "how many charged particles of the jet; the same pixels",
    ("charged",),
    _CELL,
    _CELL_UNIT,
)
COLUMNS = (
    Column("label", "uint8", "", "what the jet comes from", CLASSES),
    Column("pt", "float32", "GeV", "transverse momentum of the jet"),
    Column("eta", "float32", "", "its pseudorapidity"),
    Column("mass", "float32", "GeV", "its mass, its particles without theirs"),
    Column("charged", "float32", "", "charged particles"),
    Column("particles", "float32", "", "particles"),
    Column("girth", "float32", "", "mean distance of particles from the jet, by transverse momentum"),
    Column("c1", "float32", "", f"two-point correlation, distances to the power {BETA:g}"),
    Column("dispersion", "float32", "", "root of the sum of squared shares of transverse momentum (pTD)"),
    Column("largest", "float32", "", "share of the hardest particle"),
)
FILE = JetFile(
    "qgjet",
    (PT, COUNT),
    COLUMNS,
    {"process": "pp at 13 TeV: hard QCD with two light quarks, or two gluons, behind the hard collision"},
)


def simulate_qgjet(
    path: Path,
    options: QGJetGenerate,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    per_slice: int = PER_SLICE,
) -> JetSummary:
    """Write jet images (33 x 33, three colours in two images) to a file of jets.

    Parameters
    ----------
    path
        The HDF5 file to make.
    options
        How many jets, from which seed, in which range.
    workers
        Number of processes; the jets do not depend on it.
    per_slice
        Jets of each class and slice of transverse momentum in a block; part of what a seed means.

    Raises
    ------
    LeveloneError
        If the [sim] extra is missing, the range holds no jets, or the file cannot be written.
    """
    make = partial(block, options, per_slice)
    return write_jets(path, FILE, options, make, per_slice, progress, workers)

"""Jet images as published for the training of generative networks, read as image events.

B. Nachman, L. de Oliveira, M. Paganini, "Pythia Generated Jet Images for Location Aware Generative
Adversarial Network Training", doi:10.17632/4r4v785rgx.1 and Zenodo 269622: one HDF5 file with 872,666 jets of
25 x 25 pixels, 60 to 100 GeV of mass and 250 to 300 GeV of transverse momentum. Nothing in the file says in
which order the jets are, so they are divided at random, and a part of a split is taken from all over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.imagerows import Unlisted
from levelone.data.images import ImageBatch
from levelone.data.splitting import SPLITS, shuffled_split_codes
from levelone.data.voxelcheck import Column, refuse_many
from levelone.errors import LeveloneError

SIZE = 25
SLAB = 8192
"""Jets read at a time."""
MOST_GEV = 1e5
"""Of a pixel or a jet."""
IMAGE = ImageSpec(
    "jet",
    (1, SIZE, SIZE),
    "float32",
    "GeV",
    "transverse momentum of pixels, prepared by those who published it",
    ("pt",),
    cell=(0.1, 0.1),
    cell_unit="in pseudorapidity and azimuth",
)
COLUMNS = {
    "label": ("signal", Column("label", "uint8", "", "what the jet comes from", ("quark or gluon", "W"))),
    "pt": ("jet_pt", Column("pt", "float32", "GeV", "transverse momentum of the jet")),
    "eta": ("jet_eta", Column("eta", "float32", "", "its pseudorapidity")),
    "mass": ("jet_mass", Column("mass", "float32", "GeV", "its mass")),
    **{f"tau{n}": (f"tau_{n}", Column(f"tau{n}", "float32", "", f"{n}-subjettiness")) for n in (1, 2, 3)},
    "dr": ("jet_delta_R", Column("dr", "float32", "", "distance of the subjets")),
}
"""Our name of a column -> the dataset, and what it holds."""
_NEEDED = {"image", *(dataset for dataset, _ in COLUMNS.values())}


class PublishedJets(Unlisted):
    """An open file; see `levelone.data.opening.ImageEvents`.

    Attributes
    ----------
    images, maps, lists, columns, provenance
        What there is of every jet, and where the jets come from.
    """

    ordered = True

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self._file = path, file
        n = hdf.require(path, file, "image", (None, SIZE, SIZE)).shape[0]
        refuse_many(path, "image", n)
        self._truth = {name: self._column(name, n) for name in COLUMNS}
        if n < len(SPLITS):
            raise LeveloneError(f"{path}: {n} jets; at least {len(SPLITS)} are needed, one for each split")
        self.events = n
        self._split = shuffled_split_codes(n)
        self.images = {IMAGE.name: IMAGE}
        self.maps: dict[str, ImageSpec] = {}
        self.lists: dict[str, ListSpec] = {}
        self.columns = {name: column for name, (_, column) in COLUMNS.items()}
        self.provenance: dict[str, Any] = {
            "source": "jet images published with arXiv:1701.05927, doi:10.17632/4r4v785rgx.1",
            "jets": n,
        }

    def _column(self, name: str, n: int) -> NDArray[Any]:
        dataset, column = COLUMNS[name]
        values = np.asarray(hdf.load(self.path, hdf.require(self.path, self._file, dataset, (n,))))
        if values.dtype.kind not in "fiub":
            raise LeveloneError(f"{self.path}: dataset '{dataset}' is {values.dtype}; expected numbers")
        most = 1 if name == "label" else MOST_GEV
        least = 0 if name == "label" else -MOST_GEV
        hdf.check_values(self.path, dataset, values.astype(np.float64), least, most, "its values")
        if name == "label" and np.any(values != np.rint(values)):
            raise LeveloneError(f"{self.path}: '{dataset}' holds other values than 0 and 1")
        return values.astype(column.dtype)

    def batches(
        self,
        split: str,
        size: int,
        *,
        seed: tuple[int, int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[ImageBatch]:
        """Jets in batches, in the order of the file, or shuffled within slabs of it by `seed`.

        Batches are smaller where a slab ends. What interpolation has made negative is 0.
        """
        chosen = self.select(split, limit)
        slabs = np.split(chosen, np.flatnonzero(np.diff(chosen // SLAB)) + 1) if len(chosen) else []
        rng = None if seed is None else np.random.default_rng(seed)
        order = range(len(slabs)) if rng is None else rng.permutation(len(slabs))
        for number in order:
            rows = slabs[number] if rng is None else rng.permutation(slabs[number])
            rows, skip = rows[skip:], max(skip - len(rows), 0)
            if not len(rows):
                continue
            start = int(rows.min()) // SLAB * SLAB
            block = np.asarray(hdf.load(self.path, self._file["image"], start, start + SLAB))
            for first in range(0, len(rows), size):
                yield self._batch(rows[first : first + size], block, start)

    def _batch(self, rows: NDArray[np.int64], block: NDArray[Any], start: int) -> ImageBatch:
        image = block[rows - start]
        hdf.check_values(self.path, "image", image, -MOST_GEV, MOST_GEV, "pixels", int(rows[0]))
        truth = {name: values[rows] for name, values in self._truth.items()}
        return ImageBatch(rows, {IMAGE.name: np.maximum(image, 0)[:, None].astype(np.float32)}, {}, {}, truth)


READER = hdf.HdfReader("images", lambda file: set(file) >= _NEEDED, PublishedJets)

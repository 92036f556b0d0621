"""Liquid-argon events of the public PILArNet-M data set, read as image events.

C. Adams, K. Terao, T. Wongjirad (DeepLearnPhysics), "PILArNet: Public Dataset for Particle Imaging Liquid
Argon Detectors in High Energy Physics", arXiv:2006.01993; the "medium" set has more than a million events in
HDF5. Of every event a file holds two arrays of variable length: `point`, eight numbers a point, of which the
first four are its voxel (3 mm) along x, y, z and its energy in MeV; and `cluster`, six numbers a cluster:
points (in their order), cluster, group, interaction, semantic type (0 shower, 1 track, 2 electron of a decay,
3 knock-on electron, 4 scattered low energies) and particle (0 photon, 1 electron, 2 muon, 3 pion, 4 proton).

An event is projected along y, x becomes the columns and z the rows, and of the tiles of 64 x 64 pixels the
one with the most energy is the crop. Energies become charge as of a minimum ionising track that loses 30 % of
it in recombination; pixels below a threshold are empty. Pixels with scattered low energies alone have no
class. Nothing in a file says which split an event is of: they are divided at random.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.argon_images import (
    BITS,
    ELECTRONS_PER_ADU,
    NOTHING,
    ORIGINS,
    SHOWER,
    TRACK,
    TRACKS,
    specs,
)
from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.imagerows import ImageRows
from levelone.data.images import ImageBatch
from levelone.data.splitting import SPLITS, shuffled_split_codes
from levelone.data.voxelcheck import Column, refuse_many
from levelone.errors import LeveloneError

PIXELS = 64
ADU_PER_MEV = 0.7 / 23.6e-6 / ELECTRONS_PER_ADU
THRESHOLD_ADU = 40
MOST_VOXELS = 1 << 14
_MOST_MEV = 1e5
_POINT, _CLUSTER = 8, 6
_LOW = 4
_OF_TRACK = {2: "muon", 3: "pion", 4: "proton"}
_OF_TYPE = {2: "electron of a decay", 3: "knock-on electron"}


class PilarnetFile(ImageRows):
    """An open file; see `levelone.data.opening.ImageEvents`.

    Attributes
    ----------
    images, maps, lists, columns, provenance
        What there is of every event, and where the events come from.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self._file = path, file
        self.events = hdf.require(path, file, "point", (None,)).shape[0]
        refuse_many(path, "point", self.events)
        hdf.require(path, file, "cluster", (self.events,))
        if self.events < len(SPLITS):
            raise LeveloneError(f"{path}: {self.events} events; at least {len(SPLITS)} are needed")
        self._split = shuffled_split_codes(self.events)
        image, *maps = specs(PIXELS)
        self.images = {image.name: image}
        self.maps: dict[str, ImageSpec] = {each.name: each for each in maps}
        self.lists: dict[str, ListSpec] = {}
        self.columns: dict[str, Column] = {}
        self.provenance: dict[str, Any] = {
            "source": "PILArNet-M, arXiv:2006.01993; projected along y, the densest tile of 64 x 64 pixels",
            "events": self.events,
        }

    def _batch(self, rows: NDArray[np.int64]) -> ImageBatch:
        crops = [self._crop(int(row)) for row in rows]
        charge, classes, particle = (np.stack(part)[:, None] for part in zip(*crops, strict=True))
        return ImageBatch(rows, {"charge": charge}, {"class": classes, "particle": particle}, {}, {})

    def _crop(self, event: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint8]]:
        points = self._table("point", event, _POINT)
        clusters = self._table("cluster", event, _CLUSTER)
        size, kind, particle = (clusters[:, column].astype(np.int64) for column in (0, 4, 5))
        if (size < 0).any() or size.sum() != len(points):
            raise LeveloneError(
                f"{self.path}: event {event}: clusters of {size.sum()} points, but it has {len(points)}"
            )
        if ((kind < 0) | (kind > _LOW)).any():
            raise LeveloneError(
                f"{self.path}: event {event}: a cluster of type {kind.max()}; expected 0 to 4"
            )
        where = f"'point', event {event},"
        hdf.check_values(self.path, where, points[:, :3], 0, MOST_VOXELS, "voxels")
        hdf.check_values(self.path, where, points[:, 3], 0, _MOST_MEV, "energies")
        column, row = points[:, 0].astype(np.int64), points[:, 2].astype(np.int64)
        tiles = MOST_VOXELS // PIXELS + 1
        tile, filled = np.unique(row // PIXELS * tiles + column // PIXELS, return_inverse=True)
        if len(tile):
            best = int(np.bincount(filled, points[:, 3]).argmax())
            inside, place = filled == best, row % PIXELS * PIXELS + column % PIXELS
        else:
            inside, place = np.zeros(0, np.bool_), row
        origin = np.repeat([_origin(*each) for each in zip(kind, particle, strict=True)], size).astype(
            np.int64
        )
        cells = PIXELS * PIXELS
        sums = np.bincount(
            (origin * cells + place)[inside], points[inside, 3], (len(ORIGINS) + 1) * cells
        ).astype(np.float64, copy=False)  # without points they are integers
        return _maps(sums.reshape(-1, PIXELS, PIXELS))

    def _table(self, name: str, event: int, width: int) -> NDArray[np.float64]:
        """The numbers of an event, [rows, width]."""
        values = np.asarray(hdf.load(self.path, self._file[name], event, event + 1)[0])
        if values.dtype.kind not in "fiu" or values.ndim != 1 or values.size % width:
            raise LeveloneError(
                f"{self.path}: '{name}', event {event}: {values.dtype} of shape {values.shape}, expected "
                f"numbers, {width} for every row",
                hint="files of the first revision have no particles: take a later one",
            )
        return values.reshape(-1, width).astype(np.float64)


def _origin(kind: int, particle: int) -> int:
    """Number of a cluster's origin in maps; 0 for scattered low energies. Other tracks count as pions."""
    if kind == _LOW:
        return 0
    if kind == TRACK:
        return 1 + ORIGINS.index(_OF_TRACK.get(particle, "pion"))
    shower = "photon" if particle == 0 else "electron"
    return 1 + ORIGINS.index(_OF_TYPE.get(kind, shower))


def _maps(sums: NDArray[np.float64]) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint8]]:
    """Charge, class and particle of pixels whose energies `sums` [1 + origins, rows, columns] are known."""
    adu = np.minimum(np.rint(sums.sum(0) * ADU_PER_MEV), (1 << BITS) - 1)
    adu[adu < THRESHOLD_ADU] = 0
    is_track = np.array([False, *(name in TRACKS for name in ORIGINS)])
    track, shower = sums[is_track].sum(0), sums[~is_track][1:].sum(0)
    known = (adu > 0) & (track + shower > 0)
    classes = np.where(known, np.where(track >= shower, TRACK, SHOWER), NOTHING)
    own = np.where(is_track[:, None, None] == (classes == TRACK), sums, -1.0)
    own[0] = -2.0
    particle = np.where(known, own.argmax(0), 0)
    return adu.astype(np.uint16), classes.astype(np.uint8), particle.astype(np.uint8)


READER = hdf.HdfReader("images", lambda file: set(file) >= {"point", "cluster"}, PilarnetFile)

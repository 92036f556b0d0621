"""Reader of the CMS Open Data pixel doublets: one pandas data frame, one row per doublet.

Column names, units and the order of the pixels are those of the CMSSW analyser and the helper class that
made and read the files (github.com/cms-opendata-analyses/CNNPixelSeedsProducerTool: CNNAnalyze.cc and
dataset.py). The mapping to levelone's features, and the values of what the files lack, are listed in
docs/data-format.md.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.cms_columns import EVENT, PIXELS, SIDES, cms_columns
from levelone.data.detector import IMAGE_SIZE, Hits
from levelone.data.doublets import DoubletFile, Doublets, Index
from levelone.data.features import FEATURES, doublet_features
from levelone.data.pandas_hdf import Frame, frames, open_frame
from levelone.data.splitting import shuffled_split_codes
from levelone.data.voxelcheck import refuse_many
from levelone.errors import LeveloneError

MM_PER_CM = 10.0
KE_PER_ELECTRON = 1e-3
PITCH_MM = (0.100, 0.150)
THICKNESS_MM = 0.285
FIELD_TESLA = 3.8

LAYER_NAMES = ("B1", "B2", "B3", "B4", "E1+", "E2+", "E3+", "E1-", "E2-", "E3-")
LAYER_BARREL = np.array([name.startswith("B") for name in LAYER_NAMES])
LAYER_NUMBER = np.array([int(name[1]) for name in LAYER_NAMES], np.uint8)
# Sequence numbers of the Phase-1 pixel layers in CMSSW; the side of a disk follows from the sign of z.
SEQUENCE_NUMBERS = {0: 1, 1: 2, 2: 3, 3: 4, 14: 1, 15: 2, 16: 3, 29: 1, 30: 2, 31: 3}

LAST_BARREL = 3
MOST_ELECTRONS = 1e9
"""Of a pixel; sums and squares of so much still are float32."""

SLAB = 8192
"""Rows read at a time."""
CACHE_SLABS = 24
"""Decoded slabs kept in memory, about 17 MB each."""


@dataclass(frozen=True)
class _Slab:
    images: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass
class CmsFile(DoubletFile):
    """A doublet file of the CMS Open Data layout."""

    _file: h5py.File = field(repr=False)
    _frame: Frame = field(repr=False)
    _names: dict[str, dict[str, str]] = field(repr=False)
    _layers: NDArray[np.uint8] = field(repr=False)
    _slabs: OrderedDict[int, _Slab] = field(default_factory=OrderedDict, repr=False)

    def close(self) -> None:
        """Close the file and drop the decoded rows."""
        self._slabs.clear()
        self._file.close()

    def read(self, indices: NDArray[np.int64]) -> Doublets:
        """Read doublets; see `DoubletFile.read`."""
        indices = self.checked(indices)
        n = indices.size
        images = np.empty((n, 2, IMAGE_SIZE, IMAGE_SIZE), np.float32)
        features = np.empty((n, len(FEATURES)), np.float32)
        number = indices // SLAB
        for slab in np.unique(number):
            rows = np.flatnonzero(number == slab)
            data = self._slab(int(slab))
            local = indices[rows] - slab * SLAB
            images[rows] = data.images[local]
            features[rows] = data.features[local]
        return self.batch(indices, images, features)

    def _slab(self, number: int) -> _Slab:
        if number in self._slabs:
            self._slabs.move_to_end(number)
            return self._slabs[number]
        start = number * SLAB
        images = np.stack([_images(self._frame, side, start, start + SLAB) for side in SIDES], axis=1)
        hits = [
            _hits(self._frame, self._names[side], images[:, i], self._layers[start : start + SLAB, i], start)
            for i, side in enumerate(SIDES)
        ]
        features = doublet_features(
            hits[0], hits[1], LAYER_BARREL, LAYER_NUMBER, PITCH_MM, THICKNESS_MM, FIELD_TESLA
        )
        self._slabs[number] = _Slab(images, features)
        while len(self._slabs) > CACHE_SLABS:
            self._slabs.popitem(last=False)
        return self._slabs[number]


def from_file(path: Path, file: h5py.File) -> CmsFile:
    """Check an open file of the CMS layout and wrap it.

    Raises
    ------
    LeveloneError
        If a column is missing, or holds a value that it cannot hold.
    """
    frame = open_frame(path, file)
    refuse_many(path, "label", frame.rows)
    names = cms_columns(path, frame)
    parts = [_scan(path, frame, names, start) for start in range(0, frame.rows, SLAB)]
    label = _labels(path, np.concatenate([part[0] for part in parts]))
    event = _events(np.concatenate([part[1] for part in parts]))
    layers = np.concatenate([part[2] for part in parts])
    pairs, pair = np.unique(layers, axis=0, return_inverse=True)
    region = (~LAYER_BARREL[layers]).sum(axis=1).astype(np.uint8)
    # Shuffled before it is cut, because the files are ordered by run; the same way for every reader.
    count = int(event.max()) + 1
    split = shuffled_split_codes(count)
    return CmsFile(
        path=path,
        provenance={"source": "CMS Open Data doublets, pandas data frame", "rows": frame.rows},
        layer_pair_names=tuple(f"{LAYER_NAMES[a]}-{LAYER_NAMES[b]}" for a, b in pairs),
        index=Index(label, event, pair.reshape(-1).astype(np.int32), region, split[event]),
        _file=file,
        _frame=frame,
        _names=names,
        _layers=layers,
    )


def _scan(
    path: Path, frame: Frame, names: dict[str, dict[str, str]], start: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """Check the rows of a slab; return labels, event identifiers and layers."""
    stop = start + SLAB
    layers = []
    for side in SIDES:
        pixels = [f"{side}Pix{i}" for i in range(1, PIXELS + 1)]
        charge = frame.read(pixels, start, stop)
        bad = np.argwhere(~((charge >= 0) & (charge <= MOST_ELECTRONS)))
        if bad.size:
            row, column = bad[0]
            raise LeveloneError(
                f"{path}: column '{pixels[column]}' holds {charge[row, column]} in row {row + start}; "
                f"a pixel charge must lie in 0 to {MOST_ELECTRONS:g} electrons"
            )
        values = frame.read(list(names[side].values()), start, stop)
        for column, name in enumerate(names[side].values()):
            hdf.check_values(path, name, values[:, column], -1e6, 1e6, "its values", start)
        layers.append(_layer(path, dict(zip(names[side], values.T, strict=True)), side, start))
    label = frame.read(["label"], start, stop)[:, 0]
    identifiers = [name for name in EVENT if name in frame.places]
    event = frame.read(identifiers, start, stop)
    for name, values in zip(identifiers, event.T, strict=True):
        # All are read as float64, which keeps whole numbers apart below 2**53.
        hdf.check_values(path, name, values, -1, 2.0**53 - 1, "event numbers", start)
        if (broken := np.flatnonzero(values != np.rint(values))).size:
            row = int(broken[0])
            raise LeveloneError(
                f"{path}: '{name}' holds {values[row]} at {row + start}; expected whole numbers"
            )
    return label, event, np.stack(layers, axis=1).astype(np.uint8)


def _layer(path: Path, values: dict[str, NDArray[np.float64]], side: str, start: int) -> NDArray[np.int64]:
    barrel = values["barrel"] > 0
    number = np.zeros(barrel.size, np.int64)
    if "sequence" in values:
        for code, numbered in SEQUENCE_NUMBERS.items():
            here = values["sequence"] == code
            if (other := np.flatnonzero(here & (barrel != (code <= LAST_BARREL)))).size:
                raise LeveloneError(
                    f"{path}: the {side} hit in row {other[0] + start} has sequence number {code}, "
                    f"which is {'a' if code <= LAST_BARREL else 'no'} layer of the barrel, "
                    f"but is {'' if barrel[other[0]] else 'not '}in the barrel by its own column"
                )
            number[here] = numbered
    disk = values.get("disk", np.zeros(barrel.size))
    layer = values.get("layer", np.zeros(barrel.size))
    number = np.where(number > 0, number, np.where(barrel, layer, disk)).astype(np.int64)
    bad = np.flatnonzero((number < 1) | (number > np.where(barrel, 4, 3)))
    if bad.size:
        raise LeveloneError(
            f"{path}: the {side} hit in row {bad[0] + start} is on no known pixel layer",
            hint=f"expected {side}DetSeq to be one of {', '.join(map(str, SEQUENCE_NUMBERS))}",
        )
    return np.where(barrel, number - 1, np.where(values["z"] > 0, 3, 6) + number)


def _labels(path: Path, label: NDArray[np.float64]) -> NDArray[np.uint8]:
    found = set(np.unique(label).tolist())
    if found not in ({-1.0, 1.0}, {0.0, 1.0}):
        shown = ", ".join(f"{value:g}" for value in sorted(found)[:5])
        raise LeveloneError(
            f"{path}: column 'label' holds the values {shown}; "
            "expected 1 for true and -1 (or 0) for fake doublets, and some of each"
        )
    return (label > 0).astype(np.uint8)


def _events(identifiers: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.unique(identifiers, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _images(frame: Frame, side: str, start: int, stop: int) -> NDArray[np.float32]:
    """Images in ke. The files run through the window from its last pixel to its first, local x fastest."""
    charge = frame.read([f"{side}Pix{i}" for i in range(1, PIXELS + 1)], start, stop) * KE_PER_ELECTRON
    window = charge.reshape(-1, IMAGE_SIZE, IMAGE_SIZE)[:, ::-1, ::-1]
    return window.transpose(0, 2, 1).astype(np.float32)


def _hits(
    frame: Frame,
    names: dict[str, str],
    images: NDArray[np.float32],
    layer: NDArray[np.uint8],
    start: int,
) -> Hits:
    table = frame.read(list(names.values()), start, start + len(images))
    values = dict(zip(names, table.T, strict=True))
    x, y, z = (values[name] * MM_PER_CM for name in "xyz")
    phi = np.arctan2(y, x)
    zero, one = np.zeros_like(phi), np.ones_like(phi)
    radial = np.stack([np.cos(phi), np.sin(phi), zero], axis=1)
    azimuthal = np.stack([-np.sin(phi), np.cos(phi), zero], axis=1)
    along = np.stack([zero, zero, one], axis=1)
    barrel = LAYER_BARREL[layer][:, None]
    hit = images > 0
    overflow = np.zeros(phi.size, np.bool_)
    for name in ("overflow_x", "overflow_y"):
        overflow |= values.get(name, zero) > 0
    return Hits(
        r=np.hypot(x, y),
        phi=phi,
        z=z,
        charge_ke=images.sum(axis=(1, 2), dtype=np.float64),
        size_x=values.get("size_x", hit.any(axis=2).sum(axis=1).astype(np.float64)),
        size_y=values.get("size_y", hit.any(axis=1).sum(axis=1).astype(np.float64)),
        overflow=overflow.astype(np.float64),
        layer=layer,
        axis_x=azimuthal,
        axis_y=np.where(barrel, along, radial),
        normal=np.where(barrel, radial, along),
        drift=np.zeros((phi.size, 2)),
    )


READER = hdf.HdfReader("doublets", lambda file: bool(frames(file)), from_file)

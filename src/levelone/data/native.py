"""Reader of the native doublet file."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.detector import IMAGE_SIZE, Clusters, Hits, PixelDetector, reconstruct
from levelone.data.doublets import DoubletFile, Doublets, Index
from levelone.data.features import FEATURES, doublet_features
from levelone.data.native_checks import check_content, check_tables, read_geometry, read_header
from levelone.data.schema import PER_CLUSTER
from levelone.errors import LeveloneError

CACHE_BYTES = 512 * 1024 * 1024
"""Decoded events kept in memory; beyond it the least recently used go first."""
BLOCK = 65536
"""Doublets whose features are computed at a time."""


@dataclass(frozen=True)
class _Event:
    clusters: Clusters
    hits: Hits
    inner: NDArray[np.uint32]
    outer: NDArray[np.uint32]

    @property
    def nbytes(self) -> int:
        parts = (self.clusters, self.hits)
        arrays = [getattr(part, name) for part in parts for name in part.__dataclass_fields__]
        return sum(array.nbytes for array in (*arrays, self.inner, self.outer))


@dataclass
class NativeFile(DoubletFile):
    """A file of the schema `levelone-doublets` (see docs/data-format.md)."""

    detector: PixelDetector
    charge_unit_ke: float
    _file: h5py.File = field(repr=False)
    _offsets: dict[str, NDArray[np.int64]] = field(repr=False)
    _cache: OrderedDict[int, _Event] = field(default_factory=OrderedDict, repr=False)
    _cached_bytes: int = field(default=0, repr=False)

    @classmethod
    def from_file(cls, path: Path, file: h5py.File) -> NativeFile:
        """Check an open HDF5 file and wrap it.

        Raises
        ------
        LeveloneError
            At the first thing that does not follow the schema.
        """
        provenance, unit = read_header(path, file)
        detector = read_geometry(path, file)
        offsets, split = check_tables(path, file)
        check_content(path, file, detector, offsets)
        return cls(
            path=path,
            provenance=provenance,
            layer_pair_names=detector.layer_pair_names,
            index=_build_index(path, file, detector, offsets, split),
            detector=detector,
            charge_unit_ke=unit,
            _file=file,
            _offsets=offsets,
        )

    def close(self) -> None:
        """Close the file and drop the decoded events."""
        self._cache.clear()
        self._cached_bytes = 0
        self._file.close()

    def read(self, indices: NDArray[np.int64]) -> Doublets:
        """Read doublets; see `DoubletFile.read`."""
        indices = self.checked(indices)
        n = indices.size
        images = np.zeros((n, 2, IMAGE_SIZE * IMAGE_SIZE), np.float32)
        features = np.empty((n, len(FEATURES)), np.float32)
        event = self.index.event[indices]
        order = np.argsort(event, kind="stable")
        numbers, starts, sizes = np.unique(event[order], return_index=True, return_counts=True)
        for number, start, stop in zip(numbers, starts, starts + sizes, strict=True):
            data = self._event(int(number))
            for low in range(start, stop, BLOCK):
                rows = order[low : min(low + BLOCK, stop)]
                local = indices[rows] - self._offsets["doublet"][number]
                sides = (data.inner[local].astype(np.int64), data.outer[local].astype(np.int64))
                for side, cluster in enumerate(sides):
                    _paint(images, rows, side, data.clusters, cluster)
                features[rows] = doublet_features(
                    data.hits.take(sides[0]),
                    data.hits.take(sides[1]),
                    self.detector.layer_barrel,
                    self.detector.layer_number,
                    (self.detector.pitch_x_mm, self.detector.pitch_y_mm),
                    self.detector.thickness_mm,
                    self.detector.field_tesla,
                )
        return self.batch(indices, images.reshape(n, 2, IMAGE_SIZE, IMAGE_SIZE), features)

    def _event(self, number: int) -> _Event:
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        event = self._decode(number)
        self._cache[number] = event
        self._cached_bytes += event.nbytes
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return event

    def _slice(self, kind: str, number: int, name: str) -> NDArray[Any]:
        offset = self._offsets[kind]
        return hdf.load(
            self.path, self._file[f"{kind}s/{name}"], int(offset[number]), int(offset[number + 1])
        )

    def _decode(self, number: int) -> _Event:
        columns = {name: self._slice("cluster", number, name) for name in PER_CLUSTER}
        counts = columns.pop("pixels").astype(np.int64)
        charge = self._slice("pixel", number, "charge")
        clusters = Clusters(
            **columns,
            pixel_offset=np.concatenate([[0], np.cumsum(counts)]),
            pixel_index=self._slice("pixel", number, "index"),
            pixel_charge=(charge * self.charge_unit_ke).astype(np.float32),
        )
        return _Event(
            clusters=clusters,
            hits=reconstruct(self.detector, clusters),
            inner=self._slice("doublet", number, "inner"),
            outer=self._slice("doublet", number, "outer"),
        )


def _paint(
    images: NDArray[np.float32],
    rows: NDArray[np.intp],
    side: int,
    clusters: Clusters,
    cluster: NDArray[np.int64],
) -> None:
    """Write the pixels of `cluster` into images[rows, side]."""
    first = clusters.pixel_offset[cluster]
    counts = clusters.pixel_offset[cluster + 1] - first
    skip = np.cumsum(counts) - counts
    pixel = np.arange(counts.sum()) + np.repeat(first - skip, counts)
    images[np.repeat(rows, counts), side, clusters.pixel_index[pixel]] = clusters.pixel_charge[pixel]


def _build_index(
    path: Path,
    file: h5py.File,
    detector: PixelDetector,
    offsets: dict[str, NDArray[np.int64]],
    split: NDArray[np.uint8],
) -> Index:
    label = hdf.load(path, file["doublets/label"])
    hdf.check_values(path, "doublets/label", label, 0, 1, "label")
    if not label.size or label.min() == label.max():
        what = "no doublets" if not label.size else f"only doublets with label {label[0]}"
        raise LeveloneError(
            f"{path}: the file holds {what}; both classes are needed", hint="simulate more events"
        )
    table = detector.pair_of_layers
    pair = np.empty(label.size, np.int32)
    for number in range(split.size):
        layer = detector.module_layer[
            hdf.load(path, file["clusters/module"], *map(int, offsets["cluster"][number : number + 2]))
        ]
        span = slice(*map(int, offsets["doublet"][number : number + 2]))
        pair[span] = table[layer[file["doublets/inner"][span]], layer[file["doublets/outer"][span]]]
    hdf.check_values(path, "doublets: layer pair", pair, 0, len(detector.layer_pairs) - 1, "layer pair")
    event = np.repeat(np.arange(split.size), np.diff(offsets["doublet"]))
    return Index(
        label=label,
        event=event.astype(np.int64),
        layer_pair=pair,
        region=detector.pair_region[pair],
        split=split[event],
    )


READER = hdf.HdfReader("doublets", lambda file: "format" in file.attrs, NativeFile.from_file)

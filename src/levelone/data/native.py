"""Reader of the native doublet file."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.detector import IMAGE_SIZE, Clusters, Hits, PixelDetector, reconstruct
from levelone.data.doublets import SPLITS, DoubletFile, Doublets, Index
from levelone.data.features import FEATURES, doublet_features
from levelone.data.repeats import first_repeat
from levelone.data.schema import (
    FORMAT,
    GEOMETRY,
    GEOMETRY_NUMBERS,
    PER_CLUSTER,
    PER_DOUBLET,
    PER_EVENT,
    PER_PIXEL,
    SCHEMA_VERSION,
)
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
        provenance, unit = _read_header(path, file)
        detector = _read_geometry(path, file)
        offsets, split = _check_tables(path, file)
        _check_content(path, file, detector, offsets)
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


def _read_header(path: Path, file: h5py.File) -> tuple[dict[str, Any], float]:
    name = file.attrs["format"]
    if name != FORMAT:
        raise LeveloneError(f"{path}: the attribute 'format' is {name!r}, expected {FORMAT!r}")
    version = file.attrs.get("schema_version")
    if not isinstance(version, (int, np.integer)):
        raise LeveloneError(f"{path}: the attribute 'schema_version' is {version!r}, expected an integer")
    if version > SCHEMA_VERSION:
        raise LeveloneError(
            f"{path}: schema version {version} is newer than {SCHEMA_VERSION}, the newest one known",
            hint="update levelone",
        )
    if version < 1:
        raise LeveloneError(f"{path}: schema version {version} does not exist")
    system = file.attrs.get("system")
    if system != "pixelseed":
        raise LeveloneError(f"{path}: the attribute 'system' is {system!r}, expected 'pixelseed'")
    unit = file.attrs.get("charge_unit_ke")
    if not isinstance(unit, (float, np.floating)) or not 0 < unit < np.inf:
        raise LeveloneError(f"{path}: the attribute 'charge_unit_ke' is {unit!r}, expected a positive number")
    try:
        provenance = json.loads(file.attrs["provenance"])
    except (KeyError, TypeError, ValueError) as error:
        raise LeveloneError(f"{path}: the attribute 'provenance' is missing or is not JSON") from error
    return provenance, float(unit)


def _read_geometry(path: Path, file: h5py.File) -> PixelDetector:
    modules = hdf.require(path, file, "geometry/center", (None, 3)).shape[0]
    try:
        names = tuple(json.loads(file["geometry"].attrs["layer_names"]))
        numbers = {name: file["geometry"].attrs[name].item() for name in GEOMETRY_NUMBERS}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LeveloneError(f"{path}: an attribute of 'geometry' is missing or invalid: {error}") from error
    layers = len(names)
    shapes = {
        "center": (modules, 3),
        "axis_x": (modules, 3),
        "axis_y": (modules, 3),
        "module_layer": (modules,),
        "layer_barrel": (layers,),
        "layer_number": (layers,),
        "layer_pairs": (None, 2),
    }
    values = {}
    for name, dtype in GEOMETRY.items():
        dataset = hdf.require(path, file, f"geometry/{name}", shapes[name])
        hdf.require_dtype(path, dataset, dtype)
        values[name] = hdf.load(path, dataset)
    for name in ("center", "axis_x", "axis_y"):
        hdf.check_values(path, f"geometry/{name}", values[name], -1e6, 1e6, "coordinates")
    for name in ("module_layer", "layer_pairs"):
        hdf.check_values(path, f"geometry/{name}", values[name], 0, layers - 1, "layer indices")
    for name, number in numbers.items():
        hdf.check_values(path, f"geometry: {name}", np.array([number]), 1e-9, 1e9, "sizes")
    return PixelDetector(
        center_mm=values["center"],
        axis_x=values["axis_x"],
        axis_y=values["axis_y"],
        module_layer=values["module_layer"],
        layer_names=names,
        layer_barrel=values["layer_barrel"] > 0,
        layer_number=values["layer_number"],
        layer_pairs=values["layer_pairs"],
        **numbers,
    )


def _check_tables(path: Path, file: h5py.File) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.uint8]]:
    """Existence, shape, type and offsets of the tables."""
    events = hdf.require(path, file, "events/split", (None,)).shape[0]
    if events == 0:
        raise LeveloneError(f"{path}: the file holds no events")
    for name, dtype in PER_EVENT.items():
        length = events if name == "split" else events + 1
        hdf.require_dtype(path, hdf.require(path, file, f"events/{name}", (length,)), dtype)
    offsets = {}
    tables = {"cluster": PER_CLUSTER, "pixel": PER_PIXEL, "doublet": PER_DOUBLET}
    for kind, columns in tables.items():
        offset = hdf.load(path, file[f"events/{kind}_offset"])
        if offset[0] != 0 or (np.diff(offset) < 0).any():
            raise LeveloneError(f"{path}: 'events/{kind}_offset' must start at 0 and never decrease")
        for name, dtype in columns.items():
            dataset = hdf.require(path, file, f"{kind}s/{name}", (int(offset[-1]),))
            if (kind, name) == ("pixel", "charge"):
                # Values first: a negative or missing charge is worth a message of its own.
                hdf.scan_values(path, dataset, 1, 65535, "charge")
            hdf.require_dtype(path, dataset, dtype)
        offsets[kind] = offset
    split = hdf.load(path, file["events/split"])
    hdf.check_values(path, "events/split", split, 0, len(SPLITS) - 1, "split")
    return offsets, split


def _check_content(
    path: Path, file: h5py.File, detector: PixelDetector, offsets: dict[str, NDArray[np.int64]]
) -> None:
    """Indices and counts, event by event, so that memory stays bounded."""
    modules = detector.module_layer.size - 1
    for number in range(offsets["cluster"].size - 1):
        low, high = (int(value) for value in offsets["cluster"][number : number + 2])
        module = hdf.load(path, file["clusters/module"], low, high)
        hdf.check_values(path, "clusters/module", module, 0, modules, "module index", low)
        pixels = hdf.load(path, file["clusters/pixels"], low, high)
        hdf.check_values(path, "clusters/pixels", pixels, 1, IMAGE_SIZE**2, "number of pixels", low)
        stored = offsets["pixel"][number + 1] - offsets["pixel"][number]
        if pixels.sum(dtype=np.int64) != stored:
            raise LeveloneError(
                f"{path}: the clusters of event {number} claim {pixels.sum(dtype=np.int64)} pixels, "
                f"but 'events/pixel_offset' gives it {stored}"
            )
        first = np.concatenate([[0], np.cumsum(pixels, dtype=np.int64)])
        begin, end = (int(value) for value in offsets["pixel"][number : number + 2])
        index = hdf.load(path, file["pixels/index"], begin, end)
        if (twice := first_repeat(first, index)) is not None:
            cluster = int(np.searchsorted(first, twice, side="right")) - 1
            raise LeveloneError(
                f"{path}: cluster {cluster} of event {number} lists the pixel {index[twice]} twice",
                hint="sum the charges of a pixel before writing the file",
            )
        begin, end = (int(value) for value in offsets["doublet"][number : number + 2])
        pair = np.zeros(end - begin, np.int64)
        for name in ("inner", "outer"):
            index = hdf.load(path, file[f"doublets/{name}"], begin, end)
            hdf.check_values(path, f"doublets/{name}", index, 0, high - low - 1, "cluster index", begin)
            pair = pair * (high - low) + index
        if (twice := first_repeat(np.array([0, end - begin]), pair)) is not None:
            inner, outer = divmod(int(pair[twice]), high - low)
            raise LeveloneError(
                f"{path}: event {number} lists the doublet of clusters {inner} and {outer} twice",
                hint="each doublet of an event is one candidate: list it once",
            )


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

"""The native doublet file: names, types, and how it is written. Described in docs/data-format.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import Clusters, PixelDetector
from levelone.files import atomic_path

FORMAT = "levelone-doublets"
SCHEMA_VERSION = 2
"""From 2 on, `geometry` has `lorentz_tangent`; without it nothing turns the charge."""

PER_EVENT = {"split": "u1", "cluster_offset": "i8", "pixel_offset": "i8", "doublet_offset": "i8"}
PER_CLUSTER = {"module": "u2", "row": "i2", "column": "i2", "size_x": "u1", "size_y": "u1", "pixels": "u2"}
PER_PIXEL = {"index": "u1", "charge": "u2"}
PER_DOUBLET = {"inner": "u4", "outer": "u4", "label": "u1"}
GEOMETRY = {
    "center": "f4",
    "axis_x": "f4",
    "axis_y": "f4",
    "module_layer": "u1",
    "layer_barrel": "u1",
    "layer_number": "u1",
    "layer_pairs": "u1",
}
GEOMETRY_NUMBERS = ("pitch_x_mm", "pitch_y_mm", "thickness_mm", "field_tesla", "rows", "columns")
CHUNK = 65536


@dataclass(frozen=True)
class Event:
    """One event to be stored.

    Attributes
    ----------
    split
        Index into `levelone.data.doublets.SPLITS`.
    charge_code
        uint16 [pixels] charge in units of the file's `charge_unit_ke`.
    inner, outer
        uint32 [doublets] cluster index within the event.
    label
        uint8 [doublets].
    """

    split: int
    clusters: Clusters
    charge_code: NDArray[np.uint16]
    inner: NDArray[np.uint32]
    outer: NDArray[np.uint32]
    label: NDArray[np.uint8]


class Writer:
    """Appends events to an open file; obtained from `create`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._size = {"cluster": 0, "pixel": 0, "doublet": 0}
        self._events: dict[str, list[int]] = {name: [] for name in PER_EVENT}
        for group, columns in (("clusters", PER_CLUSTER), ("pixels", PER_PIXEL), ("doublets", PER_DOUBLET)):
            for name, dtype in columns.items():
                file.create_dataset(
                    f"{group}/{name}",
                    shape=(0,),
                    maxshape=(None,),
                    dtype=dtype,
                    chunks=(CHUNK,),
                    shuffle=True,
                    compression="gzip",
                    compression_opts=6,
                )

    def append(self, event: Event) -> None:
        """Store one event after the others."""
        clusters = event.clusters
        self._mark(event.split)
        self._extend(
            "clusters",
            {
                "module": clusters.module,
                "row": clusters.row,
                "column": clusters.column,
                "size_x": clusters.size_x,
                "size_y": clusters.size_y,
                "pixels": np.diff(clusters.pixel_offset),
            },
        )
        self._extend("pixels", {"index": clusters.pixel_index, "charge": event.charge_code})
        self._extend("doublets", {"inner": event.inner, "outer": event.outer, "label": event.label})
        self._size["cluster"] += len(clusters)
        self._size["pixel"] += clusters.pixel_index.size
        self._size["doublet"] += event.inner.size

    def _mark(self, split: int | None) -> None:
        if split is not None:
            self._events["split"].append(split)
        for name, size in self._size.items():
            self._events[f"{name}_offset"].append(size)

    def _extend(self, group: str, columns: dict[str, NDArray[Any]]) -> None:
        for name, values in columns.items():
            dataset = self._file[group][name]
            end = dataset.shape[0]
            dataset.resize((end + values.size,))
            dataset[end:] = values

    def finish(self) -> None:
        """Write the table of events."""
        self._mark(None)
        for name, dtype in PER_EVENT.items():
            self._file.create_dataset(f"events/{name}", data=np.array(self._events[name], dtype=dtype))


def _write_geometry(file: h5py.File, detector: PixelDetector) -> None:
    values: dict[str, NDArray[Any]] = {
        "center": detector.center_mm,
        "axis_x": detector.axis_x,
        "axis_y": detector.axis_y,
        "module_layer": detector.module_layer,
        "layer_barrel": detector.layer_barrel.astype(np.uint8),
        "layer_number": detector.layer_number,
        "layer_pairs": detector.layer_pairs,
    }
    group = file.create_group("geometry")
    for name, dtype in GEOMETRY.items():
        group.create_dataset(
            name, data=values[name].astype(dtype), shuffle=True, compression="gzip", compression_opts=6
        )
    group.attrs["layer_names"] = json.dumps(detector.layer_names)
    for name in (*GEOMETRY_NUMBERS, "lorentz_tangent"):
        group.attrs[name] = getattr(detector, name)


@contextmanager
def create(
    path: Path, detector: PixelDetector, charge_unit_ke: float, provenance: dict[str, Any]
) -> Iterator[Writer]:
    """Write a native file; nothing appears at `path` unless the block succeeds.

    The bytes depend on the content only: HDF5 is told not to store times.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    with atomic_path(path) as scratch, h5py.File(scratch, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = FORMAT
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["system"] = "pixelseed"
        file.attrs["charge_unit_ke"] = charge_unit_ke
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)
        _write_geometry(file, detector)
        writer = Writer(file)
        yield writer
        writer.finish()

"""What a native doublet file must hold: each check ends with one `LeveloneError` that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.detector import IMAGE_SIZE, PixelDetector
from levelone.data.doublets import SPLITS
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
from levelone.data.voxelcheck import refuse_many
from levelone.errors import LeveloneError
from levelone.files import parse_json


def read_header(path: Path, file: h5py.File) -> tuple[dict[str, Any], float]:
    """Provenance, and what a charge of 1 is worth in ke."""
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
        provenance = parse_json(file.attrs["provenance"])
    except (KeyError, TypeError, ValueError) as error:
        raise LeveloneError(f"{path}: the attribute 'provenance' is missing or is not JSON") from error
    return provenance, float(unit)


def read_geometry(path: Path, file: h5py.File) -> PixelDetector:
    """The detector that the file describes."""
    modules = hdf.require(path, file, "geometry/center", (None, 3)).shape[0]
    try:
        names = tuple(parse_json(file["geometry"].attrs["layer_names"]))
        numbers = {name: file["geometry"].attrs[name].item() for name in GEOMETRY_NUMBERS}
        lorentz = float(file["geometry"].attrs.get("lorentz_tangent", 0.0))
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
    hdf.check_values(path, "geometry: lorentz_tangent", np.array([lorentz]), -10, 10, "a tangent")
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
        lorentz_tangent=lorentz,
    )


def check_tables(path: Path, file: h5py.File) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.uint8]]:
    """Existence, shape, type and offsets of the tables."""
    events = hdf.require(path, file, "events/split", (None,)).shape[0]
    if events == 0:
        raise LeveloneError(f"{path}: the file holds no events")
    refuse_many(path, "events/split", events)
    for name, dtype in PER_EVENT.items():
        length = events if name == "split" else events + 1
        hdf.require_dtype(path, hdf.require(path, file, f"events/{name}", (length,)), dtype)
    offsets = {}
    tables = {"cluster": PER_CLUSTER, "pixel": PER_PIXEL, "doublet": PER_DOUBLET}
    for kind, columns in tables.items():
        offset = hdf.load(path, file[f"events/{kind}_offset"])
        if offset[0] != 0 or (np.diff(offset) < 0).any():
            raise LeveloneError(f"{path}: 'events/{kind}_offset' must start at 0 and never decrease")
        # of all doublets something is held, of all else one event at a time
        held = offset[-1] if kind == "doublet" else np.diff(offset).max()
        refuse_many(path, f"{kind}s", int(held))
        for name, dtype in columns.items():
            dataset = hdf.require(path, file, f"{kind}s/{name}", (int(offset[-1]),))
            if (kind, name) == ("pixel", "charge") and dataset.dtype.kind in "iuf":
                # Values first: a negative or missing charge is worth a message of its own.
                hdf.scan_values(path, dataset, 1, 65535, "charge")
            hdf.require_dtype(path, dataset, dtype)
        offsets[kind] = offset
    split = hdf.load(path, file["events/split"])
    hdf.check_values(path, "events/split", split, 0, len(SPLITS) - 1, "split")
    return offsets, split


def check_content(
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

"""Golden vectors on disk: input codes and the trained module's own integers at every layer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, listed, plain
from levelone.files import atomic_path, parse_json
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hdffile import damaged, open_hdf

SCHEMA = "levelone-vectors"
VERSION = 1
MOST_BYTES = 1 << 32
"""Of all codes of a file as int64: a model says how large an event is, and nothing how many there are."""


@dataclass(frozen=True)
class Vectors:
    """Codes of some events.

    Attributes
    ----------
    inputs
        By input value name: int64 [event, *shape], channels last.
    layers
        By value name: the trained module's own integers, same layout; may be empty.
    model_sha256
        Digest of the QONNX file that they belong to.
    provenance
        Where the events come from: anything that JSON can hold.
    """

    inputs: dict[str, Codes]
    layers: dict[str, Codes]
    model_sha256: str
    provenance: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def write_vectors(path: Path, vectors: Vectors) -> None:
    """Write `vectors` to an HDF5 file, atomically; each array in the narrowest integer type that holds it.

    Raises
    ------
    LeveloneError
        If event counts differ, codes are not integers or more than `MOST_BYTES`, or the file cannot be
        written.
    """
    _check_shapes(Path(path), vectors.inputs, vectors.layers)
    with atomic_path(path) as scratch, h5py.File(scratch, "w", track_order=True) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["version"] = VERSION
        file.attrs["model_sha256"] = vectors.model_sha256
        file.attrs["provenance"] = json.dumps(vectors.provenance, sort_keys=True)
        for group, arrays in (("inputs", vectors.inputs), ("layers", vectors.layers)):
            folder = file.create_group(group, track_order=True)
            for name, codes in arrays.items():
                folder.create_dataset(
                    name, data=_narrow(codes), compression="gzip", shuffle=True, track_times=False
                )


def read_vectors(path: Path, graph: Graph | None = None) -> Vectors:
    """Read golden vectors and check them; names, types and shapes before any number is read.

    Parameters
    ----------
    graph
        If given, inputs must fit its ports (names, shapes, ranges) and layers its values.

    Raises
    ------
    LeveloneError
        If the file is not of this schema, is damaged, holds more than `MOST_BYTES` of codes, or does not fit
        `graph`; and as `levelone.hdffile.open_hdf` says.
    """
    path = Path(path)
    with open_hdf(path) as file, damaged(path):
        model_sha256, provenance = _read_head(path, file)
        inputs, layers = (_datasets(path, file, group) for group in ("inputs", "layers"))
        _check_shapes(path, inputs, layers)
        if graph is not None:
            _check_fit(path, inputs, layers, graph)
        vectors = Vectors(_codes(inputs), _codes(layers), model_sha256, provenance)
    if graph is not None:
        _check_range(path, vectors, graph)
    return vectors


def read_model_sha256(path: Path) -> str:
    """Digest of the QONNX file that golden vectors belong to, without reading them.

    Raises
    ------
    LeveloneError
        If the file is not of this schema or is damaged; and as `levelone.hdffile.open_hdf` says.
    """
    with open_hdf(path) as file, damaged(path):
        return _read_head(path, file)[0]


def _read_head(path: Path, file: h5py.File) -> tuple[str, dict[str, Any]]:
    """Digest of the model, provenance."""
    told = {name: file.attrs.get(name) for name in ("schema", "version", "model_sha256", "provenance")}
    if not isinstance(told["schema"], str) or told["schema"] != SCHEMA:
        raise LeveloneError(f"{path}: schema is {plain(repr(told['schema']))}, expected {SCHEMA!r}")
    if not np.array_equal(told["version"], VERSION):
        raise LeveloneError(
            f"{path}: version {plain(told['version'])}, this levelone reads version {VERSION}"
        )
    for name in ("model_sha256", "provenance"):
        if not isinstance(told[name], str):
            raise LeveloneError(f"{path}: attribute '{name}' is missing, or no text")
    try:
        provenance = parse_json(told["provenance"])
        if not isinstance(provenance, dict):
            raise ValueError("no JSON object")
    except ValueError as error:
        raise LeveloneError(
            f"{path} cannot be read as HDF5 vectors: attribute 'provenance': {plain(error)}"
        ) from error
    return told["model_sha256"], provenance


def _datasets(path: Path, file: h5py.File, group: str) -> dict[str, h5py.Dataset]:
    found = file.get(group)
    if not isinstance(found, h5py.Group):
        raise LeveloneError(f"{path}: group /{group} is missing")
    for name, dataset in found.items():
        if not isinstance(dataset, h5py.Dataset):
            raise LeveloneError(f"{path}: /{group}/{plain(name)} is a group, expected integer codes")
    return dict(found.items())


def _codes(datasets: Mapping[str, h5py.Dataset]) -> dict[str, Codes]:
    return {name: dataset[()].astype(np.int64) for name, dataset in datasets.items()}


class _Shaped(Protocol):
    """An array, in memory or in a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...


def _check_shapes(path: Path, inputs: Mapping[str, _Shaped], layers: Mapping[str, _Shaped]) -> None:
    if not inputs:
        raise LeveloneError(f"{path}: no inputs")
    counts, total = {}, 0
    for where, codes in _named(inputs, layers):
        if codes.dtype.kind not in "iu" or not np.can_cast(codes.dtype, np.int64):
            raise LeveloneError(f"{path}: {where} is {plain(codes.dtype)}, expected integer codes")
        if len(codes.shape or ()) < 2:  # None: a dataset of no shape
            raise LeveloneError(f"{path}: {where} has shape {codes.shape}, expected codes of events")
        counts[where] = codes.shape[0]
        total += 8 * math.prod(codes.shape)
        if total > MOST_BYTES:
            raise LeveloneError(
                f"{path}: {where} has shape {codes.shape}: more than {MOST_BYTES:,} bytes of codes in all"
            )
    if len(set(counts.values())) > 1 or 0 in counts.values():
        shown = listed(f"{name} {count}" for name, count in counts.items())
        raise LeveloneError(f"{path}: numbers of events must be equal and not zero: {shown}")


def _named(inputs: Mapping[str, _Shaped], layers: Mapping[str, _Shaped]) -> Iterator[tuple[str, _Shaped]]:
    """Each array with its place in a file."""
    for group, arrays in (("inputs", inputs), ("layers", layers)):
        for name, codes in arrays.items():
            yield f"/{group}/{plain(name)}", codes


def _check_fit(
    path: Path, inputs: Mapping[str, _Shaped], layers: Mapping[str, _Shaped], graph: Graph
) -> None:
    ports = sorted(port.value.name for port in graph.inputs)
    if sorted(inputs) != ports:
        raise LeveloneError(f"{path}: inputs {sorted(map(plain, inputs))}, the model has {ports}")
    for (where, codes), name in zip(_named(inputs, layers), (*inputs, *layers), strict=True):
        value = graph.values.get(name)
        if value is None:
            raise LeveloneError(f"{path}: {where}: the model has no such layer")
        if tuple(codes.shape[1:]) != value.shape:
            shapes = f"{list(codes.shape[1:])}, the model {list(value.shape)}"
            raise LeveloneError(f"{path}: {where} has shape {shapes}")


def _check_range(path: Path, vectors: Vectors, graph: Graph) -> None:
    for value in (port.value for port in graph.inputs):
        codes = vectors.inputs[value.name]
        low, high = int(codes.min()), int(codes.max())
        if low not in value.range or high not in value.range:
            raise LeveloneError(
                f"{path}: /inputs/{value.name} has codes from {low} to {high}, the port allows "
                f"{value.range.lo} to {value.range.hi}"
            )


def _narrow(codes: Codes) -> NDArray[Any]:
    low, high = int(codes.min()), int(codes.max())
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return codes.astype(dtype)
    return codes.astype(np.int64)

"""Golden vectors on disk: input codes and the trained module's own integers at every layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import atomic_path, parse_json
from levelone.graph.ir import Graph
from levelone.graph.values import Codes

SCHEMA = "levelone-vectors"
VERSION = 1


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
        If event counts differ, codes are not integers, or the file cannot be written.
    """
    _check_counts(Path(path), vectors.inputs, vectors.layers)
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
    """Read golden vectors and check them.

    Parameters
    ----------
    graph
        If given, inputs must fit its ports (names, shapes, ranges) and layers its values.

    Raises
    ------
    LeveloneError
        If the file is not of this schema, is damaged, or does not fit `graph`.
    """
    path = Path(path)
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("schema") != SCHEMA:
                raise LeveloneError(f"{path}: schema is {file.attrs.get('schema')!r}, expected {SCHEMA!r}")
            if file.attrs.get("version") != VERSION:
                raise LeveloneError(
                    f"{path}: version {file.attrs.get('version')}, this levelone reads version {VERSION}"
                )
            arrays = {group: _read_group(path, file, group) for group in ("inputs", "layers")}
            provenance = parse_json(str(file.attrs["provenance"]))
            vectors = Vectors(arrays["inputs"], arrays["layers"], str(file.attrs["model_sha256"]), provenance)
    except FileNotFoundError:
        raise LeveloneError(f"{path}: no such file") from None
    except KeyError as error:
        raise LeveloneError(f"{path}: attribute {error} is missing") from error
    except (OSError, ValueError, RuntimeError, TypeError, MemoryError) as error:
        raise LeveloneError(f"{path} cannot be read as HDF5 vectors: {error}") from error
    _check_counts(path, vectors.inputs, vectors.layers)
    if graph is not None:
        _check_fit(path, vectors, graph)
    return vectors


def _read_group(path: Path, file: Any, group: str) -> dict[str, Codes]:
    if not isinstance(file.get(group), h5py.Group):
        raise LeveloneError(f"{path}: group /{group} is missing")
    result = {}
    for name, dataset in file[group].items():
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "iu":
            kind = getattr(dataset, "dtype", "a group")
            raise LeveloneError(f"{path}: /{group}/{name} is {kind}, expected integer codes")
        result[str(name)] = dataset[()].astype(np.int64)
    return result


def _check_counts(path: Path, inputs: Mapping[str, Codes], layers: Mapping[str, Codes]) -> None:
    if not inputs:
        raise LeveloneError(f"{path}: no inputs")
    counts = {}
    for group, arrays in (("inputs", inputs), ("layers", layers)):
        for name, codes in arrays.items():
            if codes.dtype.kind not in "iu" or codes.ndim < 2:
                raise LeveloneError(
                    f"{path}: /{group}/{name} is {codes.dtype} {codes.shape}, expected integer codes"
                )
            counts[f"/{group}/{name}"] = len(codes)
    if len(set(counts.values())) > 1 or 0 in counts.values():
        shown = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise LeveloneError(f"{path}: numbers of events must be equal and not zero: {shown}")


def _check_fit(path: Path, vectors: Vectors, graph: Graph) -> None:
    ports = {port.value.name: port.value for port in graph.inputs}
    if set(vectors.inputs) != set(ports):
        raise LeveloneError(f"{path}: inputs {sorted(vectors.inputs)}, the model has {sorted(ports)}")
    for group, arrays in (("inputs", vectors.inputs), ("layers", vectors.layers)):
        for name, codes in arrays.items():
            value = graph.values.get(name)
            if value is None:
                raise LeveloneError(f"{path}: /{group}/{name}: the model has no such layer")
            if tuple(codes.shape[1:]) != value.shape:
                shapes = f"{list(codes.shape[1:])}, the model {list(value.shape)}"
                raise LeveloneError(f"{path}: /{group}/{name} has shape {shapes}")
    for name, value in ports.items():
        low, high = int(vectors.inputs[name].min()), int(vectors.inputs[name].max())
        if low not in value.range or high not in value.range:
            raise LeveloneError(
                f"{path}: /inputs/{name} has codes from {low} to {high}, the port allows "
                f"{value.range.lo} to {value.range.hi}"
            )


def _narrow(codes: Codes) -> NDArray[Any]:
    low, high = int(codes.min()), int(codes.max())
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return codes.astype(dtype)
    return codes.astype(np.int64)

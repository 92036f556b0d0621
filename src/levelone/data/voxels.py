"""Voxel events on disk: the `levelone-voxels` HDF5 schema, sparse and streamed (see docs/voxel-format.md).

An event is one or more named grids of deposited energy plus per-event truth. Most voxels are empty, so a grid
is stored as compressed sparse rows: where each event begins, the flat (C order) index of every filled voxel,
its energy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import (
    SCHEMA,
    SPLITS,
    VERSION,
    Column,
    GridSpec,
    check_cells,
    check_structure,
    damaged,
)
from levelone.errors import LeveloneError
from levelone.files import atomic_path

_ROW_CHUNK = 16_384  # rows per HDF5 chunk of the per-event datasets
_CELL_CHUNK = 65_536  # filled voxels per HDF5 chunk: about 40 events, cheap to open for random access


@dataclass(frozen=True)
class SparseGrid:
    """One grid of a batch of events in compressed sparse rows.

    Attributes
    ----------
    offsets
        int64 [n + 1]: event i owns the filled voxels offsets[i] to offsets[i + 1].
    index
        uint32 [m]: flat C-order voxel index, increasing within an event.
    energy
        float32 [m]: energy in the grid's unit, finite and not negative.
    """

    offsets: NDArray[np.int64]
    index: NDArray[np.uint32]
    energy: NDArray[np.float32]

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.offsets) - 1

    @staticmethod
    def from_dense(images: NDArray[Any]) -> SparseGrid:
        """Compress dense `images` [n, *shape]; zeros are dropped, nothing else is."""
        flat = np.ascontiguousarray(images).reshape(len(images), -1)
        filled = np.flatnonzero(flat)
        event, index = np.divmod(filled, flat.shape[1])
        offsets = np.zeros(len(flat) + 1, np.int64)
        np.cumsum(np.bincount(event, minlength=len(flat)), out=offsets[1:])
        return SparseGrid(offsets, index.astype(np.uint32), flat.reshape(-1)[filled].astype(np.float32))

    def to_dense(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """Expand to float32 [n, *shape]."""
        dense = np.zeros((self.events, math.prod(shape)), np.float32)
        dense[np.repeat(np.arange(self.events), np.diff(self.offsets)), self.index] = self.energy
        return dense.reshape(self.events, *shape)


class VoxelWriter:
    """Appends batches to a file being written; obtained from `create_voxels`.

    Memory stays that of one batch.
    """

    def __init__(self, file: h5py.File, grids: Sequence[GridSpec], columns: Sequence[Column]) -> None:
        self._file, self._grids, self._columns = file, tuple(grids), tuple(columns)
        self.events = 0
        zipped: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        for grid in self._grids:
            group = file.create_group(f"grids/{grid.name}")
            group.attrs["shape"] = np.asarray(grid.shape, np.int64)
            group.attrs["pitch_mm"] = np.asarray(grid.pitch_mm, np.float64)
            group.attrs["axes"] = json.dumps(grid.axes)
            group.attrs["unit"] = grid.unit
            kind = np.uint16 if math.prod(grid.shape) <= 1 << 16 else np.uint32
            group.create_dataset(
                "offsets", data=np.zeros(1, np.int64), maxshape=(None,), chunks=(_ROW_CHUNK,), **zipped
            )
            for name, dtype in (("index", kind), ("energy", np.float32)):
                group.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(_CELL_CHUNK,), **zipped)
        file.create_group("truth")
        for column in self._columns:
            data = file.create_dataset(
                f"truth/{column.name}", (0,), column.dtype, maxshape=(None,), chunks=(_ROW_CHUNK,), **zipped
            )
            data.attrs["unit"] = column.unit
            data.attrs["description"] = column.description
            if column.names:
                data.attrs["names"] = json.dumps(column.names)
        file.create_dataset("split", (0,), np.uint8, maxshape=(None,), chunks=(_ROW_CHUNK,), **zipped)

    def append(
        self, grids: Mapping[str, SparseGrid], truth: Mapping[str, NDArray[Any]], split: NDArray[np.uint8]
    ) -> None:
        """Add one batch.

        Parameters
        ----------
        grids
            A `SparseGrid` for every grid of the file, all with n events.
        truth
            [n] for every truth column.
        split
            uint8 [n]: 0 train, 1 validation, 2 test.

        Raises
        ------
        LeveloneError
            If a grid or column is missing, has another length, or holds impossible values.
        """
        n = len(split)
        if set(grids) != {g.name for g in self._grids} or set(truth) != {c.name for c in self._columns}:
            raise LeveloneError(
                f"a batch must bring exactly the grids {[g.name for g in self._grids]} and the truth columns "
                f"{[c.name for c in self._columns]}, got {sorted(grids)} and {sorted(truth)}"
            )
        if np.any(np.asarray(split) >= len(SPLITS)):
            raise LeveloneError(f"split codes must be 0 to {len(SPLITS) - 1} ({', '.join(SPLITS)})")
        for spec in self._grids:
            check_cells("the batch", spec, grids[spec.name].index, grids[spec.name].energy)
        lengths = {name: g.events for name, g in grids.items()} | {name: len(t) for name, t in truth.items()}
        if wrong := {name: length for name, length in lengths.items() if length != n}:
            raise LeveloneError(f"a batch of {n} events has other lengths for {wrong}")
        for name, sparse in grids.items():
            group = self._file[f"grids/{name}"]
            start = group["index"].shape[0]
            _extend(group["offsets"], sparse.offsets[1:] - sparse.offsets[0] + start)
            _extend(group["index"], sparse.index)
            _extend(group["energy"], sparse.energy)
        for name, values in truth.items():
            _extend(self._file[f"truth/{name}"], values)
        _extend(self._file["split"], split)
        self.events += n


def _extend(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    if len(values):
        dataset[start:] = values


@contextmanager
def create_voxels(
    path: Path, grids: Sequence[GridSpec], columns: Sequence[Column], provenance: Mapping[str, Any]
) -> Iterator[VoxelWriter]:
    """Write a voxel file; it appears under `path` only if the block ends without an error.

    Parameters
    ----------
    path
        The file to make (replaced if it exists).
    grids, columns
        What every event holds.
    provenance
        JSON-serialisable facts: versions, seed, command. No machine paths.

    Yields
    ------
    VoxelWriter
    """
    with atomic_path(Path(path)) as scratch, h5py.File(scratch, "w", libver="v110") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["version"] = VERSION
        file.attrs["provenance"] = json.dumps(dict(provenance), sort_keys=True)
        writer = VoxelWriter(file, grids, columns)
        yield writer
        file.attrs["events"] = writer.events


@dataclass(frozen=True)
class VoxelBatch:
    """A dense batch: `events` int64 [n], `images` name -> float32 [n, *shape], `truth` name -> [n]."""

    events: NDArray[np.int64]
    images: dict[str, NDArray[np.float32]]
    truth: dict[str, NDArray[Any]]


class VoxelFile:
    """An open voxel file (context manager). Per-event data are held; voxels are read when asked for.

    Attributes
    ----------
    path, provenance
        The file and the JSON facts stored in it.
    grids
        name -> `GridSpec`.
    columns
        name -> `Column`.
    events
        Number of events.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self._file = path, file
        with damaged(path):
            self.grids, self.columns, self.provenance = check_structure(path, file)
            self._split: NDArray[np.uint8] = file["split"][:]
            self._offsets: dict[str, NDArray[np.int64]] = {
                n: file[f"grids/{n}/offsets"][:] for n in self.grids
            }
        self.events = len(self._split)
        if np.any(self._split >= len(SPLITS)):
            raise LeveloneError(f"{path}: 'split' holds codes other than 0 to {len(SPLITS) - 1}")
        for name, offsets in self._offsets.items():
            cells = file[f"grids/{name}/index"].shape[0]
            if offsets[0] != 0 or offsets[-1] != cells or np.any(np.diff(offsets) < 0):
                raise LeveloneError(
                    f"{path}: 'grids/{name}/offsets' must rise from 0 to the {cells} filled voxels"
                )

    @property
    def splits(self) -> dict[str, int]:
        """Events per split."""
        counts = np.bincount(self._split, minlength=len(SPLITS))
        return {name: int(count) for name, count in zip(SPLITS, counts, strict=True)}

    def select(self, split: str, limit: int | None = None) -> NDArray[np.int64]:
        """int64 event numbers of one split, in file order, at most `limit`.

        Raises
        ------
        LeveloneError
            If there is no such split.
        """
        if split not in SPLITS:
            raise LeveloneError(f"no split '{split}'", hint=f"one of {', '.join(SPLITS)}")
        return np.flatnonzero(self._split == SPLITS.index(split))[:limit].astype(np.int64)

    def truth(self, name: str, events: slice | NDArray[np.int64] | None = None) -> NDArray[Any]:
        """[n] values of a truth column, for all events or for `events` in the order asked.

        Raises
        ------
        LeveloneError
            If the column does not exist, holds NaN, or the file is damaged.
        """
        if name not in self.columns:
            raise LeveloneError(
                f"{self.path} has no truth column '{name}'", hint=f"it has {', '.join(self.columns)}"
            )
        with damaged(self.path):
            values: NDArray[Any] = self._file[f"truth/{name}"][:]
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise LeveloneError(f"{self.path}: 'truth/{name}' holds NaN or infinite values")
        return values if events is None else values[events]

    def read_sparse(self, grid: str, start: int, stop: int) -> SparseGrid:
        """The filled voxels of events `start` to `stop`, checked.

        Raises
        ------
        LeveloneError
            If the grid does not exist or the data are damaged, negative, NaN or out of range.
        """
        spec = self._spec(grid)
        offsets = self._offsets[grid][start : stop + 1]
        group = self._file[f"grids/{grid}"]
        with damaged(self.path):
            index = group["index"][offsets[0] : offsets[-1]]
            energy = group["energy"][offsets[0] : offsets[-1]]
        check_cells(str(self.path), spec, index, energy)
        return SparseGrid(offsets - offsets[0], index.astype(np.uint32), energy)

    def read(self, grid: str, events: slice | NDArray[np.int64] | Sequence[int]) -> NDArray[np.float32]:
        """Dense images of the chosen events.

        Parameters
        ----------
        grid
            Which grid.
        events
            A slice, or event numbers in any order (repeats allowed).

        Returns
        -------
        float32 [n, *shape], in the grid's unit.

        Raises
        ------
        LeveloneError
            If an event number is out of range, or as `read_sparse`.
        """
        spec = self._spec(grid)
        chosen = np.arange(self.events)[events] if isinstance(events, slice) else np.asarray(events, np.int64)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= self.events):
            raise LeveloneError(
                f"event numbers must be 0 to {self.events - 1}, got {chosen.min()} to {chosen.max()}"
            )
        wanted, back = np.unique(chosen, return_inverse=True)
        dense = np.empty((len(wanted), *spec.shape), np.float32)
        runs = np.flatnonzero(np.diff(wanted) != 1) + 1  # neighbouring events are read in one go
        for first, last in zip((0, *runs), (*runs, len(wanted)), strict=True):
            if last > first:
                sparse = self.read_sparse(grid, int(wanted[first]), int(wanted[last - 1]) + 1)
                dense[first:last] = sparse.to_dense(spec.shape)
        return dense if np.array_equal(chosen, wanted) else dense[back]

    def batches(
        self,
        split: str,
        size: int = 256,
        *,
        grids: Sequence[str] | None = None,
        truth: Sequence[str] | None = None,
        seed: int | None = None,
        limit: int | None = None,
    ) -> Iterator[VoxelBatch]:
        """Stream a split in dense batches; memory is that of one batch whatever the file's size.

        Parameters
        ----------
        split
            "train", "validation" or "test".
        size
            Events per batch (the last may be smaller).
        grids, truth
            What to read; everything if None.
        seed
            None reads in file order. A seed shuffles: blocks of 64 neighbours in random order, then at random
            within windows of 32 blocks, so that every batch still opens few compressed chunks.
        limit
            At most so many events.
        """
        order = self.select(split, limit)
        if seed is not None:
            order = _shuffled(order, np.random.default_rng(seed))
        names = tuple(self.grids) if grids is None else tuple(grids)
        columns = {name: self.truth(name) for name in (self.columns if truth is None else truth)}
        for start in range(0, len(order), size):
            events = order[start : start + size]
            images = {name: self.read(name, events) for name in names}
            yield VoxelBatch(events, images, {name: values[events] for name, values in columns.items()})

    def check(self, chunk: int = 4096) -> None:
        """Read the whole file once, in pieces, and raise the `LeveloneError` of the first bad value."""
        for name in self.columns:
            self.truth(name)
        for name in self.grids:
            for start in range(0, self.events, chunk):
                self.read_sparse(name, start, min(start + chunk, self.events))

    def _spec(self, grid: str) -> GridSpec:
        if grid not in self.grids:
            raise LeveloneError(f"{self.path} has no grid '{grid}'", hint=f"it has {', '.join(self.grids)}")
        return self.grids[grid]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> VoxelFile:
        """Return the open file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def _shuffled(
    order: NDArray[np.int64], rng: np.random.Generator, block: int = 64, window: int = 32
) -> NDArray[np.int64]:
    blocks = [order[i : i + block] for i in range(0, len(order), block)]
    blocks = [blocks[i] for i in rng.permutation(len(blocks))]
    pools = [np.concatenate(blocks[i : i + window]) for i in range(0, len(blocks), window)]
    return np.concatenate([rng.permutation(pool) for pool in pools]) if pools else order


def open_voxels(path: Path) -> VoxelFile:
    """Open a voxel file for reading.

    Raises
    ------
    LeveloneError
        If the file is missing, not HDF5, truncated, foreign, of a newer schema, or lacks a dataset or has it
        with another shape or type; the message names the file and the dataset.
    """
    path = Path(path)
    if not path.is_file():
        raise LeveloneError(f"no voxel file {path}", hint="make one with the simulation, or check the path")
    if not h5py.is_hdf5(path):
        raise LeveloneError(f"{path} is not an HDF5 file")
    with damaged(path):
        file = h5py.File(path, "r", rdcc_nbytes=1 << 25)
    try:
        return VoxelFile(path, file)
    except BaseException:
        file.close()
        raise

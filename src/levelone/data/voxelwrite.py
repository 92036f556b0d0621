"""Writing `levelone-voxels` files: sparse grids and the appending writer (see docs/voxel-format.md)."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.splitting import SPLITS
from levelone.data.voxelcheck import SCHEMA, VERSION, Column, GridSpec, check_cells
from levelone.errors import LeveloneError
from levelone.files import atomic_path

_ROW_CHUNK = 16_384  # rows per HDF5 chunk of the per-event datasets
ZIPPED: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
"""How datasets are packed by HDF5 itself."""
_CELL_CHUNK = 65_536  # filled voxels per HDF5 chunk: about 40 events, cheap to open for random access


@dataclass(frozen=True)
class SparseGrid:
    """One grid of a batch of events in compressed sparse rows.

    Attributes
    ----------
    offsets
        int64 [n + 1]: event i owns the filled voxels offsets[i] to offsets[i + 1].
    index
        uint32 [m]: flat C-order voxel index, each at most once in an event, in any order.
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
        filled = np.flatnonzero(flat != 0)
        firsts = np.arange(len(flat) + 1) * flat.shape[1]
        offsets = np.searchsorted(filled, firsts).astype(np.int64)
        index = filled - np.repeat(firsts[:-1], np.diff(offsets))
        return SparseGrid(offsets, index.astype(np.uint32), flat.reshape(-1)[filled].astype(np.float32))

    def take(self, rows: NDArray[np.int64]) -> SparseGrid:
        """The events `rows`, in that order (repeats allowed)."""
        counts = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        cells = np.repeat(self.offsets[:-1][rows] - offsets[:-1], counts) + np.arange(offsets[-1])
        return SparseGrid(offsets, self.index[cells], self.energy[cells])

    def to_dense(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """Expand to float32 [n, *shape]."""
        size = math.prod(shape)
        dense = np.zeros(self.events * size, np.float32)
        firsts = np.arange(self.events) * size
        dense[np.repeat(firsts, np.diff(self.offsets)) + self.index] = self.energy  # one index: half the time
        return dense.reshape(self.events, *shape)


class _Cells:
    """One dataset of filled voxels, written in whole pieces that are packed here.

    What HDF5's own filters would write for the same bytes, in half the time: shuffled, then deflated, by
    which strategy is the writer's choice. Looking for repeated strings in the bytes of energies costs most of
    the time and makes them longer; their Huffman code alone is shorter.
    """

    def __init__(self, group: h5py.Group, name: str, dtype: type[np.generic], strategy: int) -> None:
        self._data = group.create_dataset(
            name, (0,), dtype, maxshape=(None,), chunks=(_CELL_CHUNK,), compression="gzip", shuffle=True
        )
        self._strategy = strategy
        self._held: list[NDArray[Any]] = []
        self._waiting = 0
        self._written = 0

    def add(self, values: NDArray[Any]) -> None:
        """Add values [n]."""
        self._held.append(values.astype(self._data.dtype))
        self._waiting += len(values)
        if self._waiting >= _CELL_CHUNK:
            held = np.concatenate(self._held)
            whole = len(held) - len(held) % _CELL_CHUNK
            for start in range(0, whole, _CELL_CHUNK):
                self._write(held[start : start + _CELL_CHUNK])
            self._held, self._waiting = [held[whole:]], len(held) - whole

    def finish(self) -> None:
        """Write what is left."""
        if self._waiting:
            self._write(np.concatenate(self._held))
            self._held, self._waiting = [], 0

    def _write(self, values: NDArray[Any]) -> None:
        """One piece; only the last may be shorter than the others."""
        piece = np.zeros(_CELL_CHUNK, values.dtype)
        piece[: len(values)] = values
        shuffled = np.ascontiguousarray(piece.view(np.uint8).reshape(_CELL_CHUNK, -1).T)
        packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, self._strategy)
        packed = packer.compress(shuffled.tobytes()) + packer.flush()
        start = self._written
        self._written += len(values)
        self._data.resize(self._written, axis=0)
        self._data.id.write_direct_chunk((start,), packed)


class VoxelWriter:
    """Appends batches to a file being written; obtained from `create_voxels`.

    Memory stays that of one batch.
    """

    def __init__(self, file: h5py.File, grids: Sequence[GridSpec], columns: Sequence[Column]) -> None:
        self._file, self._grids, self._columns = file, tuple(grids), tuple(columns)
        self.events = 0
        self._filled = dict.fromkeys((g.name for g in self._grids), 0)
        self._cells: dict[str, tuple[_Cells, _Cells]] = {}
        for grid in self._grids:
            group = file.create_group(f"grids/{grid.name}")
            group.attrs["shape"] = np.asarray(grid.shape, np.int64)
            group.attrs["pitch_mm"] = np.asarray(grid.pitch_mm, np.float64)
            group.attrs["axes"] = json.dumps(grid.axes)
            group.attrs["unit"] = grid.unit
            kind = np.uint16 if math.prod(grid.shape) <= 1 << 16 else np.uint32
            create_offsets(group)
            self._cells[grid.name] = (
                _Cells(group, "index", kind, zlib.Z_DEFAULT_STRATEGY),
                _Cells(group, "energy", np.float32, zlib.Z_HUFFMAN_ONLY),
            )
        truth = file.create_group("truth")
        for column in self._columns:
            create_column(truth, column)
        create_split(file)

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
        check_split(split)
        for spec in self._grids:
            grid = grids[spec.name]
            if grid.offsets[-1] - grid.offsets[0] != len(grid.index) or np.any(np.diff(grid.offsets) < 0):
                raise LeveloneError(f"the batch: grid '{spec.name}' has offsets that do not cover its voxels")
            with np.errstate(over="ignore"):
                energy = np.asarray(grid.energy, np.float32)
            check_cells("the batch", spec, grid.offsets, grid.index, energy)
        for column in self._columns:
            check_column(column, np.asarray(truth[column.name]))
        lengths = {name: g.events for name, g in grids.items()} | {name: len(t) for name, t in truth.items()}
        if wrong := {name: length for name, length in lengths.items() if length != n}:
            raise LeveloneError(f"a batch of {n} events has other lengths for {wrong}")
        for name, sparse in grids.items():
            group = self._file[f"grids/{name}"]
            extend(group["offsets"], sparse.offsets[1:] - sparse.offsets[0] + self._filled[name])
            self._filled[name] += len(sparse.index)
            for cells, values in zip(self._cells[name], (sparse.index, sparse.energy), strict=True):
                cells.add(values)
        for name, values in truth.items():
            extend(self._file[f"truth/{name}"], values)
        extend(self._file["split"], split)
        self.events += n

    def finish(self) -> None:
        """Write what is held; `create_voxels` does this at the end."""
        for cells in self._cells.values():
            for part in cells:
                part.finish()


def write_head(file: h5py.File, schema: str, version: int, provenance: Mapping[str, Any]) -> None:
    """What a file is, and how it was made; `levelone.data.voxelcheck.read_head` reads it."""
    file.attrs["schema"] = schema
    file.attrs["version"] = version
    file.attrs["provenance"] = json.dumps(dict(provenance), sort_keys=True)


def create_offsets(group: h5py.Group) -> None:
    """Where each event begins in what is ragged; 0 before the first."""
    group.create_dataset(
        "offsets", data=np.zeros(1, np.int64), maxshape=(None,), chunks=(_ROW_CHUNK,), **ZIPPED
    )


def create_column(group: h5py.Group, column: Column) -> None:
    """One number per event or entry, with what it means."""
    data = group.create_dataset(
        column.name, (0,), column.dtype, maxshape=(None,), chunks=(_ROW_CHUNK,), **ZIPPED
    )
    data.attrs["unit"] = column.unit
    data.attrs["description"] = column.description
    if column.names:
        data.attrs["names"] = json.dumps(column.names)


def create_split(file: h5py.File) -> None:
    """The split of every event."""
    file.create_dataset("split", (0,), np.uint8, maxshape=(None,), chunks=(_ROW_CHUNK,), **ZIPPED)


def check_split(split: NDArray[np.uint8]) -> None:
    """Refuse codes that are no split."""
    if not np.isin(split, range(len(SPLITS))).all():
        raise LeveloneError(f"split codes must be 0 to {len(SPLITS) - 1} ({', '.join(SPLITS)})")


def check_column(column: Column, values: NDArray[Any]) -> None:
    """Refuse what would be stored as another number."""
    kind = np.dtype(column.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        stored = values.astype(kind)
    good = np.isfinite(stored) if kind.kind == "f" else stored == values
    if not good.all():
        raise LeveloneError(
            f"the batch: truth column '{column.name}' is {kind}, which does not hold {values[~good][0]}"
        )


def extend(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    """Append values behind what a dataset holds."""
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
        write_head(file, SCHEMA, VERSION, provenance)
        writer = VoxelWriter(file, grids, columns)
        yield writer
        writer.finish()
        file.attrs["events"] = writer.events

"""Voxel events on disk: the `levelone-voxels` HDF5 schema, sparse and streamed (see docs/voxel-format.md).

An event is one or more named grids of deposited energy plus per-event truth. Most voxels are empty, so a grid
is stored as compressed sparse rows: where each event begins, the flat (C order) index of every filled voxel,
its energy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.hdf import HdfReader
from levelone.data.splitfile import BRIDGE, SplitFile, open_with, portions
from levelone.data.voxelcheck import SCHEMA, GridSpec, check_cells, check_column, check_structure
from levelone.data.voxelwrite import SparseGrid, VoxelWriter, create_voxels
from levelone.errors import LeveloneError
from levelone.hdffile import damaged

_RUN = 128
"""Most events of one read: what is made on the way to a part of them is a small share of a window."""

__all__ = ["SparseGrid", "VoxelBatch", "VoxelFile", "VoxelWriter", "create_voxels", "open_voxels"]


_Held: TypeAlias = tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]
"""Event numbers and dense images of a part of a batch."""


@dataclass(frozen=True)
class VoxelBatch:
    """A dense batch: `events` int64 [n], `images` name -> float32 [n, *shape], `truth` name -> [n]."""

    events: NDArray[np.int64]
    images: dict[str, NDArray[np.float32]]
    truth: dict[str, NDArray[Any]]


class VoxelFile(SplitFile):
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
            # held open: HDF5 forgets the chunks it has unpacked when a dataset is closed
            self._cells: dict[str, tuple[h5py.Dataset, h5py.Dataset]] = {
                n: (file[f"grids/{n}/index"], file[f"grids/{n}/energy"]) for n in self.grids
            }
        self.events = len(self._split)
        for name, offsets in self._offsets.items():
            cells = self._cells[name][0].shape[0]
            if offsets[0] != 0 or offsets[-1] != cells or np.any(np.diff(offsets) < 0):
                raise LeveloneError(
                    f"{path}: 'grids/{name}/offsets' must rise from 0 to the {cells} filled voxels"
                )

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
        check_column(str(self.path), self.columns[name], values)
        return values if events is None else values[events]

    def read_sparse(self, grid: str, start: int, stop: int) -> SparseGrid:
        """The filled voxels of events `start` to `stop`, checked.

        Raises
        ------
        LeveloneError
            If the grid does not exist or the data are damaged, negative, NaN, out of range or repeated.
        """
        spec = self._spec(grid)
        offsets = self._offsets[grid][start : stop + 1]
        with damaged(self.path):
            index, energy = (cells[offsets[0] : offsets[-1]] for cells in self._cells[grid])
        offsets = offsets - offsets[0]
        check_cells(str(self.path), spec, offsets, index, energy, start)
        return SparseGrid(offsets, index.astype(np.uint32), energy)

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
        chosen = self._numbers(np.arange(self.events)[events] if isinstance(events, slice) else events)
        wanted, back = np.unique(chosen, return_inverse=True)
        sparse = self._gather(grid, wanted)
        return (sparse if np.array_equal(chosen, wanted) else sparse.take(back)).to_dense(spec.shape)

    def _gather(self, grid: str, events: NDArray[np.int64]) -> SparseGrid:
        """The filled voxels of rising event numbers; neighbours are read in one go.

        Events of other splits between them are read too and dropped: their voxels lie in the same compressed
        pieces, and one long read is much cheaper than many short ones.
        """
        gaps = np.flatnonzero(np.diff(events) > BRIDGE) + 1
        ends = np.union1d(gaps, np.arange(_RUN, len(events), _RUN))
        parts = []
        for run in np.split(events, ends) if len(events) else []:
            first, last = int(run[0]), int(run[-1])
            part = self.read_sparse(grid, first, last + 1)
            parts.append(part if len(run) == last + 1 - first else part.take(run - first))
        if not parts:
            return SparseGrid(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.float32))
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        return SparseGrid(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([part.index for part in parts]),
            np.concatenate([part.energy for part in parts]),
        )

    def batches(
        self,
        split: str,
        size: int = 256,
        *,
        grids: Sequence[str] | None = None,
        truth: Sequence[str] | None = None,
        seed: int | Sequence[int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[VoxelBatch]:
        """Stream a split in dense batches.

        Memory is that of one batch and 2,048 sparse events, whatever the file's size.

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
            within windows of 32 blocks, so that voxels are still read in runs. Several numbers (a seed and
            an epoch) make one seed.
        limit
            At most so many events.
        skip
            Begin behind so many events of that order, without reading their voxels (but those of the window
            in which the stream begins).
        """
        order = self.select(split, limit)
        names = tuple(self.grids) if grids is None else tuple(grids)
        shapes = {name: self._spec(name).shape for name in names}
        columns = {name: self.truth(name) for name in (self.columns if truth is None else truth)}

        def load(window: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], _Held]:
            pool = {name: self._gather(name, window) for name in names}

            def take(rows: NDArray[np.int64]) -> _Held:
                return window[rows], {name: pool[name].take(rows).to_dense(shapes[name]) for name in names}

            return take

        yield from map(partial(_batch, columns), portions(order, size, load, seed=seed, skip=skip))

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


def _batch(columns: Mapping[str, NDArray[Any]], held: list[_Held]) -> VoxelBatch:
    if len(held) == 1:
        events, images = held[0]
    else:
        events = np.concatenate([part for part, _ in held])
        images = {name: np.concatenate([part[name] for _, part in held]) for name in held[0][1]}
    return VoxelBatch(events, images, {name: values[events] for name, values in columns.items()})


def open_voxels(path: Path) -> VoxelFile:
    """Open a voxel file for reading.

    Raises
    ------
    LeveloneError
        If the file is missing, not HDF5, truncated, foreign, of a newer schema, or lacks a dataset or has it
        with another shape or type; the message names the file and the dataset.
    """
    return open_with(path, "voxel", VoxelFile, rdcc_nbytes=1 << 22)


class _VoxelReader(HdfReader):
    """`levelone-voxels`; see `levelone.data.opening.Reader`."""

    def open(self, path: Path) -> VoxelFile:
        return open_voxels(path)


READER = _VoxelReader("voxels", lambda file: file.attrs.get("schema") == SCHEMA, VoxelFile)

"""Voxel events on disk: the `levelone-voxels` HDF5 schema, sparse and streamed (see docs/voxel-format.md).

An event is one or more named grids of deposited energy plus per-event truth. Most voxels are empty, so a grid
is stored as compressed sparse rows: where each event begins, the flat (C order) index of every filled voxel,
its energy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import SCHEMA, SPLITS, GridSpec, check_cells, check_structure, damaged
from levelone.data.voxelwrite import SparseGrid, VoxelWriter, create_voxels
from levelone.errors import LeveloneError

_BRIDGE = 24
"""Largest distance of event numbers that are still read together; about half a compressed piece of muons."""
_RUN = 128
"""Most events of one read: what is made on the way to a part of them is a small share of a window."""

__all__ = ["SparseGrid", "VoxelBatch", "VoxelFile", "VoxelWriter", "create_voxels", "open_voxels"]


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
        chosen = np.arange(self.events)[events] if isinstance(events, slice) else np.asarray(events, np.int64)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= self.events):
            raise LeveloneError(
                f"event numbers must be 0 to {self.events - 1}, got {chosen.min()} to {chosen.max()}"
            )
        wanted, back = np.unique(chosen, return_inverse=True)
        sparse = self._gather(grid, wanted)
        return (sparse if np.array_equal(chosen, wanted) else sparse.take(back)).to_dense(spec.shape)

    def _gather(self, grid: str, events: NDArray[np.int64]) -> SparseGrid:
        """The filled voxels of rising event numbers; neighbours are read in one go.

        Events of other splits between them are read too and dropped: their voxels lie in the same compressed
        pieces, and one long read is much cheaper than many short ones.
        """
        gaps = np.flatnonzero(np.diff(events) > _BRIDGE) + 1
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
        rng = None if seed is None else np.random.default_rng(seed)
        names = tuple(self.grids) if grids is None else tuple(grids)
        shapes = {name: self._spec(name).shape for name in names}
        columns = {name: self.truth(name) for name in (self.columns if truth is None else truth)}
        held: list[tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]] = []
        missing = size
        for window in windows(order, rng):
            rows = np.arange(len(window)) if rng is None else rng.permutation(len(window))
            rows, skip = rows[skip:], max(skip - len(window), 0)
            if not len(rows):
                continue
            pool = {name: self._gather(name, window) for name in names}
            while len(rows):
                part, rows = rows[:missing], rows[missing:]
                images = {name: pool[name].take(part).to_dense(shapes[name]) for name in names}
                held.append((window[part], images))
                missing -= len(part)
                if not missing:
                    yield _batch(held, columns)
                    held, missing = [], size
            del pool  # before the next window is read: never two at a time
        if held:
            yield _batch(held, columns)

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


def windows(
    order: NDArray[np.int64], rng: np.random.Generator | None, block: int = 64, window: int = 32
) -> Iterator[NDArray[np.int64]]:
    """Rising event numbers of `window` blocks at a time; blocks in random order if there is a generator."""
    blocks = [order[i : i + block] for i in range(0, len(order), block)]
    if rng is not None:
        blocks = [blocks[i] for i in rng.permutation(len(blocks))]
    for i in range(0, len(blocks), window):
        yield np.sort(np.concatenate(blocks[i : i + window]))


def _batch(
    held: list[tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]], columns: Mapping[str, NDArray[Any]]
) -> VoxelBatch:
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
    path = Path(path)
    if not path.is_file():
        raise LeveloneError(f"no voxel file {path}", hint="make one with the simulation, or check the path")
    if not h5py.is_hdf5(path):
        raise LeveloneError(f"{path} is not an HDF5 file")
    with damaged(path):
        file = h5py.File(path, "r", rdcc_nbytes=1 << 22)
    try:
        return VoxelFile(path, file)
    except BaseException:
        file.close()
        raise


class _VoxelReader:
    """`levelone-voxels`; see `levelone.data.opening.Reader`."""

    holds = "voxels"

    def sniff(self, path: Path) -> bool:
        try:
            with h5py.File(path, "r") as file:
                return bool(file.attrs.get("schema") == SCHEMA)
        except (OSError, RuntimeError):
            return False

    def open(self, path: Path) -> VoxelFile:
        return open_voxels(path)


READER = _VoxelReader()

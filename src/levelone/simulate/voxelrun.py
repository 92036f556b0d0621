"""The loop that every generator of voxel events shares: chunks, seeds, splits, provenance, progress."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import levelone
from levelone.data.voxelcheck import SPLITS, Column, GridSpec
from levelone.data.voxels import SparseGrid, create_voxels
from levelone.errors import LeveloneError

Progress = Callable[[int, int], None]
SPLIT_FRACTIONS = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class VoxelSummary:
    """What a generator made.

    Attributes
    ----------
    events, splits
        Events in all and per split.
    mean_voxels
        Grid name -> mean number of filled voxels per event.
    mean_energy
        Grid name -> mean energy per event, in the grid's unit.
    outside_fraction
        Share of the deposited energy that missed the grids.
    bytes
        Size of the file.
    seconds, events_per_second
        Time taken, file writing included.
    """

    events: int
    splits: dict[str, int]
    mean_voxels: dict[str, float]
    mean_energy: dict[str, float]
    outside_fraction: float
    bytes: int
    seconds: float
    events_per_second: float


@dataclass(frozen=True)
class Generated:
    """A chunk of n events: dense `images` per grid, `truth` columns, `deposited` and `outside` energy [n]."""

    images: dict[str, NDArray[np.float32]]
    truth: dict[str, NDArray[Any]]
    deposited: NDArray[np.float64]
    outside: NDArray[np.float64]


def split_codes(events: int, seed: int, first: int = 0) -> NDArray[np.uint8]:
    """Split of events `first` to `first + events`.

    A fixed random 80 / 10 / 10 assignment by event number and seed.
    """
    draws = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, 1])).random(first + events)[
        first:
    ]
    return np.searchsorted(np.cumsum(SPLIT_FRACTIONS)[:-1], draws, side="right").astype(np.uint8)


def check_events(events: int, seed: int) -> None:
    """Refuse impossible numbers of events and seeds."""
    if events < 1:
        raise LeveloneError(f"events must be at least 1, got {events}")
    if not 0 <= seed < 1 << 63:
        raise LeveloneError(f"seed must be 0 to 2^63 - 1, got {seed}")


def check_range(name: str, limits: tuple[float, float], lowest: float, highest: float) -> None:
    """Refuse an energy range that is empty or outside what a generator models."""
    low, high = limits
    if not lowest <= low <= high <= highest:
        raise LeveloneError(
            f"{name} must be a range within {lowest:g} to {highest:g}, got {low:g} to {high:g}"
        )


def draw_energy(
    n: int, limits: tuple[float, float], spectrum: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Energies [n] flat in energy ("flat") or in its logarithm ("log")."""
    low, high = limits
    if spectrum == "flat":
        return rng.uniform(low, high, n)
    if spectrum == "log":
        return np.exp(rng.uniform(np.log(low), np.log(high), n))
    raise LeveloneError(f"no energy spectrum '{spectrum}'", hint="flat or log")


def run(
    path: Path,
    events: int,
    seed: int,
    generate: Callable[[int, np.random.Generator], Generated],
    grids: Sequence[GridSpec],
    columns: Sequence[Column],
    facts: Mapping[str, Any],
    *,
    chunk: int,
    progress: Progress | None = None,
) -> VoxelSummary:
    """Generate `events` events in chunks and write them.

    Chunk i draws from a generator seeded with (seed, i), so results do not depend on how long a run is: the
    first events of a long run are those of a short one (whole chunks). Memory is that of one chunk.

    Parameters
    ----------
    generate
        (n, generator) -> n events.
    facts
        System and parameters, for the provenance.
    chunk
        Events generated at once.
    progress
        Called with (done, events) after every chunk.
    """
    check_events(events, seed)
    began = time.perf_counter()
    filled = dict.fromkeys((g.name for g in grids), 0)
    energy = dict.fromkeys((g.name for g in grids), 0.0)
    deposited = outside = 0.0
    splits = split_codes(events, seed)
    provenance = {
        **facts,
        "seed": seed,
        "events": events,
        "levelone": levelone.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "python": platform.python_version(),
        "split_fractions": dict(zip(SPLITS, SPLIT_FRACTIONS, strict=True)),
    }
    with create_voxels(path, grids, columns, provenance) as writer:
        for number, start in enumerate(range(0, events, chunk)):
            # a chunk is always generated whole, so that a shorter run is a prefix of a longer one
            made = generate(chunk, np.random.default_rng([seed, number]))
            n = min(chunk, events - start)
            sparse = {name: SparseGrid.from_dense(image[:n]) for name, image in made.images.items()}
            truth = {name: values[:n] for name, values in made.truth.items()}
            writer.append(sparse, truth, splits[start : start + n])
            for name, grid in sparse.items():
                filled[name] += len(grid.index)
                energy[name] += float(grid.energy.sum(dtype=np.float64))
            deposited += float(made.deposited[:n].sum())
            outside += float(made.outside[:n].sum())
            if progress is not None:
                progress(start + n, events)
    seconds = time.perf_counter() - began
    return VoxelSummary(
        events=events,
        splits={name: int(np.sum(splits == code)) for code, name in enumerate(SPLITS)},
        mean_voxels={name: count / events for name, count in filled.items()},
        mean_energy={name: total / events for name, total in energy.items()},
        outside_fraction=outside / max(deposited, 1e-12),
        bytes=Path(path).stat().st_size,
        seconds=seconds,
        events_per_second=events / seconds,
    )

"""The loop that every generator of voxel events shares: chunks, seeds, splits, provenance, progress."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.data.splitting import SPLITS, split_sizes
from levelone.data.voxelcheck import Column, GridSpec
from levelone.data.voxels import SparseGrid, create_voxels
from levelone.recipe import GenerateSection
from levelone.simulate import Progress
from levelone.simulate.processes import Each
from levelone.simulate.provenance import provenance

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


def draw_energy(
    n: int, limits: tuple[float, float], spectrum: Literal["flat", "log"], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Energies [n] flat in energy ("flat") or in its logarithm ("log")."""
    low, high = limits
    if spectrum == "flat":
        return rng.uniform(low, high, n)
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def run(
    path: Path,
    system: str,
    options: GenerateSection,
    generate: Callable[[int, np.random.Generator], Generated],
    grids: Sequence[GridSpec],
    columns: Sequence[Column],
    *,
    chunk: int,
    progress: Progress | None = None,
    each: Each = map,
    engine: Mapping[str, Any] | None = None,
) -> VoxelSummary:
    """Generate events in chunks and write them.

    Chunk i draws from a generator seeded with (seed, i), so results do not depend on how long a run is: the
    first events of a long run are those of a short one (whole chunks). Memory is that of one chunk.

    Parameters
    ----------
    system, options
        For whom, how many events, from which seed; all of it is written down in the file.
    generate
        (n, generator) -> n events.
    chunk
        Events generated at once.
    progress
        Called after every chunk.
    each
        How chunks are made; in processes it needs a `generate` that can be sent there.
    engine
        What the file says of the engine, levelone's own parametrisation by default.
    """
    events, seed = options.events, options.seed
    began = time.perf_counter()
    filled = dict.fromkeys((g.name for g in grids), 0)
    energy = dict.fromkeys((g.name for g in grids), 0.0)
    deposited = outside = 0.0
    splits = split_codes(events, seed)
    facts = {
        **provenance(system, options, "numpy", "h5py"),
        "python": platform.python_version(),
        "chunk": chunk,
        "split_fractions": dict(zip(SPLITS, SPLIT_FRACTIONS, strict=True)),
        "engine": "parametrised",
        **(engine or {}),
    }
    with create_voxels(path, grids, columns, facts) as writer:
        starts = range(0, events, chunk)
        rngs = (np.random.default_rng([seed, number]) for number in range(len(starts)))
        # a chunk is always generated whole, so that a shorter run is a prefix of a longer one
        for start, made in zip(starts, each(partial(generate, chunk), rngs), strict=True):
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
        splits=split_sizes(splits),
        mean_voxels={name: count / events for name, count in filled.items()},
        mean_energy={name: total / events for name, total in energy.items()},
        outside_fraction=outside / max(deposited, 1e-12),
        bytes=Path(path).stat().st_size,
        seconds=seconds,
        events_per_second=events / seconds,
    )

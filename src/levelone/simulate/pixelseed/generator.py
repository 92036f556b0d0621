"""PixelSeed data: ttbar events with pile-up, through a pixel detector, to a file of labelled doublets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import PixelDetector, reconstruct
from levelone.data.schema import Event, create
from levelone.data.splitting import SPLITS, split_codes
from levelone.simulate import Progress
from levelone.simulate.pixelseed.clusters import CHARGE_UNIT_KE, make_clusters
from levelone.simulate.pixelseed.collection import collect
from levelone.simulate.pixelseed.collisions import Pool, Source, crossing
from levelone.simulate.pixelseed.layout import read_layout
from levelone.simulate.pixelseed.pairing import make_doublets
from levelone.simulate.pixelseed.section import Geometry, PixelSeedGenerate
from levelone.simulate.pixelseed.sensors import SENSORS, PixelSensor
from levelone.simulate.pixelseed.transport import Detector, load_acts
from levelone.simulate.processes import over_workers
from levelone.simulate.provenance import provenance
from levelone.simulate.pythia import seeds

POOL_LIMIT = 20_000
"""Minimum-bias collisions generated per split; beyond it they are used again, turned and at a new vertex."""
BLOCK_EVENTS = 5
"""Events that one detector run handles. Part of the random sequence, so not a setting."""


@dataclass(frozen=True)
class SimulationSummary:
    """What was simulated.

    Attributes
    ----------
    clusters, doublets
        Totals over all events.
    true_fraction
        Share of the doublets whose hits come from the same particle.
    overflowing
        Share of the clusters that do not fit the 16 x 16 window.
    window_efficiency
        Share of the findable true pairs (primary particles above 0.5 GeV, born inside the first layer,
        clusters on neighbouring layers) that pass the seeding windows.
    single_pixel
        Share of the clusters with one pixel.
    splits
        Doublets in each split.
    events_per_second
        Events over the wall time of everything, generator initialisation included.
    seconds
        Wall time.
    workers
        Number of processes.
    """

    events: int
    clusters: int
    doublets: int
    true_fraction: float
    overflowing: float
    window_efficiency: float
    single_pixel: float
    splits: dict[str, int]
    events_per_second: float
    seconds: float
    workers: int


@dataclass(frozen=True)
class _Task:
    """A block of events for one detector run: everything a worker needs, and nothing else."""

    geometry: Geometry
    seed: tuple[int, ...]
    split: int
    tables: list[NDArray[np.float64]]


@dataclass(frozen=True)
class _Done:
    event: Event
    findable: int
    found: int


@lru_cache(maxsize=2)
def _setup(geometry: Geometry) -> tuple[Detector, PixelSensor, PixelDetector, NDArray[np.uint64]]:
    detector = Detector()
    pixel = SENSORS[geometry]
    return detector, pixel, *read_layout(detector, pixel)


def _run_block(task: _Task) -> list[_Done]:
    detector, pixel, layout, identifiers = _setup(task.geometry)
    acts_seed = int(np.random.SeedSequence(task.seed).generate_state(1)[0])
    done = []
    blocks = zip(task.tables, detector.simulate(task.tables, acts_seed), strict=True)
    for number, (table, crossings) in enumerate(blocks):
        rng = np.random.default_rng([*task.seed, number])
        cells = collect(layout, np.searchsorted(identifiers, crossings.module), crossings, rng)
        clusters, truth = make_clusters(layout, pixel, cells, rng)
        pairs = make_doublets(
            layout, reconstruct(layout, clusters), truth, np.hypot(table[:, 3], table[:, 4])
        )
        event = Event(
            split=task.split,
            clusters=clusters,
            charge_code=np.rint(clusters.pixel_charge / CHARGE_UNIT_KE).astype(np.uint16),
            inner=pairs.inner.astype(np.uint32),
            outer=pairs.outer.astype(np.uint32),
            label=pairs.label,
        )
        done.append(_Done(event, pairs.findable, pairs.found))
    return done


def _tasks(
    geometry: Geometry, seed: int, split: NDArray[np.uint8], pileup: NDArray[np.int64]
) -> Iterator[_Task]:
    """Generate the collisions block by block: the detector starts at once and memory stays bounded."""
    of_hard, of_soft = seeds((seed, 0), 2)
    hard, soft = Source("ttbar", of_hard), Source("minbias", of_soft)
    for code in range(len(SPLITS)):
        members = np.flatnonzero(split == code)
        pool = Pool(soft, POOL_LIMIT)
        for start in range(0, members.size, BLOCK_EVENTS):
            tables = []
            for event in members[start : start + BLOCK_EVENTS]:
                rng = np.random.default_rng([seed, 1, int(event)])
                tables.append(crossing(hard.next(), pool.take(int(pileup[event])), rng))
            yield _Task(geometry, (seed, 2, code, start), code, tables)


def simulate_pixelseed(
    path: Path, options: PixelSeedGenerate, progress: Progress | None = None, *, workers: int = 1
) -> SimulationSummary:
    """Simulate ttbar events with pile-up and write their doublets to a native file.

    Parameters
    ----------
    path
        File to write (levelone's HDF5 schema; nothing is left there if the simulation fails).
    options
        How many bunch crossings, from which seed, pile-up and pixels.
    workers
        Number of processes for the detector; the events do not depend on it.

    Raises
    ------
    LeveloneError
        If the [sim] extra is missing, or the file cannot be written.
    """
    load_acts()
    begin = time.perf_counter()
    events, geometry, seed = options.events, options.geometry, options.seed
    split = split_codes(events)
    drawn = np.random.default_rng([seed, 3]).poisson(options.pileup, events).astype(np.int64)
    layout = _setup(geometry)[2]
    totals = {"clusters": 0, "doublets": 0, "true": 0, "overflow": 0, "single": 0, "findable": 0, "found": 0}
    splits = dict.fromkeys(SPLITS, 0)
    finished = 0
    with create(path, layout, CHARGE_UNIT_KE, _facts(options)) as writer:
        for block in over_workers(_run_block, _tasks(geometry, seed, split, drawn), workers):
            for done in block:
                writer.append(done.event)
                _count(totals, done)
                splits[SPLITS[done.event.split]] += done.event.inner.size
            finished += len(block)
            if progress is not None:
                progress(finished, events)
    seconds = time.perf_counter() - begin
    return SimulationSummary(
        events=events,
        clusters=totals["clusters"],
        doublets=totals["doublets"],
        true_fraction=totals["true"] / max(totals["doublets"], 1),
        overflowing=totals["overflow"] / max(totals["clusters"], 1),
        window_efficiency=totals["found"] / max(totals["findable"], 1),
        single_pixel=totals["single"] / max(totals["clusters"], 1),
        splits=splits,
        events_per_second=events / seconds,
        seconds=seconds,
        workers=workers,
    )


def _count(totals: dict[str, int], done: _Done) -> None:
    clusters = done.event.clusters
    large = (clusters.size_x > 16) | (clusters.size_y > 16)
    totals["clusters"] += len(clusters)
    totals["doublets"] += done.event.inner.size
    totals["true"] += int(done.event.label.sum())
    totals["overflow"] += int(large.sum())
    totals["single"] += int(((clusters.size_x == 1) & (clusters.size_y == 1)).sum())
    totals["findable"] += done.findable
    totals["found"] += done.found


def _facts(options: PixelSeedGenerate) -> dict[str, Any]:
    return {
        **provenance("pixelseed", options, "pythia8mc", "pyacts", "numpy"),
        "sensor": asdict(SENSORS[options.geometry]),
        "process": "pp at 14 TeV, ttbar with Poisson minimum-bias pile-up",
    }

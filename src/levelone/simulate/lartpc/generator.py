"""Particles from one vertex in liquid argon, as a plane of wires sees them.

An event is what a few particles that start at one point leave in a crop of 64 x 64 (or 128 x 128) pixels of
3 mm, wires along the columns, drift time along the rows; the third coordinate, along the wires, is not seen.
One to four particles of any kind, energies uniform, directions without preference, the vertex anywhere in the
crop; across some events a muon passes. Not simulated: a beam or neutrino interactions (what starts where is
uniform, not physics), nuclear cascades (`levelone.simulate.passage.fates` says what stands for them), other
planes, and what `levelone.simulate.lartpc.readout` leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.data.argon_images import CLASSES, NOTHING, SHOWER, TRACK, specs
from levelone.data.imagecheck import ListSpec
from levelone.data.images import Ragged
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.imagerun import Batch, Layout, write_chunks
from levelone.simulate.lartpc.argon import argon
from levelone.simulate.lartpc.readout import DRIFTS_CM, PITCH_CM, Pictures, Readout, read_out
from levelone.simulate.lartpc.section import PARTICLES, LartpcGenerate
from levelone.simulate.materials import Floats
from levelone.simulate.passage.particles import Kind, Particles, anywhere, join, take
from levelone.simulate.passage.showers import Region, follow_showers
from levelone.simulate.passage.tracks import follow_tracks
from levelone.simulate.provenance import provenance

CHUNK = 128
"""Events generated at once, with a random generator of their own."""
STEP_CM = 0.1
"""Pieces into which paths are divided."""
LONGEST_CM = 45.0
"""Paths are followed so far: more than the diagonal of a crop of 64 pixels."""
COLUMNS = (Column("drift_cm", "float32", "cm", "from the wires to the crop's first row"),)
LISTED = (
    Column("particle", "uint8", "", "what started", PARTICLES),
    Column("energy", "float32", "MeV", "its kinetic energy"),
    Column("x", "float32", "mm", "where, across the wires, from the corner of the crop"),
    Column("y", "float32", "mm", "where, along the drift"),
)
_CROSSING_MEV = (1000.0, 5000.0)


def layout(pixels: int) -> Layout:
    """What a file of crops of so many rows and columns holds."""
    image, *maps = specs(pixels)
    listed = ListSpec("particles", "what started at the vertex, and the muon that crosses", LISTED)
    return Layout([image], maps, [listed], COLUMNS)


@dataclass(frozen=True)
class LartpcSummary:
    """What was made: events per split, shares of pixels, bytes, time."""

    events: int
    splits: dict[str, int]
    filled: float
    shower: float
    unexplained: float
    bytes: int
    seconds: float
    events_per_second: float


@dataclass(frozen=True)
class Crops:
    """A chunk: `pictures`, the particles that started (`listed`), and the distance to the wires [n]."""

    pictures: Pictures
    listed: list[dict[str, NDArray[np.generic]]]
    drift_cm: Floats


def simulate_lartpc(path: Path, options: LartpcGenerate, progress: Progress | None = None) -> LartpcSummary:
    """Write events to `path`; the first events of a long run are those of a short one.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    facts = provenance("lartpc", options, "numpy", "scipy", "h5py")
    filled = np.zeros(len(CLASSES), np.int64)

    def make(rng: np.random.Generator, n: int) -> Batch:
        made = make_crops(options, rng)
        charge, classes = made.pictures.adu[:n], made.pictures.classes[:n]
        np.add(filled, np.bincount(classes[charge > 0], minlength=len(CLASSES)), out=filled)
        return Batch(
            {"charge": charge},
            {"class": classes, "particle": made.pictures.kinds[:n]},
            {"particles": Ragged.of(made.listed[:n])},
            {"drift_cm": made.drift_cm[:n].astype(np.float32)},
        )

    run = write_chunks(path, layout(options.pixels), facts, options, CHUNK, make, progress)
    return LartpcSummary(
        events=options.events,
        splits=run.splits,
        filled=float(filled.sum() / (options.events * options.pixels**2)),
        shower=float(filled[SHOWER] / max(filled[SHOWER] + filled[TRACK], 1)),
        unexplained=float(filled[NOTHING] / max(filled.sum(), 1)),
        bytes=run.bytes,
        seconds=run.seconds,
        events_per_second=run.events_per_second,
    )


def make_crops(options: LartpcGenerate, rng: np.random.Generator, step_cm: float = STEP_CM) -> Crops:
    """`CHUNK` events, whose paths are divided into pieces of `step_cm`."""
    side = options.pixels * PITCH_CM
    started = start(options, side, rng)
    drift = rng.uniform(*DRIFTS_CM, CHUNK)
    # across the wires, along them (not seen), along the drift
    region = Region((0, -np.inf, 0), (side, np.inf, side))
    matter = argon(options.recombination)
    longest = LONGEST_CM * options.pixels / 64
    tracks, knocked = follow_tracks(started, matter, step_cm, longest, rng)
    electrons = join([take(started, started.kind == Kind.ELECTRON), knocked])
    photons = take(started, started.kind == Kind.PHOTON)
    showers = follow_showers(electrons, photons, region, matter, step_cm, rng)
    plan = Readout(options.noise, options.threshold, options.lifetime_ms)
    pictures = read_out(join([tracks, showers]), CHUNK, options.pixels, drift, plan, rng)
    return Crops(pictures, _listed(started), drift)


def start(options: LartpcGenerate, side_cm: float, rng: np.random.Generator) -> Particles:
    """What starts in `CHUNK` events."""
    count = rng.integers(1, options.most_particles + 1, CHUNK)
    event = np.repeat(np.arange(CHUNK), count)
    kind = rng.choice([PARTICLES.index(name) for name in options.particles], len(event))
    shower, track = (rng.uniform(*limits, len(event)) for limits in (options.shower_mev, options.track_mev))
    vertex = rng.uniform(0, side_cm, (CHUNK, 3))[event]
    energy = np.where(np.isin(kind, (Kind.ELECTRON, Kind.PHOTON)), shower, track)
    from_vertex = Particles(event, kind, energy, vertex, anywhere(len(event), rng))
    crossed = np.flatnonzero(rng.random(CHUNK) < options.cosmics)
    n = len(crossed)
    way = anywhere(n, rng)
    begins = rng.uniform(0, side_cm, (n, 3)) - way * LONGEST_CM * options.pixels / 128
    muon = np.full(n, int(Kind.MUON))
    crossing = Particles(crossed, muon, rng.uniform(*_CROSSING_MEV, n), begins, way)
    return join([from_vertex, crossing])


def _listed(started: Particles) -> list[dict[str, NDArray[np.generic]]]:
    found: list[dict[str, NDArray[np.generic]]] = []
    for number in range(CHUNK):
        mine = take(started, started.event == number)
        place = (10 * mine.position[:, ::2]).astype(np.float32)
        found.append(
            {
                "particle": mine.kind.astype(np.uint8),
                "energy": mine.energy.astype(np.float32),
                "x": place[:, 0],
                "y": place[:, 1],
            }
        )
    return found

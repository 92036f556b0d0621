"""Neutrinos of an off-axis beam in a segmented scintillator detector.

A neutrino interacts (`levelone.simulate.neutrino`), its muon, electron, protons, charged pions and photons
pass through the detector (`levelone.simulate.passage`, or Geant4), and cells are read in two views. Neutrons
and the second neutrino leave nothing. Not simulated: cosmic muons, other beam events at the same time, the
detector's edges, nuclear cascades, decays of pions in flight, electron neutrinos that are in the beam from
the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.imagecheck import ImageSpec
from levelone.data.voxelcheck import Column
from levelone.errors import LeveloneError
from levelone.simulate import Progress
from levelone.simulate.calorimeter.showers import pi0_photons
from levelone.simulate.deflections import turned
from levelone.simulate.imagerun import Batch, Layout, chunks, write_chunks
from levelone.simulate.materials import ELECTRON_MEV, PI0_MEV, Floats
from levelone.simulate.neutrino.interactions import CLASSES, PROCESSES, Final, interact
from levelone.simulate.nova import beam
from levelone.simulate.nova.detector import (
    CELL_CM,
    CELLS,
    LENGTH_CM,
    NUCLEONS,
    PLANE_CM,
    PLANES,
    matter,
)
from levelone.simulate.nova.readout import BITS, STEP_MEV, Pictures, Readout, read_out
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.particles import MASS, Deposits, Kind, Particles, join, take
from levelone.simulate.passage.showers import Region, follow_showers
from levelone.simulate.passage.tracks import follow_tracks
from levelone.simulate.processes import Each
from levelone.simulate.provenance import provenance

CHUNK = 128
"""Events generated at once, with a random generator of their own."""
_TRIED = 176
"""Neutrinos that are let interact for them; again, if too few leave enough."""
_ROUNDS = 4
"""From so many rounds of `_TRIED` on, fewer events than rounds are too few to go on."""
STEP_CM = 1.0
"""Pieces into which paths are divided."""
Transport = Callable[[Particles, np.random.Generator], Deposits]
"""What particles of events 0, 1, ... leave."""
LONGEST_CM = 1500.0
_BESIDE_CM, _BEHIND_CM = 250.0, 1450.0
VIEWS = ("xz", "yz")
_PICTURES = ("counts", "outside")
COLUMNS = (
    Column("label", "uint8", "", "what interacted", CLASSES),
    Column("process", "uint8", "", "how", PROCESSES),
    Column("energy", "float32", "GeV", "of the neutrino"),
    Column("lepton", "float32", "GeV", "energy of the charged lepton; 0 of neutral currents"),
    Column("rate", "float32", "", "events of the oscillated mixture for which it stands, up to a factor"),
)


def view_spec(name: str) -> ImageSpec:
    """The picture of one view."""
    return ImageSpec(
        name,
        (1, CELLS, PLANES),
        "uint16",
        f"{STEP_MEV:g} MeV",
        f"visible energy: cells along {name[0]}, every other plane along the beam",
        ("energy",),
        cell=(2 * PLANE_CM, CELL_CM),
        cell_unit="cm",
        bits=BITS,
    )


def layout() -> Layout:
    """What a file of these events holds."""
    return Layout([view_spec(name) for name in VIEWS], columns=COLUMNS)


@dataclass(frozen=True)
class NovaSummary:
    """What was made: events per split and class, cells that fired per event, bytes, time."""

    events: int
    splits: dict[str, int]
    classes: dict[str, int]
    filled: float
    outside: float
    bytes: int
    seconds: float
    events_per_second: float


@dataclass(frozen=True)
class Made:
    """A chunk: `pictures`, and the columns of truth."""

    pictures: Pictures
    truth: dict[str, NDArray[np.generic]]


def pass_through(started: Particles, rng: np.random.Generator, step_cm: float = STEP_CM) -> Deposits:
    """What particles of any events leave in the detector; paths are divided into pieces of `step_cm`."""
    region = Region((-_BESIDE_CM,) * 2 + (-100.0,), (_BESIDE_CM,) * 2 + (_BEHIND_CM,), beyond_cm=20.0)
    tracks, knocked = follow_tracks(started, matter(), step_cm, LONGEST_CM, rng)
    electrons = join([take(started, started.kind == Kind.ELECTRON), knocked])
    photons = take(started, started.kind == Kind.PHOTON)
    return join([tracks, follow_showers(electrons, photons, region, matter(), step_cm, rng)])


def simulate_nova(
    path: Path,
    options: NovaGenerate,
    progress: Progress | None = None,
    *,
    transport: Transport = pass_through,
    each: Each = map,
    engine: Mapping[str, Any] | None = None,
) -> NovaSummary:
    """Write events to `path`; the first events of a long run are those of a short one.

    Parameters
    ----------
    transport
        levelone's own parametrisation, or another engine.
    each
        How chunks are made; in processes `transport` is sent there.
    engine
        What the file says of another engine.

    Raises
    ------
    LeveloneError
        If the file cannot be written, or hardly an event leaves `options.least_cells`.
    """
    events = options.events
    facts = {**provenance("nova", options, "numpy", "h5py"), **(engine or {})}
    classes = np.zeros(len(CLASSES), np.int64)
    filled, outside = 0, 0.0
    found = each(
        partial(make_events, options, transport=transport), (rng for rng, _ in chunks(options, CHUNK))
    )

    def make(_: np.random.Generator, n: int) -> Batch:
        nonlocal filled, outside
        made = next(found)
        counts = made.pictures.counts[:n]
        truth = {name: values[:n] for name, values in made.truth.items()}
        np.add(classes, np.bincount(truth["label"].astype(np.int64), minlength=len(CLASSES)), out=classes)
        filled += int(np.count_nonzero(counts))
        outside += float(made.pictures.outside[:n].sum())
        return Batch({name: counts[:, view : view + 1] for view, name in enumerate(VIEWS)}, truth=truth)

    run = write_chunks(path, layout(), facts, options, CHUNK, make, progress)
    return NovaSummary(
        events=events,
        splits=run.splits,
        classes=dict(zip(CLASSES, classes.tolist(), strict=True)),
        filled=filled / events,
        outside=outside / events,
        bytes=run.bytes,
        seconds=run.seconds,
        events_per_second=run.events_per_second,
    )


def make_events(options: NovaGenerate, rng: np.random.Generator, transport: Transport = pass_through) -> Made:
    """`CHUNK` events that leave enough.

    Raises
    ------
    LeveloneError
        If hardly one of `_TRIED` neutrinos leaves enough.
    """
    parts: list[Made] = []
    while (kept := sum(len(part.pictures.outside) for part in parts)) < CHUNK:
        if len(parts) >= _ROUNDS and kept < len(parts):
            raise LeveloneError(
                f"generate.least_cells = {options.least_cells}: {kept} of {len(parts) * _TRIED} neutrinos "
                f"leave so many cells in both views, with generate.threshold_pe = {options.threshold_pe:g}",
                hint="lower either",
            )
        made = try_events(options, _TRIED, rng, transport)
        cells = np.count_nonzero(made.pictures.counts, axis=(2, 3))
        parts.append(_rows(made, np.flatnonzero((cells >= options.least_cells).all(1))))
    whole = Made(
        Pictures(*(np.concatenate([getattr(part.pictures, name) for part in parts]) for name in _PICTURES)),
        {name: np.concatenate([part.truth[name] for part in parts]) for name in parts[0].truth},
    )
    return _rows(whole, np.arange(CHUNK))


def _rows(made: Made, rows: NDArray[np.int64]) -> Made:
    pictures = Pictures(*(getattr(made.pictures, name)[rows] for name in _PICTURES))
    return Made(pictures, {name: values[rows] for name, values in made.truth.items()})


def try_events(
    options: NovaGenerate, count: int, rng: np.random.Generator, transport: Transport = pass_through
) -> Made:
    """`count` neutrinos that interact, whatever they leave."""
    kind, energy = beam.draw(options, NUCLEONS, count, rng)
    process, lepton = np.zeros(count, np.int64), np.zeros(count)
    parts = [Particles.none()]
    left = np.arange(count)
    while len(left):  # the exclusion principle refuses a few
        missing = []
        for number in range(len(CLASSES)):
            mine = left[kind[left] == number]
            final, done = interact(number, energy[mine], NUCLEONS, rng)
            rows = mine[done]
            process[rows] = final.process
            lepton[rows] = final.lepton[:, 0] * (number < 2)
            parts.append(_leave(final, number, rows, rng))
            missing.append(mine[~done])
        left = np.concatenate(missing)
    deposits = transport(placed(join(parts), count, rng), rng)
    distance = rng.uniform(CELLS * CELL_CM / 2, LENGTH_CM - CELLS * CELL_CM / 2, (count, 2))
    plan = Readout(options.noise_pe, options.threshold_pe, options.pe_per_mev)
    pictures = read_out(deposits, count, distance, plan, rng)
    truth: dict[str, NDArray[np.generic]] = {
        "label": kind.astype(np.uint8),
        "process": process.astype(np.uint8),
        "energy": energy.astype(np.float32),
        "lepton": lepton.astype(np.float32),
        "rate": beam.weight(options, NUCLEONS, kind, energy).astype(np.float32),
    }
    return Made(pictures, truth)


def placed(particles: Particles, count: int, rng: np.random.Generator) -> Particles:
    """Vertices anywhere in a cell of both views: what the edges of cells do to an event is no pattern."""
    vertex = rng.random((count, 3)) * np.array([CELL_CM, CELL_CM, 2 * PLANE_CM])
    return Particles(
        particles.event, particles.kind, particles.energy, vertex[particles.event], particles.direction
    )


def _leave(final: Final, number: int, rows: NDArray[np.int64], rng: np.random.Generator) -> Particles:
    """What of interactions of a class leaves something; they are the events `rows`."""
    hadrons = final.hadrons
    seen = hadrons.charge != 0
    neutral = ~hadrons.nucleon & ~seen
    parts = [
        _charged(rows[hadrons.event[chosen]], what, hadrons.momentum[chosen])
        for what, chosen in ((Kind.PROTON, seen & hadrons.nucleon), (Kind.PION, seen & ~hadrons.nucleon))
    ]
    if number < 2:
        parts.append(_charged(rows, (Kind.MUON, Kind.ELECTRON)[number], final.lepton))
    parts += _photons(rows[hadrons.event[neutral]], hadrons.momentum[neutral], rng)
    return join(parts)


def _charged(event: NDArray[np.int64], kind: Kind, momentum: Floats) -> Particles:
    size = np.sqrt((momentum[:, 1:] ** 2).sum(1))
    mass = MASS[kind]
    kinetic = np.maximum(np.hypot(1e3 * size, mass) - mass, 0.01)
    return Particles(
        event,
        np.full(len(event), int(kind)),
        kinetic,
        np.zeros((len(event), 3)),
        _unit(momentum[:, 1:], size),
    )


def _photons(event: NDArray[np.int64], momentum: Floats, rng: np.random.Generator) -> list[Particles]:
    """Both photons of neutral pions."""
    size = np.sqrt((momentum[:, 1:] ** 2).sum(1))
    whole = np.hypot(size, PI0_MEV / 1e3)
    energy, angle, azimuth = pi0_photons(whole, rng)
    axis = _unit(momentum[:, 1:], size)
    return [
        Particles(
            event,
            np.full(len(event), int(Kind.PHOTON)),
            np.maximum(1e3 * energy[one], ELECTRON_MEV),
            np.zeros((len(event), 3)),
            turned(axis, np.cos(angle[one]), azimuth + one * np.pi),
        )
        for one in (0, 1)
    ]


def _unit(momentum: Floats, size: Floats) -> Floats:
    way = momentum / np.maximum(size, 1e-12)[:, None]
    way[size < 1e-12] = (0, 0, 1)
    return way

"""Frames of a microscope that sees single molecules shine.

Molecules lie at uniform places of a plane, as many as a Poisson number of the frame's density; none of them
knows of the others, and those just outside the frame shine into it. Their photons per frame are

exponential
    as a molecule has that goes dark with the same chance after every photon: G. T. Dempsey et al., Nature
    Methods 8, 1027 (2011), find such distributions for the photons of one switching cycle;
lognormal, fixed
    by choice; no source.

Point-spread functions: `levelone.simulate.smlm.optics`; cameras: `levelone.simulate.smlm.camera`. The truth
of every molecule inside the frame is its place, its photons, and how well its place can be known at best
(`levelone.simulate.smlm.precision`). Not simulated: molecules that go on or off within a frame, out of focus,
or that move; background that is not uniform.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.images import Ragged
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.imagerun import Batch, Layout, write_chunks
from levelone.simulate.materials import Floats
from levelone.simulate.provenance import provenance
from levelone.simulate.smlm.camera import Camera, camera_of
from levelone.simulate.smlm.optics import Optics, optics_of
from levelone.simulate.smlm.precision import bounds
from levelone.simulate.smlm.section import SmlmGenerate

CHUNK = 128
"""Frames generated at once, with a random generator of their own."""
MARGIN = 3.0
"""So many pixels outside the frame molecules still shine into it."""
MAP = ("present", "dx", "dy", "log_photons")
"""Channels of the map: is there a molecule in this pixel, how far from its middle (pixels), how bright."""
LIST = ("x", "y", "photons", "bound")

COLUMNS = (
    Column("x", "float32", "nm", "along the columns, from the outer corner of the frame"),
    Column("y", "float32", "nm", "along the rows"),
    Column("photons", "float32", "", "expected photons in this frame, before the camera's efficiency"),
    Column(
        "bound", "float32", "nm", "smallest standard deviation of its place, of both coordinates together"
    ),
)


@dataclass(frozen=True)
class SmlmSummary:
    """What was made: events per split, molecules per frame, median bound in nm, bytes, time."""

    events: int
    splits: dict[str, int]
    molecules: float
    median_bound_nm: float
    saturated: float
    bytes: int
    seconds: float
    events_per_second: float


@dataclass(frozen=True)
class Frames:
    """A chunk: camera numbers [n, 1, rows, columns], their maps and lists, and the density of each [n]."""

    frame: NDArray[np.uint16]
    truth: NDArray[np.float32]
    molecules: list[dict[str, NDArray[np.float32]]]
    density: NDArray[np.float32]


def layout(pixels: int, pixel_nm: float, bits: int) -> Layout:
    """What a file of frames of so many rows and columns holds, by a camera of so many bits."""
    shape, cell = (pixels, pixels), (pixel_nm, pixel_nm)
    frame = ImageSpec(
        "frame", (1, *shape), "uint16", "ADU", "the camera's numbers", ("light",), cell, "nm", bits
    )
    truth = ImageSpec("molecules", (len(MAP), *shape), "float32", "", "dx, dy in pixels", MAP, cell, "nm")
    density = Column("density", "float32", "1/um2", "molecules per square micrometre, expected")
    return Layout([frame], [truth], [ListSpec("molecules", "molecules inside the frame", COLUMNS)], [density])


def simulate_smlm(path: Path, options: SmlmGenerate, progress: Progress | None = None) -> SmlmSummary:
    """Write frames to `path`; the first frames of a long run are those of a short one.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    events = options.events
    facts = provenance("smlm", options, "numpy", "scipy", "h5py")
    optics, camera = optics_of(options), camera_of(options)
    bound: list[NDArray[np.float32]] = []
    saturated = 0

    def make(rng: np.random.Generator, n: int) -> Batch:
        nonlocal saturated
        made = make_frames(options, optics, camera, rng)
        frames, molecules = made.frame[:n], made.molecules[:n]
        bound.extend(each["bound"] for each in molecules)
        saturated += int((frames == (1 << options.bits) - 1).sum())
        return Batch(
            {"frame": frames},
            {"molecules": made.truth[:n]},
            {"molecules": Ragged.of(molecules)},
            {"density": made.density[:n]},
        )

    written = layout(options.pixels, options.pixel_nm, options.bits)
    run = write_chunks(path, written, facts, options, CHUNK, make, progress)
    all_bounds = np.concatenate(bound)
    return SmlmSummary(
        events=events,
        splits=run.splits,
        molecules=len(all_bounds) / events,
        median_bound_nm=float(np.median(all_bounds)) if len(all_bounds) else float("nan"),
        saturated=saturated / (events * options.pixels**2),
        bytes=run.bytes,
        seconds=run.seconds,
        events_per_second=run.events_per_second,
    )


def make_frames(options: SmlmGenerate, optics: Optics, camera: Camera, rng: np.random.Generator) -> Frames:
    """`CHUNK` frames."""
    pixels, wide = options.pixels, options.pixels + 2 * MARGIN
    area = (wide * options.pixel_nm / 1000) ** 2
    density = rng.choice(np.asarray(options.densities), CHUNK)
    counts = rng.poisson(density * area)
    background = rng.uniform(*options.background, CHUNK)
    x, y = rng.uniform(-MARGIN, pixels + MARGIN, (2, int(counts.sum())))
    photons = draw_photons(options, len(x), rng)
    ends = np.cumsum([0, *counts])
    expected = np.empty((CHUNK, pixels, pixels))
    truth = np.zeros((CHUNK, len(MAP), pixels, pixels), np.float32)
    molecules = []
    for number in range(CHUNK):
        mine = slice(ends[number], ends[number + 1])
        at_x, at_y, light = x[mine], y[mine], photons[mine]
        expected[number] = background[number] + np.tensordot(light, optics.spots(at_x, at_y), 1)
        bound = bounds(optics, camera, at_x, at_y, light, float(background[number]))
        inside = (at_x >= 0) & (at_x < pixels) & (at_y >= 0) & (at_y < pixels)
        at_x, at_y, light, bound = at_x[inside], at_y[inside], light[inside], bound[inside]
        truth[number] = molecule_map(at_x, at_y, light, pixels)
        found = (at_x * options.pixel_nm, at_y * options.pixel_nm, light, bound * options.pixel_nm)
        molecules.append({name: values.astype(np.float32) for name, values in zip(LIST, found, strict=True)})
    frame = camera.expose(expected, rng)[:, None]
    return Frames(frame, truth, molecules, density.astype(np.float32))


def draw_photons(options: SmlmGenerate, count: int, rng: np.random.Generator) -> Floats:
    """Photons of molecules, whose mean is `options.photons`."""
    if options.brightness == "exponential":
        return rng.exponential(options.photons, count)
    if options.brightness == "lognormal":
        wide = options.photons_spread
        return options.photons * rng.lognormal(-(wide**2) / 2, wide, count)
    return np.full(count, options.photons)


def molecule_map(x: Floats, y: Floats, photons: Floats, pixels: int) -> NDArray[np.float32]:
    """The map of a frame, [len(MAP), rows, columns]; of two molecules in a pixel the brighter one.

    Parameters
    ----------
    x, y
        In pixels, inside the frame, in any order.
    """
    found = np.zeros((len(MAP), pixels, pixels), np.float32)
    order = np.argsort(photons, kind="stable")  # the brightest is written last
    x, y, photons = x[order], y[order], photons[order]
    row, column = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    values = (np.ones(len(x)), x - column - 0.5, y - row - 0.5, np.log(np.maximum(photons, 1.0)))
    for channel, value in enumerate(values):
        found[channel, row, column] = value
    return found

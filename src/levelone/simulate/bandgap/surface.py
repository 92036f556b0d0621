"""Areas of molybdenum disulphide on graphite: what lies where, before a microscope looks.

An area is a periodic square of twice the image's side; the image is its middle. It has

- roughness of the substrate: a normal random surface whose correlation is exp(-r^2 / l^2), made of waves
  whose amplitudes do not know the grid;
- with some chance a terrace of the graphite, one layer (0.335 nm) up or down, over whose edge the sheet is
  draped;
- with some chance an island of a second layer, 0.615 nm high (half the lattice constant c of the crystal),
  with a sharp edge; the first layer under it is not bent;
- charged defects at uniform places.

Edges of terraces and islands are closed curves, r(angle) = r0 (1 + two waves). Sizes, chances and widths
of edges are by choice; no source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.simulate.materials import Floats

GRAPHITE_NM, LAYER_NM = 0.335, 0.615
"""Heights of a graphite layer and of a layer of molybdenum disulphide."""
DRAPED_NM, EDGE_NM = 1.2, 0.25
"""Half widths of the edges of a terrace and of an island."""
_WAVES = 5.0  # roughness has waves up to this number over its correlation length
_SIZES = {"terrace": (0.15, 0.35), "island": (0.08, 0.25)}  # r0 over the side of the area
_WAVY = (0.12, 0.08)  # largest amplitudes of two and of three waves around an edge


@dataclass(frozen=True)
class Area:
    """What is there, on a grid of points [rows, columns] that are `pitch` nm apart.

    Attributes
    ----------
    sheet
        Height of the first layer, nm.
    layers
        1 to 2.
    to_edge, to_terrace
        Distance to the edge of an island and of a terrace, nm; infinite if there is none.
    to_defects
        Of every defect, [k, rows, columns] nm.
    charge
        Of every defect: 1 repels electrons, [k].
    """

    pitch: float
    sheet: Floats
    layers: Floats
    to_edge: Floats
    to_terrace: Floats
    to_defects: Floats
    charge: Floats


def make_area(options: BandgapGenerate, rng: np.random.Generator) -> Area:
    """An area; the same draws give the same one on any grid (`options.fine`)."""
    points = 2 * options.pixels * options.fine
    pitch = options.pixel_nm / options.fine
    side = points * pitch
    place: Floats = np.arange(points, dtype=np.float64) * pitch
    sheet = _rough(options, side, points, rng)
    wide = {name: _closed(place, side, size, rng) for name, size in _SIZES.items()}
    up = rng.choice((-1.0, 1.0))
    there = rng.random(2) < (options.terraces, options.islands)
    far = np.full((points, points), np.inf)
    layers = np.ones((points, points))
    if there[0]:
        sheet = sheet + up * GRAPHITE_NM * (1 + np.tanh(wide["terrace"] / DRAPED_NM)) / 2
    if there[1]:
        layers = layers + (1 + np.tanh(wide["island"] / EDGE_NM)) / 2
    count = rng.poisson(options.defects * side**2)
    x, y = rng.uniform(0, side, (2, count))
    charge = rng.choice((-1.0, 1.0), count)
    to_defects = np.hypot(
        _apart(place[None, :] - x[:, None], side)[:, None, :],
        _apart(place[None, :] - y[:, None], side)[:, :, None],
    )
    to_terrace, to_edge = (
        np.abs(wide[name]) if here else far for name, here in zip(("terrace", "island"), there, strict=True)
    )
    return Area(pitch, sheet, layers, to_edge, to_terrace, to_defects, charge)


def _rough(options: BandgapGenerate, side: float, points: int, rng: np.random.Generator) -> Floats:
    """Roughness, [points, points] nm: waves of a normal random surface, as many for every grid."""
    most = int(_WAVES / options.correlation_nm * side / (2 * np.pi))
    number = np.arange(-most, most + 1)
    ny, nx = np.meshgrid(number, number, indexing="ij")
    wave = 2 * np.pi * np.hypot(nx, ny) / side
    power = np.exp(-((wave * options.correlation_nm) ** 2) / 4)
    power[most, most] = 0  # the mean height means nothing
    rms = rng.uniform(*options.corrugation_nm)
    drawn = rng.normal(size=(2, *power.shape))
    amplitude = rms * np.sqrt(power / power.sum()) * (drawn[0] + 1j * drawn[1])
    spectrum = np.zeros((points, points), np.complex128)
    spectrum[ny, nx] = amplitude
    found: Floats = np.fft.ifft2(spectrum).real * points**2
    return found


def _closed(place: Floats, side: float, size: tuple[float, float], rng: np.random.Generator) -> Floats:
    """About how far every point lies inside a closed curve, nm; negative outside."""
    cx, cy = rng.uniform(0, side, 2)
    radius = side * rng.uniform(*size)
    amplitudes, phases = rng.uniform(0, _WAVY), rng.uniform(0, 2 * np.pi, 2)
    dx, dy = _apart(place - cx, side)[None, :], _apart(place - cy, side)[:, None]
    angle = np.arctan2(dy, dx)
    edge = radius * (
        1 + sum(a * np.cos(n * angle + p) for n, a, p in zip((2, 3), amplitudes, phases, strict=True))
    )
    found: Floats = edge - np.hypot(dx, dy)
    return found


def _apart(distance: Floats, side: float) -> Floats:
    """Along one axis, to the nearest of all repetitions."""
    return (distance + side / 2) % side - side / 2

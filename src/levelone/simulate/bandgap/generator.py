"""Topographs of molybdenum disulphide on graphite, and its band gap at every pixel.

The relation of the two maps is that of a sheet that is stretched by the shape it is pressed on
(`levelone.simulate.bandgap.sheet`): the gap depends on products of slopes within some nanometres, and on
the number of layers. The topograph (`levelone.simulate.bandgap.microscope`) shows the shape, dilated by
the tip, together with what the electrons do: defects bend the bands, a smaller gap lets more of them
through. It is levelled as microscopes do it, by subtracting the plane that fits best, and has normal
noise. A gap that is measured has normal noise, too: **no method can come closer to it than that noise**,
whose size is known. How close the best one could come is not known: the tip hides part of the surface, and
what lies outside the image stretches what lies inside.

J. Peto et al., npj 2D Mater. Appl. 3, 39 (2019), measured topographs and gaps of bubbles of molybdenum
disulphide. Not simulated: atoms, moire patterns, drift and creep of the scanner, noise that is not white,
grain boundaries, the directions of strain, edge states.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.data.imagecheck import ImageSpec
from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.bandgap.microscope import bending, dilated, lifted
from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.simulate.bandgap.sheet import GAP_EV, gap, stretch
from levelone.simulate.bandgap.surface import LAYER_NM, Area, make_area
from levelone.simulate.imagerun import Batch, Layout, write_chunks
from levelone.simulate.materials import Floats
from levelone.simulate.provenance import provenance

CHUNK = 64
"""Areas generated at once, with a random generator of their own."""
BITS = 12
"""Heights are below 2**12 pm in size."""
GAP = ("measured", "true")
"""Channels of the map `gap`, eV."""
SURFACE = ("layers", "edge", "terrace", "defect")
"""Channels of the map `surface`: 1 to 2, and the distance in nm to the nearest edge of an island, edge of a
terrace, charged defect, at most `FAR_NM`."""
FAR_NM = 99.0


@dataclass(frozen=True)
class BandgapSummary:
    """What was made: images per split, means over all pixels, bytes, time.

    Attributes
    ----------
    height_rms_pm
        Of the levelled heights.
    gap_ev, gap_rms_ev
        Mean and standard deviation of the true gap.
    second_layer
        Share of pixels with a second layer.
    """

    events: int
    splits: dict[str, int]
    height_rms_pm: float
    gap_ev: float
    gap_rms_ev: float
    second_layer: float
    bytes: int
    seconds: float
    events_per_second: float


@dataclass(frozen=True)
class Pictures:
    """Images: heights int16 [n, 1, rows, columns] pm, gaps [n, 2, ...] eV, surfaces [n, 4, ...]."""

    topography: NDArray[np.int16]
    gap: NDArray[np.float32]
    surface: NDArray[np.float32]

    def __getitem__(self, events: slice) -> Pictures:
        return Pictures(self.topography[events], self.gap[events], self.surface[events])


def layout(pixels: int, pixel_nm: float) -> Layout:
    """What a file of images of so many rows and columns holds."""
    shape, cell = (pixels, pixels), (pixel_nm, pixel_nm)
    height = "height of the tip, levelled"
    image = ImageSpec("topography", (1, *shape), "int16", "pm", height, ("height",), cell, "nm", BITS)
    maps = [
        ImageSpec("gap", (len(GAP), *shape), "float32", "eV", "band gap", GAP, cell, "nm"),
        ImageSpec("surface", (len(SURFACE), *shape), "float32", "", "distances in nm", SURFACE, cell, "nm"),
    ]
    noise = Column("gap_noise", "float32", "eV", "standard deviation of a measured gap")
    return Layout([image], maps, columns=[noise])


def simulate_bandgap(
    path: Path, options: BandgapGenerate, progress: Progress | None = None
) -> BandgapSummary:
    """Write images to `path`; the first images of a long run are those of a short one.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    events, side = options.events, options.pixels
    facts = provenance("bandgap", options, "numpy", "h5py")
    squares, sums, layers = 0.0, np.zeros(2), 0

    def make(rng: np.random.Generator, n: int) -> Batch:
        nonlocal squares, layers
        made = make_pictures(options, rng)[:n]
        squares += float((made.topography.astype(np.float64) ** 2).sum())
        true = made.gap[:, 1].astype(np.float64)
        np.add(sums, (true.sum(), (true**2).sum()), out=sums)
        layers += int((made.surface[:, 0] > 1.5).sum())
        return Batch(
            {"topography": made.topography},
            {"gap": made.gap, "surface": made.surface},
            truth={"gap_noise": np.full(n, options.gap_noise_mev / 1000, np.float32)},
        )

    run = write_chunks(path, layout(side, options.pixel_nm), facts, options, CHUNK, make, progress)
    pixels = events * side**2
    mean = sums[0] / pixels
    return BandgapSummary(
        events=events,
        splits=run.splits,
        height_rms_pm=(squares / pixels) ** 0.5,
        gap_ev=float(mean),
        gap_rms_ev=float(np.sqrt(sums[1] / pixels - mean**2)),
        second_layer=layers / pixels,
        bytes=run.bytes,
        seconds=run.seconds,
        events_per_second=run.events_per_second,
    )


def make_pictures(options: BandgapGenerate, rng: np.random.Generator, count: int = CHUNK) -> Pictures:
    """`count` images; another `options.fine` changes how finely they are computed, and nothing else."""
    side = options.pixels
    height, true = np.empty((2, count, side, side))
    surface = np.empty((count, len(SURFACE), side, side), np.float32)
    for number in range(count):
        area = make_area(options, rng)
        height[number], true[number] = look(options, area, rng.uniform(*options.tip_nm))
        surface[number] = _surface(options, area)
    noise = rng.normal(size=(2, *height.shape))
    height = levelled(height + options.height_noise_pm * 1e-3 * noise[0])
    codes = np.clip(np.rint(height * 1e3), 1 - (1 << BITS), (1 << BITS) - 1).astype(np.int16)
    measured = true + options.gap_noise_mev * 1e-3 * noise[1]
    return Pictures(codes[:, None], np.stack([measured, true], axis=1).astype(np.float32), surface)


def look(options: BandgapGenerate, area: Area, radius: float) -> tuple[Floats, Floats]:
    """Height of a tip of `radius` nm, and the gap in eV, at every pixel, without noise."""
    strain = stretch(area.sheet, area.pitch, options.grip_nm)
    true = gap(area.layers, strain, options.rate_mev)
    bent = bending(area.charge, area.to_defects)
    seen = area.sheet + LAYER_NM * (area.layers - 1) + lifted(true, bent, options.bias_v, GAP_EV[0])
    at = _middle(options)
    return dilated(seen, area.pitch, radius, at), true[np.ix_(at, at)]


def levelled(height: Floats) -> Floats:
    """Images [n, rows, columns] without the plane that fits each of them best."""
    y, x = (each - each.mean() for each in np.indices(height.shape[1:]).astype(np.float64))
    flat = height - height.mean((1, 2), keepdims=True)
    for axis in (x, y):  # orthogonal, on a full grid
        flat = flat - axis * ((flat * axis).sum((1, 2), keepdims=True) / (axis**2).sum())
    found: Floats = flat
    return found


def _middle(options: BandgapGenerate) -> NDArray[np.int64]:
    """Which rows and columns of an area the image's pixels are."""
    return (options.pixels // 2 + np.arange(options.pixels)) * options.fine


def _surface(options: BandgapGenerate, area: Area) -> NDArray[np.float32]:
    nearest = area.to_defects.min(0, initial=FAR_NM)
    far = [np.minimum(each, FAR_NM) for each in (area.to_edge, area.to_terrace, nearest)]
    at = _middle(options)
    return np.stack([area.layers, *far])[:, at[:, None], at].astype(np.float32)

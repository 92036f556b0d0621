"""What a person would compute of an event in the xenon chamber."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxels import VoxelFile
from levelone.simulate.materials import Floats
from levelone.simulate.next.generator import CLASSES
from levelone.simulate.summaries import YES_NO, Quantity, Sample, bins

BLOB_VOXELS = (3, 3, 5)
"""Size of a blob: 30 x 30 x 25 mm."""
APART_VOXELS = (3, 3, 6)
"""The second blob's centre is farther than this from the first along at least one axis."""
CONTAINED_KEV = 2400.0

_TRACKS = "rms extents of tracks are 2 % off"
_PHOTONS = "photons are absorbed, scattered or gone; pairs and fluorescence are left out"
QUANTITIES = (
    Quantity("contained", "", "more than 2,400 keV within 35 cm of the vertex", YES_NO, 0.04, _PHOTONS),
    Quantity("near", "keV", "energy within 35 cm of the vertex", bins(1700, 2460, 38), 0.05, _PHOTONS),
    Quantity("measured", "keV", "energy in the voxels", bins(1500, 2550, 42), 0.05, _PHOTONS),
    Quantity("extent", "mm", "rms distance from the centre of charge", bins(5, 75, 35), 0.06, _TRACKS),
    Quantity("voxels", "", "voxels above threshold", bins(60, 280, 44), 0.06, _TRACKS),
    Quantity("first blob", "keV", "energy of the densest blob", bins(250, 1500, 50), 0.06, _TRACKS),
    Quantity("second blob", "keV", "energy of the second densest blob", bins(100, 900, 40), 0.06, _TRACKS),
)
SAMPLES = (Sample({"signal": "double-beta"}, 2400, 800),)


def summarise(file: VoxelFile) -> dict[str, dict[str, Floats]]:
    """Quantities of one- and of two-electron events."""
    image = file.read("tpc", slice(None))
    energy, label = file.truth("energy"), file.truth("label")
    densest = blobs(image)
    found = {
        "contained": energy > CONTAINED_KEV,
        "near": energy,
        "measured": file.truth("measured"),
        "extent": extent(image, file.grids["tpc"].pitch_mm),
        "voxels": np.count_nonzero(image, axis=(1, 2, 3)),
        "first blob": densest[:, 0],
        "second blob": densest[:, 1],
    }
    return {
        name: {key: values[label == code].astype(np.float64) for key, values in found.items()}
        for code, name in enumerate(CLASSES)
        if np.any(label == code)
    }


def extent(image: NDArray[np.float32], pitch_mm: tuple[float, ...]) -> Floats:
    """Root of the mean square distance from the centre of charge, mm [n], of images [n, x, y, z]."""
    total = np.maximum(image.sum((1, 2, 3), dtype=np.float64), 1e-9)
    variance = np.zeros(len(image))
    for axis, pitch in enumerate(pitch_mm):
        along = image.sum(tuple(a for a in (1, 2, 3) if a != axis + 1), dtype=np.float64)
        place = pitch * np.arange(along.shape[1])
        variance += along @ place**2 / total - (along @ place / total) ** 2
    return np.sqrt(np.maximum(variance, 0))


def blobs(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energy of the densest and of the second densest blob (keV), and voxels between them per axis, [n, 5].

    A blob is a box of `BLOB_VOXELS`; the first is the one with most energy, the second the one with most
    energy whose centre is not within `APART_VOXELS` of the first.
    """
    found = np.empty((len(energy), 5), np.float32)
    for row, image in zip(found, energy, strict=True):
        density = _boxes(image)
        first = np.unravel_index(density.argmax(), density.shape)
        row[0] = density[first]
        density[tuple(slice(max(a - r, 0), a + r + 1) for a, r in zip(first, APART_VOXELS, strict=True))] = 0
        second = np.unravel_index(density.argmax(), density.shape)
        row[1] = density[second]
        row[2:] = np.subtract(second, first)
    return found


def _boxes(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energy in the box of `BLOB_VOXELS` around every voxel of one image, [x, y, z] as the image."""
    summed = np.pad(image, [(size // 2, size // 2) for size in BLOB_VOXELS])
    for axis, size in enumerate(BLOB_VOXELS):
        summed = np.lib.stride_tricks.sliding_window_view(summed, size, axis).sum(-1)
    return summed

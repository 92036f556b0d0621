"""The classical quantity that networks are compared with: a fixed function of the voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOB_VOXELS = (3, 3, 5)
"""Size of a blob: 30 x 30 x 25 mm."""
APART_VOXELS = (3, 3, 6)
"""The second blob's centre is farther than this from the first along at least one axis."""


def blob_score(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energy of the second densest blob, keV [n], of images [n, 20, 20, 60] in keV.

    A blob is a box of `BLOB_VOXELS`; the first is the one with most energy, the second the one with most
    energy whose centre is not within `APART_VOXELS` of the first.
    """
    from scipy.ndimage import uniform_filter

    volume = float(np.prod(BLOB_VOXELS))
    density = uniform_filter(energy, (1, *BLOB_VOXELS), mode="constant") * volume
    first = density.reshape(len(energy), -1).argmax(1)
    centre = np.unravel_index(first, energy.shape[1:])
    near = np.ones(energy.shape, bool)
    for axis, (where, reach) in enumerate(zip(centre, APART_VOXELS, strict=True)):
        shape = [1] * 4
        shape[axis + 1] = -1
        place = np.arange(energy.shape[axis + 1]).reshape(shape)
        near &= np.abs(place - where.reshape(-1, 1, 1, 1)) <= reach
    second: NDArray[np.float32] = np.where(near, 0, density).reshape(len(energy), -1).max(1)
    return second.astype(np.float32)

"""What a person would compute of an image: fixed functions of the voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.next.summary import blobs

END_MM = 20.0
"""Radius of the ball around an end of the track whose energy counts."""
SPECTRUM = 12
"""So many of the largest voxels are given."""
_TENTHS = (1, 3, 5, 7)  # of the brightest voxels: their share is given

FEATURES = (
    "energy", "voxels", "pieces", "energy of the largest piece",
    "first blob", "second blob", "distance of the blobs",
    "length", "richer end", "poorer end", "distance of the ends", "straightness",
    "rms along the longest axis", "rms along the middle axis", "rms along the shortest axis", "rms along z",
    "skewness along the longest axis", "kurtosis along the longest axis",
    *(f"voxel {rank}" for rank in range(1, SPECTRUM + 1)),
    *(f"share in the brightest {tenths} tenths of voxels" for tenths in _TENTHS),
)  # fmt: skip
"""Names of the columns of `summary`; energies in keV, lengths in mm."""


def blob_score(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energy of the second densest blob, keV [n], of images [n, 20, 20, 60] in keV; see `blobs`."""
    return blobs(energy)[:, 1]


def summary(energy: NDArray[np.float32], voxel_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """`FEATURES` of images [n, x, y, z] in keV with voxels of this size: [n, features]."""
    size = np.asarray(voxel_mm)
    found = np.zeros((len(energy), len(FEATURES)), np.float32)
    dense = blobs(energy)
    dense[:, 2] = np.linalg.norm(dense[:, 2:] * size, axis=1)
    for row, image in enumerate(energy):
        place = np.argwhere(image > 0)
        if len(place):
            found[row] = _of_voxels(place, image[tuple(place.T)].astype(np.float64), size, dense[row, :3])
    return found


def _of_voxels(
    place: NDArray[np.int64], kev: NDArray[np.float64], size: NDArray[np.float64], dense: NDArray[np.float32]
) -> NDArray[np.float64]:
    """`FEATURES` of one event: filled voxels [m, 3] and their energies [m]."""
    total, at = kev.sum(), place * size
    centred = at - kev @ at / total
    moments, axes = np.linalg.eigh((centred * kev[:, None]).T @ centred / total)
    widths = np.sqrt(np.maximum(moments, 0))[::-1]
    along = centred @ axes[:, -1] / max(widths[0], 1e-6)
    shape = [abs(kev @ along**3) / total, kev @ along**4 / total]
    ranked = np.sort(kev)[::-1]
    largest = np.zeros(SPECTRUM)
    largest[: len(ranked)] = ranked[:SPECTRUM]
    shares = [ranked[: -(-len(ranked) * tenths // 10)].sum() / total for tenths in _TENTHS]
    depth = np.sqrt(kev @ centred[:, 2] ** 2 / total)
    return np.array(
        [total, len(kev), *_track(place, kev, at, dense), *widths, depth, *shape, *largest, *shares]
    )


def _track(
    place: NDArray[np.int64], kev: NDArray[np.float64], at: NDArray[np.float64], dense: NDArray[np.float32]
) -> list[float]:
    """Pieces, blobs, and the longest way through touching voxels of the piece with most energy.

    From the brightest voxel to the one that is farthest on the way through voxels, and from there to the one
    that is farthest again.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, dijkstra
    from scipy.spatial import KDTree

    touching = KDTree(place).query_pairs(1, p=np.inf, output_type="ndarray").T
    steps = np.linalg.norm(at[touching[0]] - at[touching[1]], axis=1)
    ways = csr_array((steps, touching), shape=(len(kev), len(kev)))
    pieces, piece = connected_components(ways, directed=False)
    energies = np.bincount(piece, kev)
    main = piece == energies.argmax()
    begin = int(np.where(main, kev, 0).argmax())
    for _ in range(2):
        reached = dijkstra(ways, directed=False, indices=begin)
        one, begin = begin, int(np.where(main, reached, 0).argmax())
    length, straight = reached[begin], np.linalg.norm(at[one] - at[begin])
    balls = (np.linalg.norm(at - at[end], axis=1) < END_MM for end in (one, begin))
    ends = sorted((kev[ball].sum() for ball in balls), reverse=True)
    return [pieces, energies.max(), *dense, length, *ends, straight, straight / max(length, 1.0)]

"""From the charge in pixels to clusters in 16 x 16 windows, with the particles that made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from levelone.data.detector import IMAGE_SIZE, Clusters, PixelDetector
from levelone.simulate.pixelseed.collection import Cells
from levelone.simulate.pixelseed.sensors import PixelSensor, gain_spread

CHARGE_UNIT_KE = 0.1
"""Step of the stored pixel charge: 100 electrons, below the noise."""
MIN_SHARE = 0.2
"""A particle belongs to a cluster if it gave at least this share of the charge."""
# Half of the eight neighbours; the other half is the same pairs seen from the other pixel.
_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True)
class Truth:
    """Which particle made which cluster: parallel arrays, one entry per (cluster, particle).

    Attributes
    ----------
    cluster, particle
        int64.
    primary
        int64 row of the generated particle, or -1.
    pt_gev
        float64 true transverse momentum at the cluster.
    """

    cluster: NDArray[np.int64]
    particle: NDArray[np.int64]
    primary: NDArray[np.int64]
    pt_gev: NDArray[np.float64]


def make_clusters(
    detector: PixelDetector,
    sensor: PixelSensor,
    cells: Cells,
    rng: np.random.Generator,
) -> tuple[Clusters, Truth]:
    """Noise, threshold, spread of gains, clustering, windows.

    Returns
    -------
    clusters
        Ordered by layer and then by azimuth.
    truth
        The particles of each cluster.
    """
    # One column and one row of padding: no pixel is a neighbour across the edge of a module.
    width, height = sensor.columns + 2, sensor.rows + 2
    key = (cells.module * height + cells.row) * width + cells.column
    pixel_key, cell_pixel = np.unique(key, return_inverse=True)
    noise = rng.normal(0, sensor.noise_electrons, pixel_key.size)
    charge = np.bincount(cell_pixel, cells.electrons, pixel_key.size) + noise
    alive = charge >= sensor.threshold_electrons
    new_index = np.cumsum(alive) - 1
    pixel_key, charge = pixel_key[alive], charge[alive]
    charge = charge + gain_spread(charge) * rng.standard_normal(charge.size)
    label = _label(pixel_key, width)

    row = (pixel_key // width) % height
    column = pixel_key % width
    order = np.argsort(label, kind="stable")
    start = np.searchsorted(label[order], np.arange(label.max(initial=-1) + 1))
    low_x, high_x = _extent(row[order], start)
    low_y, high_y = _extent(column[order], start)
    size_x, size_y = high_x - low_x + 1, high_y - low_y + 1
    corner_x = low_x + size_x // 2 - IMAGE_SIZE // 2
    corner_y = low_y + size_y // 2 - IMAGE_SIZE // 2
    cluster_module = pixel_key[order][start] // (width * height)

    # Ordered by layer and azimuth: neighbours in space are neighbours in the file, which packs better.
    middle = detector.global_position(cluster_module, (low_x + high_x + 1) / 2, (low_y + high_y + 1) / 2)
    phi = np.arctan2(middle[:, 1], middle[:, 0])
    ranking = np.lexsort((phi, detector.module_layer[cluster_module]))
    rank = np.empty_like(ranking)
    rank[ranking] = np.arange(ranking.size)
    owner = rank[label]

    code = np.clip(np.rint(charge / (1000 * CHARGE_UNIT_KE)), 1, 65535)
    window_row, window_column = row - corner_x[label], column - corner_y[label]
    inside = (
        (window_row >= 0) & (window_row < IMAGE_SIZE) & (window_column >= 0) & (window_column < IMAGE_SIZE)
    )
    index = window_row * IMAGE_SIZE + window_column
    stored = np.lexsort((index, owner))
    stored = stored[inside[stored]]
    counts = np.bincount(owner[stored], minlength=ranking.size)
    clusters = Clusters(
        module=cluster_module[ranking].astype(np.uint16),
        row=corner_x[ranking].astype(np.int16),
        column=corner_y[ranking].astype(np.int16),
        size_x=np.minimum(size_x[ranking], 255).astype(np.uint8),
        size_y=np.minimum(size_y[ranking], 255).astype(np.uint8),
        pixel_offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        pixel_index=index[stored].astype(np.uint8),
        pixel_charge=(code[stored] * CHARGE_UNIT_KE).astype(np.float32),
    )
    kept = alive[cell_pixel]
    truth = _truth(owner[new_index[cell_pixel[kept]]], cells, kept, ranking.size)
    return clusters, truth


def _label(pixel_key: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    n = pixel_key.size
    first, second = [], []
    for down, right in _NEIGHBOURS:
        wanted = pixel_key + down * width + right
        place = np.searchsorted(pixel_key, wanted)
        found = np.flatnonzero(pixel_key[np.minimum(place, n - 1)] == wanted) if n else np.zeros(0, np.int64)
        first.append(found)
        second.append(place[found])
    a, b = np.concatenate(first), np.concatenate(second)
    links = coo_array((np.ones(a.size, np.int8), (a, b)), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _extent(
    values: NDArray[np.int64], start: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not start.size:
        return values[:0], values[:0]
    return np.minimum.reduceat(values, start), np.maximum.reduceat(values, start)


def _truth(
    cluster: NDArray[np.int64],
    cells: Cells,
    kept: NDArray[np.bool_],
    count: int,
) -> Truth:
    particle, deposit = cells.particle[kept], cells.electrons[kept]
    order = np.lexsort((particle, cluster))
    cluster, particle, deposit = cluster[order], particle[order], deposit[order]
    new = np.ones(order.size, np.bool_)
    new[1:] = (cluster[1:] != cluster[:-1]) | (particle[1:] != particle[:-1])
    start = np.flatnonzero(new)
    given = np.add.reduceat(deposit, start) if start.size else deposit[:0]
    total = np.bincount(cluster[start], given, count)
    strong = given >= MIN_SHARE * total[cluster[start]]
    chosen = start[strong]
    return Truth(
        cluster=cluster[chosen],
        particle=particle[chosen],
        primary=cells.primary[kept][order][chosen],
        pt_gev=cells.pt_gev[kept][order][chosen],
    )

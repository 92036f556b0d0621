"""Doublets: pairs of hits on neighbouring layers that pass loose seeding windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import Hits, PixelDetector
from levelone.data.features import gev_per_mm, wrap_phi
from levelone.simulate.pixelseed.clusters import Truth

PT_MIN_GEV = 0.5
"""The azimuth window admits any track above this transverse momentum from the beam axis."""
PHI_SLACK_RAD = 0.01
"""Added to the azimuth window: beam-spot size, multiple scattering, resolution."""
Z0_MAX_MM = 150.0
"""Three sigma of the luminous region."""
DELTA_R_MIN_MM = 2.0
"""The outer hit lies at the larger radius."""


@dataclass(frozen=True)
class Pairs:
    """Doublets of one event, ordered by layer pair, inner and outer cluster.

    Attributes
    ----------
    inner, outer
        int64 cluster index.
    label
        uint8, 1 if one particle made both.
    findable, found
        Number of true pairs of primary particles above `PT_MIN_GEV` on neighbouring layers, and how many of
        them pass the windows.
    """

    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    label: NDArray[np.uint8]
    findable: int
    found: int


def _windows(
    detector: PixelDetector, hits: Hits, inner: NDArray[np.int64], outer: NDArray[np.int64]
) -> NDArray[np.bool_]:
    half = gev_per_mm(detector.field_tesla) / (2 * PT_MIN_GEV)
    turned = np.arcsin(np.minimum(half * hits.r, 1))
    inner_r, inner_z = hits.r[inner], hits.z[inner]
    delta_r = hits.r[outer] - inner_r
    z0 = inner_z - inner_r * (hits.z[outer] - inner_z) / np.maximum(delta_r, DELTA_R_MIN_MM)
    delta_phi = np.abs(wrap_phi(hits.phi[outer] - hits.phi[inner]))
    near = delta_phi < turned[outer] - turned[inner] + PHI_SLACK_RAD
    return (delta_r > DELTA_R_MIN_MM) & (np.abs(z0) < Z0_MAX_MM) & near


def _candidates(
    detector: PixelDetector, hits: Hits, first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of `first` and `second` clusters within the widest azimuth window of these layers."""
    half = gev_per_mm(detector.field_tesla) / (2 * PT_MIN_GEV)
    r_max, r_min = hits.r[second].max(initial=0), hits.r[first].min(initial=0)
    reach = np.arcsin(min(half * r_max, 1)) - np.arcsin(min(half * r_min, 1)) + PHI_SLACK_RAD
    order = np.argsort(hits.phi[second], kind="stable")
    # The azimuth axis is laid out three times so that a window never wraps.
    phi = np.concatenate([hits.phi[second][order] + turn for turn in (-2 * np.pi, 0.0, 2 * np.pi)])
    low = np.searchsorted(phi, hits.phi[first] - reach)
    high = np.searchsorted(phi, hits.phi[first] + reach, side="right")
    counts = high - low
    inner = np.repeat(first, counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    outer = second[order][(np.repeat(low, counts) + within) % max(order.size, 1)]
    return inner, outer


def _true_pairs(
    detector: PixelDetector, hits: Hits, truth: Truth, birth_r_mm: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Cluster pairs of one particle on neighbouring layers, and which of them are findable."""
    n = hits.r.size
    table = detector.pair_of_layers
    order = np.argsort(truth.particle, kind="stable")
    cluster, particle = truth.cluster[order], truth.particle[order]
    primary, pt = truth.primary[order], truth.pt_gev[order]
    inner, outer, findable = [], [], []
    # Entry i against entry i + step of the same particle, in both directions.
    step = 1
    while True:
        same = np.flatnonzero(particle[step:] == particle[:-step])
        if not same.size:
            break
        for a, b in ((same, same + step), (same + step, same)):
            ok = table[hits.layer[cluster[a]], hits.layer[cluster[b]]] >= 0
            a, b = a[ok], b[ok]
            prompt = (primary[a] >= 0) & (pt[a] > PT_MIN_GEV)
            prompt &= birth_r_mm[np.maximum(primary[a], 0)] < hits.r.min(initial=np.inf)
            prompt &= hits.r[cluster[b]] - hits.r[cluster[a]] > DELTA_R_MIN_MM
            inner.append(cluster[a])
            outer.append(cluster[b])
            findable.append(prompt)
        step += 1
    if not inner:
        empty = np.zeros(0, np.int64)
        return empty, empty, np.zeros(0, np.bool_)
    key = np.concatenate(inner) * n + np.concatenate(outer)
    flags = np.concatenate(findable)
    key, index = np.unique(key, return_inverse=True)
    good = np.zeros(key.size, np.bool_)
    np.logical_or.at(good, index, flags)
    return key // n, key % n, good


def make_doublets(
    detector: PixelDetector, hits: Hits, truth: Truth, birth_r_mm: NDArray[np.float64]
) -> Pairs:
    """Make the doublets of one event.

    Parameters
    ----------
    birth_r_mm
        Distance of the birth of each generated particle from the beam axis, float64 [particles].
    """
    n = hits.r.size
    inner, outer = [], []
    members = [np.flatnonzero(hits.layer == layer) for layer in range(len(detector.layer_names))]
    for a, b in detector.layer_pairs:
        first, second = _candidates(detector, hits, members[a], members[b])
        keep = _windows(detector, hits, first, second)
        first, second = first[keep], second[keep]
        order = np.lexsort((second, first))
        inner.append(first[order])
        outer.append(second[order])
    inner_index, outer_index = np.concatenate(inner), np.concatenate(outer)
    true_inner, true_outer, findable = _true_pairs(detector, hits, truth, birth_r_mm)
    key = inner_index * n + outer_index
    true_key = true_inner * n + true_outer
    passed = _windows(detector, hits, true_inner, true_outer)
    return Pairs(
        inner=inner_index,
        outer=outer_index,
        label=np.isin(key, true_key).astype(np.uint8),
        findable=int(findable.sum()),
        found=int((findable & passed).sum()),
    )

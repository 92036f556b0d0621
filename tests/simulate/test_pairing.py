from __future__ import annotations

import numpy as np
from doublet_factory import detector

from levelone.data.detector import Hits
from levelone.data.features import gev_per_mm
from levelone.simulate.pixelseed.clusters import Truth
from levelone.simulate.pixelseed.pairing import (
    DELTA_R_MIN_MM,
    PHI_SLACK_RAD,
    PT_MIN_GEV,
    Z0_MAX_MM,
    make_doublets,
)


def random_hits(n: int, rng: np.random.Generator) -> Hits:
    layer = np.sort(rng.integers(0, 3, n)).astype(np.uint8)
    r = np.choose(layer, [rng.uniform(29, 33, n), rng.uniform(68, 73, n), rng.uniform(31, 175, n)])
    z = np.where(layer == 2, 600.0, rng.uniform(-300, 300, n))
    phi = rng.uniform(-np.pi, np.pi, n)
    one, vectors = np.ones(n), np.zeros((n, 3))
    return Hits(r, phi, z, one, one, one, one, layer, vectors, vectors, vectors, vectors[:, :2])


def slow_pairs(hits: Hits) -> set[tuple[int, int]]:
    """Every pair of hits against the windows, one at a time."""
    half = gev_per_mm(2.0) / (2 * PT_MIN_GEV)
    found = set()
    for i in range(hits.r.size):
        for j in range(hits.r.size):
            if (hits.layer[i], hits.layer[j]) not in ((0, 1), (0, 2), (1, 2)):
                continue
            delta_r = hits.r[j] - hits.r[i]
            if delta_r <= DELTA_R_MIN_MM:
                continue
            z0 = hits.z[i] - hits.r[i] * (hits.z[j] - hits.z[i]) / delta_r
            turn = abs(hits.phi[j] - hits.phi[i])
            turn = min(turn, 2 * np.pi - turn)
            bend = np.arcsin(half * hits.r[j]) - np.arcsin(half * hits.r[i]) + PHI_SLACK_RAD
            if abs(z0) < Z0_MAX_MM and turn < bend:
                found.add((i, j))
    return found


def test_windows_equal_the_slow_twin() -> None:
    rng = np.random.default_rng(7)
    empty = np.zeros(0, np.int64)
    truth = Truth(empty, empty, empty, np.zeros(0))
    total = 0
    for _ in range(5):
        hits = random_hits(250, rng)
        pairs = make_doublets(detector(), hits, truth, np.zeros(1))
        found = list(zip(pairs.inner.tolist(), pairs.outer.tolist(), strict=True))
        assert len(set(found)) == len(found)
        assert set(found) == slow_pairs(hits)
        assert not pairs.label.any()
        total += len(found)
    assert total > 300


def test_labels_and_window_efficiency_equal_the_slow_twin() -> None:
    rng = np.random.default_rng(8)
    hits = random_hits(120, rng)
    cluster = np.repeat(np.arange(120), 2)
    particle = rng.integers(0, 15, 240)
    order = np.lexsort((particle, cluster))
    birth = np.where(np.arange(15) < 12, 0.0, 90.0)
    pt = rng.uniform(0.2, 2, 15)
    truth = Truth(cluster[order], particle[order], particle[order], pt[particle[order]])
    pairs = make_doublets(detector(), hits, truth, birth)
    made = [set(truth.particle[truth.cluster == i].tolist()) for i in range(120)]
    for i, j, label in zip(pairs.inner, pairs.outer, pairs.label, strict=True):
        assert label == bool(made[i] & made[j])
    assert 0 < pairs.label.sum() < pairs.label.size
    passing = slow_pairs(hits)
    findable = found = 0
    for i in range(120):
        for j in range(120):
            allowed = (hits.layer[i], hits.layer[j]) in ((0, 1), (0, 2), (1, 2))
            common = [p for p in made[i] & made[j] if pt[p] > PT_MIN_GEV and birth[p] < hits.r.min()]
            if allowed and common and hits.r[j] - hits.r[i] > DELTA_R_MIN_MM:
                findable += 1
                found += (i, j) in passing
    assert (pairs.findable, pairs.found) == (findable, found)
    assert findable > found > 0


def test_an_empty_event() -> None:
    empty = np.zeros(0, np.int64)
    hits = random_hits(0, np.random.default_rng(0))
    pairs = make_doublets(detector(), hits, Truth(empty, empty, empty, np.zeros(0)), np.zeros(0))
    assert pairs.inner.size == pairs.findable == 0

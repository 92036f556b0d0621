"""Small files made without the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelone.data.detector import Clusters, PixelDetector
from levelone.data.schema import Event, create

CHARGE_UNIT_KE = 0.1


def detector() -> PixelDetector:
    """Two barrel layers of eight modules, and one disk of eight modules on the positive side."""
    angle = np.arange(8) * np.pi / 4
    zero, one = np.zeros(8), np.ones(8)
    radial = np.stack([np.cos(angle), np.sin(angle), zero], axis=1)
    azimuthal = np.stack([-np.sin(angle), np.cos(angle), zero], axis=1)
    along = np.stack([zero, zero, one], axis=1)
    centers = [30 * radial, 70 * radial, 80 * radial + 600 * along]
    return PixelDetector(
        center_mm=np.concatenate(centers).astype(np.float32),
        axis_x=np.concatenate([azimuthal] * 3).astype(np.float32),
        axis_y=np.concatenate([along, along, radial]).astype(np.float32),
        module_layer=np.repeat(np.arange(3), 8).astype(np.uint8),
        layer_names=("B1", "B2", "E1+"),
        layer_barrel=np.array([True, True, False]),
        layer_number=np.array([1, 2, 1], np.uint8),
        layer_pairs=np.array([[0, 1], [0, 2], [1, 2]], np.uint8),
        pitch_x_mm=0.1,
        pitch_y_mm=0.15,
        thickness_mm=0.285,
        rows=168,
        columns=480,
        field_tesla=2.0,
    )


def event(split: int, rng: np.random.Generator, clusters: int = 60, doublets: int = 200) -> Event:
    """Random clusters; doublets between layers, inner layer first, both labels in every layer pair."""
    layout = detector()
    module = np.sort(rng.integers(0, 24, clusters)).astype(np.uint16)
    module[:3], module[-3:] = 0, 23
    module[clusters // 2] = 8
    module.sort()
    counts = rng.integers(1, 6, clusters)
    offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    index = np.concatenate([np.sort(rng.choice(256, n, replace=False)) for n in counts]).astype(np.uint8)
    code = rng.integers(20, 900, index.size).astype(np.uint16)
    layer = layout.module_layer[module]
    inner, outer = np.nonzero(layer[:, None] < layer[None, :])
    chosen = rng.permutation(inner.size)[:doublets]
    inner, outer = inner[chosen], outer[chosen]
    order = np.lexsort((outer, inner))
    return Event(
        split=split,
        clusters=Clusters(
            module=module,
            row=rng.integers(0, 150, clusters).astype(np.int16),
            column=rng.integers(-8, 470, clusters).astype(np.int16),
            size_x=rng.integers(1, 4, clusters).astype(np.uint8),
            size_y=rng.integers(1, 40, clusters).astype(np.uint8),
            pixel_offset=offset,
            pixel_index=index,
            pixel_charge=(code * CHARGE_UNIT_KE).astype(np.float32),
        ),
        charge_code=code,
        inner=inner[order].astype(np.uint32),
        outer=outer[order].astype(np.uint32),
        label=(rng.random(order.size) < 0.3).astype(np.uint8),
    )


def events(seed: int = 5) -> list[Event]:
    rng = np.random.default_rng(seed)
    return [event(split, rng) for split in (0, 0, 0, 1, 2, 2)]


def write(path: Path, stored: list[Event] | None = None) -> list[Event]:
    stored = events() if stored is None else stored
    with create(path, detector(), CHARGE_UNIT_KE, {"seed": 5}) as writer:
        for one in stored:
            writer.append(one)
    return stored

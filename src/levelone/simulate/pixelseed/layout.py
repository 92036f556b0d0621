"""The table of pixel modules of the ACTS generic detector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import PixelDetector
from levelone.simulate.pixelseed.drift import LORENTZ_PER_TESLA
from levelone.simulate.pixelseed.sensors import PixelSensor
from levelone.simulate.pixelseed.transport import FIELD_TESLA, PIXEL_VOLUMES, Detector

BARREL_LAYERS, DISKS = 4, 7
_BARREL_VOLUME = PIXEL_VOLUMES[1]


def layer_names() -> tuple[str, ...]:
    """Barrel layers from the inside, then the disks from the centre at positive and at negative z."""
    barrel = [f"B{i}" for i in range(1, BARREL_LAYERS + 1)]
    disks = [f"E{i}{side}" for side in "+-" for i in range(1, DISKS + 1)]
    return (*barrel, *disks)


def layer_pairs() -> tuple[tuple[str, str], ...]:
    """Neighbours: along the barrel, from barrel layers 1 to 3 into the first disks, from disk to disk."""
    pairs = [(f"B{i}", f"B{i + 1}") for i in range(1, BARREL_LAYERS)]
    for side in "+-":
        pairs += [(f"B{i}", f"E1{side}") for i in range(1, BARREL_LAYERS)]
    for side in "+-":
        pairs += [(f"E{i}{side}", f"E{i + 1}{side}") for i in range(1, DISKS)]
    return tuple(pairs)


def _layer(volume: int, layer: int) -> str:
    if volume == _BARREL_VOLUME:
        return f"B{layer // 2}"
    # ACTS counts its layers along z, so the first disk at negative z is the last layer of its volume.
    return f"E{layer // 2}+" if volume > _BARREL_VOLUME else f"E{DISKS + 1 - layer // 2}-"


def read_layout(detector: Detector, sensor: PixelSensor) -> tuple[PixelDetector, NDArray[np.uint64]]:
    """Module table, and the ACTS geometry identifier of each module in ascending order (uint64 [modules])."""
    acts = detector.acts
    context = acts.GeometryContext.dangerouslyDefaultConstruct()
    names = layer_names()
    modules: list[tuple[int, Any, int]] = []
    for identifier, surface in detector.geometry.geoIdSurfaceMap().items():
        if identifier.volume in PIXEL_VOLUMES and identifier.sensitive > 0:
            layer = names.index(_layer(identifier.volume, identifier.layer))
            modules.append((identifier.value, surface, layer))
    modules.sort(key=lambda module: module[0])
    direction = acts.Vector3(0, 0, 1)

    def point(surface: Any, x: float, y: float) -> list[float]:
        position = surface.localToGlobal(context, acts.Vector2(x, y), direction)
        return [position[0], position[1], position[2]]

    center, along_x, along_y = (
        np.array([point(surface, x, y) for _, surface, _ in modules]) for x, y in ((0, 0), (1, 0), (0, 1))
    )
    table = PixelDetector(
        center_mm=center.astype(np.float32),
        axis_x=(along_x - center).astype(np.float32),
        axis_y=(along_y - center).astype(np.float32),
        module_layer=np.array([layer for _, _, layer in modules], np.uint8),
        layer_names=names,
        layer_barrel=np.array([name.startswith("B") for name in names]),
        layer_number=np.array([int(name[1]) for name in names], np.uint8),
        layer_pairs=np.array([(names.index(a), names.index(b)) for a, b in layer_pairs()], np.uint8),
        pitch_x_mm=sensor.pitch_x_mm,
        pitch_y_mm=sensor.pitch_y_mm,
        thickness_mm=sensor.thickness_mm,
        rows=sensor.rows,
        columns=sensor.columns,
        field_tesla=FIELD_TESLA,
        lorentz_tangent=LORENTZ_PER_TESLA * FIELD_TESLA,
    )
    return table, np.array([identifier for identifier, _, _ in modules], np.uint64)

"""The pixel detector as a file describes it: where its modules are and how they are turned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IMAGE_SIZE = 16
REGIONS = ("barrel-barrel", "barrel-endcap", "endcap-endcap")


@dataclass(frozen=True)
class PixelDetector:
    """Modules and layers.

    Attributes
    ----------
    center_mm, axis_x, axis_y
        float32 [modules, 3]: centre, and unit vectors of local x (r-phi) and local y in global coordinates.
    module_layer
        uint8 [modules] index into `layer_names`.
    layer_names
        Name of each layer, for example ``B1`` (barrel) or ``E3-`` (third disk at negative z).
    layer_barrel
        bool [layers].
    layer_number
        uint8 [layers]: 1 for the innermost barrel layer, and for the disk nearest to the centre.
    layer_pairs
        uint8 [pairs, 2]: inner and outer layer of each allowed doublet.
    pitch_x_mm, pitch_y_mm, thickness_mm
        Of the sensors.
    rows, columns
        Pixels of a module along local x and local y.
    field_tesla
        Solenoid field along z.
    lorentz_tangent
        Of the angle by which the field turns electrons that drift along the normal of a barrel module.
    """

    center_mm: NDArray[np.float32]
    axis_x: NDArray[np.float32]
    axis_y: NDArray[np.float32]
    module_layer: NDArray[np.uint8]
    layer_names: tuple[str, ...]
    layer_barrel: NDArray[np.bool_]
    layer_number: NDArray[np.uint8]
    layer_pairs: NDArray[np.uint8]
    pitch_x_mm: float
    pitch_y_mm: float
    thickness_mm: float
    rows: int
    columns: int
    field_tesla: float
    lorentz_tangent: float = 0.0
    _normal: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        normal = np.cross(self.axis_x.astype(np.float64), self.axis_y.astype(np.float64))
        object.__setattr__(self, "_normal", normal)

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vectors perpendicular to the modules, float64 [modules, 3]."""
        return self._normal

    @property
    def drift(self) -> NDArray[np.float64]:
        """Displacement along local x and y of charge per length that it drifts along the normal.

        float64 [modules, 2]. The field along z pushes electrons in the direction of minus normal times z.
        """
        turned = -self.lorentz_tangent * np.cross(self.normal, (0.0, 0.0, 1.0))
        axes = (self.axis_x, self.axis_y)
        return np.stack([np.einsum("ni,ni->n", turned, axis) for axis in axes], axis=1)

    @property
    def layer_pair_names(self) -> tuple[str, ...]:
        """Name of each layer pair, for example ``B1-B2``."""
        return tuple(f"{self.layer_names[a]}-{self.layer_names[b]}" for a, b in self.layer_pairs)

    @property
    def pair_region(self) -> NDArray[np.uint8]:
        """Index into `REGIONS` of each layer pair: the number of endcap layers in it."""
        return (~self.layer_barrel[self.layer_pairs]).sum(axis=1).astype(np.uint8)

    @property
    def pair_of_layers(self) -> NDArray[np.int32]:
        """int32 [layers, layers]: index of the layer pair, or -1 for layers that are not neighbours."""
        n = len(self.layer_names)
        table = np.full((n, n), -1, np.int32)
        table[self.layer_pairs[:, 0], self.layer_pairs[:, 1]] = np.arange(len(self.layer_pairs))
        return table

    def global_position(
        self, module: NDArray[np.integer], row: NDArray[np.float64], column: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Global coordinates, mm, float64 [n, 3], of points given in pixels (pixel 0 reaches from 0 to 1)."""
        local_x = (row - self.rows / 2) * self.pitch_x_mm
        local_y = (column - self.columns / 2) * self.pitch_y_mm
        return (
            self.center_mm[module]
            + local_x[:, None] * self.axis_x[module].astype(np.float64)
            + local_y[:, None] * self.axis_y[module]
        )


@dataclass(frozen=True)
class Clusters:
    """Pixel clusters of one event (n clusters, p pixels), as they are stored.

    Attributes
    ----------
    module
        uint16 [n] module index.
    row, column
        int16 [n] pixel at the corner of the 16 x 16 window (may lie outside the module).
    size_x, size_y
        uint8 [n] extent of the whole cluster in pixels (255 for anything larger), also beyond the window.
    pixel_offset
        int64 [n + 1]: pixels of cluster i.
    pixel_index
        uint8 [p] position in the window, 16 * row + column.
    pixel_charge
        float32 [p] charge in ke.
    """

    module: NDArray[np.uint16]
    row: NDArray[np.int16]
    column: NDArray[np.int16]
    size_x: NDArray[np.uint8]
    size_y: NDArray[np.uint8]
    pixel_offset: NDArray[np.int64]
    pixel_index: NDArray[np.uint8]
    pixel_charge: NDArray[np.float32]

    def __len__(self) -> int:
        return self.module.size


@dataclass(frozen=True)
class Hits:
    """What the features need of each cluster: global position and shape (arrays of n hits).

    Attributes
    ----------
    r, phi, z
        float64 cylindrical coordinates of the charge-weighted centre: mm, rad, mm.
    charge_ke, size_x, size_y, overflow
        float64 charge inside the window (ke), extent in pixels, 1 where the cluster leaves the window.
    layer
        uint8 layer index.
    axis_x, axis_y, normal
        float64 [n, 3] unit vectors of the module.
    drift
        float64 [n, 2], see `PixelDetector.drift`.
    """

    r: NDArray[np.float64]
    phi: NDArray[np.float64]
    z: NDArray[np.float64]
    charge_ke: NDArray[np.float64]
    size_x: NDArray[np.float64]
    size_y: NDArray[np.float64]
    overflow: NDArray[np.float64]
    layer: NDArray[np.uint8]
    axis_x: NDArray[np.float64]
    axis_y: NDArray[np.float64]
    normal: NDArray[np.float64]
    drift: NDArray[np.float64]

    def take(self, index: NDArray[np.integer]) -> Hits:
        """Return the hits at `index`."""
        return Hits(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})


def reconstruct(detector: PixelDetector, clusters: Clusters) -> Hits:
    """Position, where the particle crosses the middle plane, and shape of each cluster from its pixels."""
    n = len(clusters)
    owner = np.repeat(np.arange(n), np.diff(clusters.pixel_offset))
    weight = clusters.pixel_charge.astype(np.float64)
    charge = np.bincount(owner, weight, n).astype(np.float64)
    row = clusters.row + 0.5 + np.bincount(owner, weight * (clusters.pixel_index >> 4), n) / charge
    column = clusters.column + 0.5 + np.bincount(owner, weight * (clusters.pixel_index & 15), n) / charge
    drift = detector.drift[clusters.module]
    # The charge of a whole passage has drifted by half of the thickness.
    row -= drift[:, 0] * detector.thickness_mm / 2 / detector.pitch_x_mm
    column -= drift[:, 1] * detector.thickness_mm / 2 / detector.pitch_y_mm
    x, y, z = detector.global_position(clusters.module, row, column).T
    overflow = (clusters.size_x > IMAGE_SIZE) | (clusters.size_y > IMAGE_SIZE)
    return Hits(
        r=np.hypot(x, y),
        phi=np.arctan2(y, x),
        z=z,
        charge_ke=charge,
        size_x=clusters.size_x.astype(np.float64),
        size_y=clusters.size_y.astype(np.float64),
        overflow=overflow.astype(np.float64),
        layer=detector.module_layer[clusters.module],
        axis_x=detector.axis_x[clusters.module].astype(np.float64),
        axis_y=detector.axis_y[clusters.module].astype(np.float64),
        normal=detector.normal[clusters.module],
        drift=drift,
    )

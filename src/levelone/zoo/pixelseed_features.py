"""What the host computes for a doublet before the network: expert features of fixed centre and scale.

Nothing here is fitted to data. Each feature is a physical quantity, folded with the symmetries of the problem
(mirror in z, sign of the charge), shifted and divided by a round number of its own size, and cut at +-4, so
that a few fixed-point bits hold it. The baseline gets the same quantities and the summaries of the cluster shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float32]]
Array = NDArray[np.float32]

LIMIT = 4.0
"""Features are cut at +-LIMIT."""
MIP_KE_PER_MM = 80.0
"""Typical charge per path length of a minimum ionising particle in silicon."""


@dataclass(frozen=True)
class Feature:
    """``(value - center) / scale``, cut at +-`LIMIT`."""

    value: Callable[[Columns], Array]
    center: float
    scale: float

    def __call__(self, raw: Columns) -> Array:
        return np.clip((self.value(raw) - self.center) / self.scale, -LIMIT, LIMIT).astype(np.float32)


def _of_hit(hit: str) -> dict[str, Feature]:
    """Features of one hit (``inner`` or ``outer``)."""

    def ratio(axis: str) -> Callable[[Columns], Array]:
        """Log2 of observed over expected extent: 0 for a true doublet, apart from the pixel edges."""
        return lambda raw: np.log2(np.maximum(raw[f"{hit}_size_{axis}"], 1) / raw[f"{hit}_expected_{axis}"])

    def log2(name: str) -> Callable[[Columns], Array]:
        return lambda raw: np.log2(np.maximum(raw[f"{hit}_{name}"], 1e-3))

    return {
        f"{hit}_expected_x": Feature(log2("expected_x"), 0.5, 0.5),
        f"{hit}_expected_y": Feature(log2("expected_y"), 1.5, 1.0),
        f"{hit}_ratio_x": Feature(ratio("x"), 0.0, 0.5),
        f"{hit}_ratio_y": Feature(ratio("y"), 0.0, 0.5),
        f"{hit}_charge_per_path": Feature(
            lambda raw: np.log2(np.maximum(raw[f"{hit}_charge_per_path"], 1.0) / MIP_KE_PER_MM), 0.0, 0.5
        ),
        f"{hit}_r": Feature(lambda raw: raw[f"{hit}_r"], 100.0, 50.0),
        f"{hit}_z": Feature(lambda raw: np.abs(raw[f"{hit}_z"]), 600.0, 400.0),
        f"{hit}_barrel": Feature(lambda raw: raw[f"{hit}_barrel"], 0.5, 0.5),
    }


_FEATURES: dict[str, Feature] = {
    **_of_hit("inner"),
    **_of_hit("outer"),
    "delta_r": Feature(lambda raw: raw["delta_r"], 50.0, 30.0),
    "cot_theta": Feature(lambda raw: np.arcsinh(np.abs(raw["cot_theta"])), 1.5, 1.0),
    "z0": Feature(lambda raw: raw["z0"] * np.where(raw["cot_theta"] < 0, -1, 1), 0.0, 50.0),
    "curvature": Feature(lambda raw: np.abs(raw["curvature"]), 1.5, 1.2),
}

FEATURES: tuple[str, ...] = tuple(_FEATURES)
"""Names of the network's expert features, in order."""

_SHAPES = tuple(
    f"{hit}_{name}" for hit in ("inner", "outer") for name in ("size_x", "size_y", "charge", "overflow")
)
SUMMARY: tuple[str, ...] = (
    *FEATURES,
    *_SHAPES,
    *(f"{hit}_{name}" for hit in ("inner", "outer") for name in ("pixels", "largest_pixel")),
)
"""Columns that the baseline is trained on."""


def expert_features(raw: Columns) -> Array:
    """The network's feature input, float32 [n, len(FEATURES)].

    Parameters
    ----------
    raw
        Columns of `levelone.data.doublets.Doublets.features` by name, in their physical units.
    """
    return np.stack([feature(raw) for feature in _FEATURES.values()], axis=1)


def summary_features(raw: Columns, images: Array) -> Array:
    """The baseline's features, float32 [n, len(SUMMARY)]: geometry and cluster-shape summaries.

    Parameters
    ----------
    raw
        As for `expert_features`.
    images
        float32 [n, 2, 16, 16], ke.
    """
    flat = images.reshape(len(images), 2, -1)
    pixels, largest = (flat > 0).sum(axis=2, dtype=np.float32), flat.max(axis=2)
    shapes = [raw[name].astype(np.float32) for name in _SHAPES]
    summary = [*shapes, pixels[:, 0], largest[:, 0], pixels[:, 1], largest[:, 1]]
    return np.concatenate([expert_features(raw), np.stack(summary, axis=1)], axis=1)

"""What the host computes for a doublet before the network: expert features of fixed centre and scale.

Nothing here is fitted to data. Each feature is a physical quantity, folded with the symmetries of the problem
(mirror in z, sign of the charge), shifted and divided by a round number of its own size, and cut at +-4, so
that a few fixed-point bits hold it. The baselines get the same quantities, not cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Columns = Mapping[str, Array]

LIMIT = 4.0
"""Features are cut at +-LIMIT."""
MIP_KE_PER_MM = 80.0
"""Typical charge per path length of a minimum ionising particle in silicon."""
HITS = ("inner", "outer")


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

    def plain(name: str) -> Callable[[Columns], Array]:
        return lambda raw: raw[f"{hit}_{name}"]

    def log2(name: str, unit: float = 1.0) -> Callable[[Columns], Array]:
        return lambda raw: np.log2(np.maximum(raw[f"{hit}_{name}"] / unit, 2.0**-10))

    def longer(axis: str) -> Callable[[Columns], Array]:
        """Path along an axis, measured from the charge profile, minus the expected one, in pixels."""
        return lambda raw: raw[f"{hit}_length_{axis}"] - (raw[f"{hit}_expected_{axis}"] - 1)

    return {
        f"{hit}_expected_x": Feature(log2("expected_x"), 0.5, 0.5),
        f"{hit}_expected_y": Feature(log2("expected_y"), 1.5, 1.0),
        f"{hit}_excess_y": Feature(plain("excess_y"), 0.0, 1.0),
        f"{hit}_excess_x": Feature(plain("excess_x"), 0.0, 1.0),
        f"{hit}_size_x": Feature(log2("size_x"), 1.0, 0.7),
        f"{hit}_size_y": Feature(log2("size_y"), 1.5, 1.0),
        f"{hit}_pixels": Feature(log2("pixels"), 2.0, 1.0),
        f"{hit}_largest_pixel": Feature(log2("largest_pixel", 8.0), 0.0, 0.7),
        f"{hit}_length_x": Feature(longer("x"), 0.0, 0.5),
        f"{hit}_length_y": Feature(longer("y"), 0.0, 0.7),
        f"{hit}_charge_per_path": Feature(log2("charge_per_path", MIP_KE_PER_MM), 0.0, 0.5),
        f"{hit}_charge": Feature(log2("charge", 32.0), 0.0, 1.0),
        f"{hit}_r": Feature(plain("r"), 100.0, 50.0),
        f"{hit}_z": Feature(lambda raw: np.abs(raw[f"{hit}_z"]), 600.0, 400.0),
        f"{hit}_barrel": Feature(plain("barrel"), 0.5, 0.5),
    }


_FEATURES: dict[str, Feature] = {
    **_of_hit("inner"),
    **_of_hit("outer"),
    "inner_overflow": Feature(lambda raw: raw["inner_overflow"], 0.5, 0.5),  # rare at the outer hit
    "delta_r": Feature(lambda raw: raw["delta_r"], 50.0, 30.0),
    "cot_theta": Feature(lambda raw: np.arcsinh(np.abs(raw["cot_theta"])), 1.5, 1.0),
    "z0": Feature(lambda raw: raw["z0"] * np.where(raw["cot_theta"] < 0, -1, 1), 0.0, 50.0),
    "curvature": Feature(lambda raw: np.abs(raw["curvature"]), 1.5, 1.2),
}

FEATURES: tuple[str, ...] = tuple(_FEATURES)
"""Names of the network's expert features, in order."""

_PROFILE = tuple(f"{hit}_length_{axis}" for hit in HITS for axis in "xy")
SUMMARY: tuple[str, ...] = (*(name for name in FEATURES if name not in _PROFILE), *_PROFILE)
"""`FEATURES` in the order that baselines take them: the lengths from charge profiles come last."""
PLAIN_SUMMARY = len(SUMMARY) - len(_PROFILE)
"""The first so many columns of `SUMMARY`: geometry and the usual cluster shapes (sizes, charges, counts)."""


def profile_length(images: Array, size: Array, axis: int) -> Array:
    """Length of a cluster in pixels along one axis, finer than a pixel: its end pixels count in part.

    A track lights the pixels between its ends fully and the two at its ends in part, so the charge of an end
    relative to the mean between them is the part of that pixel it crossed.

    Parameters
    ----------
    images
        float32 [n, 16, 16], ke.
    size
        Extent in pixels, [n], also beyond the window.
    axis
        0 for local x (rows), 1 for local y (columns).

    Returns
    -------
    numpy.ndarray
        float32 [n]. One or two pixels say no more than ``size - 1``, nor do clusters larger than the window.
    """
    profile = images.sum(axis=2 - axis)
    lit = profile > 0
    rows = np.arange(len(profile))
    first, last = lit.argmax(axis=1), profile.shape[1] - 1 - lit[:, ::-1].argmax(axis=1)
    span = last - first + 1
    inside = np.maximum(span - 2, 1)
    ends = profile[rows, first], profile[rows, last]
    mean = np.maximum((profile.sum(axis=1) - ends[0] - ends[1]) / inside, 1e-3)
    length = span - 2 + np.minimum(ends[0] / mean, 1) + np.minimum(ends[1] / mean, 1)
    whole = (span >= 3) & (size <= profile.shape[1])
    return np.where(whole, length, size - 1).astype(np.float32)


def with_shapes(raw: Columns, images: Array) -> dict[str, Array]:
    """Add what the images tell of each cluster to the columns of a file.

    The lengths from the charge profiles, ``pixels`` (how many fired) and ``largest_pixel`` (ke).

    Parameters
    ----------
    raw
        Columns of `levelone.data.doublets.Doublets.features` by name, in their physical units.
    images
        float32 [n, 2, 16, 16], ke.
    """
    lengths = {
        f"{hit}_length_{name}": profile_length(images[:, number], raw[f"{hit}_size_{name}"], axis)
        for number, hit in enumerate(HITS)
        for axis, name in enumerate("xy")
    }
    flat = images.reshape(len(images), len(HITS), -1)
    pixels = {
        f"{hit}_pixels": np.count_nonzero(flat[:, number], axis=1).astype(np.float32)
        for number, hit in enumerate(HITS)
    }
    largest = {f"{hit}_largest_pixel": flat[:, number].max(axis=1) for number, hit in enumerate(HITS)}
    return {**raw, **lengths, **pixels, **largest}


def expert_features(raw: Columns) -> Array:
    """The network's feature input, float32 [n, len(FEATURES)], from columns `with_shapes`."""
    return np.stack([feature(raw) for feature in _FEATURES.values()], axis=1)


def summary_features(raw: Columns) -> Array:
    """What baselines know, float32 [n, len(SUMMARY)], from columns `with_shapes`: not cut at +-`LIMIT`."""
    return np.stack([_FEATURES[name].value(raw) for name in SUMMARY], axis=1).astype(np.float32)

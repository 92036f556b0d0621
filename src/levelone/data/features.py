"""Expert features of a doublet: two hits, and the track that would join them.

The hypothesis is a helix through both hits whose transverse circle passes through the beam axis. It fixes the
curvature, the polar angle and so the angle at which a true track would cross each sensor. From that angle
follows the cluster length to expect along both local axes; a fake pair has plausible positions but the wrong
lengths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import Hits

_PER_HIT = {
    "r": "mm, distance from the beam axis",
    "phi": "rad, azimuth",
    "z": "mm, along the beam",
    "barrel": "1 in the barrel, 0 in an endcap",
    "layer": "barrel layer, or disk counted from the centre, from 1",
    "charge": "ke, charge inside the window",
    "size_x": "pixels, cluster extent along local x (r-phi)",
    "size_y": "pixels, cluster extent along local y (z in the barrel, r in the endcaps)",
    "overflow": "1 if the cluster is larger than the window",
    "expected_x": "pixels, extent along local x that the track hypothesis predicts",
    "expected_y": "pixels, extent along local y that the track hypothesis predicts",
    "excess_x": "pixels, size_x - expected_x",
    "excess_y": "pixels, size_y - expected_y",
    "charge_per_path": "ke per mm of silicon along the track hypothesis",
}
_PER_PAIR = {
    "delta_r": "mm, outer - inner",
    "delta_phi": "rad, outer - inner, from -pi to pi",
    "delta_z": "mm, outer - inner",
    "cot_theta": "slope dz/ds of the helix, s along the transverse circle",
    "z0": "mm, where the helix meets the beam axis",
    "curvature": "1/GeV, charge over transverse momentum of the helix (sign of delta_phi)",
}

FEATURES: dict[str, str] = {
    **{f"inner_{name}": text for name, text in _PER_HIT.items()},
    **{f"outer_{name}": text for name, text in _PER_HIT.items()},
    **_PER_PAIR,
}
"""Unit and meaning of each feature, in the order of the columns."""

MAX_EXPECTED_PIXELS = 64.0
"""Predicted extents are cut here: a track almost parallel to a sensor has no finite prediction."""


def wrap_phi(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle moved into -pi to pi."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


def gev_per_mm(field_tesla: float) -> float:
    """Transverse momentum of a unit charge per mm of radius of curvature."""
    return 0.299792458e-3 * field_tesla


def helix(
    inner: Hits, outer: Hits
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Helix through both hits and, in the transverse plane, the beam axis.

    Returns
    -------
    half_curvature
        1/mm, signed: 1 / (2 R), where the azimuth along the circle grows as asin(half_curvature * r).
    cot_theta
        dz/ds.
    z0
        mm, at the beam axis.
    delta_phi
        rad, outer minus inner.
    """
    delta_phi = wrap_phi(outer.phi - inner.phi)
    chord2 = inner.r**2 + outer.r**2 - 2 * inner.r * outer.r * np.cos(delta_phi)
    chord = np.sqrt(np.maximum(chord2, 1e-6))
    half = np.sin(delta_phi) / chord
    # Arc from the beam axis to radius r: 2 R asin(r / 2R); tends to r for a straight track.
    arc_inner, arc_outer = _arc(half, inner.r), _arc(half, outer.r)
    length = arc_outer - arc_inner
    length = np.where(np.abs(length) < 1e-3, 1e-3, length)
    cot_theta = (outer.z - inner.z) / length
    return half, cot_theta, inner.z - cot_theta * arc_inner, delta_phi


def _arc(half: NDArray[np.float64], r: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = np.clip(half * r, -1, 1)
    return r * np.where(np.abs(angle) < 1e-4, 1.0, np.arcsin(angle) / np.where(angle == 0, 1, angle))


def _incidence(
    hit: Hits, half: NDArray[np.float64], cot_theta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Extents of the charge along local x and y, and path, per thickness, of the helix at a hit.

    Seen from the readout plane, the drift is one more slope.
    """
    azimuth = hit.phi + np.arcsin(np.clip(half * hit.r, -1, 1))
    direction = np.stack([np.cos(azimuth), np.sin(azimuth), cot_theta], axis=1)
    across = (direction * hit.normal).sum(axis=1)
    across = np.copysign(np.maximum(np.abs(across), 1e-3 * np.sqrt(1 + cot_theta**2)), across)
    slope_x = (direction * hit.axis_x).sum(axis=1) / across - hit.drift[:, 0]
    slope_y = (direction * hit.axis_y).sum(axis=1) / across - hit.drift[:, 1]
    return np.abs(slope_x), np.abs(slope_y), np.sqrt(1 + cot_theta**2) / np.abs(across)


def doublet_features(
    inner: Hits,
    outer: Hits,
    layer_barrel: NDArray[np.bool_],
    layer_number: NDArray[np.uint8],
    pitch_mm: tuple[float, float],
    thickness_mm: float,
    field_tesla: float,
) -> NDArray[np.float32]:
    """Feature table, float32 [n, len(FEATURES)], of n pairs of hits."""
    half, cot_theta, z0, delta_phi = helix(inner, outer)
    columns: dict[str, NDArray[np.float64]] = {}
    for side, hit in (("inner", inner), ("outer", outer)):
        slope_x, slope_y, path = _incidence(hit, half, cot_theta)
        expected_x = np.minimum(1 + slope_x * thickness_mm / pitch_mm[0], MAX_EXPECTED_PIXELS)
        expected_y = np.minimum(1 + slope_y * thickness_mm / pitch_mm[1], MAX_EXPECTED_PIXELS)
        values = {
            "r": hit.r,
            "phi": hit.phi,
            "z": hit.z,
            "barrel": layer_barrel[hit.layer],
            "layer": layer_number[hit.layer],
            "charge": hit.charge_ke,
            "size_x": hit.size_x,
            "size_y": hit.size_y,
            "overflow": hit.overflow,
            "expected_x": expected_x,
            "expected_y": expected_y,
            "excess_x": hit.size_x - expected_x,
            "excess_y": hit.size_y - expected_y,
            "charge_per_path": hit.charge_ke / (path * thickness_mm),
        }
        columns |= {f"{side}_{name}": value for name, value in values.items()}
    columns |= {
        "delta_r": outer.r - inner.r,
        "delta_phi": delta_phi,
        "delta_z": outer.z - inner.z,
        "cot_theta": cot_theta,
        "z0": z0,
        "curvature": 2 * half / gev_per_mm(field_tesla),
    }
    table = np.empty((inner.r.size, len(FEATURES)), np.float32)
    for position, name in enumerate(FEATURES):
        table[:, position] = columns[name]
    return table

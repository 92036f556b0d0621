"""High-level features of a particle in both calorimeters: fixed functions of the cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events

Floats = NDArray[np.float64]


def sums(events: Events) -> Floats:
    """Energy of both calorimeters and 1: [n, 3], GeV."""
    both = [events.inputs[name].sum((1, 2, 3, 4), dtype=np.float64) for name in ("ecal", "hcal")]
    return np.stack([*both, np.ones(len(events))], axis=1)


def features(events: Events) -> NDArray[np.float32]:
    """Summary of both images, [n, 14].

    Sums and filled cells of both, share of the HCAL, share of the hottest ECAL cell, mean depth and its
    spread in both, ECAL shares of the first five layers, of 3x3 and 5x5 towers around the centre, and
    the lateral spread in the ECAL.
    """
    ecal, hcal = (events.inputs[name][:, 0].astype(np.float64) for name in ("ecal", "hcal"))
    e, h = (np.maximum(image.sum((1, 2, 3)), 1e-9) for image in (ecal, hcal))
    columns = [e, h, h / (e + h), ecal.max((1, 2, 3)) / e]
    columns += [np.count_nonzero(image, axis=(1, 2, 3)) for image in (ecal, hcal)]
    for image, total in ((ecal, e), (hcal, h)):
        depth, along = np.arange(image.shape[3]), image.sum((1, 2))
        mean = along @ depth / total
        columns += [mean, np.sqrt(np.maximum(along @ depth**2 / total - mean**2, 0))]
    columns.append(ecal[..., :5].sum((1, 2, 3)) / e)
    lateral = ecal.sum(3)
    for reach in (1, 2):
        centre = lateral[:, 12 - reach : 13 + reach, 12 - reach : 13 + reach]
        columns.append(centre.sum((1, 2)) / e)
    place = np.arange(lateral.shape[1]) - 12.0
    variance = sum(side @ place**2 / e - (side @ place / e) ** 2 for side in (lateral.sum(1), lateral.sum(2)))
    columns.append(np.sqrt(np.maximum(variance, 0)))
    return np.stack(columns, axis=1).astype(np.float32)

"""What a person would compute of a particle in both calorimeters: fixed functions of the cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events

Floats = NDArray[np.float64]
THICK = 17
"""The first ECAL layer with twice the absorber."""
_FRONT = 4  # layers in which electrons and photons differ most
_CLIPS_GEV = (0.007, 0.02, 0.06)  # cells count up to so much: about one, three and nine particles
_BLOCK = 6  # HCAL layers that are summed
_CENTRE = 12
_REACHES = (0, 1, 2, 3, 5)  # towers so far from one in the middle
_ENTRY = (0, 1)  # cells so far from the entry, in each layer: a track, or none
_DEPTHS = ((0, 6), (6, 12), (12, 25))  # layers whose width is told

FEATURES = (
    "ECAL energy", "HCAL energy", "share of the HCAL", "share of the hottest cell",
    "ECAL cells", "HCAL cells",
    *(f"energy up to {1e3 * clip:g} MeV per cell" for clip in _CLIPS_GEV),
    *(f"cells above {1e3 * clip:g} MeV" for clip in _CLIPS_GEV),
    *(f"energy of layer {layer}" for layer in range(_FRONT)),
    *(f"share of layer {layer}" for layer in range(25)),
    *(f"cells of layer {layer}" for layer in range(25)),
    *(f"share of HCAL layers from {layer}" for layer in range(0, 60, _BLOCK)),
    *(f"{name} of the depth in the {grid}" for grid in ("ECAL", "HCAL") for name in ("mean", "spread")),
    *(f"share in {size} x {size} towers {where}" for where in ("at the entry", "at the hottest")
      for size in (2 * reach + 1 for reach in _REACHES)),
    "width along the long axis", "width along the short axis", "distance of the centre from the entry",
    "energy of the second maximum over the first", "distance of the two maxima",
    *(f"width in layers {first} to {last - 1}" for first, last in _DEPTHS),
    *(f"energy in {size} x {size} cells at the entry of layer {layer}"
      for size in (2 * reach + 1 for reach in _ENTRY) for layer in range(25)),
)  # fmt: skip
"""Names of the columns of `features`."""


def sums(events: Events) -> Floats:
    """Energy of the ECAL's thin and thick layers and of the HCAL, and 1: [n, 4], GeV."""
    along = events.inputs["ecal"].sum((1, 2, 3), dtype=np.float64)
    hcal = events.inputs["hcal"].sum((1, 2, 3, 4), dtype=np.float64)
    return np.stack([along[:, :THICK].sum(1), along[:, THICK:].sum(1), hcal, np.ones(len(events))], axis=1)


def features(events: Events) -> NDArray[np.float32]:
    """The columns `FEATURES`, [n, columns]; energies in GeV, lengths in cells and layers."""
    ecal, hcal = (events.inputs[name][:, 0] for name in ("ecal", "hcal"))
    if len(ecal) == 0:  # a batch may hold no electron
        return np.zeros((0, len(FEATURES)), np.float32)
    layers, blocks = (image.sum((1, 2), dtype=np.float64) for image in (ecal, hcal))
    e, h = (np.maximum(along.sum(1), 1e-9) for along in (layers, blocks))
    filled = np.count_nonzero(ecal, axis=(1, 2))
    columns = [
        e,
        h,
        h / (e + h),
        ecal.max((1, 2, 3)) / e,
        filled.sum(1),
        np.count_nonzero(hcal, axis=(1, 2, 3)),
    ]
    columns += [np.minimum(ecal, clip).sum((1, 2, 3)) for clip in _CLIPS_GEV]
    columns += [np.count_nonzero(ecal > clip, axis=(1, 2, 3)) for clip in _CLIPS_GEV]
    columns += [*layers[:, :_FRONT].T, *(layers / e[:, None]).T, *filled.T]
    columns += list((blocks.reshape(len(h), -1, _BLOCK).sum(2) / h[:, None]).T)
    for along in (layers, blocks):
        columns += _moments(along)
    columns += _lateral(ecal.sum(3, dtype=np.float64))
    columns += [_widths(ecal[..., first:last].sum(3, dtype=np.float64))[0] for first, last in _DEPTHS]
    for reach in _ENTRY:
        about = slice(_CENTRE - reach, _CENTRE + reach + 1)
        columns += list(ecal[:, about, about].sum((1, 2)).T)
    return np.stack(columns, axis=1).astype(np.float32)


def _moments(along: Floats) -> list[Floats]:
    """Mean and standard deviation of the place of what is spread `along` [n, places]."""
    place, total = np.arange(along.shape[1]), np.maximum(along.sum(1), 1e-9)
    mean = along @ place / total
    return [mean, np.sqrt(np.maximum(along @ place**2 / total - mean**2, 0))]


def _widths(towers: Floats) -> tuple[Floats, Floats, Floats]:
    """Of towers [n, x, y]: spread along the long and the short axis, distance of the mean from the entry."""
    total = np.maximum(towers.sum((1, 2)), 1e-9)
    place = np.arange(towers.shape[1]) - float(_CENTRE)
    x, y = towers.sum(2) / total[:, None], towers.sum(1) / total[:, None]
    mx, my = x @ place, y @ place
    xx, yy = x @ place**2 - mx**2, y @ place**2 - my**2
    xy = np.einsum("nij,i,j->n", towers, place, place) / total - mx * my
    half, apart = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return np.sqrt(np.maximum(half + apart, 0)), np.sqrt(np.maximum(half - apart, 0)), np.hypot(mx, my)


def _lateral(towers: Floats) -> list[Floats]:
    n, side, _ = towers.shape
    total = np.maximum(towers.sum((1, 2)), 1e-9)
    each, place = np.arange(n), np.arange(side)

    def hottest(image: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        flat = image.reshape(n, -1)
        most = flat.argmax(1)
        return most // side, most % side, flat[each, most]

    def away(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.maximum(np.abs(place - x[:, None])[:, :, None], np.abs(place - y[:, None])[:, None, :])

    x, y, first = hottest(towers)
    entry = np.full(n, _CENTRE)
    found = []
    for far in (away(entry, entry), away(x, y)):
        found += [np.where(far <= reach, towers, 0).sum((1, 2)) / total for reach in _REACHES]
    second_x, second_y, second = hottest(np.where(away(x, y) > 1, towers, 0))
    found += [*_widths(towers), second / np.maximum(first, 1e-9), np.hypot(second_x - x, second_y - y)]
    return found

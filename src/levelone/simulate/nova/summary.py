"""What a person would compute of a single particle in the segmented scintillator."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from levelone.simulate.materials import Floats
from levelone.simulate.nova.detector import CELL_CM
from levelone.simulate.nova.readout import BEFORE, WIDE
from levelone.simulate.passage.particles import Kind
from levelone.simulate.summaries import Quantity, Sample, bins, log_bins

_LIGHT = "showers leave 0.5 % less light in 2 % more cells; half of it as Birks' law takes the mean loss"
_DEPTHS = "cross sections are those of complete screening, pairs' above a few MeV too"
_ANGLES = "nothing turns by what it radiates, and positrons do not annihilate in flight"
_STRAGGLING = "single collisions of more than 5 MeV are drawn without the spin of what they hit"
_DEPTH = bins(0, 210, 105)
QUANTITIES = (
    Quantity("response", "", "light over kinetic energy", bins(0.3, 0.8, 100), 0.08, _LIGHT),
    Quantity("cells", "", "cells above threshold", bins(0, 250, 125), 0.08, _LIGHT),
    Quantity("length", "planes", "from the first plane to the last", _DEPTH, 0.05, _DEPTHS),
    Quantity("depth", "planes", "mean depth, by light", bins(0, 60, 60), 0.05, _DEPTHS),
    Quantity("maximum", "planes", "depth of the plane with most light", _DEPTH, 0.05, _DEPTHS),
    Quantity("width", "cm", "rms distance from the centre", log_bins(0.3, 60, 80), 0.05, _ANGLES),
    Quantity("core", "", "share of the light within a cell of the axis", bins(0, 1, 50), 0.05, _ANGLES),
    Quantity("front", "MeV", "light of the first four planes", bins(0, 200, 100), 0.05, _DEPTHS),
    Quantity("track", "planes", "from the first plane to the last", _DEPTH, 0.05, _STRAGGLING),
    Quantity("median plane", "MeV", "median light of a plane", log_bins(4, 40, 80), 0.05, _STRAGGLING),
)
"""What showers and muons have in common, and what either has for itself."""
_SHOWERS = {"length", "depth", "maximum", "core", "front"}
_TRACKS = {"track", "median plane"}
SAMPLES = tuple(
    Sample({"kind": kind, "kinetic_mev": energy}, geant4, 200)
    for kind in (Kind.ELECTRON, Kind.PHOTON, Kind.MUON)
    for energy, geant4 in ((500.0, 600), (1000.0, 600), (2000.0, 400), (4000.0, 200))
)
_FRONT = 4


def summarise(chunks: Iterable[Floats], kind: Kind, kinetic_mev: float) -> dict[str, dict[str, Floats]]:
    """Quantities of what `levelone.simulate.nova.gun.fire` makes of one kind and kinetic energy."""
    found = [measured(light, kinetic_mev) for light in chunks]
    others = _SHOWERS if kind == Kind.MUON else _TRACKS
    values = {name: np.concatenate([each[name] for each in found]) for name in found[0] if name not in others}
    return {f"{kind.name.lower()}, {kinetic_mev / 1e3:g} GeV": values}


def measured(light: Floats, kinetic_mev: float) -> dict[str, Floats]:
    """All quantities of events [n, 2, WIDE, LONG] in each of which a cell fired."""
    n = len(light)
    planes = light.sum(2).transpose(0, 2, 1).reshape(n, -1)  # both views by turns
    number = np.arange(planes.shape[1])
    depth = number - 2 * BEFORE  # from the plane in which particles start, or the one behind
    total = planes.sum(1)
    fired = planes > 0
    first = fired.argmax(1)
    length = len(number) - fired[:, ::-1].argmax(1) - first
    front = (number >= first[:, None]) & (number < first[:, None] + _FRONT)
    across = light.sum(3)
    cell = np.arange(WIDE) - WIDE // 2
    of_view = np.maximum(across.sum(2), 1e-9)
    square = across @ cell**2 / of_view - (across @ cell / of_view) ** 2
    found = {
        "response": total / kinetic_mev,
        "cells": np.count_nonzero(light, axis=(1, 2, 3)),
        "length": length,
        "depth": planes @ depth / total,
        "maximum": depth[planes.argmax(1)],
        "width": CELL_CM * np.sqrt(np.maximum(square, 0).mean(1)),
        "core": across[:, :, np.abs(cell) <= 1].sum((1, 2)) / total,
        "front": (planes * front).sum(1),
        "track": length,
        "median plane": np.nanmedian(np.where(fired, planes, np.nan), axis=1),
    }
    return {name: np.asarray(values, np.float64) for name, values in found.items()}

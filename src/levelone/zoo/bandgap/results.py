"""How far answers are from the gap: in all, by what is at the pixel, over the distance from what is near."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.shares import summarise
from levelone.simulate.bandgap.generator import GAP, SURFACE
from levelone.zoo.bandgap.section import MIDDLE_EV, UNIT_EV, UNIT_PM
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import Meter, Predictions, network_of

REPLICAS = 300
"""Bootstrap replicas behind each uncertainty."""
PARTS = ("all", "one layer", "two layers", "edge", "terrace", "defect", "rim", "true")
"""Pixels: all; at least `NEAR_NM` from an island's edge, of one and of two layers; nearer to the edge of an
island, to that of a terrace, to a charged defect; nearer than `RIM_NM` to the border of the image. "true":
all, against the true gap in place of the measured one."""
NEAR_NM, RIM_NM = 1.0, 2.0
FLOOR = "floor"
"""The true gap as an answer: what noise leaves to the best method there can be."""
DISTANCES = np.arange(0, 7.01, 0.5)
"""nm: bins of the distance from what is near."""
_BINS = tuple(f"from {nm:g} nm" for nm in DISTANCES[:-1])
NEAR = {name: SURFACE.index(name) for name in ("edge", "terrace", "defect")}
_SHOWN = 4  # images in the report


class GapMeter(Meter):
    """Sums of squared errors of every image and model, and a few images to show; errors in meV."""

    def __init__(self, pixel_nm: float, seed: int) -> None:
        self._pixel_nm, self._seed = pixel_nm, seed
        self._counted: dict[str, list[NDArray[np.float64]]] = {}
        self._near: dict[str, dict[str, list[NDArray[np.float64]]]] = {name: {} for name in NEAR}
        self._shown: list[dict[str, NDArray[Any]]] = []

    def update(self, events: Events, outputs: Predictions) -> None:
        measured, true = np.moveaxis(events.truth["gap"].astype(np.float64), 1, 0)
        groups = self._groups(events.truth["surface"])
        bins = np.digitize(events.truth["surface"], DISTANCES) - 1
        answers = {name: gap_ev(found["gap"]) for name, found in outputs.items()} | {FLOOR: true}
        for model, answer in answers.items():
            squared = (1000 * (answer - measured)) ** 2
            rows = [(group, np.where(group, squared, 0)) for group in groups]
            rows.append((groups[0], (1000 * (answer - true)) ** 2))
            sums = np.stack([[part.sum((1, 2)) for part in pair] for pair in rows]).astype(np.float64)
            self._counted.setdefault(model, []).append(np.moveaxis(sums, -1, 0))
            for name, channel in NEAR.items():
                self._near[name].setdefault(model, []).append(_binned(bins[:, channel], squared))
        self._keep(events, {name: answers[name] for name in ("float", "quantised") if name in answers})

    def _groups(self, surface: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
        layers, edge, terrace, defect = np.moveaxis(surface, 1, 0)
        everywhere = np.ones(layers.shape, np.bool_)
        rim = everywhere.copy()
        wide = int(RIM_NM / self._pixel_nm)
        rim[:, wide:-wide, wide:-wide] = False
        apart = edge >= NEAR_NM
        return [
            everywhere, apart & (layers < 1.5), apart & (layers > 1.5), ~apart, terrace < NEAR_NM,
            defect < NEAR_NM, rim,
        ]  # fmt: skip

    def _keep(self, events: Events, answers: dict[str, NDArray[np.float64]]) -> None:
        near = events.truth["surface"][:, 1:].min((2, 3)) < 1
        for number in np.flatnonzero(near.sum(1) >= 2)[: _SHOWN - len(self._shown)]:
            kept = {"topography": events.inputs["topography"][number, 0] * UNIT_PM}
            kept |= {name: events.truth["gap"][number, channel] for channel, name in enumerate(GAP)}
            kept |= {name: answer[number] for name, answer in answers.items()}
            self._shown.append({name: image.astype(np.float32) for name, image in kept.items()})

    def result(self) -> dict[str, Any]:
        counted = {name: np.concatenate(rows) for name, rows in self._counted.items()}
        best = network_of(counted)
        pairs = tuple((best, name) for name in counted if name not in (best, FLOOR))
        found, deltas = summarise(
            counted, PARTS, replicas=REPLICAS, seed=self._seed, differences=pairs, root=True
        )
        models: dict[str, Any] = {name: {"rmse_mev": figures} for name, figures in found.items()}
        pixels = counted[FLOOR][..., 0].sum(0).astype(int)
        models[FLOOR]["pixels"] = dict(zip(PARTS, pixels.tolist(), strict=True))
        return {
            "models": models,
            "differences": {name: {"rmse_mev": figures} for name, figures in deltas.items()},
            "bootstrap": {"replicas": REPLICAS, "unit": "image"},
            "pixel_nm": self._pixel_nm,
        }

    def kept(self) -> dict[str, NDArray[Any]]:
        """``distance/WHAT/MODEL``, ``shown/NUMBER/WHAT``.

        The former [2, bins of `DISTANCES`]: rms error and its uncertainty in meV, NaN where there are no
        pixels; the latter images in pm and eV.
        """
        kept: dict[str, NDArray[Any]] = {}
        for what, rows in self._near.items():
            counted = {model: np.concatenate(parts) for model, parts in rows.items()}
            found, _ = summarise(counted, _BINS, replicas=REPLICAS, seed=self._seed, root=True)
            for model, figures in found.items():
                pairs = [(f["value"], f["error"]) if f else (np.nan, np.nan) for f in figures.values()]
                kept[f"distance/{what}/{model}"] = np.array(pairs, np.float64).T
        for number, images in enumerate(self._shown):
            kept |= {f"shown/{number}/{what}": image for what, image in images.items()}
        return kept


def gap_ev(answer: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The gap in eV that an answer [n, 1, rows, columns] means, [n, rows, columns]."""
    found: NDArray[np.float64] = answer[:, 0].astype(np.float64) * float(UNIT_EV) + float(MIDDLE_EV)
    return found


def _binned(bins: NDArray[np.intp], squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels and sums of their squared errors in every bin, of every image: [n, bins, 2].

    Both are given pixel by pixel, [n, rows, columns]; pixels farther than the last bin count in none.
    """
    images, width = len(bins), len(_BINS)
    inside = bins < width
    place = (np.arange(images)[:, None, None] * width + bins)[inside]
    counted = [np.bincount(place, weight, images * width) for weight in (None, squared[inside])]
    return np.stack(counted, axis=-1, dtype=np.float64).reshape(images, width, 2)

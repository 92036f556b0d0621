"""How well molecules are found: at every density, by the photons they have, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.localisation import COUNTED, count, match, summarise
from levelone.metrics.ranking import compare
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import Meter, Predictions, network_of
from levelone.zoo.kit.pixels import chances
from levelone.zoo.smlm.candidates import molecules
from levelone.zoo.smlm.fitting import TOLERANCE_NM
from levelone.zoo.smlm.section import UNIT_ADU, SmlmModel

REPLICAS = 300
"""Bootstrap replicas behind each uncertainty."""
PHOTON_EDGES = np.array([30.0, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])
"""Bins of photons in which the share of molecules that are found is shown."""
_SHOWN = 4  # frames in the report
_PIXELS = 24  # pixels without a molecule of each frame that the AUC knows, at most


class FrameMeter(Meter):
    """Keeps a few numbers of every frame and model, and the first frames of as many densities.

    Parameters
    ----------
    model
        Size of a pixel, and what makes a candidate a molecule.
    """

    def __init__(self, model: SmlmModel, seed: int) -> None:
        self._model, self._seed = model, seed
        self._counted: dict[str, list[NDArray[np.float64]]] = {}
        self._photons: dict[str, NDArray[np.float64]] = {}
        self._scores: dict[str, list[NDArray[np.float32]]] = {}
        self._target: list[NDArray[np.uint8]] = []
        self._frame_of: list[NDArray[np.int64]] = []
        self._density: list[NDArray[np.float32]] = []
        self._shown: dict[float, dict[str, NDArray[Any]]] = {}
        self._frames = 0

    def update(self, events: Events, outputs: Predictions) -> None:
        listed = [rows[np.isfinite(rows[:, 0])].astype(np.float64) for rows in events.truth["molecules"]]
        for model, found in outputs.items():
            places = molecules(found["logit"], found["shift"], self._model.threshold)
            self._count(model, listed, [each * self._model.pixel_nm for each in places])
        self._sample(events, outputs)
        self._density.append(events.truth["density"])
        self._keep(events, outputs, listed)
        self._frames += len(listed)

    def _count(self, model: str, listed: list[Any], places: list[Any]) -> None:
        rows = self._counted.setdefault(model, [])
        bins = self._photons.setdefault(model, np.zeros((2, len(PHOTON_EDGES) - 1)))
        for true, found in zip(listed, places, strict=True):
            made = match(true[:, :2], found, TOLERANCE_NM)
            rows.append(count(made, len(true), len(found), true[:, 3], TOLERANCE_NM))
            for number, photons in enumerate((true[made.true, 2], true[:, 2])):
                bins[number] += np.histogram(photons, PHOTON_EDGES)[0]

    def _sample(self, events: Events, outputs: Predictions) -> None:
        """Pixels for the AUC: all with a molecule, some without, the same for all models."""
        present = events.truth["map"][:, 0].reshape(len(events), -1) > 0
        rng = np.random.default_rng([self._seed, self._frames])
        empty = rng.permuted(np.broadcast_to(np.arange(present.shape[1]), present.shape), axis=1)[:, :_PIXELS]
        chosen = present.copy()
        np.put_along_axis(chosen, empty, True, axis=1)
        for model, found in outputs.items():
            logit = found["logit"].reshape(len(events), -1)
            self._scores.setdefault(model, []).append(logit[chosen])
        self._target.append(present[chosen].astype(np.uint8))
        self._frame_of.append(np.nonzero(chosen)[0] + self._frames)

    def _keep(self, events: Events, outputs: Predictions, listed: list[Any]) -> None:
        for number, density in enumerate(events.truth["density"]):
            if float(density) in self._shown or len(self._shown) >= _SHOWN or not len(listed[number]):
                continue
            kept = {
                "frame": events.inputs["frame"][number, 0] * UNIT_ADU,
                "truth": events.truth["map"][number, 0],
                "places": listed[number][:, :2] / self._model.pixel_nm,
            }
            for model in ("float", "quantised"):
                if model in outputs:
                    kept[model] = chances(outputs[model]["logit"][number, 0]).astype(np.float32)
            self._shown[float(density)] = kept

    def result(self) -> dict[str, Any]:
        density = np.concatenate(self._density)
        regions = {"all": np.ones(len(density), np.bool_)}
        regions |= {f"{value:g}": density == value for value in np.unique(density)}
        counted = {name: np.stack(rows) for name, rows in self._counted.items()}
        best = network_of(counted)
        pairs = tuple((best, name) for name in counted if name != best)
        models: dict[str, Any] = {name: {} for name in counted}
        differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
        for region, chosen in regions.items():
            rows = {name: each[chosen] for name, each in counted.items()}
            found, deltas = summarise(rows, replicas=REPLICAS, seed=self._seed, differences=pairs)
            for name, values in found.items():
                sums = rows[name].sum(0)[:3].astype(int)
                models[name][region] = values | dict(zip(COUNTED, sums.tolist(), strict=False))
            for name, values in deltas.items():
                differences[name][region] = values
        for name, area in self._areas().items():
            models[name]["all"]["auc"] = area
        frames = {region: int(chosen.sum()) for region, chosen in regions.items()}
        bootstrap = {"replicas": REPLICAS, "unit": "frame"}
        return {"models": models, "differences": differences, "frames": frames, "bootstrap": bootstrap}

    def _areas(self) -> dict[str, Any]:
        target, frames = np.concatenate(self._target), np.concatenate(self._frame_of)
        scores = {name: np.concatenate(parts) for name, parts in self._scores.items()}
        found, _ = compare(scores, target, np.ones(len(target)), frames, replicas=50, seed=self._seed)
        return {name: values.get("auc") for name, values in found.items()}

    def kept(self) -> dict[str, NDArray[Any]]:
        """``photons/MODEL`` [found, true] in `PHOTON_EDGES`; ``shown/DENSITY/WHAT`` of a frame."""
        kept: dict[str, NDArray[Any]] = {f"photons/{name}": bins for name, bins in self._photons.items()}
        for density, images in sorted(self._shown.items()):
            kept |= {f"shown/{density:g}/{what}": image for what, image in images.items()}
        return kept

"""How many pixels are classified wrongly: in all, of either class, of every particle, and event by event."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.argon_images import CLASSES, NOTHING, ORIGINS, SHOWER
from levelone.metrics.ranking import compare
from levelone.metrics.shares import summarise
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import Meter, Predictions, network_of
from levelone.zoo.kit.pixels import chances
from levelone.zoo.lartpc.section import UNIT_ADU

REPLICAS = 300
"""Bootstrap replicas behind each uncertainty."""
PARTS = ("all", "events", *CLASSES[1:], *ORIGINS)
""""all": of all pixels; "events": the mean over events of the share in each, as in arXiv:1808.07269."""
BINS = np.linspace(0, 1, 41)
"""Of chances and of shares."""
_SHOWN = 5  # events in the report
_LEAST = 80  # pixels with a class that a shown event has of either class
_PIXELS = 48  # of each event that the AUC knows, at most


class PixelMeter(Meter):
    """Counts pixels and wrong ones of every event and model, and keeps a few events to show."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counted: dict[str, list[NDArray[np.float64]]] = {}
        self._chances: dict[str, NDArray[np.float64]] = {}
        self._scores: dict[str, list[NDArray[np.float32]]] = {}
        self._target: list[NDArray[np.uint8]] = []
        self._event_of: list[NDArray[np.int64]] = []
        self._shown: list[dict[str, NDArray[Any]]] = []
        self._events = 0

    def update(self, events: Events, outputs: Predictions) -> None:
        classes, kinds = (events.truth[name][:, 0] for name in ("class", "particle"))
        there = classes != NOTHING
        shower = classes == SHOWER
        groups = [there, *(classes == code for code in range(1, len(CLASSES)))]
        groups += [kinds == code for code in range(1, len(ORIGINS) + 1)]
        for model, found in outputs.items():
            logit = found["logit"][:, 0]
            wrong = ((logit > 0) != shower) & there
            rows = np.stack([[group.sum((1, 2)), (group & wrong).sum((1, 2))] for group in groups])
            rows = np.moveaxis(rows, -1, 0).astype(np.float64)  # [n, groups, 2]
            some = rows[:, :1, 0] > 0
            share = np.stack([some, rows[:, :1, 1] / np.maximum(rows[:, :1, 0], 1)], axis=-1)
            self._counted.setdefault(model, []).append(np.concatenate([rows[:, :1], share, rows[:, 1:]], 1))
            bins = self._chances.setdefault(model, np.zeros((2, len(BINS) - 1)))
            chance = chances(logit[there])
            for number, mine in enumerate((~shower[there], shower[there])):
                bins[number] += np.histogram(chance[mine], BINS)[0]
        self._sample(there, shower, outputs)
        self._keep(events, outputs, there, shower)
        self._events += len(events)

    def _sample(self, there: NDArray[np.bool_], shower: NDArray[np.bool_], outputs: Predictions) -> None:
        """Pixels for the AUC, the same for all models."""
        rng = np.random.default_rng([self._seed, self._events])
        event, place = np.nonzero(there.reshape(len(there), -1))
        order = np.lexsort((rng.random(len(event)), event))
        event, place = event[order], place[order]
        number = np.arange(len(event)) - np.searchsorted(event, event)
        event, place = event[number < _PIXELS], place[number < _PIXELS]
        for model, found in outputs.items():
            logit = found["logit"].reshape(len(there), -1)
            self._scores.setdefault(model, []).append(logit[event, place])
        self._target.append(shower.reshape(len(there), -1)[event, place].astype(np.uint8))
        self._event_of.append(event + self._events)

    def _keep(
        self,
        events: Events,
        outputs: Predictions,
        there: NDArray[np.bool_],
        shower: NDArray[np.bool_],
    ) -> None:
        some = [(there & (shower == code)).sum((1, 2)) >= _LEAST for code in (False, True)]
        for number in np.flatnonzero(some[0] & some[1])[: _SHOWN - len(self._shown)]:
            kept = {
                "charge": events.inputs["charge"][number, 0] * UNIT_ADU,
                "truth": np.where(there[number], np.where(shower[number], 1.0, -1.0), 0.0),
            }
            for model in ("float", "quantised"):
                if model in outputs:
                    chance = chances(outputs[model]["logit"][number, 0])
                    kept[model] = np.where(there[number], 2 * chance - 1, 0)
            self._shown.append({name: image.astype(np.float32) for name, image in kept.items()})

    def result(self) -> dict[str, Any]:
        counted = {name: np.concatenate(rows) for name, rows in self._counted.items()}
        best = network_of(counted)
        pairs = tuple((best, name) for name in counted if name != best)
        wrong, deltas = summarise(counted, PARTS, replicas=REPLICAS, seed=self._seed, differences=pairs)
        target, events = np.concatenate(self._target), np.concatenate(self._event_of)
        scores = {name: np.concatenate(parts) for name, parts in self._scores.items()}
        areas, _ = compare(scores, target, np.ones(len(target)), events, replicas=50, seed=self._seed)
        models = {name: {"wrong": wrong[name], "auc": areas.get(name, {}).get("auc")} for name in counted}
        pixels = next(iter(counted.values()))[..., 0].sum(0).astype(int)
        return {
            "models": models,
            "differences": {name: {"wrong": shares} for name, shares in deltas.items()},
            "pixels": dict(zip(PARTS, pixels.tolist(), strict=True)),
            "bootstrap": {"replicas": REPLICAS, "unit": "event"},
        }

    def kept(self) -> dict[str, NDArray[Any]]:
        """``chances/MODEL`` [track, shower] in `BINS`; ``events/MODEL`` shares; ``shown/NUMBER/WHAT``."""
        kept: dict[str, NDArray[Any]] = {f"chances/{name}": bins for name, bins in self._chances.items()}
        for name, rows in self._counted.items():
            entries, shares = np.concatenate(rows)[:, PARTS.index("events")].T
            kept[f"events/{name}"] = shares[entries > 0]
        for number, images in enumerate(self._shown):
            kept |= {f"shown/{number}/{what}": image for what, image in images.items()}
        return kept

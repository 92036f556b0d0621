"""How like simulated showers generated ones are: in quantities, correlations, and to boosted trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import bootstrap_counts, compare
from levelone.zoo.kit.boosting import logit_trees
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import Meter, Predictions, network_of
from levelone.zoo.showergan.cells import asked, codes
from levelone.zoo.showergan.quantities import (
    QUANTITIES,
    Floats,
    cells_gev,
    layer_shares,
    lowest_bits,
    quantities,
    ring_densities,
)

SIMULATION = "simulation"
"""Its name among the models of a result; its distances are those between its halves."""
REPLICAS = 100
"""Bootstrap replicas behind every uncertainty."""
BINS = {"response": np.linspace(0.6, 1.1, 51), "filled": np.linspace(0, 700, 51)}
"""Of the histograms."""
_JUDGED = 3000  # events, true and generated, that boosted trees learn from and judge
_SHOWN = 4  # events in the report

Codes = NDArray[np.int16]


class ShowerMeter(Meter):
    """Keeps the codes of all showers of all models: two bytes for each cell."""

    def __init__(self, seed: int, threshold_mip: float) -> None:
        self._seed = seed
        self._threshold = threshold_mip
        self._codes: dict[str, list[Codes]] = {}
        self._energy: list[NDArray[Any]] = []
        self._particle: list[NDArray[Any]] = []

    def update(self, events: Events, outputs: Predictions) -> None:
        made = {SIMULATION: events.truth["shower"]}
        made |= {model: found["shower"] for model, found in outputs.items() if model != CONTROL}
        for model, shower in made.items():
            self._codes.setdefault(model, []).append(codes(shower))
        self._energy.append(events.truth["energy"])
        self._particle.append(events.truth["particle"])

    def result(self) -> dict[str, Any]:
        made, energy = self._all(), np.concatenate(self._energy)
        particle = np.concatenate(self._particle)
        cells = {model: cells_gev(each, self._threshold) for model, each in made.items()}
        of = {model: quantities(each, energy) for model, each in cells.items()}
        shares = {model: layer_shares(each) for model, each in cells.items()}
        models = {
            model: {
                "quantities": _distances(found, of[SIMULATION], halves=model == SIMULATION, seed=self._seed),
                "correlation": _correlation(
                    shares[model], shares[SIMULATION], model == SIMULATION, self._seed
                ),
            }
            for model, found in of.items()
        }
        areas, differences = self._areas(made, cells, asked(energy, particle))
        for model, found in areas.items():
            models.setdefault(model, {}).update(found)
        if {"float", "quantised"} <= made.keys():
            models["quantised"]["from_float"] = _moved(cells["quantised"], cells["float"])
        bootstrap = {"replicas": REPLICAS, "unit": "shower"}
        return {"models": models, "differences": differences, "bootstrap": bootstrap}

    def _all(self) -> dict[str, Codes]:
        return {model: np.concatenate(parts) for model, parts in self._codes.items()}

    def _areas(
        self, made: Mapping[str, Codes], cells: Mapping[str, Floats], given: NDArray[np.float32]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Areas under the curve of boosted trees that tell each model's showers from simulated ones."""
        given = given[:_JUDGED]
        target = np.repeat(np.array([1, 0], np.uint8), len(given))
        event = np.tile(np.arange(len(given)), 2)
        views: dict[str, dict[str, NDArray[Any]]] = {"auc_cells": {}, "auc_quantities": {}}
        for model, each in made.items():
            if model == SIMULATION:
                continue
            pair = (made[SIMULATION][: len(given)], each[: len(given)])
            flat = np.concatenate([half.reshape(len(given), -1) for half in pair]).astype(np.float32)
            seen = np.concatenate([_high_level(cells[name][: len(given)]) for name in (SIMULATION, model)])
            told = np.tile(given, (2, 1))
            for view, columns in (("auc_cells", flat), ("auc_quantities", seen)):
                views[view][model] = self._scores(np.concatenate([columns, told], 1), target, event)
        best = network_of(made)
        bits = np.concatenate([lowest_bits(made[name][: len(given)]) for name in (SIMULATION, best)])
        views["auc_cells"][CONTROL] = self._scores(bits, target, event)
        pairs = tuple((best, model) for model in views["auc_quantities"] if model != best)
        areas: dict[str, Any] = {}
        differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
        for view, scores in views.items():
            found, deltas = compare(
                scores,
                target,
                np.ones(len(target)),
                event,
                replicas=REPLICAS,
                seed=self._seed,
                differences=pairs,
            )
            for model, figures in found.items():
                areas.setdefault(model, {})[view] = figures["auc"]
            for pair_name, figures in deltas.items():
                differences[pair_name][view] = figures["auc"]
        return areas, differences

    def _scores(
        self, columns: NDArray[Any], target: NDArray[np.uint8], event: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Every event judged by trees that learned from the other half of the events."""
        found = np.zeros(len(target), np.float32)
        for half in (0, 1):
            mine = event % 2 == half
            found[mine] = logit_trees(columns[~mine], target[~mine], self._seed)(columns[mine])
        return found

    def kept(self) -> dict[str, NDArray[Any]]:
        """``along/MODEL``, ``across/MODEL``, ``correlation/MODEL``; ``QUANTITY/MODEL`` in `BINS`; showers.

        ``shown/MODEL``: energies [events, x, z] of the first showers, GeV; ``shown_energy`` and
        ``shown_particle`` of those.
        """
        energy = np.concatenate(self._energy)
        kept: dict[str, NDArray[Any]] = {
            "shown_energy": energy[:_SHOWN],
            "shown_particle": np.concatenate(self._particle)[:_SHOWN],
        }
        for model, each in self._all().items():
            cells = cells_gev(each, self._threshold)
            found = quantities(cells, energy)
            kept[f"along/{model}"] = cells.sum((1, 2)).mean(0)
            kept[f"across/{model}"] = ring_densities(cells)
            kept[f"correlation/{model}"] = correlations(layer_shares(cells))
            kept[f"shown/{model}"] = cells[:_SHOWN].sum(2)
            kept |= {f"{name}/{model}": np.histogram(found[name], edges)[0] for name, edges in BINS.items()}
        return kept


def correlations(shares: Floats) -> Floats:
    """Coefficients of correlation between shares of layers [n, layers], [layers, layers]; 0 if constant."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.corrcoef(shares, rowvar=False)
    clean: Floats = np.nan_to_num(np.atleast_2d(found))
    return clean


def wasserstein(one: Floats, other: Floats) -> float:
    """Mean distance between the quantiles of two samples, in standard deviations of the second one."""
    at = (np.arange(400) + 0.5) / 400
    distance = np.abs(np.quantile(one, at) - np.quantile(other, at)).mean()
    return float(distance / max(other.std(), 1e-12))


def _distances(
    found: Mapping[str, Floats], true: Mapping[str, Floats], *, halves: bool, seed: int
) -> dict[str, Any]:
    """Of each quantity: mean and spread, and the distance from the simulation."""
    rows = {}
    for name in QUANTITIES:
        one, other = (found[name][::2], found[name][1::2]) if halves else (found[name], true[name])
        draws = np.random.default_rng(seed).integers(0, len(one), (REPLICAS, len(one)))
        spread = [wasserstein(one[d], other[np.minimum(d, len(other) - 1)]) for d in draws]
        rows[name] = {
            "mean": float(found[name].mean()),
            "spread": float(found[name].std()),
            "distance": {"value": wasserstein(one, other), "error": float(np.std(spread, ddof=1))},
        }
    return rows


def _correlation(each: Floats, true: Floats, halves: bool, seed: int) -> dict[str, float]:
    """Mean difference between coefficients of correlation of two layers and those of the simulation."""
    one, other = (each[::2], each[1::2]) if halves else (each, true)
    apart = ~np.eye(each.shape[-1], dtype=bool)

    def difference(first: Floats, second: Floats) -> float:
        return float(np.abs(correlations(first) - correlations(second))[apart].mean())

    counts = bootstrap_counts(np.arange(min(len(one), len(other))), REPLICAS, seed)
    chosen = [np.repeat(np.arange(counts.shape[1]), row) for row in counts]
    spread = [difference(one[rows], other[rows]) for rows in chosen]
    return {"value": difference(one, other), "error": float(np.std(spread, ddof=1))}


def _moved(quantised: Floats, float_: Floats) -> dict[str, float]:
    """Energy that quantisation moved from cell to cell, of the same random numbers, over all energy."""
    share = np.abs(quantised - float_).sum((1, 2, 3)) / np.maximum(float_.sum((1, 2, 3)), 1e-9)
    return {"value": float(share.mean()), "error": float(share.std() / np.sqrt(len(share)))}


def _high_level(cells: Floats) -> Floats:
    """`QUANTITIES` (of the energy itself, not over the particle's) and shares of layers."""
    found = quantities(cells, np.ones(len(cells)))
    return np.concatenate([np.stack(list(found.values()), 1), layer_shares(cells)], axis=1)

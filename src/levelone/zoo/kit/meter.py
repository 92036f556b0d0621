"""Measuring models on a stream of test events: what is kept of an event is what the meter chooses to keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events, Outputs

Predictions = Mapping[str, Outputs]
"""Model name -> its outputs: "float", "quantised", a system's rivals, its baselines and its leak control."""
Truth = Mapping[str, NDArray[Any]]
"""Column name -> [n, ...]."""
Figures = Callable[[Predictions, Truth], dict[str, Any]]


def network_of(models: Collection[str]) -> str:
    """The one of the measured models that a result is about: the quantised network, else its float twin."""
    return "quantised" if "quantised" in models else "float"


class Meter(ABC):
    """Adds up what is measured of all models on the same test events, batch by batch.

    Test sets may be larger than memory, and outputs may be images: a meter for such outputs keeps sums,
    histograms or a few numbers per event, never the outputs themselves.
    """

    @abstractmethod
    def update(self, events: Events, outputs: Predictions) -> None:
        """Take one batch: its events, and the outputs of every model, in the same order."""

    @abstractmethod
    def result(self) -> dict[str, Any]:
        """Figures after the last batch, JSON: at least ``models`` (model name -> figures).

        Measured numbers are ``{"value": x, "error": x}``. Under ``data`` it may give its own counts of the
        events; they stand in ``metrics.json`` in place of ``train_events`` and ``test_events``.
        """

    def kept(self) -> dict[str, NDArray[Any]]:
        """What plots need, by name: written to ``scores.npz`` and handed to `System.panels`."""
        return {}


class PerEvent(Meter):
    """Keeps outputs and truth of every event: for a few numbers per event.

    Parameters
    ----------
    figures
        From predictions and truth of all events to the result of `Meter.result`.
    columns
        Truth columns that are kept; None: all.
    """

    def __init__(self, figures: Figures, columns: Collection[str] | None = None) -> None:
        self._figures = figures
        self._columns = columns
        self._outputs: dict[str, dict[str, list[NDArray[Any]]]] = {}
        self._truth: dict[str, list[NDArray[Any]]] = {}

    def update(self, events: Events, outputs: Predictions) -> None:
        for model, found in outputs.items():
            for output, array in found.items():
                self._outputs.setdefault(model, {}).setdefault(output, []).append(array)
        for column, values in events.truth.items():
            if self._columns is None or column in self._columns:
                self._truth.setdefault(column, []).append(values)

    @property
    def predictions(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Model name -> output name -> [n, ...] of all events."""
        return {
            model: {output: np.concatenate(parts) for output, parts in outputs.items()}
            for model, outputs in self._outputs.items()
        }

    @property
    def truth(self) -> dict[str, NDArray[Any]]:
        """Column name -> [n, ...] of all events."""
        return {column: np.concatenate(parts) for column, parts in self._truth.items()}

    def result(self) -> dict[str, Any]:
        return self._figures(self.predictions, self.truth)

    def kept(self) -> dict[str, NDArray[Any]]:
        """Arrays ``MODEL/OUTPUT`` and ``truth/COLUMN``; `split_kept` takes them apart again."""
        found = {
            f"{model}/{name}": a for model, outputs in self.predictions.items() for name, a in outputs.items()
        }
        return found | {f"truth/{column}": values for column, values in self.truth.items()}


def split_kept(
    kept: Mapping[str, NDArray[Any]],
) -> tuple[dict[str, dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]:
    """Predictions by model and output, and truth by column, from the arrays of `PerEvent.kept`."""
    predictions: dict[str, dict[str, NDArray[Any]]] = {}
    truth: dict[str, NDArray[Any]] = {}
    for key, array in kept.items():
        owner, _, name = key.partition("/")
        if owner == "truth":
            truth[name] = array
        else:
            predictions.setdefault(owner, {})[name] = array
    return predictions, truth

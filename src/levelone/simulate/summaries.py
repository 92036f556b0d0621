"""How events of one engine are compared with those of another: distributions of what a person would compute.

A generator has a module `summary` with `QUANTITIES`, `SAMPLES` and `summarise`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats

Summary = Mapping[str, Mapping[str, NDArray[Any]]]
"""Kind of event -> name of a quantity -> its values [n]."""

_SURE = 1.63
"""Kolmogorov and Smirnov's distance, in its own unit, that equal distributions exceed once in a hundred."""


@dataclass(frozen=True)
class Quantity:
    """What is compared.

    Attributes
    ----------
    name, unit, what
        Its key, its unit ("" if none) and what it is.
    edges
        Of the histogram; what lies outside counts in the first and last bin.
    differs
        By how much the cumulative distributions of the model and of Geant4 may differ at most, samples of any
        size: the stated difference of the model.
    because
        Why that is granted.
    """

    name: str
    unit: str
    what: str
    edges: tuple[float, ...]
    differs: float
    because: str


@dataclass(frozen=True)
class Sample:
    """Events to summarise: what the generator is `told`, how many with Geant4 and how many in a test."""

    told: Mapping[str, Any]
    geant4: int
    quick: int


@dataclass(frozen=True)
class Distribution:
    """A quantity of many events: how many, mean, standard deviation, and the bins' `counts`."""

    events: int
    mean: float
    deviation: float
    counts: tuple[int, ...]

    @staticmethod
    def of(values: NDArray[Any], quantity: Quantity) -> Distribution:
        """From values [n]."""
        inner = np.asarray(quantity.edges[1:-1])
        counts = np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1)
        return Distribution(
            len(values), float(np.mean(values)), float(np.std(values)), tuple(map(int, counts))
        )

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return float(self.deviation / np.sqrt(self.events))

    def cumulative(self) -> Floats:
        """Share of events up to the end of each bin."""
        return np.cumsum(self.counts) / self.events


@dataclass(frozen=True)
class Comparison:
    """A quantity of one kind of event by the model and by Geant4."""

    kind: str
    quantity: Quantity
    model: Distribution
    geant4: Distribution

    @property
    def distance(self) -> float:
        """Largest difference of the cumulative distributions, at the edges of bins."""
        return float(np.abs(self.model.cumulative() - self.geant4.cumulative()).max())

    @property
    def allowed(self) -> float:
        """The stated difference of the model, and what samples of this size differ by."""
        return self.quantity.differs + _SURE * float(np.sqrt(1 / self.model.events + 1 / self.geant4.events))

    @property
    def agrees(self) -> bool:
        """Whether the model does what is stated of it."""
        return self.distance <= self.allowed


def distributions(summary: Summary, quantities: tuple[Quantity, ...]) -> dict[str, dict[str, Distribution]]:
    """Kind -> quantity -> its distribution, of those that a kind of event has."""
    return {
        kind: {q.name: Distribution.of(values[q.name], q) for q in quantities if q.name in values}
        for kind, values in summary.items()
    }


def compare(
    model: Mapping[str, Mapping[str, Distribution]],
    geant4: Mapping[str, Mapping[str, Distribution]],
    quantities: tuple[Quantity, ...],
) -> list[Comparison]:
    """Every quantity that Geant4 has of every kind of event."""
    return [
        Comparison(kind, q, model[kind][q.name], found[q.name])
        for kind, found in geant4.items()
        for q in quantities
        if q.name in found
    ]


def bins(low: float, high: float, count: int) -> tuple[float, ...]:
    """Edges of bins of equal width."""
    return tuple(round(float(edge), 9) for edge in np.linspace(low, high, count + 1))


def log_bins(low: float, high: float, count: int) -> tuple[float, ...]:
    """Edges of bins of equal ratio."""
    return tuple(float(f"{edge:.6g}") for edge in np.geomspace(low, high, count + 1))


YES_NO = (-0.5, 0.5, 1.5)
"""Edges for what is 0 or 1."""

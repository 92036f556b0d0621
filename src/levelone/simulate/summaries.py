"""How events of one engine are compared with those of another: distributions of what a person would compute.

A generator has a module `summary` with `QUANTITIES`, `SAMPLES` and `summarise`, and `LANDMARKS` where a peak
and a tail matter: the largest difference of cumulative distributions does not see them.
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
_NEAR = (0.05, 0.7)
"""Quantiles between which the density tells where its peak is, of a law that leans as Landau's."""
_SURE_OF_ONE = 2.58
"""Standard deviations, of one number, that are exceeded once in a hundred."""
_AGAIN = 50
"""Histograms that might have been found instead, from which a peak's error is taken."""


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
class Landmark:
    """A single number of a quantity's distribution.

    Attributes
    ----------
    of, what
        Name of the quantity, and what is taken of it.
    share
        Of events below it; None for the most probable value.
    differs
        By how much the model's may differ from Geant4's, as a share of the latter.
    because
        Why that is granted.
    """

    of: str
    what: str
    share: float | None
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
    def name(self) -> str:
        """Of what is compared."""
        return self.quantity.name

    @property
    def distance(self) -> float:
        """Largest difference of the cumulative distributions, at the edges of bins."""
        return float(np.abs(self.model.cumulative() - self.geant4.cumulative()).max())

    @property
    def allowed(self) -> float:
        """The stated difference of the model, and what samples of this size differ by."""
        sure = _SURE
        if self.quantity.edges == YES_NO:
            no = (self.model.counts[0] + self.geant4.counts[0]) / (self.model.events + self.geant4.events)
            sure = _SURE_OF_ONE * float(np.sqrt(no * (1 - no)))
        return self.quantity.differs + sure * float(np.sqrt(1 / self.model.events + 1 / self.geant4.events))

    @property
    def agrees(self) -> bool:
        """Whether the model does what is stated of it."""
        return self.distance <= self.allowed


@dataclass(frozen=True)
class Placed:
    """Where a landmark lies in one kind of event, by the model and by Geant4: values and standard errors."""

    kind: str
    quantity: Quantity
    landmark: Landmark
    model: tuple[float, float]
    geant4: tuple[float, float]

    @property
    def name(self) -> str:
        """Of what is compared."""
        return f"{self.quantity.name}, {self.landmark.what}"

    @property
    def distance(self) -> float:
        """Difference of the two, as a share of Geant4's; positive where the model's is larger."""
        return self.model[0] / self.geant4[0] - 1

    @property
    def allowed(self) -> float:
        """The stated difference, and what samples of this size differ by."""
        errors = np.hypot(self.model[1] / self.geant4[0], self.geant4[1] / self.geant4[0])
        return self.landmark.differs + _SURE_OF_ONE * float(errors)

    @property
    def agrees(self) -> bool:
        """Whether the model does what is stated of it."""
        return abs(self.distance) <= self.allowed


def placed(
    model: Mapping[str, Mapping[str, Distribution]],
    geant4: Mapping[str, Mapping[str, Distribution]],
    quantities: tuple[Quantity, ...],
    landmarks: tuple[Landmark, ...],
) -> list[Placed]:
    """Every landmark in every kind of event of Geant4's."""
    named = {q.name: q for q in quantities}
    return [
        Placed(
            kind, named[mark.of], mark,
            *(locate(made[kind][mark.of], named[mark.of], mark.share) for made in (model, geant4)),
        )
        for kind in geant4
        for mark in landmarks
    ]  # fmt: skip


def locate(found: Distribution, quantity: Quantity, share: float | None) -> tuple[float, float]:
    """Quantile, or most probable value where `share` is None, and its standard error.

    From the histogram: within a bin events are taken to lie evenly.
    """
    if share is None:
        rng = np.random.default_rng(0)
        again = [_peak(rng.poisson(found.counts), quantity) for _ in range(_AGAIN)]
        return _peak(np.asarray(found.counts), quantity), float(np.std(again))
    cumulative = np.concatenate([[0], found.cumulative()])
    off = np.sqrt(share * (1 - share) / found.events)
    low, middle, high = np.interp([share - off, share, share + off], cumulative, quantity.edges)
    return float(middle), float((high - low) / 2)


def _peak(counts: NDArray[Any], quantity: Quantity) -> float:
    """Top of a cubic through the logarithm of the density, over that of the quantity."""
    below = np.cumsum(counts) / np.sum(counts)
    near = slice(int(np.searchsorted(below, _NEAR[0])), int(np.searchsorted(below, _NEAR[1])) + 1)
    edges = np.asarray(quantity.edges)
    middle = (np.log(edges[1:]) + np.log(edges[:-1]))[near] / 2
    density = np.log(np.maximum(counts, 0.5) / np.diff(edges))[near]
    law = np.polynomial.Polynomial.fit(middle, density, 3, w=np.sqrt(counts[near]))
    fine = np.linspace(middle[0], middle[-1], 1000)
    return float(np.exp(fine[law(fine).argmax()]))


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

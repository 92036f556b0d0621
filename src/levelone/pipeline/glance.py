"""The one table at the head of a report and of a results page: a system's headline figures, side by side.

Rows are the quantised network, its float twin, the best boosted trees, the classical quantity, the leak
control, and what is published; columns are samples of events, with the paired difference to the network.
Which figure, and which models, the system says (`levelone.zoo.kit.system.System.headlines`). What is not
there is a dash, with the reason in a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from levelone.panels import Rows, measured
from levelone.report.words import LABELS
from levelone.zoo.kit.control import CONTROL, TITLE
from levelone.zoo.kit.headline import Figure, Gap, Headline
from levelone.zoo.kit.meter import network_of
from levelone.zoo.kit.system import System

_CAPTION = "Errors: one standard deviation. Differences are paired: the same events for both."
_ELSEWHERE = "not measured on these events"
_FLOATS = "the weights of float networks are not kept with a committed model"
_OTHERS = "of other events, under other conditions: it does not compare directly"
_ROLES: Mapping[Gap, str] = {"trees": "best trees", "classical": "classical quantity"}
_REASONS: Mapping[Gap, str] = {
    "trees": "these results hold no boosted trees on everything that a person would compute",
    "classical": "no single classical quantity is compared",
    "control": "the leak control does not answer this",
    "difference": "no paired difference of this figure is kept",
}


@dataclass(frozen=True)
class Sample:
    """Events that models are measured on: a column, and one for the differences.

    Attributes
    ----------
    title
        What they are.
    metrics
        Figures on them; what the first lacks may stand in another. Empty: not measured.
    reason
        Why not.
    """

    title: str
    metrics: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""


def glance(system: System, own: Sample, *others: Sample) -> Rows | None:
    """The table; None if the system declares no headline.

    Parameters
    ----------
    own
        The test events of the run.
    others
        Whatever else its network was measured on, or not: then the sample says why.
    """
    headlines = system.headlines()
    if not headlines:
        return None
    table = _Table(network_of(own.metrics[0]["models"]), (own, *others))
    rows = [row for headline in headlines for row in table.rows(headline, system.published())]
    head = ["figure", "model"]
    for sample in table.samples:
        head += [sample.title, "network minus it"] if sample.metrics else [sample.title]
    numbers = tuple(range(2, len(head)))
    return Rows("At a glance", _CAPTION, tuple(head), tuple(rows), numbers, notes=tuple(table.notes))


def geant4_reason(system: System) -> str:
    """Why there are no figures on Geant4's events."""
    if "geant4" in system.generator.engines:
        return "not measured on Geant4's events: python -m benchmarks.other_events does that"
    return f"levelone makes no events of {system.name} with Geant4"


def in_words(published: Mapping[str, Any]) -> str:
    """What `System.published` says in words: the statement, whose it is, and the conditions."""
    return ". ".join(published[key] for key in ("statement", "source", "conditions") if published.get(key))


@dataclass
class _Table:
    """Rows of one network, and the notes that their cells refer to."""

    network: str
    samples: tuple[Sample, ...]
    notes: list[str] = field(default_factory=list)

    def rows(self, headline: Headline, published: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        """Those of one figure."""
        yield (headline.what, f"{self.network} network", *self._cells(headline, self.network))
        if self.network != "float":
            yield ("", LABELS["float"], *self._cells(headline, "float"))
        roles: tuple[tuple[Gap, str | None], ...] = (
            ("trees", self._trees(headline)),
            ("classical", headline.classical),
        )
        for gap, model in roles:
            title = "" if model is None else f": {headline.titles.get(model, model)}"
            yield ("", f"{_ROLES[gap]}{title}", *self._cells(headline, model, gap))
        yield ("", TITLE, *self._cells(headline, CONTROL, "control"))
        yield self._published(headline, published)

    def _cells(self, headline: Headline, model: str | None, gap: Gap = "trees") -> Iterator[str]:
        for sample in self.samples:
            found = self._figure(headline, model, sample)
            if not sample.metrics:
                yield self._dash(sample.reason)
            elif found is None:
                yield self._dash(self._missing(headline, model, gap))
                yield ""
            else:
                yield measured(found, headline.digits, percent=headline.percent)
                yield "" if model == self.network else self._difference(headline, str(model), sample)

    def _trees(self, headline: Headline) -> str | None:
        """The first of the trees that some events were measured with; the very first if none was."""
        names = (headline.trees,) if isinstance(headline.trees, str) else headline.trees or ()
        there = (name for name in names if any(self._figure(headline, name, s) for s in self.samples))
        return next(there, names[0] if names else None)

    def _missing(self, headline: Headline, model: str | None, gap: Gap) -> str:
        """Why there is no figure of a model on some events: others may hold it."""
        if model == "float":
            return _FLOATS
        if gap not in headline.why_not and any(self._figure(headline, model, s) for s in self.samples):
            return _ELSEWHERE
        return headline.why_not.get(gap, _REASONS[gap])

    def _figure(self, headline: Headline, model: str | None, sample: Sample) -> Figure | None:
        if model is None:
            return None
        return next(filter(None, (headline.figure(metrics, model) for metrics in sample.metrics)), None)

    def _difference(self, headline: Headline, other: str, sample: Sample) -> str:
        gains = (headline.gain(metrics, self.network, other) for metrics in sample.metrics)
        found = next(filter(None, gains), None)
        if found is None:
            return self._dash(headline.why_not.get("difference", _REASONS["difference"]))
        if headline.ratio:
            return f"{measured(found, 3)} times"
        return measured(found, headline.digits, percent=headline.percent, sign=True)

    def _published(self, headline: Headline, published: Mapping[str, Any]) -> tuple[str, ...]:
        """What is published of this figure, or said in words; in a note whose it is, and the conditions."""
        told = headline.published or published.get("statement", "")
        whose = in_words({key: what for key, what in published.items() if key != "statement"})
        marks = [self._mark(whose or "nothing published is known"), *([self._mark(_OTHERS)] if told else [])]
        row = ["", f"published {' '.join(marks)}", told or "–"]
        return (*row, *[""] * (self._columns - len(row)))

    @property
    def _columns(self) -> int:
        return 2 + sum(2 if sample.metrics else 1 for sample in self.samples)

    def _dash(self, note: str) -> str:
        return f"– {self._mark(note)}"

    def _mark(self, note: str) -> str:
        """The number of a note, in brackets; the same reason has one number."""
        if note not in self.notes:
            self.notes.append(note)
        return f"({self.notes.index(note) + 1})"

"""The figures by which a system is judged, and which of its models stand for what beside its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Figure = Mapping[str, Any]
"""A measured number: ``value`` and, where it is known, ``error``."""
Gap = Literal["trees", "classical", "control", "difference"]
"""What a headline may lack."""


@dataclass(frozen=True)
class Headline:
    """One figure of a system, and who is compared by it: see `levelone.pipeline.glance`.

    Attributes
    ----------
    what
        The figure in words, with its unit.
    keys
        Where it stands in the figures of a model (``metrics["models"][NAME]``).
    titles
        What people call the models that are no networks, by name.
    trees
        The best boosted trees on everything that a person would compute, a model's name; several: the first
        of them that a result holds; None: none.
    classical
        The classical quantity or method, a model's name; None: there is none.
    difference
        Where the paired difference stands in ``metrics["differences"]["NETWORK-OTHER"]``; None: at `keys`.
    ratio
        That is a ratio, not a difference.
    digits, percent
        As of `levelone.panels.measured`.
    published
        What `System.published` says of this very figure, in the same unit.
    why_not
        Why something is not there.
    """

    what: str
    keys: tuple[str, ...]
    titles: Mapping[str, str]
    trees: str | tuple[str, ...] | None = "boosting"
    classical: str | None = None
    difference: tuple[str, ...] | None = None
    ratio: bool = False
    digits: int = 4
    percent: bool = False
    published: str = ""
    why_not: Mapping[Gap, str] = field(default_factory=dict)

    def figure(self, metrics: Mapping[str, Any], model: str) -> Figure | None:
        """The figure of a model; None if these metrics do not hold it."""
        return measured_at(metrics, ("models", model, *self.keys))

    def gain(self, metrics: Mapping[str, Any], network: str, other: str) -> Figure | None:
        """What `network` has more than `other` on the same events; None if these metrics do not hold it."""
        keys = self.keys if self.difference is None else self.difference
        return measured_at(metrics, ("differences", f"{network}-{other}", *keys))


def measured_at(metrics: Mapping[str, Any], keys: tuple[str, ...]) -> Figure | None:
    """The measured number that stands at `keys`, of metrics that may lack it."""
    found: Any = metrics
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found if isinstance(found, Mapping) and found.get("value") is not None else None

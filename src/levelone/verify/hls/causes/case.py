"""What a cause must explain, and how a hypothesis is judged: by reproducing the integers, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph
from levelone.hls.ap_fixed import ApFixed
from levelone.hls.lower import lower
from levelone.hls.manifest import HlsInput, HlsLayer, Manifest
from levelone.hls.spec import LayerSpec
from levelone.verify.difference import Evidence
from levelone.verify.hls.firmware import Firmware, TypeChange
from levelone.verify.hls.fixed import parse_type

Body = Callable[..., NDArray[Any]]
"""A tuple of operands [event, *shape] -> the codes that the firmware would give if the hypothesis held."""


MOST = 4000
WORK = 2**24
"""At most this many hypotheses are tried, fewer on layers of many codes."""


@dataclass(frozen=True)
class Case:
    """One layer at fault, and the firmware around it."""

    graph: Graph
    manifest: Manifest
    firmware: Firmware
    evidence: Evidence

    @property
    def layer(self) -> str:
        """Firmware name."""
        return self._entry.layer

    @cached_property
    def spec(self) -> LayerSpec | None:
        """What `convert` would write for this layer."""
        name = self.evidence.node.name
        specs = lower(self.graph, self.manifest.document.hls)
        return next((spec for spec in specs if spec.name == name), None)

    @property
    def settings(self) -> Mapping[str, tuple[str, str]]:
        """Changed settings of this layer: name -> (meant, found)."""
        return self.firmware.settings.get(self.layer, {})

    @property
    def exponent(self) -> int:
        """One recorded code is worth ``2**exponent``."""
        return self._entry.exponent

    @property
    def _entry(self) -> HlsLayer:
        name = self.evidence.node.name
        return next(entry for entry in self.manifest.document.layers if entry.name == name)

    def operand(self, number: int) -> tuple[str, int]:
        """(firmware name, exponent) of an operand."""
        name = self.evidence.node.inputs[number]
        document = self.manifest.document
        entries: tuple[HlsInput | HlsLayer, ...] = (*document.layers, *document.inputs)
        return next((entry.layer, entry.exponent) for entry in entries if entry.name == name)

    def meant(self, key: str) -> ApFixed | None:
        """The type that `convert` chose for this layer."""
        text = self._entry.types.get(key)
        return None if text is None else parse_type(text)

    def now(self, key: str) -> ApFixed | None:
        """The type that the project has now for this layer."""
        return self.firmware.types.get((self.layer, key))

    def changed_types(self) -> tuple[TypeChange, ...]:
        """Changed types of this layer."""
        return tuple(change for change in self.firmware.type_changes if change.layer == self.layer)


@dataclass(frozen=True)
class Hypothesis:
    """A possible cause, in words, and what it would give.

    Attributes
    ----------
    on_result
        Whether `body` takes the operation's exact result in place of the operands.
    """

    kind: str
    text: str
    body: Body
    on_result: bool = False


@dataclass(frozen=True)
class Cause:
    """The hypothesis that explains best.

    Attributes
    ----------
    kind
        A word for programs: ``accumulator type``, ``rounding``, ``weight code``, ...; ``unknown`` if none.
    explained, looked_at
        How many of the codes in the evidence the hypothesis reproduces, of how many.
    """

    kind: str
    text: str
    explained: int
    looked_at: int

    @property
    def confirmed(self) -> bool:
        """Whether it reproduces every code, right and wrong ones."""
        return self.kind != "unknown" and self.explained == self.looked_at


def judge_all(evidence: Evidence, hypotheses: Iterable[Hypothesis]) -> Cause | None:
    """The first hypothesis that reproduces every code; else the first wrong one and most others.

    None if no hypothesis reproduces the first differing code.
    """
    best: Cause | None = None
    baseline = int(np.count_nonzero(evidence.expected == evidence.found))
    for hypothesis in itertools.islice(hypotheses, limit(evidence)):
        matched = _matched(evidence, hypothesis)
        if matched is None:
            continue
        cause = Cause(hypothesis.kind, hypothesis.text, matched, evidence.found.size)
        if cause.confirmed:
            return cause
        if matched > baseline and (best is None or matched > best.explained):
            best = cause
    return best


def limit(evidence: Evidence) -> int:
    """How many hypotheses a layer of this size is worth."""
    return max(
        MOST // 20, min(MOST, WORK // max(evidence.found[0].size, *(o[0].size for o in evidence.operands)))
    )


def _matched(evidence: Evidence, hypothesis: Hypothesis) -> int | None:
    """How many codes it reproduces; None if not the first differing one."""
    given = (evidence.expected,) if hypothesis.on_result else evidence.operands
    one = hypothesis.body(tuple(codes[:1] for codes in given))
    if one.shape[1:] != evidence.found.shape[1:] or one[evidence.first] != evidence.found[evidence.first]:
        return None
    return int(np.count_nonzero(hypothesis.body(given) == evidence.found))

"""What a comparison of integer codes concludes. There is no tolerance anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.hardware.body import between_codes

LAYER = "layer"
PORT = "output port"


class Outcome(Enum):
    """The verdicts, and the exit code of a command that reaches them; the worst one last.

    "Exact" is equal on every vector *and* as proven. What is equal on the vectors that were run, but holds
    edits of which no proof speaks, is "equal, not proven".
    """

    EXACT = "exact"
    NOT_PROVEN = "equal, not proven"
    MISMATCH = "mismatch"
    NOT_COMPARABLE = "not comparable"

    @property
    def exit_code(self) -> int:
        return {self.EXACT: 0, self.MISMATCH: 1, self.NOT_COMPARABLE: 2, self.NOT_PROVEN: 3}[self]

    @classmethod
    def worst(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """What several comparisons together conclude: the worst of them; exact of none."""
        return max(outcomes, key=list(cls).index, default=cls.EXACT)


@dataclass(frozen=True)
class Mismatch:
    """The first differing code: where, what was expected, what was found.

    Attributes
    ----------
    layer
        Name of the value.
    at
        `LAYER` if that is what the body recorded of it, `PORT` if it is what left the hardware there.
    """

    layer: str
    event: int
    position: tuple[int, ...]
    channel: int
    expected: int
    found: int
    at: str = LAYER

    @property
    def lsb(self) -> int:
        return abs(self.expected - self.found)


@dataclass(frozen=True)
class LayerComparison:
    """One layer: how many codes were compared, how many differ, by how many LSB at most."""

    name: str
    compared: int
    mismatches: int
    max_lsb: int
    first: Mismatch | None = None

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form: `name`, `compared`, `mismatches`, `max_lsb`."""
        return {key: getattr(self, key) for key in ("name", "compared", "mismatches", "max_lsb")}


def compare_codes(
    name: str, expected: NDArray[np.int64], found: NDArray[np.int64], at: str = LAYER
) -> LayerComparison:
    """Compare two integer arrays of shape [event, ..., channel] for equality.

    Raises
    ------
    ValueError
        If shapes differ or an array is not of integer type: such a pair cannot be compared by `==`.
    """
    if expected.shape != found.shape:
        raise ValueError(f"{name}: shapes {expected.shape} and {found.shape} differ")
    if expected.dtype.kind not in "iu" or found.dtype.kind not in "iu":
        raise ValueError(f"{name}: codes must be integers, not {expected.dtype} and {found.dtype}")
    wrong = expected != found
    count = int(np.count_nonzero(wrong))
    if count == 0:
        return LayerComparison(name, expected.size, 0, 0)
    difference = np.abs(expected[wrong].astype(object) - found[wrong].astype(object))
    event, *position = (int(i) for i in np.argwhere(wrong)[0])
    index = (event, *position)
    first = Mismatch(
        name,
        event,
        tuple(position[:-1]),
        position[-1] if position else 0,
        int(expected[index]),
        int(found[index]),
        at,
    )
    return LayerComparison(name, expected.size, count, int(difference.max()), first)


def on_grid(found: NDArray[Any], expected: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a body gave, in units of the layer's least significant bit, as codes.

    Hardware edited to a finer grid may give numbers between two codes: these become the neighbour that is
    *not* expected, so that they can never count as equal.
    """
    between = between_codes(found)
    if found.dtype == object:
        whole = [min(max(number // 1, -(2**63)), 2**63 - 1) for number in found.flat]
        codes = np.array(whole, dtype=np.int64).reshape(found.shape)
    else:
        codes = np.floor(found).astype(np.int64)
    return np.where(between & (codes == expected), codes + 1, codes)


def add_part(into: dict[str, LayerComparison], part: LayerComparison, start: int) -> None:
    """Add what was compared of one layer in some events, of which the first is number `start`."""
    first = part.first and replace(part.first, event=part.first.event + start)
    known = into.get(part.name)
    if known is None:
        into[part.name] = replace(part, first=first)
        return
    into[part.name] = LayerComparison(
        part.name,
        known.compared + part.compared,
        known.mismatches + part.mismatches,
        max(known.max_lsb, part.max_lsb),
        known.first or first,
    )


@dataclass(frozen=True)
class Verdict:
    """The conclusion over all layers and output ports of a project."""

    outcome: Outcome
    vectors: int
    layers: tuple[LayerComparison, ...]
    reason: str = ""
    outputs: tuple[LayerComparison, ...] = ()

    @property
    def first_mismatch(self) -> Mismatch | None:
        """In layer order, so the earliest layer that differs; else the first output port that does."""
        return next((part.first for part in (*self.layers, *self.outputs) if part.first is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form: `verdict`, `vectors`, `layers`, `outputs`, `first_mismatch`, `reason`."""
        first = self.first_mismatch
        return {
            "verdict": self.outcome.value,
            "vectors": self.vectors,
            "layers": [layer.to_dict() for layer in self.layers],
            "outputs": [output.to_dict() for output in self.outputs],
            "first_mismatch": None if first is None else asdict(first) | {"lsb": first.lsb},
            "reason": self.reason,
        }


def judge(
    layers: Sequence[LayerComparison], vectors: int, outputs: Sequence[LayerComparison] = ()
) -> Verdict:
    """Exact only if something was compared and every compared code is equal."""
    parts = [*layers, *outputs]
    if vectors == 0 or not parts or any(part.compared == 0 for part in parts):
        outcome, reason = Outcome.NOT_COMPARABLE, "nothing was compared"
    else:
        same = all(part.mismatches == 0 for part in parts)
        outcome, reason = Outcome.EXACT if same else Outcome.MISMATCH, ""
    return Verdict(outcome, vectors, tuple(layers), reason, tuple(outputs))

"""What a comparison of integer codes concludes. There is no tolerance anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Outcome(Enum):
    """The three verdicts, and the exit code of a command that reaches them."""

    EXACT = "exact"
    MISMATCH = "mismatch"
    NOT_COMPARABLE = "not comparable"

    @property
    def exit_code(self) -> int:
        return {"exact": 0, "mismatch": 1, "not comparable": 2}[self.value]


@dataclass(frozen=True)
class Mismatch:
    """The first differing code: where, what was expected, what was found."""

    layer: str
    event: int
    position: tuple[int, ...]
    channel: int
    expected: int
    found: int

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


def compare_codes(name: str, expected: NDArray[np.int64], found: NDArray[np.int64]) -> LayerComparison:
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
    )
    return LayerComparison(name, expected.size, count, int(difference.max()), first)


@dataclass(frozen=True)
class Verdict:
    """The conclusion over all layers of a project."""

    outcome: Outcome
    vectors: int
    layers: tuple[LayerComparison, ...]
    reason: str = ""

    @property
    def first_mismatch(self) -> Mismatch | None:
        """In layer order, so the earliest layer that differs."""
        return next((layer.first for layer in self.layers if layer.first is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form: `verdict`, `vectors`, `layers`, `first_mismatch`, `reason`."""
        first = self.first_mismatch
        return {
            "verdict": self.outcome.value,
            "vectors": self.vectors,
            "layers": [
                {"name": c.name, "compared": c.compared, "mismatches": c.mismatches, "max_lsb": c.max_lsb}
                for c in self.layers
            ],
            "first_mismatch": None if first is None else asdict(first) | {"lsb": first.lsb},
            "reason": self.reason,
        }


def judge(layers: list[LayerComparison], vectors: int) -> Verdict:
    """Exact only if something was compared and every compared code is equal."""
    if vectors == 0 or not layers or any(layer.compared == 0 for layer in layers):
        return Verdict(Outcome.NOT_COMPARABLE, vectors, tuple(layers), "nothing was compared")
    exact = all(layer.mismatches == 0 for layer in layers)
    return Verdict(Outcome.EXACT if exact else Outcome.MISMATCH, vectors, tuple(layers))

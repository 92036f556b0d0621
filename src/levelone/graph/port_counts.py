"""What becomes of real numbers at the input ports: how many saturate there, how many are rounded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import GraphInput
from levelone.graph.rounding import round_float


@dataclass(frozen=True)
class PortCount:
    """One port, and what became of the numbers that were given to it.

    Attributes
    ----------
    port, input
        Name of the port; of the ONNX input that it carries.
    declared
        Whether the port's type was declared by the user or annotated in the file; otherwise it is that of the
        network's own input quantiser, which was trained to saturate and to round.
    low, high, step
        What the port can carry, real numbers: the smallest, the largest, and the finest distance of two.
    events, values
        How many were given.
    saturated
        How many values are beyond `low` or `high`, by more than rounding, and became the nearest of the two.
    lowest, highest
        The extreme ones of those; None without any.
    rounded
        At a declared port: how many of the others became another number.
    """

    port: str
    input: str
    declared: bool
    low: float
    high: float
    step: float
    events: int = 0
    values: int = 0
    saturated: int = 0
    lowest: float | None = None
    highest: float | None = None
    rounded: int = 0

    @property
    def changed(self) -> bool:
        """Whether numbers were changed that the network itself would have taken as they are."""
        return self.declared and (self.saturated > 0 or self.rounded > 0)

    def to_dict(self) -> dict[str, Any]:
        """The `--json` form, by the names of the attributes."""
        return asdict(self)

    def __add__(self, other: PortCount) -> PortCount:
        """Both together, of one port."""
        lowest = [count.lowest for count in (self, other) if count.lowest is not None]
        highest = [count.highest for count in (self, other) if count.highest is not None]
        return replace(
            self,
            events=self.events + other.events,
            values=self.values + other.values,
            saturated=self.saturated + other.saturated,
            lowest=min(lowest, default=None),
            highest=max(highest, default=None),
            rounded=self.rounded + other.rounded,
        )


def port_count(port: GraphInput) -> PortCount:
    """A port to which nothing was given yet."""
    scale, shift = grid(port)
    if port.quantiser.bipolar:
        low, high, step = -scale, scale, 2 * scale
    else:
        low, high = ((end - shift) * scale for end in (port.quantiser.range.lo, port.quantiser.range.hi))
        step = scale
    ends = float(low.min()), float(high.max()), float(step.min())
    return PortCount(port.value.name, port.source, port.declared, *ends)


def grid(port: GraphInput) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and zero point of a port's quantiser, each [1] or one per channel."""
    quantiser = port.quantiser
    scale = np.array([float(s) for s in quantiser.scales or (quantiser.scale,)])
    return scale, np.array([float(s) for s in quantiser.shifts or (quantiser.zero_point,)])


def counted(
    port: GraphInput, given: NDArray[Any], scaled: NDArray[Any], codes: NDArray[np.int64]
) -> PortCount:
    """What became of the numbers `given` to a port.

    Parameters
    ----------
    given
        At the port's quantiser, [event, *graph shape].
    scaled
        The same in units of the port's last place, before rounding and saturation.
    codes
        What the port carries.
    """
    limits, rounding = port.quantiser.range, port.quantiser.rounding
    count = replace(port_count(port), events=len(given), values=given.size)
    beyond = np.zeros(given.shape, np.bool_)
    if not port.quantiser.bipolar and scaled.size and (scaled.min() < limits.lo or scaled.max() > limits.hi):
        near = np.clip(scaled.astype(np.float64), limits.lo - 2, limits.hi + 2)
        whole = round_float(near, rounding)
        beyond = (whole < limits.lo) | (whole > limits.hi)
        if beyond.any():
            ends = np.nan_to_num(given[beyond])  # infinity: the largest number
            count = replace(
                count,
                saturated=len(ends),
                lowest=float(ends.min()),
                highest=float(ends.max()),
            )
    if port.declared:
        scale, _ = grid(port)
        carried = (2 * codes - 1 if port.quantiser.bipolar else codes) * scale
        count = replace(count, rounded=int(np.count_nonzero((carried != given) & ~beyond)))
    return count


def merged(parts: Iterable[Sequence[PortCount]]) -> tuple[PortCount, ...]:
    """The counts of several parts of the events together, port by port."""
    total: dict[str, PortCount] = {}
    for part in parts:
        for count in part:
            total[count.port] = total[count.port] + count if count.port in total else count
    return tuple(total.values())


def port_notes(count: PortCount) -> list[str]:
    """What a reader should know of a port, in words; nothing if it is its own and nothing saturated."""
    holds = f"holds {count.low:g} to {count.high:g} in steps of {_power(count.step)}"
    which = f"its {'declared ' if count.declared else ''}port"
    name, of = f"input {count.input!r}", f"of {count.values:,} values"
    told = []
    if count.saturated:
        ends = f"from {count.lowest:g} to {count.highest:g}"
        told.append(f"{name}: {count.saturated:,} {of}, {ends}, saturate at {which}, which {holds}")
    if count.rounded:
        told.append(f"{name}: {count.rounded:,} {of} are rounded at {which}, which {holds}")
    if count.declared and not told:
        told.append(f"{name}: {which} {holds}; what lies outside saturates")
    return told


def _power(step: float) -> str:
    exponent = np.log2(step)
    return f"2^{int(exponent)}" if exponent == np.rint(exponent) and step < 1 else f"{step:g}"

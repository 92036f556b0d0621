"""Requantisations as cells: the hardware that is proven for every body, multiplied out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from levelone.graph.values import Rounding
from levelone.hardware.forms import Scaling, Thresholds
from levelone.rtl.unrolled.adders import Even
from levelone.rtl.unrolled.circuit import Circuit
from levelone.rtl.unrolled.products import Products
from levelone.rtl.unrolled.selectors import Clip, Table

TABLE_BITS = 6
"""Codes of so few bits are looked up: an output bit is one look-up table."""


def quantised(products: Products, hardware: Scaling | Thresholds, places: NDArray[np.int64]) -> list[int]:
    """A place for every element of the result of a requantisation, in row-major order."""
    channels = places.shape[-1]
    made = []
    for i, number in enumerate(places.reshape(-1).tolist()):
        channel = i % channels
        if isinstance(hardware, Thresholds):
            steps = hardware.steps[channel].tolist()
            rise = -1 if hardware.falling[channel] else 1
            levels = [hardware.first[channel] + rise * n for n in range(len(steps) + 1)]
            made.append(stepped(products.circuit, number, sorted(steps), levels))
        else:
            made.append(_scaled(products, hardware, channel, number))
    return made


def stepped(circuit: Circuit, number: int, steps: Sequence[int], levels: Sequence[int]) -> int:
    """``levels[number of steps <= code]``, steps rising: comparators, or a table of few codes."""
    reach = circuit.reach(number)
    if reach.width <= TABLE_BITS:
        counts = np.searchsorted(np.array(steps), np.arange(reach.lo, reach.hi + 1), side="right")
        return circuit.add(Table(reach.lo, tuple(levels[int(n)] for n in counts)), number)
    first, terms = levels[int(np.searchsorted(np.array(steps), reach.lo, side="right"))], []
    for at, before, after in zip(steps, levels, levels[1:], strict=False):
        if reach.lo < at <= reach.hi and after != before:
            reached, rise = circuit.at_least(number, at), after - before
            if rise & (rise - 1) == 0 or -rise & (-rise - 1) == 0:
                placed = circuit.shift(reached, abs(rise).bit_length() - 1)
                terms.append(placed if rise > 0 else circuit.negative(placed))
            else:
                terms.append(circuit.add(Table(0, (0, rise)), reached))
    return circuit.offset(circuit.total(terms), first)


def _scaled(products: Products, scaling: Scaling, channel: int, number: int) -> int:
    circuit = products.circuit
    factor, term, shift = scaling.factor[channel], scaling.term[channel], scaling.shift[channel]

    def result(code: int) -> int:
        row = np.array([[code]] * len(scaling.factor), dtype=object)
        return int(scaling.apply(row)[channel, 0])

    place = circuit.places[number]
    if isinstance(place.cell, Clip) and place.cell.low == 0:
        # what is limited here anyway need not have been rectified
        (before,) = place.operands
        reach = circuit.reach(before)
        if reach.hi <= place.cell.high and result(reach.lo) == result(0):
            number = before
    matrix = np.array([[factor]], dtype=object)
    (product,) = products.product([number], matrix, [term])
    rounded = _rounded(circuit, product, shift, scaling.rounding)
    return circuit.clip(rounded, scaling.clip.lo, scaling.clip.hi)


def _rounded(circuit: Circuit, number: int, shift: int, rounding: Rounding) -> int:
    """``round(number / 2**shift)``."""
    if not shift:
        return number
    half, whole = 1 << shift - 1, (1 << shift) - 1
    if rounding is Rounding.ROUND:
        return circuit.add(Even(shift), circuit.offset(number, half))
    nonnegative = circuit.at_least(number, 0)
    # what is added is `term`, and more where the number is not negative
    term, more = {
        Rounding.FLOOR: (0, 0),
        Rounding.CEIL: (whole, 0),
        Rounding.DOWN: (whole, -whole),
        Rounding.UP: (0, whole),
        Rounding.HALF_UP: (half - 1, 1),
        Rounding.HALF_DOWN: (half, -1),
    }[rounding]
    added = circuit.offset(number, term)
    if more:
        added = circuit.sum(added, circuit.add(Table(0, (0, more)), nonnegative))
    return circuit.shift(added, -shift)

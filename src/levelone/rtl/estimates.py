"""Look-up tables of an unrolled network as they were expected, beside those that were counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levelone.graph.ops import (
    Affine,
    ElementAffine,
    Lookup,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)
from levelone.rtl.document import RtlLayer

FOLLOWING = frozenset(
    op.__name__
    for op in (
        *(Affine, ElementAffine, Lookup, Pad, Power, Relu),
        *(Requantise, Reshape, Staircase, Take, Transpose, Upsample),
    )
)
"""Operations on single elements: a tool takes them together with the sums that they follow."""


@dataclass(frozen=True)
class Estimate:
    """Look-up tables of some layers: sums, and what follows them element by element.

    Attributes
    ----------
    layers
        Values, in the graph's order; none: the whole design, ports included.
    planned
        Of every cell by its bits (`levelone.rtl.delays`).
    by_alkaid
        The same, but the adders of products with constants at alkaid's own cost.
    counted
        What a tool made of them.
    planned_ratio, alkaid_ratio
        Of these two to what was counted; None where nothing was.
    """

    layers: tuple[str, ...]
    planned: int
    by_alkaid: int
    counted: int
    planned_ratio: float | None
    alkaid_ratio: float | None


def estimates(layers: Sequence[RtlLayer], counted: Mapping[str, int], total: int) -> tuple[Estimate, ...]:
    """Groups of layers that take look-up tables, and the whole; empty for a streamed design.

    A tool calls what is between a port and the first sums behind it after either: what is counted to a port
    that one layer alone reads is that layer's.

    Parameters
    ----------
    counted
        Look-up tables by layer, and by input port.
    total
        Those of the whole design.
    """
    if all(layer.lut is None for layer in layers):
        return ()
    groups: dict[str, list[RtlLayer]] = {}
    heads: dict[str, str] = {}
    for layer in layers:
        head = heads.get(layer.inputs[0], layer.name) if layer.op in FOLLOWING else layer.name
        heads[layer.name] = head
        groups.setdefault(head, []).append(layer)
    of_layers = Counter({name: counted.get(name, 0) for name in heads})
    readers: dict[str, list[str]] = {}
    for layer in layers:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer.name)
    for port in counted.keys() - heads.keys():
        if len(readers.get(port, ())) == 1:
            of_layers[readers[port][0]] += counted[port]
    found = [
        _estimate(tuple(layer.name for layer in group), group, sum(of_layers[layer.name] for layer in group))
        for group in groups.values()
    ]
    return (*(one for one in found if one.planned or one.counted), _estimate((), layers, total))


def _estimate(names: tuple[str, ...], layers: Sequence[RtlLayer], counted: int) -> Estimate:
    planned, adders, costs = (
        sum(getattr(layer, key) or 0 for layer in layers) for key in ("lut", "adder_lut", "alkaid_lut")
    )
    by_alkaid = planned - adders + costs
    ratios = (round(expected / counted, 3) if counted else None for expected in (planned, by_alkaid))
    return Estimate(names, planned, by_alkaid, counted, *ratios)

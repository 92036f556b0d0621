"""What a fast kernel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from levelone.graph.kernels.carrier import Array

Pointwise = Callable[[Array], Array]
"""Codes in, as many codes out, one by one; may overwrite its operand, which need not be contiguous."""


@dataclass(frozen=True)
class Kernel:
    """A fast body of one node.

    Attributes
    ----------
    run
        Arrays [*spatial, channel, event] in the carriers of their values -> one of exact codes, likewise.
        Never overwrites an operand.
    scratch
        Bytes of working memory per event.
    pointwise
        The same for an operation on each code of one operand by itself, allowed to overwrite it. It must also
        take a part of the operand, cut along the leading axes.
    tiled
        ``tiled(a, then, dtype)`` is ``then(run(a))`` of that dtype, computed part by part along the leading
        axis, so that a pointwise operation meets each part while it is in the cache.
    rising
        Whether a pointwise operation also takes codes below its operand's range, and gives them all what it
        gives the lowest one or less, cut off at the result's lower end.
    view
        Whether the result may share memory with the operand.
    """

    run: Callable[..., Array]
    scratch: int
    pointwise: Pointwise | None = None
    tiled: Callable[[Array, Pointwise, type], Array] | None = None
    rising: bool = False
    view: bool = False

"""What a fast kernel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from levelone.graph.kernels.carrier import Array


@dataclass(frozen=True)
class Kernel:
    """A fast body of one node.

    Attributes
    ----------
    run
        Arrays [channel, *spatial, event] in the carriers of their values -> one of exact codes, likewise.
    scratch
        Bytes of working memory per event.
    """

    run: Callable[..., Array]
    scratch: int

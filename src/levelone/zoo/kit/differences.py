"""Tables of differences between models, as the meters give them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any


def named_differences(
    metrics: Mapping[str, Any], names: Mapping[str, str], without: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """What the differences of ``metrics.json`` are of, for people, and their figures.

    Parameters
    ----------
    metrics
        Its ``differences`` have keys ``first-second``, names of models.
    names
        What people call a model that is not called by its name.
    without
        Models whose differences to others are left out.
    """
    for pair, figures in metrics["differences"].items():
        first, _, second = pair.partition("-")
        if second not in without:
            yield f"{names.get(first, first)} − {names.get(second, second)}", figures

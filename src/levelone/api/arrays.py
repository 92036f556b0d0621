"""What users hand over as events: arrays, tensors or lists, in order or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelone.errors import LeveloneError


def named(
    given: Sequence[ArrayLike | Mapping[str, ArrayLike]], names: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Arrays by input name, from one mapping or from arrays in the order of `names`.

    Raises
    ------
    LeveloneError
        If there are both, not one array for each name, or rows of different lengths.
    """
    first = given[0] if given else None
    if isinstance(first, Mapping):
        if len(given) > 1:
            raise LeveloneError("one mapping, or one array per input: found both")
        return {name: _array(name, array) for name, array in first.items()}
    if len(given) != len(names):
        raise LeveloneError(f"one array for each input ({', '.join(names)}) expected, found {len(given)}")
    return {name: _array(name, array) for name, array in zip(names, given, strict=True)}


def _array(name: str, given: ArrayLike | Mapping[str, ArrayLike]) -> NDArray[Any]:
    detach = getattr(given, "detach", None)  # a tensor of PyTorch
    if isinstance(given, np.ma.MaskedArray) and np.ma.getmaskarray(given).any():
        raise LeveloneError(
            f"input {name!r}: {np.ma.count_masked(given):,} of {given.size:,} numbers are masked",
            hint="say what the network shall see there: array.filled(0.0)",
        )
    try:
        return np.asarray(given if detach is None else detach().cpu())
    except ValueError:  # lists of different lengths
        raise LeveloneError(
            f"input {name!r}: no array can be made of it: its rows differ in length"
        ) from None

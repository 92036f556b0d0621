"""Expert features of a doublet, computed before the network from the coordinates of its two hits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FEATURES: tuple[str, ...] = tuple(f"f{i}" for i in range(24))
SUMMARY: tuple[str, ...] = ()


def expert_features(raw: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    raise NotImplementedError


def summary_features(
    raw: Mapping[str, NDArray[np.float32]], images: NDArray[np.float32]
) -> NDArray[np.float32]:
    raise NotImplementedError

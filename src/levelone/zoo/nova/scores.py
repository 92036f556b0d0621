"""From logits of three classes to one number, the higher the more electron-like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.neutrino.interactions import CLASSES

ELECTRON = CLASSES.index("electron neutrino")
Floats = NDArray[np.floating[Any]]


def shares(label: NDArray[Any], rate: Floats) -> NDArray[np.float64]:
    """How many events of the oscillated mixture one of each class stands for, [classes]; mean 1."""
    count = np.maximum(np.bincount(label, minlength=len(CLASSES)), 1)
    found = np.bincount(label, rate, minlength=len(CLASSES)) / count
    return np.asarray(found / max(found.mean(), 1e-12))


def electron_score(logits: Floats, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the odds of an electron neutrino in the oscillated mixture, up to a constant, [n]."""
    wide = logits.astype(np.float64) + np.log(np.maximum(share, 1e-9))
    others = np.delete(wide, ELECTRON, axis=1)
    return np.asarray(wide[:, ELECTRON] - np.logaddexp.reduce(others, axis=1))

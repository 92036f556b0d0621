"""Files of the layout of the published jet images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

NUMBERS = (
    "jet_pt",
    "jet_eta",
    "jet_mass",
    "jet_phi",
    "jet_delta_R",
    "tau_1",
    "tau_2",
    "tau_3",
    "tau_21",
    "tau_32",
)
"""Datasets beside `image` and `signal`, as in the published file."""


def write_published_jets(path: Path, n: int = 50, **other: Any) -> dict[str, np.ndarray]:
    """A file of the published layout; `other` replaces datasets, None leaves one out."""
    rng = np.random.default_rng(1)
    found: Mapping[str, Any] = {
        "image": rng.exponential(1, (n, 25, 25)),
        "signal": (np.arange(n) % 2).astype(float),
        **{name: rng.uniform(0.1, 300, n) for name in NUMBERS},
        **other,
    }
    with h5py.File(path, "w") as file:
        for name, values in found.items():
            if values is not None:
                file[name] = values
    return dict(found)

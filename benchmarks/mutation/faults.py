"""Faults that are planted in a generated project, listed by kind."""

from __future__ import annotations

import numpy as np

from benchmarks.mutation.around import around_faults
from benchmarks.mutation.edits import Fault
from benchmarks.mutation.numbers import number_faults
from benchmarks.mutation.settings import buffer_faults, setting_faults
from benchmarks.mutation.shared import shared_faults
from benchmarks.mutation.top import top_faults
from benchmarks.mutation.typedefs import type_faults
from levelone.hls.manifest import Manifest

INVISIBLE = (
    "bridge of floats",
    "choice",
    "document",
    "events",
    "pragma",
    "script",
    "stream depth",
    "synthesis only",
    "test bench",
)
"""Kinds that no vector can show: what they change, the C simulation does not compile or does not obey."""


def all_faults(manifest: Manifest, *, seed: int, per_array: int) -> list[Fault]:
    """Every fault that is known here, for one project.

    Parameters
    ----------
    seed
        Chooses the numbers of weights, biases and tables that are changed.
    per_array
        How many numbers per array.
    """
    project, layers = manifest.project, manifest.firmware_names
    rng = np.random.default_rng(seed)
    numbers = list(number_faults(project, layers, rng, per_array))
    return [
        *numbers,
        *type_faults(project, layers),
        *setting_faults(project, layers),
        *top_faults(manifest),
        *buffer_faults(project, rng, per_array),
        *around_faults(manifest, [fault for fault in numbers if not fault.harmless]),
        *shared_faults(project),
    ]

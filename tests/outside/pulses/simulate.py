"""Waveforms of 16 samples with one pulse or two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from levelone.recipe import EventCount, GenerateSection
from levelone.simulate import Progress
from levelone.simulate.provenance import provenance
from pulses.file import write

SHAPE = np.array([0.2, 0.7, 1.0, 0.6, 0.3, 0.1])
"""A pulse of height 1, sample by sample."""


class PulsesGenerate(GenerateSection):
    """The section `[generate]`: what the generator can be told."""

    events: EventCount = 4000
    noise: float = Field(0.03, ge=0, le=1, description="noise of a sample, in heights of a pulse")


@dataclass(frozen=True)
class Summary:
    """What was made."""

    events: int
    two_pulses: float


def simulate_pulses(path: Path, options: PulsesGenerate, progress: Progress | None = None) -> Summary:
    """Write events to `path`; half of them hold two pulses, at least three samples apart."""
    rng = np.random.default_rng(options.seed)
    n = options.events
    pulses = rng.integers(1, 3, n).astype(np.uint8)
    first = rng.integers(0, 6, n)
    second = np.where(pulses == 2, first + rng.integers(3, 5, n), first)
    waveform = rng.normal(0, options.noise, (n, 16))
    for start, there in ((first, pulses >= 1), (second, pulses == 2)):
        height = rng.uniform(0.5, 1, n) * there
        for sample, value in enumerate(SHAPE):
            waveform[np.arange(n), start + sample] += height * value
    split = np.array([0] * 8 + [1, 2], np.uint8)[np.arange(n) % 10]
    write(path, waveform.astype(np.float32), pulses, split, provenance("pulses", options, "numpy"))
    if progress is not None:
        progress(n, n)
    return Summary(n, float(np.mean(pulses == 2)))

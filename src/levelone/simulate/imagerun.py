"""The loop that generators of images share: chunks, seeds, splits, progress, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.images import Ragged, create_images
from levelone.data.splitting import split_sizes
from levelone.data.voxelcheck import Column
from levelone.recipe import GenerateSection
from levelone.simulate import Progress
from levelone.simulate.voxelrun import split_codes


@dataclass(frozen=True)
class Layout:
    """What every event of a file holds."""

    images: Sequence[ImageSpec]
    maps: Sequence[ImageSpec] = ()
    lists: Sequence[ListSpec] = ()
    columns: Sequence[Column] = ()


@dataclass(frozen=True)
class Batch:
    """n events: images and maps [n, channels, rows, columns], lists, columns [n]."""

    images: Mapping[str, NDArray[Any]]
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    lists: Mapping[str, Ragged] = field(default_factory=dict)
    truth: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What a run has written: events per split, bytes of the file, time with writing."""

    splits: dict[str, int]
    bytes: int
    seconds: float
    events_per_second: float


def chunks(options: GenerateSection, chunk: int) -> Iterator[tuple[np.random.Generator, int]]:
    """Of every chunk its random generator, seeded with (seed, number), and how many events are wanted."""
    for number, start in enumerate(range(0, options.events, chunk)):
        yield np.random.default_rng([options.seed, number]), min(chunk, options.events - start)


def write_chunks(
    path: Path,
    layout: Layout,
    facts: Mapping[str, Any],
    options: GenerateSection,
    chunk: int,
    make: Callable[[np.random.Generator, int], Batch],
    progress: Progress | None,
) -> Written:
    """Write events chunk by chunk; the first events of a long run are those of a short one.

    Parameters
    ----------
    facts
        The file's provenance, to which `chunk` is added.
    options
        How many events, and from which seed.
    chunk
        Events that `make` draws at once; chunk i has a random generator of its own, seeded with (seed, i).
    make
        (random generator, n) -> the first n events of a chunk, n being at most `chunk`. It draws a whole
        chunk whatever n is.
    progress
        Called after every chunk.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    began = time.perf_counter()
    events = options.events
    splits = split_codes(events, options.seed)
    with create_images(
        path, layout.images, layout.maps, layout.lists, layout.columns, {**facts, "chunk": chunk}
    ) as writer:
        end = 0
        for rng, n in chunks(options, chunk):
            made = make(rng, n)
            writer.append(made.images, made.maps, made.lists, made.truth, splits[end : end + n])
            end += n
            if progress is not None:
                progress(end, events)
    seconds = time.perf_counter() - began
    return Written(split_sizes(splits), Path(path).stat().st_size, seconds, events / seconds)

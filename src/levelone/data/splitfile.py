"""What event files in HDF5 with splits have in common, whatever an event holds: selection, order, opening."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.splitting import SPLITS, split_sizes, spread
from levelone.errors import LeveloneError
from levelone.hdffile import open_hdf

BRIDGE = 24
"""Largest distance of event numbers that are still read together; about half a compressed piece of muons."""

_Part = TypeVar("_Part")
_File = TypeVar("_File")


class SplitFile:
    """An open file (context manager) of `events` events, each of a split.

    A format sets `path`, `_file`, `_split` (uint8 [events], places in `SPLITS`) and `events` when it opens.

    Attributes
    ----------
    ordered
        Whether the format's files are ordered, or may be: a part of a split is then taken from all over it.
    """

    ordered: ClassVar[bool] = False
    path: Path
    events: int
    _file: h5py.File
    _split: NDArray[np.uint8]

    @property
    def splits(self) -> dict[str, int]:
        """Events per split."""
        return split_sizes(self._split)

    def select(self, split: str, limit: int | None = None) -> NDArray[np.int64]:
        """int64 event numbers of one split, in file order, at most `limit`; see `ordered`.

        Raises
        ------
        LeveloneError
            If there is no such split.
        """
        if split not in SPLITS:
            raise LeveloneError(f"no split '{split}'", hint=f"one of {', '.join(SPLITS)}")
        rows = np.flatnonzero(self._split == SPLITS.index(split)).astype(np.int64)
        return spread(rows, limit) if self.ordered else rows[:limit]

    def _numbers(self, events: NDArray[np.int64] | Sequence[int]) -> NDArray[np.int64]:
        """Event numbers as int64; `LeveloneError` if one is out of range."""
        chosen = np.asarray(events, np.int64)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= self.events):
            raise LeveloneError(
                f"event numbers must be 0 to {self.events - 1}, got {chosen.min()} to {chosen.max()}"
            )
        return chosen

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


def portions(
    order: NDArray[np.int64],
    size: int,
    load: Callable[[NDArray[np.int64]], Callable[[NDArray[np.int64]], _Part]],
    *,
    seed: int | Sequence[int] | None,
    skip: int,
    block: int = 64,
) -> Iterator[list[_Part]]:
    """What makes up each batch of `size` events, in file order or shuffled within windows of blocks.

    Parameters
    ----------
    order
        Rising event numbers.
    load
        From the rising event numbers of a window to what takes rows of it. One window is held at a time.
    seed
        None for file order; several numbers make one seed.
    skip
        Begin behind so many events.
    block
        Neighbours that stay in one window.
    """
    rng = None if seed is None else np.random.default_rng(seed)
    held: list[_Part] = []
    missing = size
    for window in windows(order, rng, block):
        rows = np.arange(len(window)) if rng is None else rng.permutation(len(window))
        rows, skip = rows[skip:], max(skip - len(window), 0)
        if not len(rows):
            continue
        take = load(window)
        while len(rows):
            part, rows = rows[:missing], rows[missing:]
            held.append(take(part))
            missing -= len(part)
            if not missing:
                yield held
                held, missing = [], size
        del take  # before the next window is read: never two at a time
    if held:
        yield held


def windows(
    order: NDArray[np.int64], rng: np.random.Generator | None, block: int = 64, window: int = 32
) -> Iterator[NDArray[np.int64]]:
    """Rising event numbers of `window` blocks at a time; blocks in random order if there is a generator."""
    blocks = [order[i : i + block] for i in range(0, len(order), block)]
    if rng is not None:
        blocks = [blocks[i] for i in rng.permutation(len(blocks))]
    for i in range(0, len(blocks), window):
        yield np.sort(np.concatenate(blocks[i : i + window]))


def open_with(path: Path, holds: str, wrap: Callable[[Path, h5py.File], _File], **options: Any) -> _File:
    """Open an event file and check it with `wrap`.

    Raises
    ------
    LeveloneError
        If it is missing, as `levelone.hdffile.open_hdf` says, or as `wrap` does.
    """
    path = Path(path)
    if not path.is_file():
        raise LeveloneError(f"no {holds} file {path}", hint="make one with the simulation, or check the path")
    file = open_hdf(path, **options)
    try:
        return wrap(path, file)
    except BaseException:
        file.close()
        raise

"""Sources of events that stay in a file: nothing but the batch at hand is held (and a window of events)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from levelone.errors import LeveloneError
from levelone.zoo.kit.events import Events, Source, Split


@dataclass(frozen=True)
class FileSource(Source):
    """One split of a file.

    Attributes
    ----------
    path, split, limit
        Which events: the first `limit` of a split, in file order.
    """

    path: Path
    split: Split
    limit: int | None

    @abstractmethod
    def opened(self) -> AbstractContextManager[Any]:
        """The open file; it has `select(split, limit)`."""

    @abstractmethod
    def read(self, file: Any, size: int, order: tuple[int, int] | None, skip: int) -> Iterator[Events]:
        """See `batches`."""

    @cached_property
    def _events(self) -> int:
        with self.opened() as file:
            return len(file.select(self.split, self.limit))

    def __len__(self) -> int:
        return self._events

    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """See `levelone.zoo.kit.events.Source`.

        Events are shuffled in blocks, then within windows (see `levelone.data.voxels`).
        """
        with self.opened() as file:
            yield from self.read(file, size, order, skip)

    def limited(self, events: int) -> Self:
        """The first `events` of these events."""
        return replace(self, limit=min(events, len(self)))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Begin the message of a `LeveloneError` with the file that it is about."""
    try:
        yield
    except LeveloneError as error:
        raise LeveloneError(f"{path}: {error.message}", hint=error.hint) from error


def refuse_missing(system: str, path: Path, kind: str, wanted: Sequence[str], found: Sequence[str]) -> None:
    """Refuse a file that lacks something of a kind that a system reads; the message names it."""
    missing = [name for name in wanted if name not in found]
    if missing:
        raise LeveloneError(
            f"{path} has no {kind} {missing[0]!r}, which system {system} reads",
            hint=f"it has {', '.join(found)}; make one with: levelone simulate {system}",
        )

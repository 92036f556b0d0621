"""Which reader an event file needs: levelone's own, and those that other distributions register."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from levelone.errors import LeveloneError, plain
from levelone.plugins import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from levelone.data.doublets import DoubletFile
    from levelone.data.imagecheck import ImageSpec, ListSpec
    from levelone.data.images import ImageBatch, Ragged
    from levelone.data.voxelcheck import Column, GridSpec
    from levelone.data.voxels import VoxelBatch

READERS = Registry(
    "reader",
    "levelone.readers",
    {
        "levelone-doublets": "levelone.data.native:READER",
        "cms-doublets": "levelone.data.cms:READER",
        "levelone-voxels": "levelone.data.voxels:READER",
        "published-jets": "levelone.data.published_jets:READER",
        "pilarnet": "levelone.data.pilarnet:READER",
        "levelone-images": "levelone.data.images:READER",
    },
)
"""Formats by name; other distributions add entry points."""


class EventFile(Protocol):
    """An open event file: a context manager that closes it, and where its events come from."""

    @property
    def provenance(self) -> Mapping[str, Any]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Reader(Protocol):
    """One format of event files.

    Attributes
    ----------
    holds
        What the files hold: ``doublets`` (`open` gives a `levelone.data.doublets.DoubletFile`), ``voxels`` (a
        `VoxelEvents`), ``images`` (an `ImageEvents`), or a word of a system's own for what it reads.
    """

    @property
    def holds(self) -> str: ...

    def sniff(self, path: Path) -> bool:
        """Whether a file looks like this format: quick, and without an error whatever the file is."""
        ...

    def open(self, path: Path) -> EventFile:
        """Open a file; `LeveloneError` names the file and what is wrong with it."""
        ...


class SplitEvents(EventFile, Protocol):
    """Events with truth, each of a split; `levelone.data.splitfile.SplitFile` says it in full.

    Attributes
    ----------
    columns
        The truth of every event.
    splits
        Events in each split.
    """

    @property
    def columns(self) -> Mapping[str, Column]: ...
    @property
    def splits(self) -> Mapping[str, int]: ...
    def select(self, split: str, limit: int | None = None) -> NDArray[np.int64]: ...


class VoxelEvents(SplitEvents, Protocol):
    """What systems ask of a file of voxel events; `levelone.data.voxels.VoxelFile` says it in full.

    Attributes
    ----------
    grids
        The images of every event.
    """

    @property
    def grids(self) -> Mapping[str, GridSpec]: ...
    def batches(
        self,
        split: str,
        size: int,
        *,
        grids: Sequence[str],
        truth: Sequence[str],
        seed: tuple[int, int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[VoxelBatch]: ...


class ImageEvents(SplitEvents, Protocol):
    """What systems ask of a file of images; `levelone.data.images.ImageFile` says it in full.

    Attributes
    ----------
    images, maps, lists
        What there is of every event: images, truth per pixel, lists.
    """

    @property
    def images(self) -> Mapping[str, ImageSpec]: ...
    @property
    def maps(self) -> Mapping[str, ImageSpec]: ...
    @property
    def lists(self) -> Mapping[str, ListSpec]: ...
    def listed(self, name: str) -> Ragged: ...
    def batches(
        self,
        split: str,
        size: int,
        *,
        seed: tuple[int, int] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[ImageBatch]: ...


def open_events(path: str | Path, holds: str, own: Iterable[Reader] = ()) -> EventFile:
    """Open an event file with the first reader that recognises it.

    Parameters
    ----------
    holds
        What is wanted of it; see `Reader`.
    own
        Readers of the system that asks, asked first; they need no registration.

    Raises
    ------
    LeveloneError
        If no reader recognises the file, or the one that does finds something wrong with it.
    """
    path = Path(path)
    asked: dict[str, Reader] = {}
    broken: list[str] = []
    for name, reader in _candidates(own, broken):
        if reader.holds != holds:
            continue
        asked[name] = reader
        if _sniffs(name, reader, path, broken):
            return _opened(name, reader, path)
    # Nobody: levelone's own reader, or the system's, says best what is wrong with the file.
    best = [name for name in asked if name in READERS.known] or list(asked)
    if not best:
        raise LeveloneError(f"{path}: there is no reader of {plain(holds)}", hint="; ".join(broken) or None)
    return _opened(best[-1], asked[best[-1]], path, "; ".join(broken))


def open_doublets(path: str | Path) -> DoubletFile:
    """Open a doublet file of any format and check it.

    Raises
    ------
    LeveloneError
        If the file is missing, truncated, foreign, incomplete, or holds invalid values.
    """
    return cast("DoubletFile", open_events(path, "doublets"))


def open_voxel_events(path: str | Path) -> VoxelEvents:
    """Open a file of voxel events of any format.

    Raises
    ------
    LeveloneError
        If the file is missing, truncated, foreign, incomplete, or of a newer schema.
    """
    return cast(VoxelEvents, open_events(path, "voxels"))


def open_image_events(path: str | Path, own: Iterable[Reader] = ()) -> ImageEvents:
    """Open a file of events with images of any format; `own` as in `open_events`.

    Raises
    ------
    LeveloneError
        If the file is missing, truncated, foreign, incomplete, or of a newer schema.
    """
    return cast(ImageEvents, open_events(path, "images", own))


def _candidates(own: Iterable[Reader], broken: list[str]) -> Iterator[tuple[str, Reader]]:
    """Readers by name, those of others last and imported last; what cannot be imported goes to `broken`."""
    for reader in own:
        yield type(reader).__name__, reader
    for name, entry in READERS.entries().items():
        try:
            reader = READERS.find(name)
            if not _is_reader(reader):
                raise LeveloneError(f"reader {plain(name)!r} of {plain(entry.distribution)} is no reader")
        except LeveloneError as error:
            broken.append(error.message)
        else:
            yield name, reader
    broken += READERS.refused().values()


def _is_reader(found: object) -> bool:
    return isinstance(getattr(found, "holds", None), str) and all(
        callable(getattr(found, method, None)) for method in ("sniff", "open")
    )


def _sniffs(name: str, reader: Reader, path: Path, broken: list[str]) -> bool:
    try:
        return path.is_file() and bool(reader.sniff(path))
    except Exception as error:  # it promised not to
        broken.append(f"reader {plain(name)!r} fails: {type(error).__name__}: {plain(error, 300)}")
        return False


def _opened(name: str, reader: Reader, path: Path, also: str = "") -> EventFile:
    try:
        return reader.open(path)
    except LeveloneError as error:
        hint = "; ".join(part for part in (error.hint, also) if part)
        raise LeveloneError(error.message, hint=hint or None) from error
    except Exception as error:
        if name in READERS.known:
            raise
        raise LeveloneError(
            f"{path}: reader {plain(name)!r} fails: {type(error).__name__}: {plain(error, 300)}"
        ) from error

"""Opening an HDF5 file of somebody else: it leads nowhere else, and holds the numbers that it declares."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from levelone.errors import LeveloneError, plain
from levelone.hdftree import walk

_FRAME = 4096
"""Bytes that a compressed piece may be larger than what it holds."""
SPARE = 1 << 28
"""Bytes of a dataset that a file of others may declare without writing them: PyTables does, in indices."""
PIECE = 1 << 28
"""Bytes of a dataset's pieces: of each a whole is held, whatever is read of it."""


def open_hdf(path: Path, spare: int = 0, *, hint: str | None = None, **options: Any) -> h5py.File:
    """Open an HDF5 file for reading, once it has been checked; who opens it closes it.

    Parameters
    ----------
    spare
        See `self_contained`.
    hint
        What is expected, for who gives a file that is not HDF5.
    options
        Of `h5py.File`.

    Raises
    ------
    LeveloneError
        If there is no such file, it is not HDF5 or truncated, or as `self_contained` says.
    """
    if not path.is_file():
        raise LeveloneError(f"{path}: {'not a regular' if path.exists() else 'no such'} file")
    if not os.access(path, os.R_OK):
        raise LeveloneError(f"{path}: no permission to read it")
    if path.stat().st_size == 0:
        raise LeveloneError(f"{path}: the file is empty", hint=hint)
    if not h5py.is_hdf5(path):
        raise LeveloneError(f"{path} is not an HDF5 file", hint=hint)
    with damaged(path):
        file = h5py.File(path, "r", **options)
    try:
        self_contained(path, file, spare)
    except BaseException:
        file.close()
        raise
    return file


@contextmanager
def damaged(path: Path, name: str = "") -> Iterator[None]:
    """Turn the errors h5py raises on broken files, and files too large for memory, into `LeveloneError`.

    Parameters
    ----------
    name
        Of the dataset that is read, if it is one.
    """
    what = f"{path}: dataset '{plain(name)}'" if name else f"{path}"
    try:
        yield
    except MemoryError as error:
        raise LeveloneError(f"{what} does not fit into memory: {error}") from error
    except BlockingIOError as error:
        raise LeveloneError(f"{path}: another program is writing it") from error
    except (OSError, RuntimeError, KeyError) as error:
        said = str(error.args[0] if isinstance(error, KeyError) and error.args else error).split("\n")[0]
        if "plugin" in said or "required filter" in said:
            raise LeveloneError(
                f"{what} is compressed with a filter that is not installed here: {said}",
                hint="compress it with gzip: h5repack -f GZIP=4, or ptrepack --complib=zlib",
            ) from error
        raise LeveloneError(
            f"{what} is truncated or damaged: {said}", hint="copy it again, or make it anew"
        ) from error


def self_contained(path: Path, file: h5py.File, spare: int = 0) -> None:
    """Refuse a file that leads into other files, or declares numbers that it does not hold.

    So that nothing is read that is not of this file, and its size bounds what it can make us allocate.

    Parameters
    ----------
    spare
        Bytes of a dataset that need not have been written.

    Raises
    ------
    LeveloneError
        At the first link to another file or to nothing, at a dataset whose numbers lie in other files, of
        which a part was never written, which is stored in pieces of more than `PIECE` bytes, in more bytes
        than its shape has or with szip, or of a type that is none of numpy's, and at an attribute of such a
        type; and as `walk` does.
    """
    with damaged(path):
        found = list(walk(file))
        _check_attributes(path, "/", file)
        for name, link, _ in found:
            if isinstance(link, h5py.ExternalLink):
                raise LeveloneError(
                    f"{path}: '{plain(name)}' is a link into another file, {plain(link.filename)}",
                    hint="copy what it leads to into this file",
                )
        for name, link, node in found:
            if isinstance(link, h5py.SoftLink) and file.get(name) is None:
                raise LeveloneError(f"{path}: '{plain(name)}' is a link to nothing")
            if isinstance(node, h5py.Group | h5py.Dataset):
                _check_attributes(path, plain(name), node)
            if isinstance(node, h5py.Dataset):
                check_storage(path, plain(name), node, spare)


def _check_attributes(path: Path, name: str, node: h5py.Group | h5py.Dataset) -> None:
    for key in node.attrs:
        try:
            node.attrs.get_id(key).dtype  # noqa: B018
        except TypeError as error:
            raise LeveloneError(
                f"{path}: the attribute '{plain(key)}' of '{name}' has a type of no numbers: {plain(error)}"
            ) from error


def check_storage(path: Path, name: str, data: h5py.Dataset, spare: int = 0) -> None:
    """Refuse a dataset, called `name` in messages, as `self_contained` says.

    Raises
    ------
    LeveloneError
        Naming it.
    """
    try:
        data.dtype  # noqa: B018
    except TypeError as error:
        raise LeveloneError(f"{path}: dataset '{name}' has a type of no numbers: {plain(error)}") from error
    if data.external or data.is_virtual:
        raise LeveloneError(
            f"{path}: dataset '{name}' keeps its numbers in other files", hint="copy them into this one"
        )
    if not data.shape:
        return
    each = data.id.get_type().get_size()
    stored = data.id.get_storage_size()
    if data.chunks is None:
        missing = each * math.prod(data.shape) - stored
    else:
        piece, written = each * math.prod(data.chunks), data.id.get_num_chunks()
        properties = data.id.get_create_plist()
        if any(properties.get_filter(i)[0] == h5py.h5z.FILTER_SZIP for i in range(properties.get_nfilters())):
            raise LeveloneError(
                f"{path}: dataset '{name}' is compressed with szip, which may claim any memory",
                hint="h5repack -f GZIP=4",
            )
        if piece > PIECE:
            raise LeveloneError(
                f"{path}: dataset '{name}' is stored in pieces of {piece:,} bytes; {PIECE:,} at most are read"
            )
        if stored > written * (piece + piece // 8 + _FRAME):  # what is compressed may be a little larger
            raise LeveloneError(
                f"{path}: dataset '{name}' takes {stored:,} bytes, more than its shape {data.shape} has"
            )
        pieces = math.prod(-(-size // part) for size, part in zip(data.shape, data.chunks, strict=True))
        missing = (pieces - written) * piece
    if missing > spare:
        raise LeveloneError(
            f"{path}: dataset '{name}' has shape {data.shape}, but {missing:,} bytes were never written",
            hint="make the file again",
        )

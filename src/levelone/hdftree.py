"""What lies in an HDF5 file of others: a walk that ends soon, whatever the file is."""

from __future__ import annotations

from collections.abc import Iterator

import h5py

from levelone.errors import LeveloneError, plain

MOST_LINKS = 1 << 16
"""Groups, datasets and links of a file."""
DEEPEST = 32
"""Groups inside groups: an access by path takes longer the deeper it leads."""


def walk(file: h5py.File) -> Iterator[tuple[str, object, object]]:
    """Path, link and object of everything in a file; each group is entered once.

    Only hard links are followed: of any other the object is None.

    Raises
    ------
    LeveloneError
        At a name that is no UTF-8, at an object or a link that h5py does not know, and at a file of more
        than `MOST_LINKS` or deeper than `DEEPEST`.
    """
    where = plain(file.filename, 1000)
    waiting: list[tuple[str, h5py.Group, int]] = [("", file["/"], 1)]
    entered = {_address(file["/"])}
    count = 0
    while waiting:
        path, group, depth = waiting.pop()
        for name in group:
            count += 1
            if count > MOST_LINKS:
                raise LeveloneError(f"{where}: more than {MOST_LINKS:,} groups, datasets and links")
            if not isinstance(name, str):
                raise LeveloneError(f"{where}: a name in '/{plain(path)}' is no UTF-8: {plain(name)}")
            full = f"{path}{name}"
            try:
                link = group.get(name, getlink=True)
                node = group[name] if isinstance(link, h5py.HardLink) else None
            except (TypeError, UnicodeError) as error:
                raise LeveloneError(
                    f"{where}: '{plain(full)}' is of an unknown kind: {plain(error)}"
                ) from error
            yield full, link, node
            if isinstance(node, h5py.Group) and _address(node) not in entered:
                if depth == DEEPEST:
                    raise LeveloneError(f"{where}: '{plain(full)}' lies more than {DEEPEST} groups deep")
                entered.add(_address(node))
                waiting.append((f"{full}/", node, depth + 1))


def _address(group: h5py.Group) -> int:
    return int(h5py.h5o.get_info(group.id).addr)

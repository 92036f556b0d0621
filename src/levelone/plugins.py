"""Objects by name: levelone's own, those that other distributions register, and ``package.module:NAME``.

Imports happen only when a name is asked for.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError, nearest, plain

OWN = "levelone"


@dataclass(frozen=True)
class Entry:
    """A name that can be asked for: where its object is (``module:NAME``), and whose it is."""

    name: str
    reference: str
    distribution: str


@dataclass(frozen=True)
class Registry:
    """Named objects of one kind.

    Attributes
    ----------
    kind
        What they are, for messages: ``body``, ``system``, ...
    group
        Entry point group by which other distributions add theirs; names of `known` cannot be taken.
    known
        levelone's own: name -> ``module:NAME``.
    """

    kind: str
    group: str
    known: Mapping[str, str]

    def names(self) -> list[str]:
        """Every name that `find` takes, levelone's own first."""
        return list(self.entries())

    def entries(self) -> dict[str, Entry]:
        """Every name that `find` takes, with where it leads; levelone's own first."""
        own = {name: Entry(name, reference, OWN) for name, reference in self.known.items()}
        refused = self.refused()
        return own | {e.name: e for e in self._registered() if e.name not in own and e.name not in refused}

    def refused(self) -> dict[str, str]:
        """Registered names that are not taken, and why: levelone's own, or of two distributions."""
        offers: dict[str, list[Entry]] = {}
        for entry in self._registered():
            offers.setdefault(entry.name, []).append(entry)
        found = {}
        for name, entries in offers.items():
            whose = " and ".join(sorted(f"{plain(e.distribution)} ({plain(e.reference)})" for e in entries))
            if name in self.known:
                found[name] = f"{whose} registers the {self.kind} {plain(name)!r}, a name of levelone's own"
            elif len({entry.reference for entry in entries}) > 1:
                found[name] = f"the {self.kind} {plain(name)!r} is registered by {whose}"
        return found

    def find(self, name: str) -> Any:
        """The object called `name`, or that a reference ``package.module:NAME`` leads to.

        Modules are also looked for in the current folder, last.

        Raises
        ------
        LeveloneError
            If there is no such name, module or attribute, or the module cannot be imported.
        """
        if name in self.known:
            return load(self.known[name])
        if ":" in name:
            return self._load(f"{self.kind} {plain(name)!r}", name)
        entries = self.entries()
        if name in entries:
            entry = entries[name]
            return self._load(
                f"{self.kind} {plain(name)!r} of {plain(entry.distribution)}, {plain(entry.reference)}",
                entry.reference,
            )
        if name in self.refused():
            raise LeveloneError(self.refused()[name], hint="name the one you mean as package.module:NAME")
        raise LeveloneError(
            f"unknown {self.kind} {plain(name)!r}",
            hint=f"{nearest(name, list(entries))}; one of your own is named as package.module:NAME",
        )

    def _load(self, what: str, reference: str) -> Any:
        here = os.getcwd()  # noqa: PTH109 - an entry of sys.path is text
        if here not in sys.path:
            # It stays there: what is found in it may import more of it later. At the end, so that no file of
            # the folder takes the place of an installed module.
            sys.path.append(here)
        try:
            return load(reference)
        except LeveloneError as error:
            raise LeveloneError(f"{what}: {error.message}", hint=error.hint) from error

    def _registered(self) -> list[Entry]:
        found = importlib.metadata.entry_points(group=self.group)
        return [
            Entry(point.name, point.value.replace(" ", ""), point.dist.name if point.dist else "?")
            for point in found
        ]


def foreign(module: str) -> bool:
    """Whether a module is neither levelone's nor of a library that levelone uses.

    It is somebody's who uses levelone: of a distribution that needs levelone, or of none at all.
    """
    package = module.partition(".")[0]
    if package in (OWN, "__main__", "") or package in sys.stdlib_module_names:
        return False
    owners = importlib.metadata.packages_distributions().get(package, [])
    needs = (need for owner in owners for need in importlib.metadata.requires(owner) or ())
    return not owners or any(re.match(rf"{OWN}(?![\w.-])", need) for need in needs)


def load(reference: str) -> Any:
    """The object that ``package.module:NAME`` stands for.

    Raises
    ------
    LeveloneError
        If it has another form, there is no such module or attribute, or importing it fails in whatever way.
    """
    module, _, attribute = reference.partition(":")
    if not all(word.isidentifier() for word in (*module.split("."), *attribute.split("."))):
        raise LeveloneError("not of the form package.module:NAME")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise LeveloneError(_failed(module, error)) from error
        raise LeveloneError(
            f"there is no module {plain(error.name)}",
            hint=f"install it, or go to the folder that holds it; looked in Python's path and {Path.cwd()}",
        ) from error
    except (Exception, SystemExit) as error:  # a foreign module may raise anything while it is imported
        raise LeveloneError(_failed(module, error)) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in dir(found) if not name.startswith("_")]
            raise LeveloneError(f"{module} has no {plain(part)}", hint=nearest(part, names[-12:]))
        found = getattr(found, part)
    return found


def _failed(module: str, error: BaseException) -> str:
    """What went wrong in a foreign module, and where in it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(frame for frame in reversed(frames) if not frame.filename.startswith("<frozen"))
    where = f"{place.filename}, line {place.lineno}"
    return f"importing {plain(module)} fails: {type(error).__name__}: {plain(error, 300)} ({where})"

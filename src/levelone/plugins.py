"""Objects by name: levelone's own, those that other distributions register, and ``module:NAME``.

Imports happen only when a name is asked for.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from levelone.errors import LeveloneError, nearest, plain


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
        return list(dict.fromkeys([*self.known, *self._registered()]))

    def find(self, name: str) -> Any:
        """The object called `name`, or that a reference ``module:NAME`` leads to.

        A module is also looked for in the current folder.

        Raises
        ------
        LeveloneError
            If there is no such name, module or attribute, or the module cannot be imported.
        """
        reference = self.known.get(name) or self._registered().get(name) or name
        if ":" not in reference:
            raise LeveloneError(f"unknown {self.kind} {plain(name)!r}", hint=nearest(name, self.names()))
        try:
            with _current_folder():
                return load(reference)
        except Exception as error:  # a foreign module may raise anything while it is imported
            raise LeveloneError(
                f"{self.kind} {plain(name)!r} cannot be imported: {type(error).__name__}: {error}",
                hint=f"a {self.kind} of your own is named as package.module:NAME",
            ) from error

    def _registered(self) -> dict[str, str]:
        return {entry.name: entry.value for entry in importlib.metadata.entry_points(group=self.group)}


def load(reference: str) -> Any:
    """The object that ``module:NAME`` stands for."""
    module, _, attribute = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


@contextmanager
def _current_folder() -> Iterator[None]:
    here = os.getcwd()  # noqa: PTH109 - an entry of sys.path is text
    if here in sys.path:
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)

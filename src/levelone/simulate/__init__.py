"""Event generators: a package per detector, and what several of them share.

Each is a function ``simulate_NAME(path, options, progress=None)`` that writes an event file and returns a
dataclass of facts about it. `options` is its section of a recipe (``[generate]``), declared in ``section.py``
beside it: how many events, the seed, and whatever else it can be told. The same options give the same events.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told from time to time how many events are done, and of how many."""

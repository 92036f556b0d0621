"""Geant4 in processes of its own: what it prints is kept out of the way, and if it aborts, only they end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from levelone.errors import LeveloneError, plain
from levelone.simulate.geant4.data import Data, need_geant4
from levelone.simulate.processes import Made, Task, in_order

_SHOWN = 6
"""Lines of what Geant4 said that are shown if it aborts."""


class Workers:
    """Processes in which Geant4 can run; made by `workers`."""

    def __init__(self, executor: ProcessPoolExecutor, count: int, log: Path) -> None:
        self._executor, self._count, self._log = executor, count, log

    def map(self, function: Callable[[Task], Made], tasks: Iterable[Task]) -> Iterator[Made]:
        """Results in the order of the tasks, few of which wait at a time.

        Raises
        ------
        LeveloneError
            If Geant4 ends the process; with its last words.
        """
        try:
            yield from in_order(self._executor, self._count, function, tasks)
        except BrokenProcessPool as error:
            said = self._log.read_text(errors="replace").strip().splitlines()[-_SHOWN:]
            raise LeveloneError(
                "Geant4 ended its process: " + " | ".join(plain(line, 200) for line in said)
            ) from error


@contextmanager
def workers(data: Data, count: int) -> Iterator[Workers]:
    """Processes that are ready to load Geant4.

    Parameters
    ----------
    data
        What it reads; tables are computed first, where they are needed.
    count
        How many processes.

    Raises
    ------
    LeveloneError
        If the extra is not installed, or its tables cannot be made.
    """
    need_geant4()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "geant4.log"
        executor = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(data.environment(), str(log)),
        )
        try:
            yield Workers(executor, count, log)
        finally:
            executor.shutdown(cancel_futures=True)


def _begin(environment: dict[str, str], log: str) -> None:
    """In the new process: the data that Geant4 reads, and a file for what it prints."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends the run, and this process with it
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)

"""What an interrupted simulation has made already, beside the file that it was to write.

For generators that take a fraction of a second for an event. The parts lie in a hidden folder whose name is a
digest of all that they depend on, so that another seed, section or version finds none of them.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import write_bytes
from levelone.npyfile import load_arrays
from levelone.recipe import digest

Arrays = Mapping[str, NDArray[Any]]

_RUN = ("events", "command")
"""Facts of a file on which its parts do not depend: a longer run has the parts of a shorter one."""


@contextmanager
def unfinished(path: Path, told: Mapping[str, Any]) -> Iterator[Path]:
    """The folder of the parts of a file; removed afterwards, unless the run was interrupted or killed.

    Parameters
    ----------
    path
        The file to make.
    told
        Its provenance: seed, section and versions.
    """
    facts = {key: value for key, value in told.items() if key not in _RUN}
    folder = path.parent / f".{path.name[:100]}.{digest(facts)[:16]}.unfinished"
    try:
        yield folder
    except KeyboardInterrupt:
        raise  # the next run takes what is there
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def remembered(make: Callable[[int], Arrays], folder: Path, number: int) -> Arrays:
    """Part `number`: read if it is there and whole, else made and kept."""
    path = folder / f"{number}.npz"
    with suppress(LeveloneError):  # not there, or damaged: it is made again
        return load_arrays(path)
    made = make(number)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **made)
    write_bytes(path, buffer.getvalue())
    return made

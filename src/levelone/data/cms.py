"""Reader of the CMS Open Data doublet files."""

from __future__ import annotations

from pathlib import Path

import h5py

from levelone.data.doublets import DoubletFile
from levelone.errors import LeveloneError


def from_file(path: Path, file: h5py.File) -> DoubletFile:
    """Wrap an open file of the CMS layout."""
    raise LeveloneError(f"{path}: not a levelone doublet file")

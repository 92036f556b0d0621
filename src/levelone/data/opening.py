"""Which reader a doublet file needs: native or CMS Open Data."""

from __future__ import annotations

from pathlib import Path

from levelone.data import cms
from levelone.data.doublets import DoubletFile
from levelone.data.hdf import open_file
from levelone.data.native import NativeFile


def open_doublets(path: str | Path) -> DoubletFile:
    """Open a doublet file, native or of the CMS Open Data layout, and check it.

    Raises
    ------
    LeveloneError
        If the file is missing, truncated, foreign, incomplete, or holds invalid values.
    """
    path = Path(path)
    file = open_file(path)
    try:
        if "format" in file.attrs:
            return NativeFile.from_file(path, file)
        return cms.from_file(path, file)
    except BaseException:
        file.close()
        raise

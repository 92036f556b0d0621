"""Event files of waveforms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from levelone.data.hdf import HdfReader, load, require
from levelone.files import atomic_path

FORMAT = "pulses"
SPLITS = ("train", "validation", "test")


class PulseFile:
    """An open file: `waveform` float32 [n, 16], `pulses` and `split` (index of `SPLITS`) uint8 [n]."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file
        self.provenance: dict[str, Any] = json.loads(file.attrs["provenance"])
        events = require(path, file, "split", (None,)).shape[0]
        require(path, file, "waveform", (events, 16))
        require(path, file, "pulses", (events,))

    def __enter__(self) -> PulseFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, split: str, limit: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Waveforms [n, 16] and the numbers of pulses [n] of a split."""
        rows = load(self._path, self._file["split"]) == SPLITS.index(split)
        waveform, pulses = (
            load(self._path, self._file[name])[rows][:limit] for name in ("waveform", "pulses")
        )
        return waveform, pulses


def write(
    path: Path,
    waveform: NDArray[np.float32],
    pulses: NDArray[np.uint8],
    split: NDArray[np.uint8],
    provenance: Mapping[str, Any],
) -> None:
    """Write a file that appears under its name only when it is complete."""
    with atomic_path(path) as scratch, h5py.File(scratch, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["provenance"] = json.dumps(provenance)
        for name, values in {"waveform": waveform, "pulses": pulses, "split": split}.items():
            file[name] = values


READER = HdfReader("pulses", lambda file: file.attrs.get("format") == FORMAT, PulseFile)

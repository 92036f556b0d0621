"""One process that runs a compiled project; what runs in it is ``worker.py``."""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.hardware.body import OutOfStepError
from levelone.hls.manifest import Manifest
from levelone.hls.words import wrapper

STREAM_WARNING = "WARNING: Hls::stream"
_TAIL = 4000


class Worker:
    """One process that runs the compiled project."""

    def __init__(self, library: Path, manifest: Manifest) -> None:
        self._manifest = manifest
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._stdin, self._stdout = (
            cast(IO[bytes], self._process.stdin),
            cast(IO[bytes], self._process.stdout),
        )
        setup: dict[str, Any] = {
            "library": str(library),
            "top": wrapper(self._manifest.name, [port.words for port in self._manifest.outputs]),
            "inputs": [math.prod(port.shape) for port in self._manifest.inputs],
            "outputs": self._manifest.given,
            "records": self._manifest.recorded,
        }
        self._width = sum(size for _, size in self._manifest.recorded) + sum(setup["outputs"])
        self._send(json.dumps(setup).encode() + b"\n")

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()
        self._log.close()

    def ask(self, events: NDArray[np.float64]) -> NDArray[np.float64]:
        """Records and outputs of `events`, one row each."""
        self._send(struct.pack("<q", len(events)) + np.ascontiguousarray(events).tobytes())
        wanted = 8 * len(events) * self._width
        answer = self._stdout.read(wanted)
        if len(answer) != wanted:
            raise self._crashed()
        return np.frombuffer(answer, dtype=np.float64).reshape(len(events), self._width)

    def finish(self) -> None:
        """End the process in good order and look at what the firmware printed."""
        self._stdin.close()
        if self._process.wait() != 0:
            raise self._crashed()
        printed = self._printed()
        if STREAM_WARNING in printed:
            first = next(line for line in printed.splitlines() if STREAM_WARNING in line)
            raise OutOfStepError(
                f"the dataflow of {self._manifest.project.name} is out of step: {first.strip()}",
                hint="a layer reads or writes another number of beats than its neighbour: hardware hangs",
            )

    def _send(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except OSError:
            raise self._crashed() from None

    def _printed(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        head = min(size, _TAIL)
        self._log.seek(0)
        start = self._log.read(head)
        self._log.seek(max(head, size - _TAIL))
        return (start + self._log.read()).decode(errors="replace")

    def _crashed(self) -> LeveloneError:
        status = self._process.wait()
        cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        printed = self._printed().strip().splitlines()
        detail = "\n".join(printed[-5:])
        return LeveloneError(
            f"the C simulation of {self._manifest.project.name} crashed ({cause})"
            + (f":\n{detail}" if detail else ""),
            hint="if the firmware was edited by hand, undo it or convert the model again",
        )

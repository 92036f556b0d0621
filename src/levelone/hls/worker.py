"""The process that loads a compiled project and runs it, so that a crash there is only a crash there.

Speaks over two pipes. First a JSON line with the library and the port sizes; then, until end of file, an
event count (8 bytes, little endian) and that many float64 events; the answer is the records of these
events, float64. Nothing else goes to standard output: the firmware's own prints are sent to standard error.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import struct
import sys
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class _TraceData(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p))


class Firmware:
    """A loaded csim library.

    Parameters
    ----------
    library
        Path of the shared object.
    top
        Name of the top function.
    inputs, outputs
        Number of elements of each port.
    records
        Name and number of elements of everything that the firmware records.
    """

    def __init__(
        self, library: str, top: str, inputs: list[int], outputs: list[int], records: list[tuple[str, int]]
    ) -> None:
        self._library: Any = ctypes.CDLL(library)
        self._top = getattr(self._library, f"{top}_double")
        self._top.restype = None
        self._inputs, self._outputs, self._records = inputs, outputs, records
        self._library.allocate_trace_storage.argtypes = [ctypes.c_size_t]
        self._library.allocate_trace_storage(8)
        trace = (_TraceData * len(records))()
        self._library.collect_trace_output(ctypes.byref(trace))
        found = {bytes(entry.name).decode(): entry.data for entry in trace}
        self._views = [
            np.ctypeslib.as_array(ctypes.cast(found[name], ctypes.POINTER(ctypes.c_double)), shape=(size,))
            for name, size in records
        ]

    def run(self, events: NDArray[np.float64]) -> NDArray[np.float64]:
        """Records of every event, one row each; `events` has one row of concatenated inputs each."""
        answer = np.empty((len(events), sum(size for _, size in self._records)))
        outputs = [np.zeros(size) for size in self._outputs]
        starts = np.cumsum([0, *self._inputs])
        for event, row in zip(events, answer, strict=True):
            ports = [event[a:b] for a, b in itertools.pairwise(starts)]
            self._top(*(port.ctypes.data_as(ctypes.c_void_p) for port in [*ports, *outputs]))
            at = 0
            for view in self._views:
                row[at : at + len(view)] = view
                at += len(view)
        return answer


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer batches from `source` on `sink` until it ends."""
    setup = json.loads(source.readline())
    records = [(str(name), int(size)) for name, size in setup["records"]]
    firmware = Firmware(setup["library"], setup["top"], setup["inputs"], setup["outputs"], records)
    width = sum(setup["inputs"])
    while header := source.read(8):
        (count,) = struct.unpack("<q", header)
        events = np.frombuffer(source.read(8 * count * width), dtype=np.float64).reshape(count, width)
        sink.write(firmware.run(events).tobytes())
        sink.flush()


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(answers, "wb") as sink:
        serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()

"""The process that loads a compiled project and runs it, so that a crash there is only a crash there.

Speaks over two pipes. First a JSON line with the library and the port sizes; then, until end of file, an
event count (8 bytes, little endian) and that many float64 events; the answer is the records of these
events and what left the output ports, float64. Nothing else goes to standard output: the firmware's own
prints are sent to standard error.

Only the standard library, and little of it: many short simulations should not each wait for imports.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import struct
import sys
import threading
from typing import Any, BinaryIO

DOUBLE = 8
STACK = 2**30
"""Bytes: a layer of the firmware has all its products in a local variable; unused pages cost nothing."""


class _TraceData(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_void_p))


class Firmware:
    """A loaded csim library.

    Parameters
    ----------
    library
        Path of the shared object.
    top
        Name of the function that takes and gives doubles.
    inputs, outputs
        Number of doubles of each port.
    records
        Name and number of doubles of everything that the firmware records.
    """

    def __init__(
        self, library: str, top: str, inputs: list[int], outputs: list[int], records: list[tuple[str, int]]
    ) -> None:
        self._library: Any = ctypes.CDLL(library)
        self._top = getattr(self._library, top)
        self._top.restype = None
        self._top.argtypes = [ctypes.c_void_p] * (len(inputs) + len(outputs))
        self._starts = [DOUBLE * at for at in itertools.accumulate(inputs, initial=0)]
        self._buffers = [ctypes.create_string_buffer(DOUBLE * size) for size in outputs]
        self._outputs = [ctypes.addressof(buffer) for buffer in self._buffers]
        self._library.allocate_trace_storage.argtypes = [ctypes.c_size_t]
        self._library.allocate_trace_storage(DOUBLE)
        trace = (_TraceData * len(records))()
        self._library.collect_trace_output(ctypes.byref(trace))
        found = {bytes(entry.name).decode(): entry.data for entry in trace}
        self._answers = [(found[name], DOUBLE * size) for name, size in records]
        self._answers += zip(self._outputs, (DOUBLE * size for size in outputs), strict=True)

    def run(self, events: bytearray) -> bytearray:
        """Records and outputs of every event in a row; `events` are float64, all inputs of each in a row."""
        *starts, width = self._starts
        count = len(events) // width
        answer = bytearray(count * sum(size for _, size in self._answers))
        if not count:
            return answer
        source = ctypes.addressof(ctypes.c_char.from_buffer(events))
        sink = ctypes.addressof(ctypes.c_char.from_buffer(answer))
        for event in range(source, source + count * width, width):
            self._top(*(event + start for start in starts), *self._outputs)
            for place, size in self._answers:
                ctypes.memmove(sink, place, size)
                sink += size
        return answer


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer batches from `source` on `sink` until it ends."""
    setup = json.loads(source.readline())
    records = [(str(name), int(size)) for name, size in setup["records"]]
    firmware = Firmware(setup["library"], setup["top"], setup["inputs"], setup["outputs"], records)
    width = DOUBLE * sum(setup["inputs"])
    while header := source.read(8):
        (count,) = struct.unpack("<q", header)
        sink.write(firmware.run(bytearray(source.read(count * width))))
        sink.flush()


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(answers, "wb") as sink:
        failed: list[BaseException] = []

        def work() -> None:
            try:
                serve(sys.stdin.buffer, sink)
            except BaseException as error:
                failed.append(error)
                raise

        threading.stack_size(STACK)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

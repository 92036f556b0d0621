"""The process that runs a compiled project, with a library of a few lines."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

from levelone.hls import worker

DEEP = """
#include <cstddef>
extern "C" {
void allocate_trace_storage(size_t) {}
void collect_trace_output(void *) {}
void deep_double(double *in, double *out) {
    volatile double products[1 << 23];
    products[0] = in[0];
    products[(1 << 23) - 1] = 1;
    *out = products[0] + products[(1 << 23) - 1];
}
}
"""


def asked(library: Path, *events: float) -> subprocess.CompletedProcess[bytes]:
    setup = {"library": str(library), "top": "deep_double", "inputs": [1], "outputs": [1], "records": []}
    question = json.dumps(setup).encode() + b"\n" + struct.pack(f"<q{len(events)}d", len(events), *events)
    command = [sys.executable, "-I", "-S", worker.__file__]
    return subprocess.run(command, input=question, capture_output=True, check=False)


def test_products_of_a_large_layer_find_room(tmp_path: Path) -> None:
    """64 MB of local variables: a layer of eight million products, more than a process has stack for."""
    source, library = tmp_path / "deep.cpp", tmp_path / "deep.so"
    source.write_text(DEEP, encoding="ascii")
    subprocess.run(["g++", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    done = asked(library, 2.0, -5.0)
    assert done.returncode == 0, done.stderr.decode()
    assert struct.unpack("<2d", done.stdout) == (3.0, -4.0)


def test_what_cannot_be_loaded_is_a_failure_of_the_process(tmp_path: Path) -> None:
    done = asked(tmp_path / "absent.so", 1.0)
    assert done.returncode == 1 and b"absent.so" in done.stderr and done.stdout == b""

"""`convert` of three separable blocks on larger and larger images: time and memory against the smallest."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.lib.common import arguments, show
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Conv
from levelone.hls import HlsConfig, convert
from levelone.hls.config import Io

SIZES = (64, 128, 256)
CODES, SCALE = IntRange(0, 15), Fraction(1, 8)


def network(size: int) -> Graph:
    """Depthwise and pointwise convolutions of 4 bits, 3 to 16 channels, and their quantisers."""
    rng = np.random.default_rng(0)
    b = GraphBuilder("separable")
    x, channels = b.input("x_q", (size, size, 3), SCALE, CODES), 3
    for block in range(3):
        for name, kernel, filters in ((f"d{block}", 3, channels), (f"p{block}", 1, 16)):
            groups = channels if kernel == 3 else 1
            weights = rng.integers(-7, 8, (kernel, kernel, channels // groups, filters))
            pads = ((kernel // 2,) * 2,) * 2
            bias = np.zeros(filters, dtype=np.int64)
            op = Conv(weights, bias, (SCALE,), (1, 1), pads, (1, 1), groups)
            x, channels = b.requantise(f"{name}q", b.node(name, op, x), SCALE, CODES), filters
    return b.build(x)


def measured(size: int, io: Io) -> tuple[float, float, float]:
    """Seconds, megabytes of the whole process, megabytes of the project."""
    graph = network(size)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        project = convert(graph, Path(folder) / "project", HlsConfig(io=io)).project
        seconds = time.perf_counter() - start
        written = sum(path.stat().st_size for path in project.rglob("*") if path.is_file())
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, written / 2**20


def main() -> None:
    options = arguments(__doc__, model=False).parse_args()
    result: dict[str, float] = {}
    context = multiprocessing.get_context("spawn")
    for io in ("parallel", "stream"):
        smallest = None
        for size in SIZES:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                seconds, memory, written = pool.submit(measured, size, io).result()
            smallest = smallest or seconds
            result |= {
                f"{io}_{size}_seconds": seconds,
                f"{io}_{size}_over_{SIZES[0]}": seconds / smallest,
                f"{io}_{size}_megabytes": memory,
                f"{io}_{size}_project_megabytes": written,
            }
    show(result, options.json)


if __name__ == "__main__":
    main()

"""Voxel events per second from disk into dense batches, and the memory it takes, whatever the file's length.

The file holds a block of simulated muons again and again (51,200 voxels each), so that a long one is quickly
made. What grows with its length is 13 bytes per event: offset, truth, split.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import arguments, show
from levelone.data.voxels import create_voxels, open_voxels
from levelone.simulate.muon import simulate_muon

BLOCK = 512


def make(path: Path, events: int) -> None:
    """`events` events, a multiple of `BLOCK`."""
    simulate_muon(path.with_name("block.h5"), BLOCK, seed=1)
    with open_voxels(path.with_name("block.h5")) as block:
        (name,) = block.grids
        cells, energy = block.read_sparse(name, 0, BLOCK), block.truth("energy")
        columns = (block.columns["energy"],)
        with create_voxels(path, tuple(block.grids.values()), columns, {}) as writer:
            for _ in range(events // BLOCK):
                writer.append({name: cells}, {"energy": energy}, np.zeros(BLOCK, np.uint8))


def peak_mb() -> float:
    """Largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stream(path: Path, size: int, seed: int | None) -> float:
    """Seconds for one pass."""
    began = time.perf_counter()
    with open_voxels(path) as file:
        count = sum(len(batch.events) for batch in file.batches("train", size, seed=seed))
    if count != file.events:
        raise RuntimeError(f"{count} of {file.events} events")
    return time.perf_counter() - began


def main() -> None:
    parser = arguments(__doc__.splitlines()[0], model=False)
    parser.add_argument(
        "--events", type=int, default=20 * BLOCK, help=f"in the long file; rounded to {BLOCK}"
    )
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    events = max(options.events // BLOCK, 8) * BLOCK
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.h5", Path(folder) / "long.h5"
        make(short, events // 4)
        make(long, events)
        stream(short, options.batch, 1)
        before = peak_mb()
        shuffled = stream(long, options.batch, 1)
        ordered = stream(long, options.batch, None)
        size = long.stat().st_size
        found = {
            "events": events,
            "voxels": 51_200,
            "bytes_per_event_on_disk": size / events,
            "dense_gigabytes": events * 51_200 * 4 / 1e9,
            "shuffled_events_per_second": events / shuffled,
            "ordered_events_per_second": events / ordered,
            "peak_megabytes_after_a_quarter_of_the_events": before,
            "peak_megabytes_after_all": peak_mb(),
        }
    show(found, options.json)


if __name__ == "__main__":
    main()

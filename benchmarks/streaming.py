"""Voxel events per second of CPU time from disk into dense batches, and the memory it takes.

The file holds a block of simulated muons again and again (51,200 voxels each), so that a long one is quickly
made; to the reader every event is new. What grows with its length is 13 bytes per event: offset, truth,
split.

    python -m benchmarks.streaming --events 1000000 --block 50000 --passes shuffled
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from benchmarks.lib.common import arguments, show
from levelone.data.voxels import SparseGrid, create_voxels, open_voxels
from levelone.recipe import load_recipe
from levelone.simulate.muon.generator import simulate_muon
from levelone.simulate.muon.section import MuonGenerate
from levelone.zoo.muon import SYSTEM as MUON

AT_ONCE = 512
PIECE = 65_536
"""Voxels of one compressed piece (`levelone.data.voxelwrite`)."""


def make_block(path: Path, source: Path, events: int) -> int:
    """The first `events` events of `source`, filling whole pieces of the file; how many there are.

    The voxels of the last event end where a piece ends: repeating the block is then copying its pieces.
    """
    with open_voxels(source) as file:
        (name,) = file.grids
        energy = file.truth("energy")
        with h5py.File(source) as raw:
            total = int(raw[f"grids/{name}/offsets"][events])
        left = total - total % PIECE
        with create_voxels(path, tuple(file.grids.values()), (file.columns["energy"],), {}) as writer:
            while left:
                start = writer.events
                cells = file.read_sparse(name, start, min(start + AT_ONCE, events))
                kept = min(int(np.searchsorted(cells.offsets, left)), cells.events)
                offsets = np.minimum(cells.offsets[: kept + 1], left)
                grid = SparseGrid(offsets, cells.index[: offsets[-1]], cells.energy[: offsets[-1]])
                writer.append(
                    {name: grid}, {"energy": energy[start : start + kept]}, np.zeros(kept, np.uint8)
                )
                left -= int(offsets[-1])
            return writer.events


def repeat(path: Path, block: Path, events: int) -> None:
    """`events` events: those of `block` again and again, packed as they are."""
    shutil.copyfile(block, path)
    with h5py.File(path, "r+") as file:
        (group,) = file["grids"].values()
        offsets, energy = group["offsets"][:], file["truth/energy"][:]
        distinct, cells = len(energy), int(offsets[-1])
        times = -(-events // distinct)
        for data in (group["index"], group["energy"]):
            data.resize(times * cells, axis=0)
            for start in range(0, cells, PIECE):
                mask, packed = data.id.read_direct_chunk((start,))
                for number in range(1, times):
                    data.id.write_direct_chunk((number * cells + start,), packed, mask)
        ends = (offsets[1:] + cells * np.arange(times)[:, None]).reshape(-1)[:events]
        for data, values in (
            (group["offsets"], np.concatenate([[0], ends])),
            (file["truth/energy"], np.tile(energy, times)[:events]),
            (file["split"], np.zeros(events, np.uint8)),
        ):
            data.resize(len(values), axis=0)
            data[:] = values
        for data in (group["index"], group["energy"]):
            data.resize(int(ends[-1]), axis=0)
        file.attrs["events"] = events


def peak_mb() -> float:
    """Largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def voxels(path: Path, size: int, order: tuple[int, int] | None) -> Iterator[int]:
    """Sizes of the dense batches of one pass."""
    with open_voxels(path) as file:
        for batch in file.batches("train", size, seed=order):
            yield len(batch.events)


def prepared(path: Path, size: int, order: tuple[int, int] | None) -> Iterator[int]:
    """Sizes of the batches as training gets them: what enters the network of the default recipe."""
    recipe = load_recipe(MUON.default_recipe)
    for batch in MUON.source(recipe, path, "train").batches(size, order=order):
        yield len(batch)


def rate(name: str, batches: Iterator[int], events: int) -> dict[str, float]:
    """Events per second of one pass."""
    cpu, wall = time.process_time(), time.perf_counter()
    count = sum(batches)
    if count != events:
        raise RuntimeError(f"{count} of {events} events")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {f"{name}_events_per_second_of_cpu_time": events / cpu, f"{name}_seconds_passed": wall}


def main() -> None:
    parser = arguments(__doc__, model=False)
    parser.add_argument("--events", type=int, default=10_240, help="in the long file")
    parser.add_argument("--block", type=int, default=AT_ONCE, help="different events among them")
    parser.add_argument("--source", type=Path, help="take them from this file instead of simulating them")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--passes", choices=("all", "shuffled"), default="all", help="over the long file")
    parser.add_argument("--folder", type=Path, help="where the files are made and deleted again")
    options = parser.parse_args()
    events, few = options.events, min(max(options.events // 20, 4096), options.events)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        made, block, short, long = (
            Path(folder) / f"{name}.h5" for name in ("made", "block", "short", "long")
        )
        if options.source is None:
            simulate_muon(made, MuonGenerate(events=options.block))
        distinct = make_block(block, options.source or made, options.block)
        repeat(short, block, few)
        found = {
            "events": events,
            "different_events": min(distinct, events),
            "voxels": 51_200,
            **rate("prepared", prepared(short, options.batch, (1, 0)), few),
            f"peak_megabytes_after_{few}_events": peak_mb(),
        }
        repeat(long, block, events)
        found |= {
            "bytes_per_event_on_disk": long.stat().st_size / events,
            "dense_gigabytes": events * 51_200 * 4 / 1e9,
            f"peak_megabytes_after_writing_{events}_events": peak_mb(),
            **rate("shuffled", voxels(long, options.batch, (1, 0)), events),
        }
        if options.passes == "all":
            found |= rate("ordered", voxels(long, options.batch, None), events)
        found[f"peak_megabytes_after_{events}_events"] = peak_mb()
    show(found, options.json)


if __name__ == "__main__":
    main()

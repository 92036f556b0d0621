"""Doublets per second from the HDF5 file into batches of images and features, in order and shuffled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.lib.common import arguments, best_seconds, show
from levelone.data.doublets import sample_path
from levelone.data.opening import open_doublets


def main() -> None:
    parser = arguments(__doc__, model=False)
    parser.add_argument("--data", type=Path, default=sample_path(), help="doublet file (default: the sample)")
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--doublets", type=int, default=100_000)
    options = parser.parse_args()
    with open_doublets(options.data) as file:
        ordered = np.sort(file.select("train", mixture="natural", limit=options.doublets, seed=1))
        mixed = np.random.default_rng(1).permutation(ordered)

        def read(indices: np.ndarray) -> None:
            for start in range(0, len(indices), options.batch):
                file.read(indices[start : start + options.batch])

        seconds = {
            "ordered": best_seconds(lambda: read(ordered), options.repeat),
            "shuffled": best_seconds(lambda: read(mixed), options.repeat),
        }
    show(
        {"doublets": len(ordered), "batch": options.batch}
        | {f"{name}_doublets_per_second": len(ordered) / taken for name, taken in seconds.items()},
        options.json,
    )


if __name__ == "__main__":
    main()

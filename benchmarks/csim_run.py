"""Running the C simulation: `levelone csim`'s runner against hls4ml's `predict` on the same project.

Each on its own build of the same sources, taking turns in one run, medians. levelone records every layer and
spreads the events over processes; ``predict`` returns outputs only, on one core. ``wall`` is the time until
all events are done, start of the processes included; ``core`` is processor time of all cores together.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import arguments, load, plain_hls4ml, quiet, real_inputs, show, taking_turns
from levelone.hls import HlsConfig, build, convert, run
from levelone.verify import random_vectors


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--io", choices=("parallel", "stream"), default="parallel")
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, quiet():
        graph, path = load(options, Path(folder))
        project = Path(folder) / "project"
        convert(graph, project, HlsConfig(io=options.io), model=path)
        codes = random_vectors(graph, options.events, seed=1)
        model, plain_build = plain_hls4ml(project)
        built = build(project)
        reals = real_inputs(graph, codes)
        (name,) = graph.outputs
        unit = float(graph.values[name].scale[0])
        found = np.asarray(model.predict(reals), dtype=np.float64).reshape(options.events, -1)
        if not np.array_equal(found, run(built, codes)[name].reshape(options.events, -1) * unit):
            raise SystemExit("the two simulations differ: the times mean nothing")
        works = {"hls4ml": lambda: model.predict(reals), "levelone": lambda: run(built, codes)}
        taken = taking_turns(works, options.repeat)
    result = {"model": path.name, "io": options.io, "cores": len(os.sched_getaffinity(0))}
    for which, seconds in taken.items():
        each = seconds.per(options.events)
        result |= {f"{which}_us_wall": 1e6 * each.wall, f"{which}_us_core": 1e6 * each.processor}
    ours, theirs = taken["levelone"], taken["hls4ml"]
    result |= {
        "levelone_over_hls4ml_wall": ours.wall / theirs.wall,
        "levelone_over_hls4ml_core": ours.processor / theirs.processor,
        "build_levelone_over_hls4ml": built.build_seconds / plain_build,
    }
    show(result, options.json)


if __name__ == "__main__":
    main()

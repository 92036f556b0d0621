"""Running the C simulation: `levelone csim`'s runner against hls4ml's `trace` and `predict`, same project.

Each on its own build of the same sources, taking turns in one run, medians. levelone records every layer and
spreads the events over processes. ``trace`` is what hls4ml has for recording every layer, without the
compilation that it repeats at every call; ``predict`` returns outputs only. Both run on one core. ``wall`` is
the time until all events are done, start of the processes included; ``core`` is processor time of all cores
together.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.common import arguments, load, plain_hls4ml, quiet, real_inputs, show, taking_turns
from levelone.graph import Graph
from levelone.hls import HlsConfig, build, convert, run
from levelone.hls import project as projects
from levelone.verify import random_vectors


def converted(graph: Graph, project: Path, config: HlsConfig, path: Path) -> Any:
    """Convert; returns hls4ml's own `ModelGraph` of the project, which knows what to trace."""
    made: list[Any] = []
    original = projects.build_model

    def kept(*arguments: Any) -> Any:
        made.append(original(*arguments))
        return made[-1]

    projects.build_model = kept
    try:
        convert(graph, project, config, model=path)
    finally:
        projects.build_model = original
    return made[-1]


def tracer(whole: Any, compiled: Any, project: Path) -> Callable[[list[Any]], dict[str, Any]]:
    """hls4ml's own ``trace`` on the library that ``predict`` uses."""
    whole.config.config["OutputDir"] = str(project)
    whole._top_function_lib = compiled._top_function_lib
    whole.compile = lambda: None
    return lambda reals: whole.trace(reals if len(reals) > 1 else reals[0])[1]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--io", choices=("parallel", "stream"), default="parallel")
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, quiet():
        graph, path = load(options, Path(folder))
        project = Path(folder) / "project"
        whole = converted(graph, project, HlsConfig(io=options.io), path)
        codes = random_vectors(graph, options.events, seed=1)
        model, plain_build = plain_hls4ml(project)
        built = build(project)
        reals = real_inputs(graph, codes)
        (name,) = graph.outputs
        unit = float(graph.values[name].scale[0])
        found = np.asarray(model.predict(reals), dtype=np.float64).reshape(options.events, -1)
        if not np.array_equal(found, run(built, codes)[name].reshape(options.events, -1) * unit):
            raise SystemExit("the two simulations differ: the times mean nothing")
        tracing = tracer(whole, model, project)
        exponents = {value.name: value.exponent for value in graph.values.values()}
        recorded, layers = run(built, codes), tracing(reals)
        compared = 0
        for layer, array in layers.items():
            if layer in recorded and exponents[layer] is not None:
                wanted = np.ldexp(recorded[layer].astype(np.float64), exponents[layer])
                if not np.array_equal(np.asarray(array, np.float64).reshape(wanted.shape), wanted):
                    raise SystemExit(f"layer {layer} differs: the times mean nothing")
                compared += 1
        if not compared:
            raise SystemExit("no layer was compared: the times mean nothing")
        works = {
            "predict": lambda: model.predict(reals),
            "trace": lambda: tracing(reals),
            "levelone": lambda: run(built, codes),
        }
        taken = taking_turns(works, options.repeat)
    result = {"model": path.name, "io": options.io, "cores": len(os.sched_getaffinity(0))}
    for which, seconds in taken.items():
        each = seconds.per(options.events)
        result |= {f"{which}_us_wall": 1e6 * each.wall, f"{which}_us_core": 1e6 * each.processor}
    ours = taken["levelone"]
    for which in ("trace", "predict"):
        result |= {
            f"levelone_over_{which}_wall": ours.wall / taken[which].wall,
            f"levelone_over_{which}_core": ours.processor / taken[which].processor,
        }
    result |= {"layers_compared": compared, "build_levelone_over_hls4ml": built.build_seconds / plain_build}
    show(result, options.json)


if __name__ == "__main__":
    main()

"""The exact reference executor against the C simulation of the same project, per event, in one run.

``csim_seconds_per_event`` is hls4ml's own ``predict`` (compiled by hls4ml's own script, outputs only);
``emulator_seconds_per_event`` the reference executor, outputs only; ``csim_traced_seconds_per_event`` is what
``levelone csim`` does: every layer recorded, events spread over processes. The integers are compared, too.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import arguments, best_seconds, plain_hls4ml, quiet, real_inputs, show
from levelone.graph import Executor, execute, read_qonnx
from levelone.hls import HlsConfig, build, convert, run
from levelone.verify import random_vectors


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--io", choices=("parallel", "stream"), default="parallel")
    parser.add_argument("--events", type=int, default=2000, help="events through the C simulation")
    parser.add_argument("--emulator-events", type=int, default=20_000, help="events through the executor")
    options = parser.parse_args()
    graph = read_qonnx(options.model)
    codes = random_vectors(graph, options.events, seed=1)
    repeats = -(-options.emulator_events // options.events)
    many = {name: np.concatenate([found] * repeats) for name, found in codes.items()}
    executor = Executor(graph)
    emulator = best_seconds(lambda: executor.run(many), options.repeat) / (repeats * options.events)
    alone = Executor(graph, threads=1)
    single = best_seconds(lambda: alone.run(many), options.repeat) / (repeats * options.events)
    with tempfile.TemporaryDirectory() as folder, quiet():
        project = Path(folder) / "project"
        convert(graph, project, HlsConfig(io=options.io), model=options.model)
        model, plain_build = plain_hls4ml(project)
        reals = real_inputs(graph, codes)
        csim = best_seconds(lambda: model.predict(reals), options.repeat) / options.events
        found = np.asarray(model.predict(reals), dtype=np.float64).reshape(options.events, -1)
        built = build(project)
        traced = best_seconds(lambda: run(built, codes), 1) / options.events
    (name,) = graph.outputs
    expected = execute(graph, codes, keep="outputs")[name].reshape(options.events, -1)
    unit = float(graph.values[name].scale[0])
    if not np.array_equal(found, expected * unit):
        raise SystemExit("hls4ml's predict and the reference differ: the times mean nothing")
    show(
        {
            "model": options.model.name,
            "io": options.io,
            "events": options.events,
            "csim_seconds_per_event": csim,
            "csim_traced_seconds_per_event": traced,
            "emulator_seconds_per_event": emulator,
            "emulator_one_thread_seconds_per_event": single,
            "speedup": csim / emulator,
            "speedup_one_thread": csim / single,
            "hls4ml_build_seconds": plain_build,
            "levelone_build_seconds": built.build_seconds,
        },
        options.json,
    )


if __name__ == "__main__":
    main()

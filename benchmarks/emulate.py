"""The exact reference executor against hls4ml's `predict` and against float32 PyTorch, per event, in one run.

All take turns, and medians count. ``predict`` is hls4ml's own C simulation of the same project, compiled by
hls4ml's own script, outputs only; ``torch`` runs the same architecture in float32 (`float_twin`), the best of
several batch sizes and memory layouts, with as many threads as the executor. ``wall`` is the time until all
events are done, with all cores; ``core`` is processor time, what one core does: programs beside this one
disturb it less. The integers of executor and ``predict`` are compared, too.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.lib.common import arguments, load, plain_hls4ml, quiet, real_inputs, show, taking_turns
from benchmarks.lib.float_twin import float_inputs, float_twin
from benchmarks.lib.torch_batches import best_batch, cut
from levelone.graph import Executor, execute, layer_table, totals
from levelone.hls import HlsConfig, build, convert, run
from levelone.verify import random_vectors


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--io", choices=("parallel", "stream"), default="parallel")
    parser.add_argument("--events", type=int, default=2000, help="events through the C simulation")
    parser.add_argument("--emulator-events", type=int, default=20_000, help="events through the executor")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=cores, help="of executor and PyTorch; default: cores")
    parser.add_argument("--no-csim", action="store_true", help="executor against PyTorch only")
    parser.add_argument(
        "--own-csim",
        action="store_true",
        help="csim as levelone builds and runs it, every layer recorded, instead of predict: builds sooner",
    )
    options = parser.parse_args()
    threads = options.threads
    with tempfile.TemporaryDirectory() as folder, quiet():
        graph, path = load(options, Path(folder))
        codes = random_vectors(graph, options.events, seed=1)
        # codes of inputs fit 16 bits; wider arrays would only cost memory traffic
        many = {
            name: np.resize(found, (options.emulator_events, *found.shape[1:])).astype(np.int16)
            for name, found in codes.items()
        }
        works: dict[str, Callable[[], Any]] = {}
        executor = Executor(graph, threads=threads)
        works["emulator"] = lambda: executor.run(many)
        torch.set_num_threads(threads)
        twin, floats = float_twin(graph), float_inputs(graph, many)
        batch, layout = best_batch(twin, floats)
        parts = cut(floats, batch, layout)
        works["torch"] = lambda: [twin(part) for part in parts]
        if not options.no_csim:
            project = Path(folder) / "project"
            convert(graph, project, HlsConfig(io=options.io), model=path)
        if options.own_csim:
            built = build(project)
            works["csim"] = lambda: run(built, codes)
            recorded, layers = run(built, codes), execute(graph, codes)
            if not all(np.array_equal(layers[name], array) for name, array in recorded.items()):
                raise SystemExit("csim and the reference differ: the times mean nothing")
        elif not options.no_csim:
            model, _ = plain_hls4ml(project)
            reals = real_inputs(graph, codes)
            works["predict"] = lambda: model.predict(reals)
            found = np.asarray(model.predict(reals), dtype=np.float64).reshape(options.events, -1)
            (name,) = graph.outputs
            expected = execute(graph, codes, keep="outputs")[name].reshape(options.events, -1)
            if not np.array_equal(found, expected * float(graph.values[name].scale[0])):
                raise SystemExit("hls4ml's predict and the reference differ: the times mean nothing")
        taken = taking_turns(works, options.repeat)
    counts = {"predict": options.events, "csim": options.events}
    per_event = {
        name: seconds.per(counts.get(name, options.emulator_events)) for name, seconds in taken.items()
    }
    result = {
        "model": path.name,
        "io": options.io,
        "macs": totals(layer_table(graph))["macs"],
        "threads": threads,
        "torch_batch": f"{batch}, {layout}",
    }
    for name, seconds in per_event.items():
        result |= {f"{name}_us_wall": 1e6 * seconds.wall, f"{name}_us_core": 1e6 * seconds.processor}
    for name in [n for n in ("predict", "csim", "torch") if n in per_event]:
        result |= {
            f"{name}_over_emulator_wall": per_event[name].wall / per_event["emulator"].wall,
            f"{name}_over_emulator_core": per_event[name].processor / per_event["emulator"].processor,
        }
    show(result, options.json)


if __name__ == "__main__":
    main()

"""Mutation score of the verifier: planted faults, and how many the standard csim vectors report.

Faults go into generated projects: graphs small enough to try every input, and (`--model`) a trained network,
where many more vectors than the standard ones stand in for every input. Exit code 1 if a fault survives.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.lib.common import arguments, quiet
from benchmarks.mutation.graphs import large_graphs, small_graphs
from benchmarks.mutation.score import COLUMNS, MANY, Mutant, every_input, percent, run, score
from levelone.graph import Graph, read_qonnx
from levelone.hls import HlsConfig


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--builds", type=int, default=20, help="projects per set of graphs, 5 to 40 faults each"
    )
    parser.add_argument("--per-array", type=int, default=4, help="numbers changed per array of weights")
    parser.add_argument("--alone", type=int, default=12, help="faults per graph with a build of their own")
    parser.add_argument("--only", choices=("small-parallel", "small-stream", "large", "model"))
    options = parser.parse_args()
    projects: dict[str, Any] = {}
    mutants: list[Mutant] = []
    for name, graphs, config, copies in _subjects(options):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, quiet():
            found = run(
                graphs,
                config,
                Path(folder),
                copies=copies,
                builds=options.builds,
                per_array=options.per_array,
                alone=options.alone,
                show=lambda line, name=name: print(f"{name}: {line}", file=sys.stderr, flush=True),
            )
        mutants += found
        inputs = [every_input(graph) for graph in graphs]
        projects[name] = {
            "graphs": len(graphs),
            "inputs": [MANY if codes is None else len(next(iter(codes.values()))) for codes in inputs],
            "every_input": all(codes is not None for codes in inputs),
            "score": score(found),
            "seconds": time.perf_counter() - start,
            "survivors": [_named(m) for m in found if m.survived],
            "only_read": [_named(m) for m in found if m.missed and m.read],
        }
    total = score(mutants)
    result = {"score_percent": percent(total["all"]), "total": total, "projects": projects}
    if options.json:
        print(json.dumps(result))
    else:
        _show(result)
    if total["all"]["survived"]:
        sys.exit(1)


def _subjects(options: Any) -> list[tuple[str, list[Graph], HlsConfig, int]]:
    subjects: list[tuple[str, list[Graph], HlsConfig, int]] = [
        ("small-parallel", small_graphs("parallel"), HlsConfig(), 8),
        ("small-stream", small_graphs("stream"), HlsConfig(io="stream"), 8),
        ("large", large_graphs(), HlsConfig(), 8),
    ]
    if options.only in (None, "model"):
        subjects.append(("model", [read_qonnx(options.model)], HlsConfig(), 5))
    return [s for s in subjects if options.only in (None, s[0])]


def _named(mutant: Mutant) -> str:
    return f"{mutant.fault.kind}: {mutant.fault.what}"


def _show(result: dict[str, Any]) -> None:
    for name, project in result["projects"].items():
        kind = "every input" if project["every_input"] else "other vectors"
        print(
            f"{name}: {kind} ({project['inputs']} of {project['graphs']} graphs), {project['seconds']:.0f} s"
        )
        for survivor in project["survivors"]:
            print(f"  survives: {survivor}")
        for fault in project["only_read"]:
            print(f"  shown by reading, not by the vectors: {fault}")
    width = max(map(len, result["total"]))
    print(" " * width, *(f"{c:>13}" for c in COLUMNS))
    for kind, row in result["total"].items():
        print(f"{kind:{width}}", *(f"{row[c]:13}" for c in COLUMNS))
    percent = result["score_percent"]
    print(
        "no mutation score: nothing that was planted changes anything"
        if percent is None
        else f"mutation score {percent:.2f} %"
    )


if __name__ == "__main__":
    main()

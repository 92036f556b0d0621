"""Mutation score of the verifier: planted faults, and how many of them are reported.

Faults go into generated projects: graphs small enough to try every input, and (`--model`) a trained network,
where many more vectors than the standard ones stand in for every input. Each fault is read by itself; some
are compiled and run. Exit code 1 if a fault that changes something is neither read nor shown by the vectors,
or if one that changes nothing is called not proven.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.lib.common import arguments, quiet
from benchmarks.mutation.graphs import large_graphs, looped_graphs, small_graphs
from benchmarks.mutation.packed import MANY, every_input
from benchmarks.mutation.page import table, write
from benchmarks.mutation.score import COLUMNS, Mutant, added, percent, run, score
from levelone.graph import Graph, read_qonnx
from levelone.hls import HlsConfig


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--builds", type=int, default=1, help="projects per set of graphs, 5 to 80 faults each"
    )
    parser.add_argument("--per-array", type=int, default=4, help="numbers changed per array of weights")
    parser.add_argument("--alone", type=int, default=1, help="faults per graph with a build of their own")
    parser.add_argument("--only", choices=("small-parallel", "small-stream", "looped", "large", "model"))
    parser.add_argument(
        "--join", nargs="+", type=Path, metavar="FILE", help="results of --only X --json, instead of a run"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/diagnosis.md")
    options = parser.parse_args()
    projects: dict[str, Any] = {}
    for path in options.join or ():
        projects |= json.loads(path.read_text(encoding="utf-8"))["projects"]
    for name, graphs, config, copies in () if options.join else _subjects(options):
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
        inputs = [every_input(graph) for graph in graphs]
        projects[name] = {
            "graphs": len(graphs),
            "inputs": [MANY if codes is None else len(next(iter(codes.values()))) for codes in inputs],
            "every_input": all(codes is not None for codes in inputs),
            "score": score(found),
            "seconds": time.perf_counter() - start,
            **{state.replace(" ", "_"): _named(found, state) for state in ("survived", "false alarm")},
            "only_read": _named(found, "only read"),
            "options": [
                f"--{key} {getattr(options, key)}"
                for key in ("builds", "alone")
                if getattr(options, key) != parser.get_default(key)
            ],
        }
    total = added([project["score"] for project in projects.values()])
    result = {"score_percent": percent(total["all"]), "total": total, "projects": projects}
    if options.json:
        print(json.dumps(result))
    else:
        _show(result)
    if options.write:
        write(result)
    if total["all"]["survived"] or total["all"]["false alarm"]:
        sys.exit(1)


def _subjects(options: Any) -> list[tuple[str, list[Graph], HlsConfig, int]]:
    subjects: list[tuple[str, list[Graph], HlsConfig, int]] = [
        ("small-parallel", small_graphs("parallel"), HlsConfig(), 8),
        ("small-stream", small_graphs("stream"), HlsConfig(io="stream"), 8),
        ("looped", looped_graphs(), HlsConfig(), 8),
        ("large", large_graphs(), HlsConfig(), 8),
    ]
    if options.only in (None, "model"):
        subjects.append(("model", [read_qonnx(options.model)], HlsConfig(), 5))
    return [s for s in subjects if options.only in (None, s[0])]


def _named(mutants: list[Mutant], state: str) -> list[str]:
    return [f"{m.fault.kind}: {m.fault.what}" for m in mutants if m.state == state]


def _show(result: dict[str, Any]) -> None:
    for name, project in result["projects"].items():
        kind = "every input" if project["every_input"] else "other vectors"
        print(
            f"{name}: {kind} ({project['inputs']} of {project['graphs']} graphs), {project['seconds']:.0f} s"
        )
        for state, words in (
            ("survived", "survives"),
            ("false_alarm", "called not proven, though it changes nothing"),
            ("only_read", "shown by reading, not by the vectors"),
        ):
            for fault in project[state]:
                print(f"  {words}: {fault}")
    print(table(result["total"], COLUMNS))
    percent = result["score_percent"]
    print(
        "no mutation score: nothing that was planted changes anything"
        if percent is None
        else f"the vectors alone catch {percent:.2f} % of what was run and changes something"
    )


if __name__ == "__main__":
    main()

"""Mutation score of the verdict of cosim: faults in streamed RTL, and how many the standard vectors report.

In every block of the library that a network uses, operators, comparisons and constants are changed, one at
a time; in the top module, numbers. "Caught" is a mutant that `levelone cosim` with its standard vectors
(without gaps and stalls) does not call exact; "only rough" one that only gaps, stalls, resets and every input
show; the others are equivalent as far as those can tell. Any edited source is reported as not proven besides.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.lib.common import arguments
from benchmarks.mutation.edits import Edit, Fault, plant, text_of
from benchmarks.mutation.graphs import small_graphs
from benchmarks.mutation.packed import every_input, many_inputs, standard_vectors
from benchmarks.mutation.page import table, write_between
from levelone.errors import LeveloneError
from levelone.graph import execute
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hls.toolchain import find_compiler
from levelone.rtl.body import BODY, BuiltRtl
from levelone.rtl.config import RtlConfig
from levelone.rtl.project import SOURCES, TOP
from levelone.rtl.simulation import Traffic
from levelone.verify.check import check_project
from levelone.verify.verdict import Outcome

PAGE = Path(__file__).parents[2] / "docs/rtl.md"
ROUGH = Traffic(gaps=0.3, stalls=0.3, seed=5, resets=(7, 19, 40, 3, 77, 50, 21, 11))
COLUMNS = ("planted", "caught", "only rough", "equivalent", "did not build")

OPERATORS: Sequence[tuple[str, str, str]] = (
    ("comparison", "==", "!="),
    ("comparison", ">=", ">"),
    ("comparison", " < ", " <= "),
    ("comparison", " > ", " >= "),
    ("logic", "&&", "||"),
    ("logic", "||", "&&"),
    ("arithmetic", " + ", " - "),
    ("arithmetic", " - ", " + "),
    ("arithmetic", " * ", " + "),
    ("shift", ">>", "<<"),
    ("constant", "1'b1", "1'b0"),
    ("constant", "1'b0", "1'b1"),
)
"""Kind, text, other text."""


def block_faults(project: Path, block: str, count: int) -> list[Fault]:
    """`count` changed operators of a block, of all kinds in turn; comments and parameters are left alone."""
    file = f"{SOURCES}/{block}.sv"
    text = text_of(project, file)
    body = text.index(");")  # behind the ports
    kinds: dict[str, list[Fault]] = {}
    for kind, old, new in OPERATORS:
        for found in re.finditer(re.escape(old), text[body:]):
            start, end = (body + at for at in found.span())
            line = text[text.rindex("\n", 0, start) + 1 : text.index("\n", start)]
            if "//" in line[: start - text.rindex("\n", 0, start)] or "localparam" in line or "for (" in line:
                continue
            what = f"{block}: {new.strip()} in place of {old.strip()} in {line.strip()!r}"
            kinds.setdefault(kind, []).append(Fault(kind, None, what, (Edit(file, start, end, new),)))
    rng = np.random.default_rng(1)
    queues = [[found[i] for i in rng.permutation(len(found))] for _, found in sorted(kinds.items())]
    mixed: list[Fault] = []
    while any(queues) and len(mixed) < count:
        mixed += [queue.pop() for queue in queues if queue]
    return mixed[:count]


def number_faults(project: Path, top: str, count: int) -> Iterator[Fault]:
    """One bit of a number in the top module: weights, terms, tables, sizes."""
    file = f"{SOURCES}/{top}.sv"
    text = text_of(project, file)
    found = list(re.finditer(r"(?<='h)[0-9a-f]+", text))
    rng = np.random.default_rng(2)
    for i in rng.choice(len(found), min(count, len(found)), replace=False).tolist():
        digit = int(rng.integers(found[i].start(), found[i].end()))
        other = f"{int(text[digit], 16) ^ 1:x}"
        what = f"top module: digit {digit - found[i].start()} of {found[i][0][:30]} is {other}"
        yield Fault("number", None, what, (Edit(file, digit, digit + 1, other),))


def judge(project: Path, graph: Graph, fault: Fault) -> str:
    """One of `COLUMNS`."""
    folder = project.with_name("mutant")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
    plant(folder, [fault])
    try:
        check = check_project(folder, standard_vectors(graph), graph=graph)
    except LeveloneError:
        return "did not build"
    if check.verdict.outcome is not Outcome.EXACT:
        return "caught"
    built = replace(cast(BuiltRtl, BODY.build(folder)), traffic=ROUGH)
    codes = every_input(graph) or many_inputs(graph, 4096, seed=3)
    return "only rough" if _differs(built, graph, codes) else "equivalent"


def _differs(built: BuiltRtl, graph: Graph, codes: Mapping[str, Codes]) -> bool:
    answers = execute(graph, codes, keep="all")
    try:
        for chunk in built.run(codes):
            for name, found in (*chunk.found.items(), *chunk.outputs.items()):
                if not np.array_equal(found, answers[name][chunk.events]):
                    return True
    except LeveloneError:  # it stands still, or says more or less than it should
        return True
    return False


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--per-block", type=int, default=3, help="faults per block")
    parser.add_argument("--numbers", type=int, default=2, help="numbers changed per network")
    parser.add_argument("--write", action="store_true", help="put the table into docs/rtl.md")
    options = parser.parse_args()
    rows: dict[str, dict[str, int]] = {}
    told: list[str] = []
    done: set[str] = set()
    for graph in small_graphs("stream"):
        with tempfile.TemporaryDirectory() as scratch:
            project = Path(scratch) / "project"
            try:
                # so many clocks that multipliers are shared and beats taken apart
                BODY.write(graph, project, choices=RtlConfig(clocks_per_event=1000))
            except LeveloneError as error:
                print(f"{graph.name}: {error.message}", file=sys.stderr)
                continue
            blocks = sorted({path.stem for path in (project / SOURCES).glob("*.sv")} - {TOP, *done})
            done |= set(blocks)
            faults = [fault for block in blocks for fault in block_faults(project, block, options.per_block)]
            for fault in [*faults, *number_faults(project, TOP, options.numbers)]:
                state = judge(project, graph, fault)
                print(f"{graph.name}: {state}: {fault.what}", file=sys.stderr, flush=True)
                for name in (fault.what.split(":")[0], "all"):
                    row = rows.setdefault(name, dict.fromkeys(COLUMNS, 0))
                    row["planted"] += 1
                    row[state] += 1
                if state == "only rough":
                    told.append(fault.what)
    print(json.dumps({"score": rows, "only_rough": told}) if options.json else table(rows, COLUMNS, "block"))
    if options.write:
        everything = rows["all"]
        changing = everything["caught"] + everything["only rough"]
        caught, counts = everything["caught"], table(rows, COLUMNS, "block")
        text = (
            f"`python -m benchmarks.mutation.rtl --write`, {find_compiler().version}: of {changing} faults\n"
            f"in blocks and numbers that change something, cosim's standard vectors catch {caught} without\n"
            f"gaps and stalls; the others need gaps, stalls, resets or every input. All of them are\n"
            f"reported as edited sources.\n\n{counts}"
        )
        write_between(PAGE, text)


if __name__ == "__main__":
    main()

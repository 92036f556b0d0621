"""Mutation score of the verdict of cosim: faults in streamed RTL, and how many it reports.

In every block of the library that a network uses, operators, comparisons and constants are changed, one at
a time; in the top module, numbers. "In vectors" is a mutant that `levelone cosim` does not call exact on its
standard vectors, "in traffic" one that only its gaps, stalls and resets show. "Survived" is what it would
call exact, and other traffic on every input shows to be wrong; the others are equivalent as far as that can
tell. That a source was edited is reported besides, whatever it does.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.lib.common import arguments
from benchmarks.mutation.edits import Edit, Fault, plant, text_of
from benchmarks.mutation.graphs import small_graphs
from benchmarks.mutation.packed import every_input, many_inputs, standard_vectors
from benchmarks.mutation.page import table, write_between
from levelone.errors import LeveloneError
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hls.toolchain import find_compiler
from levelone.pipeline.cosim import ROUGH, measured_events, rough_ways
from levelone.rtl.body import BODY, BuiltRtl
from levelone.rtl.config import RtlConfig
from levelone.rtl.measure import rough_traffic
from levelone.rtl.project import SOURCES, TOP
from levelone.rtl.simulation import Traffic
from levelone.stimuli import random_vectors
from levelone.verify.check import check_project
from levelone.verify.verdict import Outcome

PAGE = Path(__file__).parents[2] / "docs/rtl.md"
THOROUGH = Traffic(gaps=0.4, stalls=0.4, seed=5, resets=(7, 19, 40, 3, 77, 50, 21, 11))
SEED = 1
COLUMNS = ("planted", "in vectors", "in traffic", "survived", "equivalent", "did not build")
CHOICES = (RtlConfig(clocks_per_event=1000), RtlConfig())
"""So many clocks that multipliers are shared and beats taken apart; then all taps at once."""

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
        return "in vectors"
    built = cast(BuiltRtl, BODY.build(folder))
    codes = random_vectors(graph, measured_events(built), SEED)
    if any(_differs(built, graph, codes, how) for how in rough_ways(built, ROUGH, ROUGH, SEED)):
        return "in traffic"
    thorough = every_input(graph) or many_inputs(graph, 4096, seed=3)
    return "survived" if _differs(built, graph, thorough, THOROUGH) else "equivalent"


def _differs(built: BuiltRtl, graph: Graph, codes: Mapping[str, Codes], how: Traffic) -> bool:
    try:
        return rough_traffic(built, graph, codes, how) is not None
    except LeveloneError:  # the simulation failed
        return True


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--per-block", type=int, default=5, help="faults per block")
    parser.add_argument("--numbers", type=int, default=2, help="numbers changed per network")
    parser.add_argument("--write", action="store_true", help="put the table into docs/rtl.md")
    options = parser.parse_args()
    rows: dict[str, dict[str, int]] = {}
    told: list[str] = []
    done: set[str] = set()
    for choices, graph in itertools.product(CHOICES, small_graphs("stream")):
        with tempfile.TemporaryDirectory() as scratch:
            project = Path(scratch) / "project"
            BODY.write(graph, project, choices=choices)
            blocks = sorted({path.stem for path in (project / SOURCES).glob("*.sv")} - {TOP, *done})
            faults = [fault for block in blocks for fault in block_faults(project, block, options.per_block)]
            if choices is CHOICES[0] or blocks:
                faults += number_faults(project, TOP, options.numbers)
            done |= set(blocks)
            for fault in faults:
                state = judge(project, graph, fault)
                print(f"{graph.name}: {state}: {fault.what}", file=sys.stderr, flush=True)
                for name in (fault.what.split(":")[0], "all"):
                    row = rows.setdefault(name, dict.fromkeys(COLUMNS, 0))
                    row["planted"] += 1
                    row[state] += 1
                if state == "survived":
                    told.append(fault.what)
    print(json.dumps({"score": rows, "survived": told}) if options.json else table(rows, COLUMNS, "block"))
    if options.write:
        vectors, traffic, survived = (rows["all"][name] for name in ("in vectors", "in traffic", "survived"))
        chosen = f"--per-block {options.per_block} --numbers {options.numbers}"
        text = (
            f"`python -m benchmarks.mutation.rtl {chosen} --write`, {find_compiler().version}:\n"
            f"of {vectors + traffic + survived} faults that change something, cosim's vectors show {vectors} "
            f"without gaps and stalls,\nits traffic {traffic} more; {survived} go unreported but for the "
            f"edited source.\n\n{table(rows, COLUMNS, 'block')}"
        )
        write_between(PAGE, text)


if __name__ == "__main__":
    main()

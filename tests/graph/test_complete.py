"""A new operation is its meaning, reader handler, bodies and cases: what is forgotten is named."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import facts
import numpy as np
import pytest
from benchmarks.mutation.graphs import small_graphs
from cases import CASES, Case, seeded
from mutants import MUTANTS
from slow_costs import COSTS, Count
from twins import TWINS

from levelone.graph import Codes, IntRange, Value
from levelone.graph.operation import DeclinedError, Op
from levelone.graph.ops import OPERATIONS
from levelone.graph.reader.catalogue import ENTRIES
from levelone.hls.operations import LOWERINGS
from levelone.rtl.operations import FAMILIES

ROOT = Path(__file__).parents[2]
PLANTED = {type(node.op) for io in ("parallel", "stream") for graph in small_graphs(io) for node in graph}
PLACES: Mapping[str, tuple[str, set[object]]] = {
    "slow twin": ("TWINS in tests/helpers/twins.py", set(TWINS)),
    "cases": ("CASES in tests/helpers/cases.py", set(CASES)),
    "slow count of its cost": ("COSTS in tests/helpers/slow_costs.py", set(COSTS)),
    "wrong body": (
        "MUTANTS in tests/helpers/mutants.py",
        {operation for operation, _ in MUTANTS.values()},
    ),
    "reader handler": (
        "ENTRIES in src/levelone/graph/reader/catalogue.py",
        {OPERATIONS[name] for entry in ENTRIES.values() for name in entry.becomes},
    ),
    "hls4ml body": ("LOWERINGS in src/levelone/hls/operations/__init__.py", set(LOWERINGS)),
    "RTL body": ("FAMILIES in src/levelone/rtl/operations/__init__.py", set(FAMILIES)),
    "place where faults are planted": ("small_graphs in benchmarks/mutation/graphs.py", PLANTED),
}
"""What every operation has: where it is listed, and who is."""


def forgotten(operation: type[Op]) -> list[str]:
    """What an operation lacks, each with the place to add it."""
    listed = {"entry": ("OPERATIONS in src/levelone/graph/ops/__init__.py", set(OPERATIONS.values()))}
    return [
        f"{operation.__name__} has no {what}: {where}"
        for what, (where, known) in (listed | dict(PLACES)).items()
        if operation not in known
    ]


def concrete(kind: type[Op]) -> Iterator[type[Op]]:
    """Every operation that is defined in `levelone.graph.ops`."""
    for below in kind.__subclasses__():
        if not below.__abstractmethods__ and below.__module__.startswith("levelone."):
            yield below
        yield from concrete(below)


def test_no_operation_lacks_anything() -> None:
    found = sorted(set(concrete(Op)), key=lambda operation: operation.__name__)
    assert {operation.__name__ for operation in found} >= set(OPERATIONS)
    assert [line for operation in found for line in forgotten(operation)] == []


@dataclass(frozen=True)
class Square(Op):
    """An operation with nothing but its meaning."""

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        ends = sorted((x.range.lo**2, x.range.hi**2))
        low = 0 if x.range.lo < 0 < x.range.hi else ends[0]
        return Value(name, x.shape, tuple(s * s for s in x.scale), IntRange(low, ends[1]))

    def evaluate(self, *codes: Codes) -> Codes:
        return codes[0] * codes[0]


def test_what_a_new_operation_lacks_is_told_by_name_and_place() -> None:
    lines = forgotten(Square)
    assert len(lines) == 1 + len(PLACES)
    assert "Square has no slow twin: TWINS in tests/helpers/twins.py" in lines
    assert "Square has no entry: OPERATIONS in src/levelone/graph/ops/__init__.py" in lines
    files = [line.partition(" in ")[2] for line in lines]
    assert all((ROOT / file).is_file() for file in files)


def square(pick) -> Case:
    low = pick(-9, 3)
    x = Value("x", (pick(1, 3), 2), (facts.Fraction(1, 2),), IntRange(low, low + pick(0, 9)))
    return Case(Square(), (x,), (np.full((2, *x.shape), low, dtype=object),))


def test_a_new_operation_is_asked_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its meaning alone, it fails those that its silence answers wrongly or that it declines."""
    monkeypatch.setattr(facts, "OPERATIONS", {"Square": Square})
    for table, entry in ((CASES, square), (TWINS, lambda op, x: x * x), (COSTS, lambda op, x: Count())):
        monkeypatch.setitem(table, Square, entry)
    assert CASES[Square](seeded(0)).op == Square()
    failed = {}
    for question, check in facts.QUESTIONS.items():
        try:
            check("Square")
        except (AssertionError, DeclinedError) as error:
            failed[question] = str(error)
    facts.cases.cache_clear()
    facts.influence.cache_clear()
    assert set(failed) == {
        "pointwise", "rounds", "grows", "direction", "met", "absolute", "float_operations", "cost",
    }  # fmt: skip
    assert failed["cost"] == "operation Square does not say what it costs"


# --- who may ask for an operation by its class

BODIES = (
    "benchmarks/lib/float_twin.py",  # torch layers
    "src/levelone/graph/build.py",  # the reader wants to know what a Reshape has undone
    "src/levelone/graph/kernels/",
    "src/levelone/graph/plan.py",  # which Relu a fused kernel makes needless
    "src/levelone/hardware/",
    "src/levelone/hls/operations/",
    "src/levelone/rtl/operations/",
    "src/levelone/rtl/unrolled/",
    "src/levelone/verify/hls/causes/",  # what bodies may do wrong
)
"""Bodies, and hypotheses about bodies. A fact about the meaning is asked of the operation."""


def classes_asked_for(tree: ast.AST) -> Iterator[str]:
    """Names of operations in ``isinstance(x, ...)`` and in ``case ...():``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            asked: Iterator[ast.AST] = ast.walk(node.args[1])
        elif isinstance(node, ast.MatchClass):
            asked = ast.walk(node.cls)
        else:
            continue
        for name in asked:
            found = name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")
            if found in OPERATIONS:
                yield found


def test_only_bodies_ask_for_an_operation_by_its_class() -> None:
    asking = set()
    for folder in ("src/levelone", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if place.startswith(("src/levelone/graph/ops/", "src/levelone/graph/reader/")):
                continue
            if any(classes_asked_for(ast.parse(path.read_text(encoding="utf-8")))):
                asking.add(next((body for body in BODIES if place.startswith(body)), place))
    assert asking == set(BODIES)  # and an entry that is needed no longer goes


def test_no_form_of_asking_is_overlooked() -> None:
    text = """
match op:
    case Conv() | ops.Dense():
        pass
isinstance(op, (Relu, ops.Add))
isinstance(op, str | MaxPool)
"""
    assert sorted(classes_asked_for(ast.parse(text))) == ["Add", "Conv", "Dense", "MaxPool", "Relu"]

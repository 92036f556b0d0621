"""Every operation answers every question as perturbing its operands shows, and wrong answers are caught."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from facts import MEANING, NAMES, QUESTIONS, cases, influence

from levelone.graph import Value
from levelone.graph.operation import Cost, DeclinedError, Op, RoundedSum, Steps, Terms
from levelone.graph.ops import OPERATIONS, AddRequantise


@pytest.mark.parametrize("question", sorted(QUESTIONS))
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_what_perturbing_operands_shows(name: str, question: str) -> None:
    QUESTIONS[question](name)


def test_every_question_is_asked() -> None:
    assert {q for q in vars(Op) if not q.startswith("_")} == set(QUESTIONS) | MEANING


def _first_only(op: Op, position: tuple[int, ...], *shapes: tuple[int, ...]) -> list:
    return [(0, tuple(min(i, n - 1) for i, n in zip(position, shapes[0], strict=True)))]


def _everything(op: Op, position: tuple[int, ...], *shapes: tuple[int, ...]) -> list:
    return [(number, place) for number, shape in enumerate(shapes) for place in np.ndindex(shape)]


def _later(op: AddRequantise, *operands: Value, most: int) -> tuple[Steps, ...]:
    return tuple(replace(row, at=row.at + 1) for row in RIGHT_STEPS(op, *operands, most=most))


RIGHT_STEPS = AddRequantise.rounding_steps
WRONG = {
    "moves: Relu passes codes": ("moves", "Relu", True),
    "pointwise: a pool sees one code": ("pointwise", "MaxPool", True),
    "linear: a table is a sum": ("linear", "Lookup", True),
    "rounds: constants round": ("rounds", "Affine", True),
    "lossless: every quantiser": ("lossless", "Requantise", True),
    "grows: a sum stays as small": ("grows", "Add", False),
    "tabulated: steps are entries": ("tabulated", "Staircase", True),
    "direction: products rise": ("direction", "Multiply", 1),
    "direction: nothing is known of pools": ("direction", "MaxPool", 0),
    "met: the first operand alone": ("met", "Add", _first_only),
    "met: everything": ("met", "Conv", _everything),
    "terms: no padding is known": ("terms", "Conv", lambda op, at, shape: Terms(*[np.zeros(0, int)] * 3)),
    "absolute: signs cancel": ("absolute", "Dense", lambda op, *sizes: op.evaluate(*sizes)),
    "float_operations: sums are free": ("float_operations", "Dense", lambda op, *counts: max(counts)),
    "rounding_steps: one later": ("rounding_steps", "AddRequantise", _later),
    "argument: the first operand": ("rounding_steps", "AddRequantise", "argument", lambda op, a, b: a),
    "number: no offset": ("number", "Requantise", lambda op, channel, code: code * op.multiplier[0]),
    "border: of the next code": ("border", "Requantise", lambda op, code: Fraction(code + 1)),
    "deviation: of one operand": ("deviation", "AddRequantise", lambda op, c, codes, sizes, r: r * sizes[0]),
    "weighted: meets nothing": ("weighted", "Conv", lambda op, x: iter([])),
    "rounded_sum: another rounding": (
        "rounded_sum",
        "Requantise",
        lambda op, channel: RoundedSum(op.multiplier[:1], op.offset[0], op.rounding, op.range, 1),
    ),
    "cost: comparisons are free": ("cost", "Staircase", lambda op, inputs, output: Cost()),
    "infer: as wide as the operand": ("infer", "Relu", lambda op, name, x: replace(x, name=name)),
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_a_wrong_answer_is_caught(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    question, name, *where, answer = WRONG[wrong]
    cases(name), influence(name)  # with the right range
    attribute = where[0] if where else question
    plain = isinstance(answer, bool | int) and isinstance(vars(Op)[attribute], property)
    monkeypatch.setattr(OPERATIONS[name], attribute, property(lambda op: answer) if plain else answer)
    with pytest.raises((AssertionError, DeclinedError, ValueError, IndexError)):
        QUESTIONS[question](name)


def test_every_question_has_a_wrong_answer() -> None:
    assert {question for question, *_ in WRONG.values()} | {"argument"} == set(QUESTIONS)

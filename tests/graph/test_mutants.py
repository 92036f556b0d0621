"""The comparison with the slow twins must catch a wrong body of every operation."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES, seeded
from mutants import MUTANTS
from twins import TWINS

SEEDS = range(60)


def differs(operation, body) -> bool:
    """Whether the suite's seeded cases tell `body` from the slow twin."""
    for number in SEEDS:
        case = CASES[operation](seeded(number))
        twin = TWINS[operation](case.op, *case.codes)
        try:
            found = body(case.op, *(c.astype(np.int64) for c in case.codes))
        except (ValueError, IndexError):
            return True
        if found.shape != twin.shape or (found != twin).any():
            return True
    return False


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_wrong_body_is_caught(mutant: str) -> None:
    operation, body = MUTANTS[mutant]
    assert differs(operation, body)


@pytest.mark.parametrize("operation", sorted(CASES, key=lambda o: o.__name__))
def test_the_right_body_passes(operation) -> None:
    assert not differs(operation, lambda op, *codes: op.evaluate(*codes))


def test_every_operation_has_a_mutant() -> None:
    assert {operation for operation, _ in MUTANTS.values()} == set(CASES)

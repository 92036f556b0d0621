"""Codes of more bits than a float64 holds: every operation, the executor against the slow twin."""

from __future__ import annotations

import cases
import numpy as np
import pytest
from cases import CASES, seeded
from twins import TWINS

from levelone.graph import GraphBuilder, IntRange, execute
from levelone.graph.ops import OPERATIONS

ENOUGH, TRIED = 4, 200


def wide_range(pick, widest: int = 12) -> IntRange:
    """Of more than 50 bits, or few enough that products of both kinds stay below 64."""
    bits = pick(50, 63) if pick(0, 1) else pick(2, 30)
    low = 0 if pick(0, 3) == 0 else -(2 ** (bits - 1))
    return IntRange(low, 2 ** (bits - 1) - 1)


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"Lookup"}))  # tables are not that long
def test_wide_codes_are_exact(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "_range", wide_range)
    compared = 0
    for seed in range(TRIED):
        case = CASES[OPERATIONS[name]](seeded(seed))
        b = GraphBuilder("wide")
        ports = [
            b.input(f"{v.name}_q", v.shape, v.scale[0], v.range, channels_first=False) for v in case.inputs
        ]
        graph = b.build(b.node("y", case.op, *ports))
        value = graph.values["y"]
        widest = max(v.width for v in (value, *case.inputs))
        if not value.range.in_int64 or widest <= 53:
            continue
        codes = {port: c.astype(np.int64) for port, c in zip(ports, case.codes, strict=True)}
        found = execute(graph, codes)["y"]
        assert (found == TWINS[type(case.op)](case.op, *case.codes)).all(), seed
        compared += 1
        if compared == ENOUGH:
            return
    raise AssertionError(f"{compared} cases are wide, and fit into 64 bits")

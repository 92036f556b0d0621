"""What a code is made of, as `diff` tells it: of every operation, the elements that were really read."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from cases import CASES, seeded
from twins import TWINS, round_slow

from levelone.graph import Rounding
from levelone.graph.ir import Node
from levelone.graph.ops import OPERATIONS, Add, Pad, Take, Upsample
from levelone.verify.made_of import MAX_TERMS, made_of
from levelone.verify.story import _made_of as told


def elements(found: dict) -> list[tuple[str, tuple[int, ...], int]]:
    return [(e["operand"], tuple(e["at"]), e["code"]) for e in found["operands"]]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_code_follows_from_what_it_is_said_to_be_made_of(name: str) -> None:
    for number in range(12):
        case = CASES[OPERATIONS[name]](seeded(number))
        codes = [c[0].astype(np.int64) for c in case.codes]
        names = tuple(f"x{i}" for i in range(len(codes)))
        node, meant = Node("y", case.op, names), TWINS[type(case.op)](case.op, *case.codes)[0]
        for position in list(np.ndindex(meant.shape))[:50]:
            found = made_of(node, codes, position)
            read = elements(found)
            assert all(codes[names.index(operand)][at] == code for operand, at, code in read)
            if "terms" in found:
                assert found["sum"] == meant[position] or len(read) == MAX_TERMS
                assert sum(e["product"] for e in found["operands"]) + found["bias"] == found["sum"]
            elif "before_rounding" in found:
                exact = Fraction(found["before_rounding"])
                low, high = found["clip"]
                code = min(max(round_slow(exact, Rounding(found["rounding"])), low), high)
                assert code - found["zero_point"] == meant[position]
            elif case.op.moves:
                assert [code for _, _, code in read] == [meant[position]] or (not read and name == "Pad")
            elif name == "MaxPool":
                assert max(code for _, _, code in read) == meant[position]
            elif name == "Multiply":
                assert prod(code for _, _, code in read) == meant[position]
            elif name == "MatMul":
                row, column = ([code for at, _, code in read if at == x] for x in names)
                assert sum(a * b for a, b in zip(row, column, strict=True)) == meant[position]
            else:
                assert read == [("x0", position, int(codes[0][position]))]
            assert told({"made_of": found, "types": {}})


def test_the_element_that_a_selection_read_is_named() -> None:
    x = np.array([[10, 11, 12, 13], [20, 21, 22, 23]])
    found = made_of(Node("y", Take(1, (3, 0)), ("x",)), [x], (1, 0))
    assert elements(found) == [("x", (1, 3), 23)]
    assert told({"made_of": found, "types": {}}) == ["made of x[1, 3] = 23"]


def test_padding_is_told_from_elements_whatever_its_value() -> None:
    x = np.arange(4)
    for value in range(-1, 9):
        node = Node("y", Pad(((1, 1),), value=value), ("x",))
        places = [elements(made_of(node, [x], (at,))) for at in range(6)]
        assert places == [[], *([("x", (at,), at)] for at in range(4)), []]
    assert told({"made_of": made_of(node, [x], (0,)), "types": {}}) == ["is padding"]


def test_repeated_and_broadcast_operands_are_named_where_they_were_read() -> None:
    x = np.array([[1, 2], [3, 4]])
    assert elements(made_of(Node("y", Upsample((3,)), ("x",)), [x], (5, 0))) == [("x", (1, 0), 3)]
    found = made_of(Node("y", Add(), ("x", "row")), [x, np.array([[7, 9]])], (1, 1))
    assert elements(found) == [("x", (1, 1), 4), ("row", (0, 1), 9)] and found["sum"] == 13

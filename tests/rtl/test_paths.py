"""The longest path of small netlists that are written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from levelone.rtl.delays import Delays
from levelone.rtl.paths import longest_path

DELAYS = Delays()


def cell(
    kind: str, outputs: dict[str, list[Any]], parameters: dict[str, str] | None = None, **inputs: Any
) -> dict:
    wires = {name: bits if isinstance(bits, list) else [bits] for name, bits in inputs.items()}
    ways = dict.fromkeys(wires, "input") | dict.fromkeys(outputs, "output")
    return {
        "type": kind,
        "port_directions": ways,
        "connections": wires | outputs,
        "parameters": parameters or {},
    }


def register(d: Any, q: int) -> dict:
    return cell("FDRE", {"Q": [q]}, C=0, CE="1", D=d, R="0")


def lut(output: int, *inputs: int) -> dict:
    return cell(f"LUT{len(inputs)}", {"O": [output]}, **{f"I{i}": bit for i, bit in enumerate(inputs)})


def test_levels_between_registers_are_counted() -> None:
    cells = {
        "start": register("0", 1),
        "quick": register("0", 2),
        "first": lut(3, 1, 2),
        "not": cell("INV", {"O": [4]}, I=3),
        "second": lut(5, 4, 2),
        "end": register(5, 6),
        "short": register(3, 7),
    }
    path = longest_path(cells, DELAYS)
    assert path is not None
    assert (path.levels, path.most_levels, path.end) == (2, 2, "end")
    assert path.start in ("start", "quick")
    assert path.ns == pytest.approx(DELAYS.overhead + 2 * DELAYS.level)


def test_a_carry_chain_goes_on_from_cell_to_cell() -> None:
    """From the lowest bit of the first to the highest of the second: one entry, eight bits, one exit."""
    low, high = ([10 + i for i in range(4)], [20 + i for i in range(4)])
    carries = [30, 31, 32, 33], [40, 41, 42, 43]
    cells = {
        "start": register("0", 1),
        "a": cell(
            "CARRY4", {"O": low, "CO": carries[0]}, CI="0", CYINIT="0", S=[1, "0", "0", "0"], DI=["0"] * 4
        ),
        "b": cell("CARRY4", {"O": high, "CO": carries[1]}, CI=33, CYINIT="0", S=["0"] * 4, DI=["0"] * 4),
        "end": register(23, 2),
    }
    path = longest_path(cells, DELAYS)
    assert path is not None
    assert path.levels == 0
    # it enters at bit 0 and leaves at bit 7
    chain = DELAYS.carry + 7 * DELAYS.carry_bit + DELAYS.net
    assert path.ns == pytest.approx(DELAYS.overhead + chain, abs=DELAYS.carry_bit)


def test_the_slowest_path_is_not_the_deepest() -> None:
    cells = {
        "memory": cell("RAMB18E2", {"DOUTADOUT": [1]}, CLKARDCLK=0),
        "after": lut(2, 1),
        "slow": register(2, 3),
        "start": register("0", 4),
        "one": lut(5, 4),
        "two": cell("MUXF7", {"O": [6]}, I0=5, I1=5, S=4),
        "three": lut(7, 5),
        "deep": register(7, 8),
    }
    path = longest_path(cells, Delays(memory=9.0))
    assert path is not None
    assert (path.start, path.end, path.levels, path.most_levels) == ("memory", "slow", 1, 2)


def test_a_multiplier_without_registers_is_passed_through() -> None:
    def path(parameters: dict[str, str]) -> float:
        multiplier = cell("DSP48E2", {"P": [2]}, parameters, A=[1], CLK=0)
        found = longest_path({"start": register("0", 1), "dsp": multiplier, "end": register(2, 3)}, DELAYS)
        assert found is not None
        return found.ns

    assert path({"MREG": "0", "PREG": "0"}) > path({"MREG": "1", "PREG": "0"})


def test_a_loop_ends() -> None:
    cells = {"start": register("0", 1), "a": lut(2, 1, 3), "b": lut(3, 2), "end": register(3, 4)}
    assert longest_path(cells, DELAYS) is not None


def test_no_registers_no_path() -> None:
    assert longest_path({"a": lut(2, 1)}, DELAYS) is None

"""Registers that move into multipliers: what a netlist gives stays the same, clock by clock."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any

import pytest

from levelone.rtl.packing import OPERANDS, PRODUCT_BITS, pack_multipliers

CLOCK, ENABLE, OTHER, RESET = 2, 3, 4, 5
INPUTS = tuple(range(10, 22))
CLOCKS = 40


def register(data: Any, output: int, enable: Any = ENABLE, **settings: str) -> dict[str, Any]:
    wires = {"CLK": [CLOCK], "CE": [enable], "LSR": [settings.pop("LSR", "0")], "DI": [data], "Q": [output]}
    return {
        "type": "TRELLIS_FF",
        "parameters": {"CEMUX": "CE", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"} | settings,
        "port_directions": dict.fromkeys(wires, "input") | {"Q": "output"},
        "connections": wires,
    }


def multiplier(a: list[Any], b: list[Any], product: list[int]) -> dict[str, Any]:
    """Signed operands of a few bits, extended by their last one; unused bits of the product go nowhere."""
    wires: dict[str, list[Any]] = {"SIGNEDA": ["1"], "SIGNEDB": ["1"]}
    for operand, bits in (("A", a), ("B", b)):
        wires |= {f"{operand}{i}": [bits[min(i, len(bits) - 1)]] for i in range(OPERANDS[operand])}
    idle = 100_000 + 100 * product[0]
    wires |= {f"P{i}": [product[i] if i < len(product) else idle + i] for i in range(PRODUCT_BITS)}
    ways = {port: "output" if port.startswith("P") else "input" for port in wires}
    return {"type": "MULT18X18D", "parameters": {}, "port_directions": ways, "connections": wires}


def module(cells: Mapping[str, dict[str, Any]], outputs: list[int]) -> dict[str, Any]:
    bits = {"clk": [CLOCK], "in": [ENABLE, OTHER, RESET, *INPUTS], "out": outputs}
    return {"ports": {name: {"bits": found} for name, found in bits.items()}, "cells": dict(cells)}


def run(design: Mapping[str, Any], seed: int) -> list[list[int]]:
    """Output bits in every clock, from random inputs; all registers start at 0."""
    rng, cells = random.Random(seed), list(design["cells"].values())
    held: dict[tuple[int, str], int] = {}
    shown = []
    for _ in range(CLOCKS):
        nets: dict[Any, int] = {"0": 0, "1": 1, "x": 0}
        nets |= {bit: rng.randint(0, 1) for bit in (ENABLE, OTHER, RESET, *INPUTS)}
        for number, cell in enumerate(cells):
            if cell["type"] == "TRELLIS_FF":
                nets[cell["connections"]["Q"][0]] = held.get((number, "Q"), 0)
        waiting = [(n, cell) for n, cell in enumerate(cells) if cell["type"] == "MULT18X18D"]
        entered: dict[tuple[int, str], int] = {}
        while waiting:
            number, cell = waiting.pop(0)
            wires, own = cell["connections"], cell["parameters"]
            stored = "REG_OUTPUT_CLK" in own
            if stored and (number, "given") not in entered:
                _give(nets, wires, held.get((number, "P"), 0))
                entered[number, "given"] = 1
            if any(wires[f"{o}{i}"][0] not in nets for o, n in OPERANDS.items() for i in range(n)):
                waiting.append((number, cell))
                continue
            taken = {o: _signed([nets[wires[f"{o}{i}"][0]] for i in range(n)]) for o, n in OPERANDS.items()}
            entered |= {(number, o): value for o, value in taken.items()}
            before = {
                o: held.get((number, o), 0) if f"REG_INPUT{o}_CLK" in own else value
                for o, value in taken.items()
            }
            entered[number, "P"] = before["A"] * before["B"]
            if not stored:
                _give(nets, wires, entered[number, "P"])
        shown.append([nets[bit] for bit in design["ports"]["out"]["bits"]])
        for number, cell in enumerate(cells):
            wires, own = cell["connections"], cell["parameters"]
            if cell["type"] == "TRELLIS_FF":
                if nets[wires["LSR"][0]]:
                    held[number, "Q"] = 0
                elif own["CEMUX"] == "1" or nets[wires["CE"][0]]:
                    held[number, "Q"] = nets[wires["DI"][0]]
                continue
            for place, key in (("REG_INPUTA", "A"), ("REG_INPUTB", "B"), ("REG_OUTPUT", "P")):
                if f"{place}_CLK" in own and nets[wires[own[f"{place}_CE"]][0]]:
                    held[number, key] = entered[number, key]
    return shown


def _give(nets: dict[Any, int], wires: Mapping[str, list[Any]], product: int) -> None:
    nets |= {wires[f"P{i}"][0]: product >> i & 1 for i in range(PRODUCT_BITS)}


def _signed(bits: list[int]) -> int:
    return sum(bit << i for i, bit in enumerate(bits)) - (bits[-1] << len(bits))


def chain(rng: random.Random) -> dict[str, Any]:
    """Multipliers behind each other, with registers of every kind between them or without."""
    cells: dict[str, Any] = {}
    nets = iter(range(1000, 9000))
    sources: list[Any] = list(INPUTS)
    outputs: list[int] = []
    for number in range(3):
        operands: list[list[Any]] = []
        for _ in OPERANDS:
            bits = rng.sample(sources, rng.randint(1, 4))
            if rng.random() < 0.8:
                enable = rng.choice([ENABLE, ENABLE, OTHER])
                settings = rng.choice([{}, {}, {}, {"LSR": RESET}, {"CEMUX": "1"}])
                stored = [next(nets) for _ in bits]
                for bit, output in zip(bits, stored, strict=True):
                    cells[f"r{output}"] = register(bit, output, enable, **settings)
                outputs += rng.sample(stored, rng.randint(0, 1))
                bits = stored
            if rng.random() < 0.2:
                bits = [*bits, "0"]
            operands.append(bits)
        if rng.random() < 0.1:
            operands[1] = ["0"]
        product = [next(nets) for _ in range(rng.randint(2, 6))]
        cells[f"m{number}"] = multiplier(*operands, product)
        given = product
        if rng.random() < 0.7:
            given = [next(nets) for _ in product]
            for bit, output in zip(product, given, strict=True):
                cells[f"r{output}"] = register(bit, output)
        if rng.random() < 0.2:
            outputs += product[:1]
        outputs += given[-1:]
        sources += given
    return module(cells, list(dict.fromkeys(outputs)))


@pytest.mark.parametrize("part", range(4))
def test_what_comes_out_stays_the_same(part: int) -> None:
    moved = 0
    for seed in range(part, 120, 4):
        design = chain(random.Random(seed))
        packed = copy.deepcopy(design)
        moved += pack_multipliers(packed)
        assert run(packed, seed) == run(design, seed)
    assert moved > 15


def whole(**changes: Any) -> dict[str, Any]:
    """One multiplier with registers all around; `changes` are registers to replace."""
    cells = {f"a{i}": register(INPUTS[i], 30 + i) for i in range(2)}
    cells |= {f"b{i}": register(INPUTS[2 + i], 40 + i) for i in range(2)}
    cells["m"] = multiplier([30, 31], [40, 41], [50, 51, 52])
    cells |= {f"p{i}": register(50 + i, 60 + i) for i in range(3)}
    return module(cells | changes, [60, 61, 62])


def test_a_multiplier_takes_all_registers_around_it() -> None:
    design = whole()
    assert pack_multipliers(design) == 1
    (cell,) = design["cells"].values()
    own = cell["parameters"]
    assert {own[f"REG_{place}_CLK"] for place in ("INPUTA", "INPUTB", "OUTPUT")} == {"CLK0"}
    assert {own[f"REG_{place}_CE"] for place in ("INPUTA", "INPUTB", "OUTPUT")} == {"CE0"}
    assert (cell["connections"]["CLK0"], cell["connections"]["CE0"]) == ([CLOCK], [ENABLE])


@pytest.mark.parametrize(
    "changes",
    [
        {"a1": register(INPUTS[1], 31, LSR=RESET)},
        {"a1": register(INPUTS[1], 31, REGSET="SET")},
        {"a1": register(INPUTS[1], 31, CLKMUX="INV")},
        {"a1": register(INPUTS[1], 31, OTHER)},
    ],
    ids=["reset", "set", "falling edge", "another enable"],
)
def test_operands_that_are_not_alike_stay_outside(changes: dict[str, Any]) -> None:
    design = whole(**changes)
    pack_multipliers(design)
    assert set(design["cells"]) == {"a0", "a1", "b0", "b1", "m"}
    assert "REG_INPUTA_CLK" not in design["cells"]["m"]["parameters"]


def test_a_product_that_others_read_stays_outside() -> None:
    design = whole(more=register(51, 70))
    design["ports"]["out"]["bits"].append(70)
    pack_multipliers(design)
    assert "REG_OUTPUT_CLK" not in design["cells"]["m"]["parameters"]
    assert {"p0", "p1", "p2", "more"} < set(design["cells"])


def test_a_register_that_others_read_stays_for_them() -> None:
    design = whole()
    design["ports"]["out"]["bits"].append(30)
    pack_multipliers(design)
    assert set(design["cells"]) == {"a0", "m"}

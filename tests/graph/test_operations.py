"""Every operation: its meaning, its fast kernel and its range against the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from cases import CASES, Case, seeded
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twins import TWINS

from levelone.graph import Executor, GraphBuilder, IntRange
from levelone.graph.kernels import KERNELS
from levelone.graph.ops import OPERATIONS

NAMES = sorted(OPERATIONS)
MANY = settings(max_examples=150, deadline=None, derandomize=True)


def machine(array: np.ndarray) -> np.ndarray:
    """int64 if the codes fit, else Python integers: what the operations receive."""
    return array.astype(np.int64)


def expected(case: Case) -> np.ndarray:
    return TWINS[type(case.op)](case.op, *case.codes)


def as_graph(case: Case):
    """The operation alone between its inputs and the output."""
    builder = GraphBuilder("one")
    for value in case.inputs:
        builder.input(value.name, value.shape, value.scale[0], value.range)
        # inputs have one range; the test wants the case's own ranges per channel
        builder.values[value.name] = value
    builder.node("y", case.op, *(v.name for v in case.inputs))
    return builder.build("y")


def case_for(name: str, data: st.DataObject) -> Case:
    return CASES[OPERATIONS[name]](lambda lo, hi: data.draw(st.integers(lo, hi)))


def test_the_suite_covers_every_operation() -> None:
    assert set(TWINS) == set(CASES) == set(OPERATIONS.values())
    assert set(KERNELS) <= set(OPERATIONS.values())


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(data=st.data())
def test_meaning_equals_slow_twin(name: str, data: st.DataObject) -> None:
    case = case_for(name, data)
    found = case.op.evaluate(*map(machine, case.codes))
    twin = expected(case)
    assert found.shape == twin.shape
    assert (found == twin).all()


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(data=st.data())
def test_range_shape_and_scale_are_sound(name: str, data: st.DataObject) -> None:
    case = case_for(name, data)
    value = case.op.infer("y", *case.inputs)
    twin = expected(case)
    assert twin.shape[1:] == value.shape
    ranges = value.channel_ranges or (value.range,) * value.shape[-1]
    for channel, reach in enumerate(ranges):
        column = twin[..., channel]
        assert reach.lo <= column.min() and column.max() <= reach.hi
    assert value.range == IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges))


@pytest.mark.parametrize("name", NAMES)
@MANY
@given(data=st.data())
def test_executor_equals_slow_twin(name: str, data: st.DataObject) -> None:
    case = case_for(name, data)
    graph = as_graph(case)
    assume(graph.values["y"].width <= 63)
    codes = {v.name: machine(c) for v, c in zip(case.inputs, case.codes, strict=True)}
    found = Executor(graph, "all", threads=1).run(codes)
    assert found["y"].dtype == np.int64
    assert (found["y"] == expected(case)).all()
    for name, given_codes in codes.items():
        assert (found[name] == given_codes).all()


@pytest.mark.parametrize("name", [name for name in NAMES if OPERATIONS[name] in KERNELS])
def test_the_fast_kernel_is_really_used(name: str) -> None:
    """Narrow operands must not fall back to the slow meaning, or speed would be lost without notice."""
    used = 0
    for number in range(20):
        case = CASES[OPERATIONS[name]](seeded(number))
        output = case.op.infer("y", *case.inputs)
        if max(v.width for v in (*case.inputs, output)) <= 14:
            assert KERNELS[OPERATIONS[name]](case.op, case.inputs, output) is not None
            used += 1
    assert used >= 3

"""Every question to every operation, against what perturbing its operands shows.

Each check gets all cases of one operation: what it claims must hold in each of them, and what it does not
claim must fail in one, so that no operation gets away with an answer that is merely cautious.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from math import prod

import numpy as np
from cases import CASES, Case, codes_of, seeded
from slow_costs import COSTS
from twins import TWINS, round_slow

from levelone.graph import IntRange, Value
from levelone.graph.operation import DeclinedError
from levelone.graph.ops import OPERATIONS

NAMES = sorted(OPERATIONS)
MOST_ELEMENTS = 60
CONTEXTS = 8
MOST_STEPS = 3000


@cache
def cases(name: str) -> list[Case]:
    """Small cases of an operation, with codes for several events."""
    found, number = [], 0
    while len(found) < 25:
        pick = seeded(number)
        case = CASES[OPERATIONS[name]](pick)
        number += 1
        output = case.op.infer("y", *case.inputs)
        if max(output.size, *(v.size for v in case.inputs)) > MOST_ELEMENTS or output.width > 60:
            continue
        found.append(Case(case.op, case.inputs, tuple(codes_of(pick, v, CONTEXTS) for v in case.inputs)))
    return found


def result(case: Case, *codes: np.ndarray) -> np.ndarray:
    """[event, element] as the slow twin has it."""
    found = TWINS[type(case.op)](case.op, *(c.astype(object) for c in codes or case.codes))
    return found.reshape(len(found), -1)


def flat(case: Case) -> np.ndarray:
    """All operands' elements side by side: [event, element]."""
    return np.concatenate([codes.reshape(len(codes), -1) for codes in case.codes], axis=1)


def split(case: Case, elements: np.ndarray) -> list[np.ndarray]:
    parts = np.split(elements, np.cumsum([v.size for v in case.inputs])[:-1], axis=1)
    return [part.reshape(len(part), *v.shape) for part, v in zip(parts, case.inputs, strict=True)]


def limits(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest code of every element of the operands."""
    ranges = [v.channel_ranges or (v.range,) * v.shape[-1] for v in case.inputs]
    columns = [np.resize(np.array([(r.lo, r.hi) for r in rs], dtype=object), (v.size, 2))
               for rs, v in zip(ranges, case.inputs, strict=True)]  # fmt: skip
    low, high = np.concatenate(columns).T
    return low, high


@cache
def influence(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per case: which codes of the result (columns) rise and which fall when an element (rows) is raised."""
    found = []
    for case in cases(name):
        base, (low, high) = flat(case), limits(case)
        rises, falls = [], []
        for element in range(base.shape[1]):
            levels = sorted({int(n) for n in (low[element], high[element], *base[:, element])})
            batch = np.repeat(base, len(levels), axis=0)
            batch[:, element] = levels * len(base)
            made = case.op.evaluate(*(c.astype(np.int64) for c in split(case, batch)))
            change = np.diff(made.reshape(len(base), len(levels), -1), axis=1)
            rises.append((change > 0).any(axis=(0, 1)))
            falls.append((change < 0).any(axis=(0, 1)))
        found.append((np.array(rises), np.array(falls)))
    return found


def answered(question: Callable[..., object], *given: object, **more: object) -> bool:
    """Whether a question is answered; if not, it is declined by name."""
    try:
        question(*given, **more)
    except DeclinedError as error:
        assert type(question.__self__).__name__ in error.message  # type: ignore[attr-defined]
        return False
    return True


# --- what it reaches


def infer(name: str) -> None:
    """The range is not only sound but tight: of few codes, some attain each end of each channel."""
    looked_at = 0
    for case in cases(name):
        size = sum(v.size for v in case.inputs)
        if size > 8:
            continue
        few = 2 if size < 5 else 1
        narrow = [
            Value(v.name, v.shape, v.scale, IntRange(v.range.lo, min(v.range.lo + few, v.range.hi)))
            for v in case.inputs
        ]
        codes = [range(v.range.lo, v.range.hi + 1) for v in narrow for _ in range(v.size)]
        made = result(case, *split(case, np.array(list(product(*codes)), dtype=object)))
        value = case.op.infer("y", *narrow)
        ranges = value.channel_ranges or (value.range,) * value.shape[-1]
        for column, reach in zip(made.reshape(-1, value.shape[-1]).T, ranges, strict=True):
            assert (column.min(), column.max()) == (reach.lo, reach.hi)
        looked_at += 1
    assert looked_at > 4


# --- what kind of operation


def moves(name: str) -> None:
    def follows(case: Case) -> bool:
        """Whether each code of the result is the same operand's, or constant, in every event."""
        made, given = result(case), flat(case)
        same = (made[:, :, None] == given[:, None, :]).all(axis=0).any(axis=1)
        return bool((same | (made == made[0]).all(axis=0)).all())

    claimed = {case.op.moves for case in cases(name)}
    assert claimed == {all(map(follows, cases(name)))}


def pointwise(name: str) -> None:
    def is_so(case: Case, rises: np.ndarray, falls: np.ndarray) -> bool:
        output = case.op.infer("y", *case.inputs)
        if any(v.shape != output.shape for v in case.inputs):
            return False
        own = np.tile(np.eye(output.size, dtype=bool), (len(case.inputs), 1))
        return not ((rises | falls) & ~own).any()

    seen = [is_so(case, *found) for case, found in zip(cases(name), influence(name), strict=True)]
    assert {case.op.pointwise for case in cases(name)} == {all(seen)}


def linear(name: str) -> None:
    def is_so(case: Case) -> bool:
        rng = np.random.default_rng(1)
        a, b = ([rng.integers(-9, 10, c.shape) for c in case.codes] for _ in range(2))
        try:
            both, nothing = ([c + d for c, d in zip(a, b, strict=True)], [c * 0 for c in a])
            return bool(
                (result(case, *a) + result(case, *b) == result(case, *both) + result(case, *nothing)).all()
            )
        except IndexError:  # a table does not have these codes
            return False

    assert {case.op.linear for case in cases(name)} == {all(map(is_so, cases(name)))}


def rounds(name: str) -> None:
    """Its terms cannot be added up, for it gives integers of its own; and then it says where they change."""
    for case in cases(name):
        sizes = [np.abs(c).astype(np.int64) for c in case.codes]
        assert case.op.lossless == answered(case.op.absolute, *sizes)
        assert case.op.lossless == answered(case.op.float_operations, *[1] * len(sizes))
        steps = answered(case.op.rounding_steps, *case.inputs, most=9)
        assert case.op.rounds == steps
        assert case.op.rounds == answered(case.op.argument, *sizes)


def lossless(name: str) -> None:
    """Of the operations that round, those whose numbers are integers before."""
    for case in cases(name):
        if not case.op.rounds or not answered(case.op.number, 0, *[1] * len(case.inputs)):
            assert case.op.lossless == (not case.op.rounds)
            continue
        channels, few = range(case.inputs[0].shape[-1]), product((-1, 0, 1, 2), repeat=len(case.inputs))
        numbers = [case.op.number(channel, *codes) for channel, codes in product(channels, few)]
        assert not case.op.lossless or all(n.denominator == 1 for n in numbers)
        assert case.op.lossless or len(case.inputs) > 1 or any(n.denominator != 1 for n in numbers)


def grows(name: str) -> None:
    def is_so(case: Case) -> bool:
        made, given = result(case), flat(case)
        new = [set(row) - set(before) for row, before in zip(made.tolist(), given.tolist(), strict=True)]
        return bool(set.intersection(*new) == set() and set.union(*new) - {0})

    seen = any(is_so(case) for case in cases(name) if not case.op.moves) and not cases(name)[0].op.rounds
    assert {case.op.grows for case in cases(name)} == {seen}


def tabulated(name: str) -> None:
    """Another stored number is another result of one argument."""
    for case in cases(name):
        assert case.op.tabulated == hasattr(case.op, "table")
        if case.op.tabulated and case.op.table.ndim == 1:
            codes = np.arange(case.inputs[0].range.lo, case.inputs[0].range.hi + 1)
            for at, code in enumerate(codes):
                table = case.op.table.copy()
                table[code - case.op.lowest] += 1
                wrong = replace(case.op, table=table).evaluate(codes[:, None]) != case.op.evaluate(
                    codes[:, None]
                )
                assert np.flatnonzero(wrong).tolist() == [at]


# --- what a code is made of


def direction(name: str) -> None:
    both = []
    for case, (rises, falls) in zip(cases(name), influence(name), strict=True):
        said = case.op.direction
        assert said in (-1, 0, 1)
        assert not (said == 1 and falls.any()) and not (said == -1 and rises.any())
        if said == 0:
            both.append(rises.any() and falls.any())
    assert not both or any(both)


def met(name: str) -> None:
    equal = 0
    for case, (rises, falls) in zip(cases(name), influence(name), strict=True):
        shapes = [v.shape for v in case.inputs]
        starts = np.cumsum([0, *map(prod, shapes)])
        changes, said = rises | falls, np.zeros_like(rises)
        for number, position in enumerate(np.ndindex(case.op.infer("y", *case.inputs).shape)):
            for operand, place in case.op.met(position, *shapes):
                said[starts[operand] + np.ravel_multi_index(place, shapes[operand]), number] = True
        assert not (changes & ~said).any()
        equal += bool((changes == said).all())
    # some elements never matter: weights of 0, codes that saturate, a single code
    assert equal >= len(cases(name)) // 8


def terms(name: str) -> None:
    for case in cases(name):
        sizes: set[int] = set()
        shapes = [v.shape for v in case.inputs]
        given = [codes.reshape(len(codes), -1) for codes in case.codes]
        for number, position in enumerate(np.ndindex(case.op.infer("y", *case.inputs).shape)):
            if not answered(case.op.terms, position, *shapes):
                assert not case.op.linear
                break
            found = case.op.terms(position, *shapes)
            total = np.full(CONTEXTS, found.constant, dtype=object)
            for operand, at, weight in zip(found.operand, found.at, found.weights, strict=True):
                total += found.step * int(weight) * given[operand][:, at]
            sizes.add(len(found.at) + found.padding)
            assert case.op.linear and (total == result(case)[:, number]).all()
        assert len(sizes) <= 1  # but for the padding, all sums are alike


# --- what float32 makes of it


def absolute(name: str) -> None:
    """The largest result over all signs of the operands' codes; never less over some of them."""
    attained = False
    for case in cases(name):
        if case.op.rounds:  # lossless ones saturate, and are judged by their numbers
            continue
        sizes = np.abs(flat(case)[:1])
        signs = list(product((1, -1), repeat=sizes.shape[1])) if sizes.shape[1] <= 8 else None
        rng = np.random.default_rng(2)
        batch = sizes * (np.array(signs) if signs else rng.choice([-1, 1], (200, sizes.shape[1])))
        largest = np.abs(result(case, *split(case, batch))).max(axis=0)
        said = case.op.absolute(*(c.astype(np.int64) for c in split(case, sizes))).reshape(-1)
        assert (said >= largest).all()
        if signs:
            assert (said == largest).all()
            attained = True
        if case.op.linear:
            zero = result(case, *split(case, sizes * 0))[0]
            each = [
                result(case, *split(case, sizes * row))[0] - zero for row in np.eye(sizes.shape[1], dtype=int)
            ]
            assert (said == np.abs(each).sum(axis=0) + np.abs(zero)).all()
    assert attained or cases(name)[0].op.rounds


def float_operations(name: str) -> None:
    """As many as a plain loop needs: additions of all terms, products with constants that are not 1."""
    for case in cases(name):
        op, shapes = case.op, [v.shape for v in case.inputs]
        if op.rounds:
            continue
        before = [3 + i for i in range(len(shapes))]
        said = op.float_operations(*before)
        if op.linear:
            sums = [op.terms(position, *shapes) for position in np.ndindex(op.infer("y", *case.inputs).shape)]
            additions = max(len(s.operand) - 1 + (s.constant != 0) * bool(len(s.operand)) for s in sums)
            products = any((s.weights * s.step != 1).any() for s in sums)
            assert said >= max(before) + additions + products
            assert said == max(before) or not op.moves
        elif op.grows:  # a product has the errors of all its factors
            factors = before * getattr(op, "exponent", 1)
            assert said == sum(factors) + len(factors) - 1 + getattr(op, "inner", 1) - 1
        else:
            assert said == max(before)


# --- where it rounds


def every_argument(case: Case, channel: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(argument, result) for all codes that may meet in a channel; None if these are too many."""
    ranges = [v.channel_ranges[channel] if v.channel_ranges else v.range for v in case.inputs]
    if prod(r.hi - r.lo + 1 for r in ranges) > 2**11:
        return None
    grid = np.meshgrid(*(np.arange(r.lo, r.hi + 1) for r in ranges))
    codes = []
    for axis in grid:
        wide = np.zeros((axis.size, case.inputs[0].shape[-1]), dtype=np.int64)
        wide[:] = np.array([r.lo for r in case.inputs[len(codes)].channel_ranges or (ranges[len(codes)],)])
        wide[:, channel] = axis.reshape(-1)
        codes.append(wide)
    return case.op.argument(*codes)[:, channel], case.op.evaluate(*codes)[:, channel]


def rounding_steps(name: str) -> None:
    looked_at = 0
    for case in cases(name):
        if not case.op.rounds:
            continue
        steps = case.op.rounding_steps(*case.inputs, most=MOST_STEPS)
        assert len(steps) in (1, case.inputs[0].shape[-1])
        for few, row in zip(case.op.rounding_steps(*case.inputs, most=3), steps, strict=True):
            assert len(few.at) <= 3 and few.near == row.near
            assert set(few.at.tolist()) <= set(row.at.tolist()) or len(row.at) > MOST_STEPS // 2
        for channel in range(case.inputs[0].shape[-1]):
            found = every_argument(case, channel)
            row = steps[channel % len(steps)]
            if found is None or len(row.at) > MOST_STEPS // 2:
                continue  # too many codes, or steps of which not all are given
            arguments, where = np.unique(found[0], return_index=True)
            results = found[1][where]
            order = np.searchsorted(arguments, found[0])
            assert (results[order] == found[1]).all()  # the argument alone decides
            reached = np.searchsorted(row.at, arguments, side="right")
            assert ((np.diff(reached) > 0) == (np.diff(results) != 0)).all()
            if len(steps) == case.inputs[0].shape[-1] or not case.inputs[0].channel_ranges:
                assert all(arguments[0] < s <= arguments[-1] for s in row.at.tolist())
                above = np.searchsorted(arguments, row.at)
                assert (arguments[above] < row.at + row.near).all()
                assert (arguments[above - 1] >= row.at - row.near).all()
            looked_at += len(row.at)
    assert looked_at > 30 or not cases(name)[0].op.rounds


def argument(name: str) -> None:
    """Integers of the result's shape (that nothing else decides is seen where steps are looked at)."""
    for case in cases(name):
        if case.op.rounds:
            made = case.op.argument(*(c.astype(np.int64) for c in case.codes))
            assert made.reshape(CONTEXTS, -1).shape == result(case).shape
            assert made.dtype == np.int64 or all(isinstance(n, int) for n in made.reshape(-1))


def rounded_sum(name: str) -> None:
    for case in cases(name):
        made, given = result(case), [codes.reshape(CONTEXTS, -1) for codes in case.codes]
        for at in range(made.shape[1]):
            found = case.op.rounded_sum(at % case.inputs[0].shape[-1])
            if found is None:
                assert not hasattr(case.op, "rounding")
                break
            codes = [int(c[0, at % c.shape[1]]) for c in given]
            total = sum(code * m for code, m in zip(codes, found.multipliers, strict=True)) + found.offset
            limited = min(max(round_slow(total, found.rounding), found.range.lo), found.range.hi)
            assert found.number(*codes) == total and limited - found.zero_point == made[0, at]


def number(name: str) -> None:
    for case in cases(name):
        made, given = result(case), [codes.reshape(CONTEXTS, -1) for codes in case.codes]
        for at in range(made.shape[1]):
            channel = at % case.inputs[0].shape[-1]
            codes = [int(c[0, at % c.shape[1]]) for c in given]
            if not answered(case.op.number, channel, *codes):
                assert not hasattr(case.op, "rounding")
                break
            rounded = round_slow(case.op.number(channel, *codes), case.op.rounding)
            limited = min(max(rounded, case.op.range.lo), case.op.range.hi)
            assert limited - case.op.zero_point == made[0, at]


def border(name: str) -> None:
    for case in cases(name):
        op = case.op
        if not answered(op.border, 0):
            assert not hasattr(op, "rounding")
            continue
        for code in range(-3, 4):
            bound = op.border(code)
            tiny = bound.__class__(1, 10**9)
            assert round_slow(bound + tiny, op.rounding) - op.zero_point >= code
            assert round_slow(bound - tiny, op.rounding) - op.zero_point < code


def deviation(name: str) -> None:
    """Sums of all terms' magnitudes: what the number is at most, whatever the signs of the codes."""
    for case in cases(name):
        sizes = [3 + i for i in range(len(case.inputs))]
        relative = Fraction(1, 7)
        for channel in range(case.inputs[0].shape[-1]):
            if not answered(case.op.deviation, channel, sizes, sizes, relative):
                assert not hasattr(case.op, "rounding")
                continue
            signs = product((1, -1), repeat=len(sizes))
            numbers = [
                abs(case.op.number(channel, *(s * n for s, n in zip(row, sizes, strict=True))))
                for row in signs
            ]
            assert case.op.deviation(channel, sizes, sizes, relative) == relative * max(numbers)


# --- what it holds


def weighted(name: str) -> None:
    """A weight that is changed shows in the events in which it meets something."""
    for case in cases(name):
        if not hasattr(case.op, "weights"):
            assert list(case.op.weighted(case.codes[0])) == []
            continue
        x, op = case.codes[0].astype(np.int64), case.op
        views = list(op.weighted(x))
        taps, width = op.weights.reshape(-1, *op.weights.shape[-2:]), op.weights.shape[-2]
        assert len(views) == len(taps)
        for tap, view in enumerate(views):
            for i in range(width):
                weights = taps.copy()
                weights[tap, i] += 1
                changed = replace(op, weights=weights.reshape(op.weights.shape)).evaluate(x) != op.evaluate(x)
                meets = (view[:, :, i::width] != 0).any(axis=(1, 2))
                assert (changed.reshape(CONTEXTS, -1).any(axis=1) == meets).all()


def cost(name: str) -> None:
    some = False
    for case in cases(name):
        output = case.op.infer("y", *case.inputs)
        found, counted = case.op.cost(case.inputs, output), COSTS[type(case.op)](case.op, *case.inputs)
        assert (found.macs, found.ebops) == (counted.macs, counted.ebops)
        weights = getattr(case.op, "weights", np.zeros(0))
        assert found.weights == weights.size
        some |= bool(counted.ebops)
    assert some == (COSTS[OPERATIONS[name]].__name__ != "nothing")


QUESTIONS = {
    check.__name__: check
    for check in (
        infer,
        moves, pointwise, linear, rounds, grows, tabulated, direction, met, terms, absolute, float_operations,
        rounding_steps, argument, rounded_sum, number, border, deviation, weighted, cost, lossless,
    )
}  # fmt: skip
MEANING = {"evaluate"}
"""Judged by `test_operations.py`."""

"""Causes of a wrong code where one code becomes one code: requantisation, Relu, tables, constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Lookup, Relu, Requantise
from levelone.graph.values import Codes, IntRange, Rounding
from levelone.verify.hls.causes.case import Case, Hypothesis
from levelone.verify.hls.fixed import assign, bits_in_words, onto_grid, wrap

SHIFTS = 6
MULTIPLIER_BITS = 32
SHOWN = 4
NO_LIMIT = IntRange(-(2**61), 2**61)


def search(case: Case) -> Iterator[Hypothesis]:
    """Everything that is tried for a pointwise operation without a look at the project's files."""
    op = case.evidence.node.op
    if isinstance(op, Requantise):
        yield from _requantise(case, op)
    if isinstance(op, Relu):
        yield Hypothesis("operation", "negative codes pass: there is no Relu", lambda x: x[0])
        yield Hypothesis("operation", "the absolute value is taken", lambda x: np.abs(x[0]))
        fixed = case.now("result") or case.meant("result")
        if fixed is not None:
            yield Hypothesis(
                "operation",
                f"there is no Relu: negative codes are assigned to {fixed.ap} as they are",
                lambda x: onto_grid(
                    assign(x[0], case.exponent, fixed), case.exponent - fixed.exponent, "TRN"
                ),
            )
    if isinstance(op, Lookup):
        for by in (1, -1):
            yield Hypothesis(
                "table entry", f"the table is read {by:+d} entry off", lambda x, b=by: _read_off(op, x[0], b)
            )
    yield from table(case)


def _requantise(case: Case, op: Requantise) -> Iterator[Hypothesis]:
    width, signed = op.range.width, op.range.signed
    free = replace(op, range=NO_LIMIT, zero_point=0)

    def wrapped(x: tuple[Codes, ...], mode: Rounding, w: int = width, s: bool = signed) -> NDArray[Any]:
        codes = replace(free, rounding=mode).evaluate(*x)
        return wrap(codes.astype(object), w, s) - op.zero_point

    for mode in (m for m in Rounding if m is not op.rounding):
        yield Hypothesis(
            "rounding",
            f"rounding is {_mode(mode)}; the graph says {_mode(op.rounding)}",
            lambda x, m=mode: replace(op, rounding=m).evaluate(*x),
        )
    for up, words in ((True, "ties upwards"), (False, "ties downwards")):
        yield Hypothesis(
            "rounding",
            f"rounding is to nearest, {words}; the graph says {_mode(op.rounding)}",
            lambda x, u=up: _ties_one_way(op, x[0], u),
        )
    for mode in (op.rounding, *(m for m in Rounding if m is not op.rounding)):
        also = "" if mode is op.rounding else f", and rounding is {_mode(mode)}"
        yield Hypothesis(
            "overflow",
            f"the result wraps at {bits_in_words(width)} instead of saturating{also}",
            lambda x, m=mode: wrapped(x, m),
        )
    for bits in range(width + 2, 0, -1):
        for sign in (True, False):
            hull = IntRange(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign else IntRange(0, 2**bits - 1)
            told = f"{bits_in_words(bits)} {'with' if sign else 'without'} a sign"
            yield Hypothesis(
                "overflow",
                f"the result saturates at {told}: {hull.lo} to {hull.hi}; the graph says "
                f"{op.range.lo} to {op.range.hi}",
                lambda x, h=hull: replace(op, range=h).evaluate(*x),
            )
            yield Hypothesis(
                "overflow",
                f"the result wraps at {told}",
                lambda x, b=bits, s=sign: wrapped(x, op.rounding, b, s),
            )
            yield Hypothesis(
                "overflow",
                f"the result saturates as it should and then wraps at {told}",
                lambda x, b=bits, s=sign: wrap(x[0], b, s),
                on_result=True,
            )
    for shift in [s for n in range(1, SHIFTS + 1) for s in (n, -n)]:
        factor = Fraction(2) ** shift
        yield Hypothesis(
            "scale",
            f"the scale is off by 2**{shift}",
            lambda x, f=factor: replace(op, multiplier=tuple(m * f for m in op.multiplier)).evaluate(*x),
        )
    if any(op.offset):
        yield Hypothesis(
            "bias", "the offset is not added", lambda x: replace(op, offset=(Fraction(0),)).evaluate(*x)
        )
    if op.zero_point:
        yield Hypothesis(
            "zero point",
            "the zero point is not taken off",
            lambda x: replace(op, zero_point=0).evaluate(*x),
        )
    yield from _multipliers(op)


def _multipliers(op: Requantise) -> Iterator[Hypothesis]:
    if any(m.denominator & (m.denominator - 1) for m in op.multiplier):
        for bits in range(MULTIPLIER_BITS, 0, -1):
            rounded = tuple(Fraction(round(m * 2**bits), 2**bits) for m in op.multiplier)
            yield Hypothesis(
                "multiplier",
                f"the multiplier has only {bits} fraction bit{'s' * (bits > 1)}",
                lambda x, r=rounded: replace(op, multiplier=r).evaluate(*x),
            )
    if len(op.multiplier) > 1:
        for by in (1, -1):
            rolled = tuple(np.roll(np.array(op.multiplier, dtype=object), by))
            yield Hypothesis(
                "channel order",
                f"every channel has the multiplier of its neighbour {by:+d}",
                lambda x, r=rolled: replace(op, multiplier=r).evaluate(*x),
            )
        yield Hypothesis(
            "channel order",
            "the multipliers of the channels are in reverse order",
            lambda x: replace(op, multiplier=op.multiplier[::-1]).evaluate(*x),
        )


def table(case: Case) -> Iterator[Hypothesis]:
    """Whether each code still becomes one code, only sometimes a wrong one: a wrong table or threshold."""
    evidence = case.evidence
    (x,), channels = evidence.operands, evidence.found.shape[-1]
    channel = np.broadcast_to(np.arange(channels), x.shape)
    wrong: dict[tuple[int, int], tuple[int, int]] = {}
    seen: dict[tuple[int, int], int] = {}
    triples = np.stack([channel, x, evidence.found, evidence.expected], axis=-1).reshape(-1, 4)
    for c, code, found, expected in np.unique(triples, axis=0).tolist():
        if seen.setdefault((c, code), found) != found:
            return
        if found != expected:
            wrong[c, code] = (expected, found)
    shown = [
        f"code {code} in channel {c} becomes {b}, not {a}"
        for (c, code), (a, b) in list(wrong.items())[:SHOWN]
    ]
    more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""

    def replay(operands: tuple[Codes, ...]) -> NDArray[Any]:
        made = evidence.node.op.evaluate(*operands)
        for (c, code), (_, found) in wrong.items():
            made[..., c] = np.where(operands[0][..., c] == code, found, made[..., c])
        return made

    if len(wrong) <= max(8, triples.shape[0] // 16):
        yield Hypothesis(
            "table entry", f"some input codes are mapped wrongly: {'; '.join(shown)}{more}", replay
        )


def _ties_one_way(op: Requantise, x: Codes, up: bool) -> NDArray[Any]:
    factors, terms, divisors = (a.astype(object) for a in op.integer_form())
    numerator = (x.astype(object) * factors + terms) * 2
    rounded = (numerator + divisors) // (2 * divisors) if up else -((divisors - numerator) // (2 * divisors))
    return np.minimum(np.maximum(rounded, op.range.lo), op.range.hi) - op.zero_point


def _read_off(op: Lookup, x: Codes, by: int) -> NDArray[Any]:
    top = op.lowest + op.table.shape[-1] - 1
    return op.evaluate(np.clip(x + by, op.lowest, top))


def _mode(mode: Rounding) -> str:
    words = {
        Rounding.ROUND: "to nearest, ties to even",
        Rounding.CEIL: "up",
        Rounding.FLOOR: "down",
        Rounding.UP: "away from zero",
        Rounding.DOWN: "towards zero",
        Rounding.HALF_UP: "to nearest, ties away from zero",
        Rounding.HALF_DOWN: "to nearest, ties towards zero",
    }
    return f"{mode.value} ({words[mode]})"

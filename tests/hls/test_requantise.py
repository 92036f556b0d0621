"""Requantisation between any scales: the cheapest exact hardware, its proof, and its C++ in both io modes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import break_header

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange, Rounding, read_qonnx
from levelone.graph.ops import Lookup, Requantise
from levelone.graph.values import Value
from levelone.hardware import prove as proving
from levelone.hardware.choose import choose
from levelone.hardware.forms import Assignment, Scaling, Thresholds
from levelone.hardware.prove import prove
from levelone.hardware.staircase import channel_ranges
from levelone.hardware.types import FixedType, Overflow
from levelone.hls import HlsConfig, convert
from levelone.hls.lower import lower
from levelone.verify import Outcome, check_project, random_vectors

MODES = list(Rounding)


def slow_round(x: Fraction, mode: Rounding) -> int:
    """The definition, one number at a time."""
    down, up = floor(x), ceil(x)
    away, towards = (up, down) if x > 0 else (down, up)
    nearest = down if x - down < up - x else up
    tie = x - down == Fraction(1, 2)
    return {
        Rounding.FLOOR: down,
        Rounding.CEIL: up,
        Rounding.UP: away,
        Rounding.DOWN: towards,
        Rounding.ROUND: (down if down % 2 == 0 else up) if tie else nearest,
        Rounding.HALF_UP: away if tie else nearest,
        Rounding.HALF_DOWN: towards if tie else nearest,
    }[mode]


def slow(op: Requantise, channel: int, code: int) -> int:
    """`op` on one code, in Python's fractions."""
    m, b = (v[channel] if len(v) > 1 else v[0] for v in (op.multiplier, op.offset))
    return min(max(slow_round(code * m + b, op.rounding), op.range.lo), op.range.hi) - op.zero_point


def random_scale(rng: np.random.Generator) -> Fraction:
    kind = rng.integers(5)
    if kind == 0:  # a quotient of single-precision scales, as exported by a training
        return Fraction(float(np.float32(rng.random()))) / Fraction(float(np.float32(rng.random() * 9 + 0.1)))
    if kind == 1:  # a binary fraction: ties
        return Fraction(int(rng.integers(-20, 21)), 2 ** int(rng.integers(0, 7)))
    if kind == 2:  # a mean over some elements
        return Fraction(1, int(rng.integers(1, 30)) * 2 ** int(rng.integers(0, 3)))
    if kind == 3:
        return -Fraction(float(np.float32(rng.random() * 0.3)))
    return Fraction(0)


def random_requantise(rng: np.random.Generator, channels: int) -> Requantise:
    multipliers = tuple(random_scale(rng) for _ in range(channels if rng.random() < 0.6 else 1))
    offsets = tuple(5 * random_scale(rng) for _ in range(channels)) if rng.random() < 0.5 else (Fraction(0),)
    low = -int(rng.integers(0, 9))
    clip = IntRange(low, low + int(rng.integers(1, 20))) if rng.random() < 0.3 else IntRange(-8, 7)
    if rng.random() < 0.3:
        clip = IntRange(0, 2 ** int(rng.integers(1, 8)) - 1)
    zero_point = int(rng.integers(-3, 4)) if rng.random() < 0.3 else 0
    mode = MODES[rng.integers(len(MODES))]
    return Requantise(multipliers, (Fraction(1, 3),), clip, mode, offsets, zero_point)


def random_value(rng: np.random.Generator, channels: int, reach: int) -> Value:
    low = int(rng.integers(-reach, reach // 4))
    high = low + int(rng.integers(1, reach))
    ranges = tuple(IntRange(low + int(rng.integers(3)), high + int(rng.integers(3))) for _ in range(channels))
    hull = IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges))
    return Value("x", (channels,), (Fraction(1),), hull, ranges if len(set(ranges)) > 1 else ())


@pytest.mark.parametrize("seed", range(40))
def test_what_is_chosen_equals_the_definition_on_every_code(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(6):
        channels = int(rng.integers(1, 4))
        x, op = random_value(rng, channels, 400), random_requantise(rng, channels)
        hardware = choose(op, x)
        proof = prove(op, x, hardware)
        assert proof.exhaustive and proof.checked == proof.reachable
        for channel, r in enumerate(channel_ranges(x)):
            codes = np.tile(np.arange(r.lo, r.hi + 1), (channels, 1))
            found = hardware.apply(codes)[channel]
            assert found.tolist() == [slow(op, channel, int(code)) for code in codes[channel]]


@pytest.mark.parametrize("seed", range(20))
def test_the_argument_by_steps_accepts_and_refuses_what_trying_every_code_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    x, op = random_value(rng, 2, 300), random_requantise(rng, 2)
    hardware = choose(op, x)
    assert prove(op, x, hardware).exhaustive
    broken = [
        replace(hardware, term=tuple(t + d for t in hardware.term))
        if isinstance(hardware, Scaling)
        else replace(hardware, steps=hardware.steps + d)
        for d in (-3, -1, 1, 3)
    ]

    def verdicts() -> list[bool]:
        accepted = []
        for candidate in [hardware, *broken]:
            try:
                prove(op, x, candidate)
                accepted.append(True)
            except LeveloneError:
                accepted.append(False)
        return accepted

    tried = verdicts()
    monkeypatch.setattr(proving, "EXHAUSTIVE", 0)
    assert not prove(op, x, hardware).exhaustive
    assert verdicts() == tried
    assert tried[0]


def test_wide_results_are_carried_by_the_multiplier_itself() -> None:
    op = Requantise((Fraction(3, 8),), (Fraction(1),), IntRange(-(2**29), 2**29), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-(2**30), 2**30))
    hardware = choose(op, x)
    assert isinstance(hardware, Scaling) and hardware.rounding is Rounding.ROUND


@pytest.mark.parametrize("rounding", [Rounding.ROUND, Rounding.HALF_UP])
def test_more_steps_than_can_be_listed_are_proven_by_the_formula(rounding: Rounding) -> None:
    op = Requantise((Fraction(3, 8),), (Fraction(1),), IntRange(-(2**29), 2**28), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-(2**30), 2**30))
    hardware = Scaling((3,), (0,), (3,), rounding, op.range)
    if rounding is op.rounding:
        found = prove(op, x, hardware)
        assert found.identical and not found.exhaustive and found.checked == 2
        for wrong in ({"factor": (5,)}, {"term": (1,)}, {"clip": IntRange(-(2**29), 2**28 - 1)}):
            with pytest.raises(LeveloneError):
                prove(op, x, replace(hardware, **wrong))
    else:
        with pytest.raises(LeveloneError, match="no proof"):
            prove(op, x, hardware)


@pytest.mark.parametrize(
    ("type_", "good"),
    [
        (FixedType(29, -3, True), False),  # wraps
        (FixedType(31, -3, True), True),
        (FixedType(29, -3, True, overflow=Overflow.SATURATE), False),  # clips elsewhere
        (FixedType(31, -2, True), False),  # another grid
    ],
)
def test_an_assignment_of_more_codes_than_can_be_listed(type_: FixedType, good: bool) -> None:
    op = Requantise((Fraction(1, 2),), (Fraction(1, 8),), IntRange(-(2**30), 2**30), Rounding.FLOOR)
    x = Value("x", (1,), (Fraction(1, 16),), IntRange(-(2**30), 2**30))
    if good:
        assert prove(op, x, Assignment(-4, type_)).identical
    else:
        with pytest.raises(LeveloneError):
            prove(op, x, Assignment(-4, type_))


@pytest.mark.parametrize("exhaustive", [True, False])
def test_thresholds_are_counted_in_any_order(exhaustive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hardware compares a code with every threshold; so does the proof."""
    if not exhaustive:
        monkeypatch.setattr(proving, "EXHAUSTIVE", 0)
    op = Requantise((Fraction(37, 1000),), (Fraction(1),), IntRange(-1, 2), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-100, 100))
    right = Thresholds((-1,), np.array([[-13, 14, 41]]), (False,))
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        prove(op, x, replace(right, steps=right.steps[:, order]))
    with pytest.raises(LeveloneError, match=r"channel 0 gives"):
        prove(op, x, replace(right, steps=np.array([[41, -13, 15]])))


def test_few_levels_are_counted() -> None:
    op = Requantise((Fraction(37, 1000),), (Fraction(1),), IntRange(0, 1), Rounding.ROUND)
    assert isinstance(choose(op, Value("x", (1,), (Fraction(1),), IntRange(-500, 500))), Thresholds)


@pytest.mark.parametrize("seed", range(30))
def test_no_shift_drops_every_bit_and_no_limit_is_beyond_the_result(seed: int) -> None:
    """Shifting by the whole width is undefined in hardware; limits are those of the result."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("one")
    x = b.input("x_q", (1,), Fraction(1), IntRange(0, int(rng.integers(1, 9))))
    scale, offset = Fraction(1, 2 ** int(rng.integers(3, 9))), Fraction(int(rng.integers(-3, 4)), 2)
    clip = IntRange(-(2**62), 2**62) if seed % 2 else IntRange(-4, 3)
    op = Requantise((scale,), (Fraction(1, 3),), clip, MODES[seed % len(MODES)], (offset,))
    spec = lower(b.build(b.node("y", op, x)), HlsConfig())[-1]
    assert spec.body is not None
    if "shift" in spec.body.constants:
        assert spec.types["product"].width > spec.body.constants["shift"]
        value = spec.value
        assert value is not None
        assert (
            value.range.lo
            <= spec.body.constants["lowest"]
            <= spec.body.constants["highest"]
            <= value.range.hi
        )


@pytest.mark.parametrize("wrong", ["factor", "term"])
def test_convert_refuses_a_wrong_multiplier(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = GraphBuilder("one")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-100, 100))
    op = Requantise((Fraction(37, 1000),), (Fraction(1, 3),), IntRange(-40, 40), Rounding.ROUND)
    graph = b.build(b.node("y", op, x))
    right = choose(op, graph.values["x_q"])
    assert isinstance(right, Scaling)
    step = 1 if wrong == "factor" else 1 << right.shift[0]
    broken = replace(right, **{wrong: tuple(value + step for value in getattr(right, wrong))})
    monkeypatch.setattr("levelone.hls.operations.requantise.choose", lambda *_: broken)
    with pytest.raises(LeveloneError, match=r"y: .*channel 0 gives .* exact is"):
        convert(graph, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def requantise_graph(seed: int, branches: int = 24) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("requantise")
    outputs = []
    for i in range(branches):
        channels = int(rng.integers(1, 4))
        low = int(rng.integers(-200, 50))
        reach = IntRange(low, low + int(rng.integers(1, 300)))
        x = b.input(f"x{i}_q", (16, channels), Fraction(1, 8), reach)
        outputs.append(b.node(f"y{i}", random_requantise(rng, channels), x))
    table = rng.integers(-9, 9, (3, 40))
    x = b.input("t_q", (8, 3), Fraction(1, 8), IntRange(-20, 15))
    y = b.node("looked_up", Lookup(-22, table, (Fraction(1, 5),)), x)
    outputs.append(b.node("again", Lookup(-10, table[0, :20], (Fraction(1, 7),)), y))
    return b.build(*outputs)


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_requantisation_is_exact_in_csim(seed: int, io: str, tmp_path: Path) -> None:
    graph = requantise_graph(seed)
    manifest = convert(graph, tmp_path / "requantise", HlsConfig(io=io))
    codes = random_vectors(graph, 400, seed)
    check = check_project(manifest.project, codes, graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    proofs = {layer["name"]: layer["proof"] for layer in manifest.data["layers"] if layer["proof"]}
    assert {proof["method"] for proof in proofs.values()} == {"scaling", "thresholds"}


def shifted_model():
    """Power-of-two constants before quantisers of power-of-two scales, by every rounding mode."""
    from onnx_models import DOMAIN, Model

    rng = np.random.default_rng(4)
    m = Model(**{f"x{i}": (2, 3, 3) for i in range(len(MODES))})
    outputs = []
    for i, mode in enumerate(MODES):
        x = m.quant(f"x{i}", 0.25, 8)
        power = np.float32(2.0 ** (-3, -2, -1, 1, 2, 3, 4)[i])
        scaled = m.add("Conv", x, m.weight(rng.standard_normal((3, 2, 1, 1)), 2.0**-4)) if i % 3 == 0 else x
        outputs.append(m.quant(m.add("Mul", scaled, power), 0.25, 7, mode=mode.value))
        outputs.append(m.quant(m.add("Div", x, power), 0.5, 6, mode=mode.value, signed=i % 2))
        short = [np.float32(v) for v in (0.25, 0, 8, 5)]
        outputs.append(m.add("Trunc", x, *short, domain=DOMAIN, rounding_mode=mode.value))
        wide = m.add("Conv", x, m.weight(rng.standard_normal((2, 2, 2, 2)), 2.0**-9, 12))
        leaky = m.add("LeakyRelu", wide, alpha=0.25) if i % 2 else m.add("PRelu", wide, np.float32(0.5))
        outputs.append(m.quant(leaky, 2.0**-4, 10, mode=mode.value))
    return m.build(*outputs)


def test_a_cast_is_what_leaves_real_numbers_as_they_are() -> None:
    """A type's own rounding carries a change of scale, not one that doubles the number as well."""
    b = GraphBuilder("one")
    x = b.input("x_q", (4,), Fraction(1, 4), IntRange(-128, 127))
    value = b.values[x]
    cast = Requantise.between(value, Fraction(1, 2), IntRange(-8, 7))
    gained = Requantise.between(value, Fraction(1, 2), IntRange(-8, 7), gain=(Fraction(1, 2),))
    same = Requantise.between(value, Fraction(1, 4), IntRange(-8, 7), gain=(Fraction(2),))
    assert cast.is_cast(value) and not gained.is_cast(value) and not same.is_cast(value)
    graph = b.build(b.node("cast", cast, x), b.node("gained", gained, x), b.node("same", same, x))
    kinds = {spec.name: spec.kind for spec in lower(graph, HlsConfig())}
    assert kinds == {"x_q": "InputLayer", "cast": "Activation", "gained": "Requantise", "same": "Requantise"}


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_shifts_that_change_the_real_numbers_are_exact_in_csim(io: str, tmp_path: Path) -> None:
    graph = read_qonnx(shifted_model())
    manifest = convert(graph, tmp_path / "shifted", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 100, 3), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "limit"),
    [
        ("+ code(term[channel])", "+ 0", 0),
        ("shifted >> code(more[channel]).to_uint()", "shifted", 0),
        (">= signed_code(steps", "> signed_code(steps", 1),
        ("result -= reached", "result += reached", 1),
    ],
)
def test_a_broken_requantisation_is_caught(right: str, wrong: str, limit: int, tmp_path: Path) -> None:
    b = GraphBuilder("one")
    x = b.input("x_q", (4, 2), Fraction(1), IntRange(-100, 100))
    scale = (Fraction(37, 1000), Fraction(-61, 1000))
    clip = IntRange(-2, 3) if limit else IntRange(-40, 40)
    graph = b.build(b.node("y", Requantise(scale, (Fraction(1, 3),), clip, Rounding.ROUND), x))
    manifest = convert(graph, tmp_path / "one")
    break_header(manifest, "levelone_requantise.h", right, wrong)
    assert (
        check_project(manifest.project, random_vectors(graph, 100, 1), graph=graph).outcome
        is Outcome.MISMATCH
    )

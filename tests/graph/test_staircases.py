"""Functions of wide codes as staircases: every step is found, whatever the function and the rounding."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx_models import Model, compare

from levelone.graph import IntRange, Rounding, execute, quantise_inputs, read_qonnx
from levelone.graph.ops import Requantise, Staircase
from levelone.graph.reader import curve as curve_module
from levelone.graph.reader.curve import Curve, staircase, tabulated
from levelone.graph.reader.formulae import FUNCTIONS, TURNS, swish
from levelone.graph.reader.quantiser_node import NO_ZERO, QuantiserNode, code_limits

MODES = list(Rounding)
PARTLY = {"Acos", "Asin", "Log", "Reciprocal", "Sqrt"}
"""Functions that are not defined everywhere, or have a pole."""
PERIODIC = {"Cos", "Sin", "Tan"}
NAMES = sorted({*FUNCTIONS, "Swish"} - PARTLY - PERIODIC)


def function(name: str):
    return swish if name == "Swish" else FUNCTIONS[name](onnx.helper.make_node(name, ["x"], ["y"]))


def drawn(name: str, rng: random.Random) -> Curve:
    signed = rng.random() < 0.6
    limits = code_limits(rng.randint(2, 8), signed, narrow=False)
    quantiser = QuantiserNode(np.float32(1), NO_ZERO, limits, rng.choice(MODES))
    gain = Fraction(float(np.float32(rng.uniform(0.0005, 0.02)))) * rng.choice((1, 1, -1))
    bounds = sorted(Fraction(rng.randint(-40, 40), 8) for _ in range(2))
    clamp = rng.choice(([None, None], [bounds[0], None], [None, bounds[1]], bounds))
    scale = rng.choice((Fraction(1, 32), Fraction(float(np.float32(rng.uniform(0.01, 0.4))))))
    return Curve(
        gain, Fraction(rng.randint(-9, 9), 7), *clamp, function(name), quantiser, scale, rng.randint(-3, 3)
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_code_has_its_entry(name: str) -> None:
    """Against the definition, code by code."""
    rng = random.Random(name)
    for _ in range(12):
        curves = [drawn(name, rng) for _ in range(rng.randint(1, 2))]
        curves = [Curve(**{**c.__dict__, "scale": curves[0].scale}) for c in curves]
        lo = rng.randint(-900, 100)
        r = IntRange(lo, lo + rng.randint(0, 900))
        found = staircase(curves, TURNS.get(name, ()), r, lambda: None)
        assert found is not None
        codes = np.arange(r.lo, r.hi + 1)
        result = found.evaluate(np.repeat(codes[:, None], len(curves), axis=1))
        for channel, one in enumerate(curves):
            entries = [one.entry(int(code)) for code in codes]
            assert result[:, channel].tolist() == tabulated(one, TURNS.get(name, ()), r) == entries


@pytest.mark.parametrize("name", ["Tanh", "Sigmoid", "Swish", "Gelu", "Elu"])
def test_few_codes_of_a_wide_sum_are_tried(name: str) -> None:
    calls = []
    quantiser = QuantiserNode(np.float32(1), NO_ZERO, code_limits(6, True, False), Rounding.ROUND)
    one = Curve(Fraction(1, 2**30), Fraction(1, 3), None, None, function(name), quantiser, Fraction(1, 32), 0)
    found = staircase([one], TURNS.get(name, ()), IntRange(-(2**40), 2**40), lambda: calls.append(1))
    assert found is not None and 8 < found.steps.shape[1] < 80 and len(calls) < 10_000
    for step in found.steps[0].tolist():
        for code in range(step - 3, step + 3):
            assert found.evaluate(np.array([[code]]))[0, 0] == one.entry(code)


@pytest.mark.parametrize("name", ["Tanh", "Swish"])
def test_few_codes_of_a_table_are_tried(name: str) -> None:
    calls = []
    of = function(name)

    def counted(x: Fraction) -> float:
        calls.append(x)
        return of(x)

    quantiser = QuantiserNode(np.float32(1), NO_ZERO, code_limits(6, True, False), Rounding.ROUND)
    one = Curve(Fraction(1, 2**12), Fraction(1, 3), None, None, counted, quantiser, Fraction(1, 16), 0)
    r = IntRange(-(2**14), 2**14 - 1)
    found = tabulated(one, TURNS.get(name, ()), r)
    assert len(calls) < 2**12
    assert found == tabulated(one, None, r) == [one.entry(code) for code in range(r.lo, r.hi + 1)]
    assert len(set(found)) > 30


def test_a_library_that_is_not_monotone_is_followed_code_by_code() -> None:
    """Neighbours are a few units in the last place apart here: the definition is the float64 value."""

    def wavering(x: Fraction) -> float:
        y = math.tanh(float(x))
        return y * (1 + (hash(x) % 5 - 2) * 2.0**-52)

    quantiser = QuantiserNode(np.float32(1), NO_ZERO, code_limits(4, True, False), Rounding.FLOOR)
    centre = Fraction(math.atanh(0.25))
    one = Curve(Fraction(1, 2**58), centre, None, None, wavering, quantiser, Fraction(1, 4), 0)
    r = IntRange(-300, 300)
    exact = [one.entry(code) for code in range(r.lo, r.hi + 1)]
    assert sum(a != b for a, b in pairwise(exact)) > 2  # it does waver
    found = staircase([one], (), r, lambda: None)
    assert found is not None
    assert found.evaluate(np.arange(r.lo, r.hi + 1)[:, None])[:, 0].tolist() == exact
    assert tabulated(one, (), r) == exact


def test_the_turning_points_lie_between_their_bounds() -> None:
    """The sign of the derivative at both."""

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    def mish(x: float) -> float:
        t = math.tanh(math.log1p(math.exp(x)))
        return t + x * (1 - t * t) * sigmoid(x)

    slopes = {
        "Swish": lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
        "Gelu": lambda x: (
            math.erfc(-x / math.sqrt(2)) / 2 + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        ),
        "Mish": mish,
    }
    assert set(TURNS) - set(slopes) == {"Abs", "HardSwish"}
    for name, slope in slopes.items():
        before, after = TURNS[name]
        assert 0 < after - before < 1e-11
        assert slope(float(before)) < 0 < slope(float(after)), name


def general(m: Model, outputs: int = 3, bias: bool = True) -> str:
    """Wide sums on general scales, as Brevitas exports them by default."""
    rng = np.random.default_rng(6)
    x = m.quant("x", 0.0377, 8)
    scale = np.float32(rng.uniform(0.002, 0.005, (outputs, 1, 1)))
    weight = m.weight(rng.normal(size=(outputs, 2, 3)), scale, 8)
    extra = [m.constant(rng.normal(size=outputs))] if bias else []
    return m.add("Conv", x, weight, *extra)


@pytest.mark.parametrize(
    ("name", "signed"), [("Tanh", 1), ("Sigmoid", 0), ("LeakyRelu", 1), ("Elu", 1), ("Mish", 1), ("Gelu", 1)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_wide_sums_of_general_scale_before_a_function(name: str, signed: int, bias: bool) -> None:
    m = Model(x=(2, 12))
    y = m.add(name, general(m, bias=bias))
    model = m.build(m.quant(y, 0.0083, 8, signed=signed, out="y"))
    graph = read_qonnx(model)
    kinds = {type(node.op) for node in graph}
    assert (Requantise if name == "LeakyRelu" else Staircase) in kinds
    assert graph.values["y"].width <= 8
    rng = np.random.default_rng(1)
    real = {"x": (rng.standard_normal((40, 2, 12)) * 3).astype(np.float32)}
    layers = execute(graph, quantise_inputs(graph, real))
    conv = next(node for node in graph if type(node.op).__name__ == "Conv")
    sums, scale = layers[conv.name].astype(object), graph.values[conv.name].scale
    added = next(c for c in model.graph.initializer if list(c.dims) == [3]) if bias else None
    term = onnx.numpy_helper.to_array(added) if added is not None else np.zeros(3)
    of, step = _by_hand(name), Fraction(float(np.float32(0.0083)))
    lo, hi = (-128, 127) if signed else (0, 255)
    for at in np.ndindex(*sums.shape):
        operand = sums[at] * scale[at[-1]] + Fraction(float(term[at[-1]]))
        wanted = min(max(round(Fraction(of(operand)) / step), lo), hi)
        assert layers["y"][at] == wanted


def _by_hand(name: str):
    if name == "LeakyRelu":
        return lambda x: x if x >= 0 else x * Fraction(float(np.float32(0.01)))
    return function(name)


def test_a_clamp_and_a_negative_gain_before_the_function() -> None:
    m = Model(x=(16,))
    x = m.quant("x", 2.0**-8, 20)
    clamped = m.add("Clip", m.add("Mul", x, m.constant(-0.5)), m.constant(-1.0), m.constant(1.5))
    model = m.build(m.quant(m.add("LeakyRelu", clamped, alpha=2.0), 2.0**-3, 5, mode="FLOOR", out="y"))
    assert compare(model, events=30) >= 2


def test_too_many_steps_end_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_module, "MAX_STEPS", 20)
    quantiser = QuantiserNode(np.float32(1), NO_ZERO, code_limits(8, True, False), Rounding.ROUND)
    one = Curve(Fraction(1, 2**20), Fraction(0), None, None, function("Tanh"), quantiser, Fraction(1, 128), 0)
    assert staircase([one], (), IntRange(-(2**30), 2**30), lambda: None) is None

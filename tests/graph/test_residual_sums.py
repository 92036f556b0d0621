"""Sums of two general scales before a quantiser: residual and projection blocks, rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from onnx_models import Model, branch

from levelone.errors import UnsupportedError
from levelone.graph import IntRange, Rounding, execute, quantise_inputs, read_qonnx
from levelone.graph.ops import AddRequantise
from levelone.graph.rounding import round_fraction
from levelone.graph.values import Value

RNG = np.random.default_rng(8)


def block(kind: str, mode: str = "ROUND", channels: int = 3):
    m = Model(x=(channels, 8))
    x = m.quant("x", 0.0371, 8)
    first = branch(m, x)
    second = x if kind in ("identity", "minus") else branch(m, x)
    total = m.add("Sub" if kind == "minus" else "Add", first, second)
    if kind == "scaled":
        total = m.add("Add", m.add("Mul", total, m.constant(-0.37)), m.constant(0.11))
    if kind != "minus":
        total = m.add("Relu", total)
    signed = int(kind == "minus")
    return m.build(m.quant(total, 0.0213, 6, signed=signed, mode=mode, zero=2.0 * (1 - signed), out="y"))


@pytest.mark.parametrize("kind", ["identity", "projection", "minus", "scaled"])
@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "UP", "HALF_DOWN"])
def test_one_rounding_of_the_exact_sum(kind: str, mode: str) -> None:
    """Against Python's fractions, from the operands' own codes."""
    model = block(kind, mode)
    graph = read_qonnx(model)
    node = graph.node("y")
    assert isinstance(node.op, AddRequantise)
    assert graph.values["y"].width <= 6 + 1
    real = {"x": (RNG.standard_normal((20, 3, 8)) * 3).astype(np.float32)}
    layers = execute(graph, quantise_inputs(graph, real))
    tensors = {c.name: c for c in model.graph.initializer}
    biases = [_numbers(tensors[n.input[2]]) for n in model.graph.node if n.op_type == "Conv"]
    biases += [[Fraction(0)] * 3] * (2 - len(biases))
    zero, hi = (0, 31) if kind == "minus" else (2, 63)
    for at in np.ndindex(*layers["y"].shape):
        c = at[-1]
        terms = []
        for name, bias in zip(node.inputs, biases, strict=True):
            scale = graph.values[name].scale
            terms.append(int(layers[name][at]) * scale[c % len(scale)] + bias[c])
        sum_ = terms[0] - terms[1] if kind == "minus" else terms[0] + terms[1]
        if kind == "scaled":
            sum_ = sum_ * Fraction(float(np.float32(-0.37))) + Fraction(float(np.float32(0.11)))
        if kind != "minus":
            sum_ = max(sum_, Fraction(0))
        code = round_fraction(sum_ / Fraction(float(np.float32(0.0213))) + zero, Rounding(mode))
        assert layers["y"][at] == min(max(code, -32 if kind == "minus" else 0), hi) - zero


def _numbers(tensor) -> list[Fraction]:
    import onnx

    return [Fraction(float(v)) for v in onnx.numpy_helper.to_array(tensor)]


def test_floats_never_decide_near_a_tie() -> None:
    """Sums that are exactly on, or one part in 2**80 beside, the middle between two codes."""
    tiny = Fraction(1, 2**80)
    a, b = np.arange(-40, 41)[:, None], np.arange(-40, 41)[::-1, None]
    for mode in Rounding:
        for shift in (-tiny, Fraction(0), tiny):
            op = AddRequantise(((Fraction(3, 2),), (Fraction(1, 2) + tiny,)), (shift,), (Fraction(1),),
                               IntRange(-30, 30), mode)  # fmt: skip
            exact = [
                min(
                    max(round_fraction(x * Fraction(3, 2) + y * (Fraction(1, 2) + tiny) + shift, mode), -30),
                    30,
                )
                for x, y in zip(a[:, 0].tolist(), b[:, 0].tolist(), strict=True)
            ]
            assert op.evaluate(a, b)[:, 0].tolist() == exact


def test_range_is_attained_at_corners() -> None:
    a = Value("a", (2,), (Fraction(1),), IntRange(-3, 5))
    b = Value("b", (2,), (Fraction(1),), IntRange(-2, 7))
    multipliers = ((Fraction(1, 3), Fraction(-2, 7)), (Fraction(5, 9), Fraction(4, 5)))
    op = AddRequantise(multipliers, (Fraction(1, 7),), (Fraction(1),), IntRange(-100, 4), Rounding.ROUND, 1)
    inferred = op.infer("y", a, b)
    left, right = (
        g.reshape(-1, 1).repeat(2, axis=1) for g in np.meshgrid(np.arange(-3, 6), np.arange(-2, 8))
    )
    found = op.evaluate(left, right)
    for channel, reach in enumerate(inferred.channel_ranges or (inferred.range,) * 2):
        assert (reach.lo, reach.hi) == (found[:, channel].min(), found[:, channel].max())


def test_a_sum_that_nothing_rounds_is_refused_by_its_own_name() -> None:
    m = Model(x=(3, 8))
    x = m.quant("x", 0.0371, 8)
    total = m.add("Add", branch(m, x), branch(m, x))
    with pytest.raises(UnsupportedError, match=r"needs \d+ bits"):
        read_qonnx(m.build(m.quant(m.add("AveragePool", total, kernel_shape=[2]), 0.1, 5)))

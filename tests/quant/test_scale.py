from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.quant.layers import QuantLayers, activation_scale
from levelone.quant.scale import FixedScale, best_exponent, code_range, quantise, scale_of
from levelone.recipe import Bits, QuantSection

finite = st.floats(-1e4, 1e4, width=32)


@pytest.mark.parametrize(
    ("bits", "signed", "narrow", "expected"),
    [
        (4, False, False, (0, 15)),
        (4, True, False, (-8, 7)),
        (4, True, True, (-7, 7)),
        (2, True, True, (-1, 1)),
    ],
)
def test_code_range(bits, signed, narrow, expected):
    assert code_range(bits, signed=signed, narrow=narrow) == expected


def slow_quantise(value: float, exponent: int, low: int, high: int) -> int:
    """Python's round is half to even; integers are exact."""
    return min(max(round(math.ldexp(value, -exponent)), low), high)


@given(values=st.lists(finite, min_size=1, max_size=40), exponent=st.integers(-8, 8), bits=st.integers(2, 8))
def test_quantise_is_the_plain_definition(values, exponent, bits):
    low, high = code_range(bits, signed=True)
    codes = quantise(torch.tensor(values, dtype=torch.float64), exponent, low, high)
    assert codes.tolist() == [slow_quantise(v, exponent, low, high) for v in values]


@settings(deadline=None)
@given(
    values=st.lists(finite, min_size=1, max_size=30),
    exponent=st.integers(-6, 6),
    bits=st.integers(2, 8),
    signed=st.booleans(),
)
def test_brevitas_quantiser_is_the_plain_definition(values, exponent, bits, signed):
    layer = QuantLayers(QuantSection(inputs={"x": bits})).input("x_q", signed=signed)
    activation_scale(layer).set_exponent(exponent)
    layer.eval()
    result = layer(torch.tensor(values)).double() * math.ldexp(1.0, -exponent)
    low, high = code_range(bits, signed=signed)
    assert result.tolist() == [slow_quantise(v, exponent, low, high) for v in values]


@settings(deadline=None)
@given(exponent=st.integers(-10, 4), bits=st.integers(2, 16), seed=st.integers(0, 1000))
def test_weights_are_narrow_and_on_their_grid(exponent, bits, seed):
    torch.manual_seed(seed)
    layer = QuantLayers(QuantSection(default=Bits(weight=bits))).dense("fc", ("x",), (7, 5))
    scale_of(layer.weight_quant).set_exponent(exponent)
    codes = layer.quant_weight().value.double() * math.ldexp(1.0, -exponent)
    assert torch.equal(codes, codes.round())
    assert int(codes.abs().max()) <= 2 ** (bits - 1) - 1


def slow_best_exponent(values: np.ndarray, bits: int, signed: bool, narrow: bool) -> float:
    """The smallest error over far more exponents than the fast one tries."""
    low, high = code_range(bits, signed=signed, narrow=narrow)
    errors = []
    for exponent in range(-40, 40):
        codes = np.clip(np.rint(np.ldexp(values, -exponent)), low, high)
        errors.append(np.mean((np.ldexp(codes, exponent) - values) ** 2))
    return min(errors)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("heavy", [False, True])
def test_best_exponent_has_the_smallest_error(bits, signed, heavy):
    rng = np.random.default_rng(bits)
    values = rng.standard_t(2.5, 3000) if heavy else rng.normal(size=3000)
    exponent = best_exponent(torch.from_numpy(values), bits, signed=signed, narrow=signed)
    low, high = code_range(bits, signed=signed, narrow=signed)
    codes = quantise(torch.from_numpy(values), exponent, low, high).numpy()
    assert np.mean((np.ldexp(codes, exponent) - values) ** 2) == slow_best_exponent(
        values, bits, signed, signed
    )


def test_best_exponent_of_values_on_a_grid_is_that_grid():
    values = torch.arange(0, 16) * 0.25
    assert best_exponent(values, 4, signed=False) == -2


def test_best_exponent_of_nothing_to_represent():
    assert best_exponent(torch.zeros(5), 4, signed=True) == 0
    assert best_exponent(-torch.ones(5), 4, signed=False) == 0
    with pytest.raises(ValueError, match="not finite"):
        best_exponent(torch.tensor([1.0, float("nan")]), 4, signed=True)


def test_fixed_scale_knows_its_exponent_and_refuses_others():
    scale = FixedScale()
    for exponent in (-12, 0, 5):
        scale.set_exponent(exponent)
        assert scale.exponent == exponent
        assert float(scale(torch.zeros(3), torch.tensor(8.0))) == 2.0**exponent
    scale.scale.fill_(0.3)
    with pytest.raises(ValueError, match=r"0\.3.* is not a power of two"):
        _ = scale.exponent

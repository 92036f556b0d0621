"""Means and functions with the quantiser of their result: exact numbers, rounded once."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.quant.functions import Sigmoid, Swish, Tanh
from levelone.quant.layers import QuantLayers, activation_scale
from levelone.recipe import Bits, QuantSection


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    st.integers(-128, 127),
    st.integers(2, 5),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 2**31),
)
def test_mean_is_the_exact_quotient_rounded_half_to_even(low, bits, kernel, seed) -> None:
    rng = np.random.default_rng(seed)
    make = QuantLayers(QuantSection(inputs={"calo": 8}, default=Bits(weight=4, bias=8, activation=bits)))
    pool = make.average_pool("pool", ("x",), tuple(kernel))
    quantiser = make.quantise("pool_q", signed=True)
    activation_scale(quantiser).set_exponent(2)
    codes = rng.integers(min(low, 0), max(low, 1), (3, 2, *kernel))
    found = quantiser.eval()(pool(torch.from_numpy(codes.astype(np.float32))))
    limit = 2 ** (bits - 1)
    for event in range(3):
        for channel in range(2):
            exact = Fraction(int(codes[event, channel].sum()), math.prod(kernel)) / 4
            expected = min(max(round(exact), -limit), limit - 1)  # Python rounds fractions half to even
            assert int(found[event, channel]) == expected * 4


@pytest.mark.parametrize(("function", "of"), [(Sigmoid, "sigmoid"), (Tanh, "tanh"), (Swish, "swish")])
@pytest.mark.parametrize("exponent", [-7, -4, 0])
def test_functions_are_their_tables_for_every_code(function, of, exponent) -> None:
    """Exhaustive over 10-bit operands: the module in evaluation mode is the rounded float64 function."""

    def exact(x: float) -> float:
        logistic = 1 / (1 + math.exp(-x)) if x > -700 else 0.0
        return {"sigmoid": logistic, "tanh": math.tanh(x), "swish": x * logistic}[of]

    make = QuantLayers(QuantSection(inputs={"calo": 8}, default=Bits(weight=4, bias=8, activation=8)))
    layer = getattr(make, of)("f")
    step = {"sigmoid": -8, "tanh": -7, "swish": exponent + 3}[of]
    activation_scale(layer).set_exponent(step)
    codes = np.arange(-512, 512)
    x = torch.from_numpy(np.ldexp(codes.astype(np.float32), exponent))
    found = layer.eval()(x).numpy()
    low, high = (0, 255) if of == "sigmoid" else (-128, 127)
    expected = [
        min(max(round(Fraction(exact(math.ldexp(int(c), exponent))) / Fraction(2) ** step), low), high)
        for c in codes
    ]
    assert np.array_equal(np.ldexp(found, -step), expected)

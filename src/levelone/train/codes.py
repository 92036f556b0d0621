"""The trained module's own integers, at every named tensor.

The question is what the trained network computes, not how a float type rounds it on the way: the module runs
in float64. Its weights and scales are the float32 numbers that training left, unchanged, and its scales are
powers of two, so that every code is the one of float32 wherever float32 makes no error. Where float32 does
make one (sums of more than 24 bits, partial sums that cancel, means next to a tie), float64 makes none.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levelone.quant.grids import (
    activation_layers,
    activation_scale,
    linear_layers,
    plain_layers,
    value_exponent,
)
from levelone.quant.wiring import call_name

_EXACT = 2**53  # float64 holds every integer up to here


def layer_codes(
    module: nn.Module, inputs: Mapping[str, NDArray[np.float32]], *, batch: int = 4096
) -> dict[str, NDArray[np.int64]]:
    """Run a copy of the module in float64 and return what each layer computed, as integers.

    Parameters
    ----------
    module
        A calibrated network made with `levelone.quant.layers.QuantLayers`.
    inputs
        Argument name -> float32 [n, ...], channels first.
    batch
        Events per forward pass.

    Returns
    -------
    dict
        Layer name -> int64 [n, ...], channels first: codes of input quantisers and activations, sums of
        convolutions and dense layers, results of pools, sums, products and joins. Code times scale is exactly
        the module's float value. A layer that is called twice has two names:
        `levelone.quant.wiring.call_name`.

    Raises
    ------
    ArithmeticError
        If a value is not a multiple of its scale, or so large that float64 may have rounded.
    """
    module = copy.deepcopy(module).double().eval()
    exponents = {name: activation_scale(layer).exponent for name, layer in activation_layers(module).items()}
    exponents |= {name: value_exponent(module, name) for name in linear_layers(module)}
    for name in plain_layers(module):
        with contextlib.suppress(ValueError):  # a mean that is on no grid before its quantiser
            exponents[name] = value_exponent(module, name)
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in exponents}
    passes = 0

    def record(name: str) -> object:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...], result: Tensor) -> None:
            parts[name].append(_to_codes(name, result, exponents[name]))

        return hook

    for name in exponents:
        module.get_submodule(name).register_forward_hook(record(name))  # type: ignore[arg-type]
    count = len(next(iter(inputs.values())))
    with torch.no_grad():
        for start in range(0, count, batch):
            module(*(torch.from_numpy(np.asarray(x[start : start + batch], float)) for x in inputs.values()))
            passes += 1
    found: dict[str, NDArray[np.int64]] = {}
    for name, codes in parts.items():
        calls = len(codes) // passes
        for number in range(calls):
            found[call_name(name, number, calls)] = np.concatenate(codes[number::calls])
    return found


def _to_codes(name: str, values: Tensor, exponent: int) -> NDArray[np.int64]:
    scaled = values.detach().double().numpy() * math.ldexp(1.0, -exponent)
    if scaled.size and not np.abs(scaled).max() < _EXACT:
        raise ArithmeticError(f"{name}: a sum needs more than the 53 bits that float64 holds exactly")
    codes = scaled.astype(np.int64)
    if not np.array_equal(codes, scaled):
        raise ArithmeticError(f"{name}: a value is not a multiple of its scale 2**{exponent}")
    return codes

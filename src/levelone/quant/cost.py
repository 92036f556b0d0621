"""How much logic a quantised network needs, before any tool has been run."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.grids import activation_layers, linear_layers, plain_layers
from levelone.quant.linear import QuantAffine
from levelone.quant.local import QuantLocallyConnected
from levelone.quant.scale import scale_of

Shapes = dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
"""Layer -> shapes of its (first) operand and of its result, the batch axis included."""
Calls = Counter[str]
"""Layer -> how often it is called: every call has logic of its own."""


def enclosed_bits(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits from the highest to the lowest set bit of each magnitude: 0 for 0, 1 for a power of two.

    Shifts cost nothing in an unrolled design, so this is the width of a constant multiplier.
    """
    magnitude = np.abs(codes.astype(np.int64))
    lowest = np.where(magnitude == 0, 1, magnitude & -magnitude)
    return np.ceil(np.log2(magnitude // lowest + 1)).astype(np.int64)


def weight_codes(layer: nn.Module) -> NDArray[np.int64]:
    """Integer weights of a quantised convolution or dense layer, in torch's layout."""
    quantised: Any = layer
    with torch.no_grad():
        value = quantised.weight_quant(quantised.weight)
    value = getattr(value, "value", value)
    codes = (value / scale_of(quantised.weight_quant).scale).double()
    if not torch.equal(codes, codes.round()):
        raise ArithmeticError("a quantised weight is not a multiple of its scale")
    return codes.numpy().astype(np.int64)


def network_cost(network: nn.Module) -> dict[str, Any]:
    """Multiplications, weights and effective bit operations (EBOPs) of a fully unrolled design.

    EBOPs are summed over all products: bits of the activation times enclosed bits of the constant weight. The
    HGQ authors find EBOPs close to LUT + 55 DSP for unrolled designs (C. Sun et al., arXiv:2405.00645).

    Returns
    -------
    dict
        ``layers``: name -> ``weights``, ``nonzero_weights``, ``multiplications`` (of nonzero weights),
        ``ebops``; and the totals under the same names.
    """
    shapes, calls = _shapes(network)
    layers: dict[str, dict[str, int]] = {}
    for name, layer in linear_layers(network).items():
        codes = weight_codes(layer)
        bits = np.concatenate([value_bits(network, source, shapes) for source in layer.sources])
        if codes.ndim == 2 and len(bits) != codes.shape[1]:  # flattened without a layer of its own
            bits = np.full(codes.shape[1], bits[0])
        # transposed convolutions apply their weights to every cell of the operand, others of the result
        cells = math.prod(shapes[name][0 if _transposed(layer) else 1][2:])
        repeat = calls[name] * (1 if isinstance(layer, QuantLocallyConnected) else cells)
        per_weight = enclosed_bits(codes) * _bits_per_weight(layer, codes, bits)
        layers[name] = {
            "weights": int(codes.size),
            "nonzero_weights": int(np.count_nonzero(codes)),
            "multiplications": int(np.count_nonzero(codes)) * repeat,
            "ebops": int(per_weight.sum()) * repeat,
        }
    keys = ("weights", "nonzero_weights", "multiplications", "ebops")
    return {"layers": layers, **{key: sum(layer[key] for layer in layers.values()) for key in keys}}


def _transposed(layer: nn.Module) -> bool:
    return bool(getattr(layer, "transposed", False))


def _bits_per_weight(
    layer: nn.Module, codes: NDArray[np.int64], bits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Width of the operand that each weight meets, broadcast to the weights.

    Weights are [out, in / groups, ...], of a transposed convolution [in, out / groups, ...], of an affine map
    [channels, ...].
    """
    if _transposed(layer) or isinstance(layer, QuantAffine):
        return bits.reshape(-1, *[1] * (codes.ndim - 1))
    inside = codes.shape[1]
    group = np.arange(len(codes)) // max(len(codes) * inside // len(bits), 1)
    per_input = bits[group[:, None] * inside + np.arange(inside)]
    return per_input.reshape(*per_input.shape, *[1] * (codes.ndim - 2))


def value_bits(network: nn.Module, name: str, shapes: Shapes) -> NDArray[np.int64]:
    """Width of each channel of a layer's result, as quantisers say; `Word.widths` says what becomes of it."""
    layer: Any = network.get_submodule(name)
    channels = shapes[name][1][1]
    if name in activation_layers(network):
        return np.full(channels, int(layer.act_quant.bit_width()))
    if name in linear_layers(network):
        raise LeveloneError(f"layer {name!r} feeds another layer with weights without a quantiser between")
    operands = [value_bits(network, source, shapes) for source in layer.sources]
    return plain_layers(network)[name].widths(operands, channels)


def _shapes(network: nn.Module) -> tuple[Shapes, Calls]:
    shapes: Shapes = {}
    calls: Calls = Counter()

    def record(name: str) -> Any:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...], result: Tensor) -> None:
            shapes[name] = tuple(arguments[0].shape), tuple(result.shape)
            calls[name] += 1

        return hook

    handles = [layer.register_forward_hook(record(name)) for name, layer in network.named_children()]
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            network(*example_inputs(network))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return shapes, calls


def example_inputs(network: nn.Module) -> tuple[Tensor, ...]:
    """One all-zero event, of the shapes in ``network.input_shapes`` (argument name -> shape)."""
    shapes: Any = network.input_shapes
    return tuple(torch.zeros(1, *shape) for shape in shapes.values())

"""How much logic a quantised network needs, before any tool has been run."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from levelone.quant.layers import activation_layers, linear_layers
from levelone.quant.scale import scale_of


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
    positions = _positions(network)
    layers: dict[str, dict[str, int]] = {}
    for name, layer in linear_layers(network).items():
        codes = weight_codes(layer)
        bits = np.concatenate([_bits_of_inputs(network, source) for source in layer.sources])  # type: ignore[union-attr]
        if (
            codes.ndim == 2 and len(bits) != codes.shape[1]
        ):  # flattened images: every pixel has the same width
            bits = np.full(codes.shape[1], bits[0])
        per_input = bits.reshape(1, -1, *[1] * (codes.ndim - 2)) if len(bits) == codes.shape[1] else bits[0]
        repeat = positions[name]
        layers[name] = {
            "weights": int(codes.size),
            "nonzero_weights": int(np.count_nonzero(codes)),
            "multiplications": int(np.count_nonzero(codes)) * repeat,
            "ebops": int((enclosed_bits(codes) * per_input).sum()) * repeat,
        }
    keys = ("weights", "nonzero_weights", "multiplications", "ebops")
    return {"layers": layers, **{key: sum(layer[key] for layer in layers.values()) for key in keys}}


def _positions(network: nn.Module) -> dict[str, int]:
    """How many times each linear layer's weights are applied per candidate."""
    return {name: int(np.prod(shape[2:], dtype=np.int64)) for name, shape in _output_shapes(network).items()}


def _bits_of_inputs(network: nn.Module, source: str) -> NDArray[np.int64]:
    """Width of each channel of an activation layer."""
    layer: Any = activation_layers(network)[source]
    channels = _output_shapes(network, activation_layers(network))[source][1]
    return np.full(channels, int(layer.act_quant.bit_width()))


def _output_shapes(
    network: nn.Module, layers: dict[str, nn.Module] | None = None
) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def record(name: str) -> Any:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...], result: Tensor) -> None:
            shapes[name] = tuple(result.shape)

        return hook

    layers = linear_layers(network) if layers is None else layers
    handles = [layer.register_forward_hook(record(name)) for name, layer in layers.items()]
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            network(*example_inputs(network))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return shapes


def example_inputs(network: nn.Module) -> tuple[Tensor, ...]:
    """One all-zero candidate, of the shapes in ``network.input_shapes`` (argument name -> shape)."""
    shapes: Any = network.input_shapes
    return tuple(torch.zeros(1, *shape) for shape in shapes.values())

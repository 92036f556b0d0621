"""From a trained float twin to a quantised network: fold, copy, choose every scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from levelone.quant.functions import QuantFunction
from levelone.quant.layers import (
    activation_layers,
    activation_scale,
    linear_layers,
    value_exponent,
)
from levelone.quant.linear import FloatAffine, FloatLinear
from levelone.quant.scale import best_exponent, scale_of


def fold_into(float_network: nn.Module, network: nn.Module) -> None:
    """Copy weights and biases of the float twin, normalisation folded in, into the quantised network."""
    with torch.no_grad():
        for name, layer in linear_layers(network).items():
            twin = float_network.get_submodule(name)
            if not isinstance(twin, FloatLinear | FloatAffine):
                raise TypeError(f"{name}: the float twin has a {type(twin).__name__} there")
            weight, bias = twin.folded()
            target: Any = layer
            target.weight.copy_(weight)
            if target.bias is not None:
                target.bias.copy_(bias)


def calibrate(network: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Choose every scale of a quantised network for the smallest mean squared error on `inputs`.

    Weights first, each on its own values; then one forward pass in which every activation chooses its scale
    from what reaches it, quantised upstream, before it quantises; biases take the grid of the products, or a
    coarser one where their width would not reach far enough on that.

    Parameters
    ----------
    network
        Made with `QuantLayers`; its weights are those of the trained float twin (`fold_into`).
    inputs
        Arguments of the network: float32 batches of a few thousand events.
    """
    for layer in linear_layers(network).values():
        quantised: Any = layer
        bits = int(quantised.weight_quant.bit_width())
        exponent = best_exponent(quantised.weight, bits, signed=True, narrow=True)
        scale_of(quantised.weight_quant).set_exponent(exponent)

    def choose(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        activation: Any = layer
        quantiser = activation.act_quant
        bits, signed = int(quantiser.bit_width()), bool(quantiser.is_signed)
        value = arguments[0]
        if isinstance(activation, QuantFunction):
            value = activation.before_quantiser(value)
        activation_scale(layer).set_exponent(best_exponent(value, bits, signed=signed))

    def choose_bias(name: str) -> Any:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            linear: Any = layer
            if linear.bias is not None:
                exponent = value_exponent(network, name)
                if bool(linear.bias.any()):
                    bits = int(linear.bias_quant.bit_width())
                    exponent = max(exponent, best_exponent(linear.bias, bits, signed=True))
                scale_of(linear.bias_quant).set_exponent(exponent)

        return hook

    handles = [layer.register_forward_pre_hook(choose) for layer in activation_layers(network).values()]
    handles += [
        layer.register_forward_pre_hook(choose_bias(name)) for name, layer in linear_layers(network).items()
    ]
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            network(*inputs)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()

"""A convolution along time, then the logit."""

from __future__ import annotations

from torch import Tensor, nn

from levelone.quant.layers import Layers


class PulsesNetwork(nn.Module):
    """Argument waveform [n, 1, 16], result logit [n, 1]: positive for two pulses."""

    def __init__(self, layers: Layers, channels: int) -> None:
        super().__init__()
        self.input_shapes = {"waveform": (1, 16)}
        self.waveform_q = layers.input("waveform_q", signed=True)
        self.conv = layers.conv("conv", ("waveform_q",), (1, channels), (4,), (2,), norm=None)
        self.act = layers.relu("conv")
        self.flat = layers.flatten("flat", ("act",))
        self.logit = layers.dense("logit", ("flat",), (7 * channels, 1), norm=None)

    def forward(self, waveform: Tensor) -> Tensor:
        x = self.act(self.conv(self.waveform_q(waveform)))
        result: Tensor = self.logit(self.flat(x))
        return result

"""The PixelSeed network: a small CNN reads two clusters, dense layers join it with the geometry.

    images -> images_q -> conv1 -> act1 [-> conv2 -> act2 ...] -> image_fc -> image_fc_act --+
    features -> features_q ------------------------------------------------------------------+-> concat
    concat -> fc1 -> fc1_act [-> fc2 -> fc2_act ...] -> logit

With ``layer_pairs``, the last layer is called ``evidence``, and what is known of the pair of layers
beforehand is added to it: ``logit = evidence + prior``, ``pair -> pair_q -> prior``. The input ``pair`` has a
one where the pair of layers is, the frozen weights of ``prior`` are the log odds of true doublets in each
(`set_prior`).

Clusters are centred in their windows, so position carries meaning and the dense layer behind the convolutions
may weigh it. The two images share nothing until the geometry joins: with ``separate_images``, weights that
would mix them before are absent (exactly zero), which halves the logic.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from levelone.quant.layers import Layers
from levelone.zoo.pixelseed.section import PixelSeedModel


def half_mask(outputs: int, inputs: int, block: int = 1) -> Tensor:
    """[outputs, inputs] ones where the first half meets the first half and the second the second.

    Inputs come in runs of `block` consecutive entries (the positions of one channel).
    """
    mask = torch.zeros(outputs, inputs)
    half = inputs // block // 2 * block
    mask[: outputs // 2, :half] = 1
    mask[outputs // 2 :, half:] = 1
    return mask


class PixelSeedNetwork(nn.Module):
    """See the module's text. Arguments: images [n, 2, rows, 16] in ke, features [n, F]; result: logit [n, 1].

    With ``layer_pairs``, a third argument: pair [n, layer_pairs].

    Parameters
    ----------
    layers
        Float or quantised vocabulary.
    section
        Sizes, checked.
    features
        Number of expert features F.
    """

    def __init__(self, layers: Layers, section: PixelSeedModel, *, features: int) -> None:
        super().__init__()
        self.input_shapes = {"images": section.image_shape, "features": (features,)}
        channels, *axes = section.image_shape
        grid = tuple(axes)
        separate = section.separate_images
        self.images_q = layers.input("images_q", signed=False)
        self._convolutions: list[tuple[str, str]] = []
        source = "images_q"
        for number, conv in enumerate(section.convolutions, start=1):
            name, activation = f"conv{number}", f"act{number}"
            mask = half_mask(conv.channels, channels)[:, :, None, None] if separate else None
            size = (conv.kernel, conv.stride, conv.padding)
            self.add_module(name, layers.conv(name, (source,), (channels, conv.channels), *size, mask=mask))
            self.add_module(activation, layers.relu(name))
            self._convolutions.append((name, activation))
            source, channels = activation, conv.channels
            grid = conv.output_grid(grid)
        flat = channels * math.prod(grid)
        mask = half_mask(section.image_dense, flat, math.prod(grid)) if separate else None
        self.image_fc = layers.dense("image_fc", (source,), (flat, section.image_dense), mask=mask)
        self.image_fc_act = layers.relu("image_fc")
        self.features_q = layers.input("features_q", signed=True)
        sources: tuple[str, ...] = ("image_fc_act", "features_q")
        width = section.image_dense + features
        self._dense: list[tuple[str, str]] = []
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, sources, (width, units)))
            self.add_module(f"{name}_act", layers.relu(name))
            self._dense.append((name, f"{name}_act"))
            sources, width = (f"{name}_act",), units
        self._pairs = section.layer_pairs
        if not self._pairs:
            self.logit = layers.dense("logit", sources, (width, 1), norm=None)
            return
        self.input_shapes["pair"] = (self._pairs,)
        self.evidence = layers.dense("evidence", sources, (width, 1), norm=None)
        self.pair_q = layers.input("pair_q", signed=False)
        unknown = torch.zeros(1, self._pairs)
        self.prior = layers.dense(
            "prior", ("pair_q",), (self._pairs, 1), bias=False, norm=None, fixed=unknown
        )
        self.logit = layers.add("logit", ("evidence", "prior"))

    def forward(self, images: Tensor, features: Tensor, pair: Tensor | None = None) -> Tensor:
        x = self.images_q(images)
        for linear, activation in self._convolutions:
            x = self.get_submodule(activation)(self.get_submodule(linear)(x))
        x = self.image_fc_act(self.image_fc(torch.flatten(x, 1)))
        x = torch.cat([x, self.features_q(features)], dim=1)
        for linear, activation in self._dense:
            x = self.get_submodule(activation)(self.get_submodule(linear)(x))
        if pair is None:
            return self.logit(x)
        return self.logit(self.evidence(x), self.prior(self.pair_q(pair)))


def set_prior(twin: PixelSeedNetwork, log_odds: Tensor) -> None:
    """Make `log_odds` [pairs] of true doublets the prior of a float network."""
    prior: Any = twin.prior
    with torch.no_grad():
        prior.linear.weight.zero_()
        prior.linear.weight[0, : len(log_odds)] = log_odds

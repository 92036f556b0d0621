"""The full published architecture for muon energies: twelve residual blocks around an energy path.

J. Kieseler et al., "Calorimetric measurement of multi-TeV muons via deep regression", Eur. Phys. J. C 82
(2022) 79, arXiv:2107.02119. A block has two results. The *energy path* sums the reconstructed energy with a
filter of ones (or passes it on where the grid stays). The *learned path* is a residual correction: two
convolutions, each behind a normalisation and a Swish, then squeeze-excitation, around a shortcut. The next
block sees both, concatenated, so the summed energy stays available at every depth.

    calo_q -> block 1 (down) -> 2 -> 3 -> block 4 (down) ... 12 -> mean, max -> + features -> dense

Grids 50x32x32 - 26x17x17 - 14x9x9 - 8x5x5 - 5x3x3; 51,200 inputs become 49 channels, whose means and maxima
are 98 features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from levelone.quant.layers import Layers
from levelone.quant.norm import Norm
from levelone.quant.wiring import Wired
from levelone.zoo.kit.sections import positions
from levelone.zoo.muon.section import GRID, OUTPUT, MuonModel

ENERGY_PATH = "energy_path"
"""Under this name ``[quant.layers]`` gives the width of all energy sums, whichever blocks there are."""
Size = tuple[int, int, int]
DOWN: Size = (2, 2, 2)
COARSE = "coarse"
"""What the layer of the sums in front of all blocks is called after."""


class MuonFull(Wired):
    """Arguments: calo [n, 1, 50, 32, 32] in GeV, features [n, F]; result: energy [n, 1] in TeV.

    Parameters
    ----------
    layers
        Float or quantised vocabulary.
    section
        Sizes and the ablation.
    features
        Number of high-level features F.
    """

    def __init__(self, layers: Layers, section: MuonModel, *, features: int) -> None:
        cnn = section.ablation != "no_cnn"
        images: dict[str, tuple[int, ...]] = {"calo": (1, *GRID)} if cnn else {}
        super().__init__(layers, {**images, "features": (features,)})
        self.section = section
        self.norm: Norm | None = {"no_bn": None, "nominal_bn": "batch"}.get(section.ablation, "running")
        sources: tuple[str, ...] = ()
        width = features
        if cnn:
            value, flat = self._convolutions()
            sources, width = (value,), width + flat
        high = self.step("features_q", layers.input("features_q", signed=True), "features")
        value = high
        if sources:
            value = self.step("joined", layers.concat("joined", (*sources, high)), *sources, high)
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            value = self.step(name, layers.dense(name, (value,), (width, units), norm=None), value)
            value = self._swish(name, value)
            width = units
        self.step(OUTPUT, layers.dense(OUTPUT, (value,), (width, 1), norm=None), value)

    # Blocks -----------------------------------------------------------------------------------------------

    def _convolutions(self) -> tuple[str, int]:
        """All blocks and the aggregation: (value, features)."""
        section, make = self.section, self.make
        energy = self.step("calo_q", make.input("calo_q", signed=False), "calo")
        size = GRID
        if section.coarse:
            energy, size = self._energy_sum(COARSE, energy, padding=(0, 0, 0)), _coarse(size)
        carried = section.ablation != "no_energy"
        value, channels = energy, 1
        for number, learned in enumerate(block_channels(section)):
            block = f"b{number + 1}"
            down = number % section.blocks == 0
            after: Size = _halved(size) if down else size
            value = self._block(block, value, (channels, learned), after, down=down, first=not number)
            channels, size = learned, after
            if carried:
                if down:
                    energy = self._energy_sum(block, energy)
                value = self.step(f"{block}_out", make.concat(f"{block}_out", (energy, value)), energy, value)
                channels += 1
        if section.ablation == "no_pooling":
            return self.step("flat", make.flatten("flat", (value,)), value), channels * _volume(size)
        mean = self.step("mean", make.average_pool("mean", (value,), size), value)
        mean = self.step("mean_q", make.quantise("mean_q", signed=True), mean)
        most = self.step("most", make.max_pool("most", (value,), size), value)
        both = self.step("pooled", make.concat("pooled", (mean, most)), mean, most)
        return self.step("flat", make.flatten("flat", (both,)), both), 2 * channels

    def _block(
        self, block: str, x: str, channels: tuple[int, int], size: Size, *, down: bool, first: bool
    ) -> str:
        """The learned path of one block: x [in, ...] -> value [out, ...]."""
        make, section = self.make, self.section
        inside, outside = channels
        conv1, conv2 = f"{block}_conv1", f"{block}_conv2"
        kernel, stride, padding = ((4, 4, 4), DOWN, (2, 2, 2)) if down else ((3, 3, 3), (1, 1, 1), (1, 1, 1))
        y = x if first else self._before(conv1, x, inside)
        layer = make.conv(conv1, (y,), channels, kernel, stride, padding, bias=False, norm=None)
        y = self.step(conv1, layer, y)
        if first:  # activation and normalisation behind its convolutions
            y = self._swish(conv1, y)
            if self.norm is not None:
                y = self._normalised(f"{conv1}_norm", y, outside)
        else:
            y = self.step(f"{conv1}_q", make.quantise(f"{conv1}_q", signed=True), y)
            y = self._before(conv2, y, outside)
        layer = make.conv(
            conv2, (y,), (outside, outside), (3, 3, 3), padding=(1, 1, 1), bias=False, norm=None
        )
        y = self.step(conv2, layer, y)
        if first:
            y = self._swish(conv2, y)
            if self.norm is not None:
                y = self._normalised(f"{conv2}_norm", y, outside)
        else:
            y = self.step(f"{conv2}_q", make.quantise(f"{conv2}_q", signed=True), y)
        if section.ablation != "no_se":
            y = self._gated(block, y, outside, size)
        if section.ablation == "no_identity":
            return y
        around = self._shortcut(block, x, channels, down=down, first=first)
        y = self.step(f"{block}_add", make.add(f"{block}_add", (around, y)), around, y)
        return self.step(f"{block}_q", make.quantise(f"{block}_q", signed=True), y)

    def _before(self, layer: str, x: str, channels: int) -> str:
        """What pre-activation puts in front of a convolution: normalisation, then Swish."""
        if self.norm is not None:
            x = self._normalised(f"{layer}_norm", x, channels)
        name = f"{layer}_pre"
        return self.step(name, self.make.swish(name), x)

    def _normalised(self, name: str, x: str, channels: int) -> str:
        assert self.norm is not None  # noqa: S101  (asked by the callers)
        value = self.step(name, self.make.affine(name, (x,), channels, self.norm, len(GRID)), x)
        return self.step(f"{name}_q", self.make.quantise(f"{name}_q", signed=True), value)

    def _swish(self, layer: str, x: str) -> str:
        value = self.step(f"{layer}_q", self.make.quantise(f"{layer}_q", signed=True), x)
        return self.step(f"{layer}_act", self.make.swish(f"{layer}_act"), value)

    def _gated(self, block: str, x: str, channels: int, size: Size) -> str:
        """Squeeze-excitation: a factor between 0 and 1 per channel, from the channels' means."""
        make, name = self.make, f"{block}_se"
        hidden = max(channels // self.section.squeeze, 1)
        mean = self.step(f"{name}_mean", make.average_pool(f"{name}_mean", (x,), size), x)
        mean = self.step(f"{name}_mean_q", make.quantise(f"{name}_mean_q", signed=True), mean)
        one: Size = (1, 1, 1)
        squeezed = make.conv(f"{name}_fc1", (mean,), (channels, hidden), one, norm=None)
        y = self._swish(f"{name}_fc1", self.step(f"{name}_fc1", squeezed, mean))
        excited = make.conv(f"{name}_fc2", (y,), (hidden, channels), one, norm=None)
        y = self.step(f"{name}_fc2", excited, y)
        y = self.step(f"{name}_fc2_q", make.quantise(f"{name}_fc2_q", signed=True), y)
        gate = self.step(f"{name}_gate", make.sigmoid(f"{name}_gate"), y)
        y = self.step(name, make.multiply(name, (x, gate)), x, gate)
        return self.step(f"{name}_q", make.quantise(f"{name}_q", signed=True), y)

    def _shortcut(self, block: str, x: str, channels: tuple[int, int], *, down: bool, first: bool) -> str:
        """The identity, or where the grid or the channels change, means and a 1x1x1 convolution."""
        make = self.make
        if not down and channels[0] == channels[1]:
            return x
        name = f"{block}_short"
        if not first:  # activation, then normalisation: the published order of the shortcut
            x = self.step(f"{name}_pre", make.swish(f"{name}_pre"), x)
            if self.norm is not None:
                x = self._normalised(f"{name}_norm", x, channels[0])
        if down:
            x = self.step(f"{name}_mean", make.average_pool(f"{name}_mean", (x,), DOWN, DOWN, (1, 1, 1)), x)
            x = self.step(f"{name}_mean_q", make.quantise(f"{name}_mean_q", signed=not first), x)
        layer = make.conv(name, (x,), channels, (1, 1, 1), bias=first, norm=None)
        x = self.step(name, layer, x)
        return self.step(f"{name}_q", make.quantise(f"{name}_q", signed=True), x)

    def _energy_sum(self, block: str, energy: str, padding: Size = (1, 1, 1)) -> str:
        """Sums of 2x2x2 cells with a filter of ones that is never trained."""
        name = f"{block}_energy"
        ones = torch.ones(1, 1, *DOWN)
        layer = self.make.conv(
            name, (energy,), (1, 1), DOWN, DOWN, padding, bias=False, norm=None, fixed=ones
        )
        energy = self.step(name, layer, energy)
        return self.step(f"{name}_q", self.make.quantise(ENERGY_PATH, signed=False), energy)


class MuonCoarse(MuonFull):
    """The full architecture on sums of 2x2x2 cells, which no trained weight has a part in.

    They and the features are its front: see `levelone.train.front.Fronted`.
    """

    def front(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Sums [n, 1, 25, 16, 16], if it has convolutions, and features [n, F]."""
        given = dict(zip(self.input_shapes, inputs, strict=True))
        return {name: self.from_values(dict(given), name) for name in self._untrained()}

    def behind(self, *values: Tensor) -> Tensor:
        """The network's result, of what its `front` gives."""
        return self.from_values(dict(zip(self._untrained(), values, strict=True)))

    def _untrained(self) -> tuple[str, ...]:
        """Results in front of all that is trained."""
        sums = (f"{COARSE}_energy_q",) if "calo" in self.input_shapes else ()
        return (*sums, "features_q")


def block_channels(section: MuonModel) -> list[int]:
    """Learned channels of each block.

    Down-sampling multiplies the channels by `growth`, and each block adds the energy to them. Without the
    energy path the learned channels take its place, so that the sizes at the end of each grid stay.
    """
    made, channels = [], 0
    for grid in range(4):
        first = int(channels * section.growth) if grid else section.first_channels
        channels = first + section.blocks
        carried = section.ablation != "no_energy"
        made += [first + number if carried else channels for number in range(section.blocks)]
    return made


def _coarse(size: Size) -> Size:
    z, y, x = (n // 2 for n in size)
    return z, y, x


def _halved(size: Size) -> Size:
    z, y, x = (positions(n, 4, 2, 2) for n in size)
    return z, y, x


def _volume(size: Size) -> int:
    return size[0] * size[1] * size[2]

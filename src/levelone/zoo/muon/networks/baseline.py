"""The published baseline for muon energies: stride-2 convolutions, then dense layers.

    calo -> calo_q -> conv1 -> act1 [-> conv1_2 -> act1_2 ...] -> conv2 -> ... -> flat -> fc1 -> ... -> energy
    [sums -> sums_q -> sums_conv1 -> ... -> mean and maximum, and the sums themselves -> in front of fc1]
    [ordered -> ordered_q -> in front of fc1, in place of the sums themselves]
    [course -> course_q -> in front of fc1]

With its default sizes this is the baseline of the published study (channels 8-12-18-27 without bias, dense
216-108-1); with `n_layers_per_res` the deeper one; with fewer channels and bits, and the sums of every layer
as a second input, the compact one. With `local` the last convolution has a kernel of its own at every place:
muons enter at one end of the grid, and what they lose along the way means something else at each depth.
"""

from __future__ import annotations

from levelone.quant.layers import Layers
from levelone.quant.norm import Norm
from levelone.quant.wiring import Wired
from levelone.zoo.muon.features import COURSE, SUMS
from levelone.zoo.muon.section import GRID, OUTPUT, MuonModel, baseline_inputs, grids, pooled


class MuonBaseline(Wired):
    """Arguments: `baseline_inputs`, calo [n, 1, 50, 32, 32] the first; result: energy [n, 1] in TeV."""

    def __init__(self, layers: Layers, section: MuonModel) -> None:
        super().__init__(layers, baseline_inputs(section))
        norm: Norm | None = None if section.norm == "none" else section.norm
        value = self.step("calo_q", layers.input("calo_q", signed=False), "calo")
        if section.pool > 1:
            pool = layers.max_pool("pool", (value,), (section.pool,) * 3)
            value = self.step("pool", pool, value)
        before, size = 1, pooled(section)
        for number, channels in enumerate(section.channels, start=1):
            for extra in range(section.n_layers_per_res + 1):
                name = f"conv{number}" if not extra else f"conv{number}_{extra + 1}"
                pair, stride = (before, channels), (1, 1, 1) if extra else (2, 2, 2)
                sizes = ((3, 3, 3), stride, (1, 1, 1))
                if section.local and (number, extra) == (len(section.channels), section.n_layers_per_res):
                    conv = layers.local_conv(name, (value,), pair, size, *sizes, bias=False, norm=norm)
                else:
                    conv = layers.conv(name, (value,), pair, *sizes, bias=False, norm=norm)
                value = self.step(name, conv, value)
                value = self.step(name.replace("conv", "act"), layers.relu(name), value)
                before, size = channels, grids(section)[number - 1]
        width = before * size[0] * size[1] * size[2]
        if section.aggregate:
            mean = self.step("mean", layers.average_pool("mean", (value,), size), value)
            mean = self.step("mean_q", layers.quantise("mean_q", signed=False), mean)
            most = self.step("most", layers.max_pool("most", (value,), size), value)
            value = self.step("pooled", layers.concat("pooled", (mean, most)), mean, most)
            width = 2 * before
        value = self.step("flat", layers.flatten("flat", (value,)), value)
        parts: tuple[str, ...] = (value,)
        if section.sums:
            parts += self._sums(section.sums, section.ordered)
            width += 2 * section.sums + len(SUMS) * GRID[0]
        if section.course:
            parts += (self.step("course_q", layers.input("course_q", signed=True), "course"),)
            width += len(COURSE)
        if len(parts) > 1:
            value = self.step("joined", layers.concat("joined", parts), *parts)
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            dense = layers.dense(name, (value,), (width, units), norm=None if norm is None else "batch")
            value = self.step(name, dense, value)
            value = self.step(f"{name}_act", layers.relu(name), value)
            width = units
        self.step(OUTPUT, layers.dense(OUTPUT, (value,), (width, 1), norm=None), value)

    def _sums(self, channels: int, ordered: bool) -> tuple[str, ...]:
        """Convolutions along the depth: what they find on average and at most, and the sums.

        Those as they are, or in descending order.
        """
        layers = self.make
        sums = value = self.step("sums_q", layers.input("sums_q", signed=False), "sums")
        before, kernel, padding = len(SUMS), (3, 1, 1), (1, 0, 0)
        for number in (1, 2):
            name = f"sums_conv{number}"
            conv = layers.conv(name, (value,), (before, channels), kernel, padding=padding, bias=False)
            value = self.step(name, conv, value)
            value = self.step(f"sums_act{number}", layers.relu(name), value)
            before = channels
        whole = (GRID[0], 1, 1)
        mean = self.step("sums_mean", layers.average_pool("sums_mean", (value,), whole), value)
        mean = self.step("sums_mean_q", layers.quantise("sums_mean_q", signed=False), mean)
        most = self.step("sums_most", layers.max_pool("sums_most", (value,), whole), value)
        parts = {"sums_mean": mean, "sums_most": most} | ({} if ordered else {"sums": sums})
        flat = (
            self.step(f"{name}_flat", layers.flatten(f"{name}_flat", (part,)), part)
            for name, part in parts.items()
        )
        if not ordered:
            return tuple(flat)
        return *flat, self.step("ordered_q", layers.input("ordered_q", signed=False), "ordered")

"""The lcd networks: one topology, whose sizes make it the published or the compact one.

    ecal -> ecal_q -> ecal_conv -> ecal_act [-> ecal_pool] -> ecal_flat --+
    hcal -> hcal_q -> hcal_conv -> hcal_act [-> hcal_pool] -> hcal_flat --+-> both -> fc1 -> fc1_act ...
    ... -> energy (1, in `levelone.zoo.lcd.section.UNIT_GEV`), ... -> particle (4 logits)

With ``correction`` units the energy goes another way, an energy path. Filters of equal fixed weights sum the
cells, and a few units learn what the sum misses (leakage, thick and thin absorbers):

    ecal_q -> ecal_sum -> ecal_depth (5 depths) --+-> ecal_total --+
    hcal_q -> hcal_sum -> hcal_total -------------|---------+------+-> sum ---------------------+-> energy
                                                  +- depths +-> shape -> shape_act -> known     |
                                                         +----------------------------> known -> correction

Each sum has its quantiser, ``..._q``. Nothing in this path has a weight of its own for a cell that electrons
do not fill: they teach the energy, and leave next to nothing in the HCAL and off the axis in the ECAL. A
weight there stays what chance made it, and would then be applied to charged pions and to the second photon of
a neutral one.

Published sizes: B. Hooberman et al., "Calorimetry with deep learning: particle classification, energy
regression, and simulation for high-energy physics", Deep Learning for Physical Sciences, NIPS 2017 workshop;
their network and its 5,075,446 parameters are in the authors' github.com/vitoriapacela/RegressionLCD and
NotebooksLCD. There is no normalisation: the signal is a sum of cells, and no cell has a typical value.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from levelone.quant.layers import Layers, parameter_of
from levelone.zoo.lcd.section import GRIDS, UNIT_GEV, Branch, LcdModel, Triple, branch_grid

_FIRST_CORRECTION = 0.1
"""Size of the correction's initial weights: at first the energy is nearly the sum of all cells."""


class LcdNetwork(nn.Module):
    """Arguments ecal [n, 1, 25, 25, 25], hcal [n, 1, 5, 5, 60]; results energy [n, 1], particle [n, 4]."""

    def __init__(self, layers: Layers, section: LcdModel, particles: int) -> None:
        super().__init__()
        self.input_shapes = {name: (1, *grid) for name, grid in GRIDS.items()}
        self._dropout = section.dropout
        self._summed = section.correction > 0
        self._branches: dict[str, list[str]] = {}
        widths = [
            self._branch(layers, name, branch)
            for name, branch in (("ecal", section.ecal), ("hcal", section.hcal))
        ]
        if self._summed:
            self._energy_path(layers, section.correction)
        self.both = layers.concat("both", ("ecal_flat", "hcal_flat"))
        source, width = "both", sum(widths)
        self._dense: list[str] = []
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, (source,), (width, units), norm=None))
            self.add_module(f"{name}_act", layers.relu(name))
            self._dense += [name, f"{name}_act"]
            source, width = f"{name}_act", units
        if self._summed:
            self.energy = layers.add("energy", ("total_flat", "correction_q"))
        else:
            self.energy = layers.dense("energy", (source,), (width, 1), norm=None)
        self.particle = layers.dense("particle", (source,), (width, particles), norm=None)

    def _branch(self, layers: Layers, name: str, branch: Branch) -> int:
        conv, act = f"{name}_conv", f"{name}_act"
        # The read-out is never negative.
        self.add_module(f"{name}_q", layers.input(f"{name}_q", signed=False))
        self.add_module(
            conv,
            layers.conv(conv, (f"{name}_q",), (1, branch.channels), branch.kernel, branch.stride, norm=None),
        )
        self.add_module(act, layers.relu(conv))
        steps, source = [conv, act], act
        if branch.pool > 1:
            source = f"{name}_pool"
            self.add_module(source, layers.max_pool(source, (act,), (branch.pool,) * 3))
            steps.append(source)
        self.add_module(f"{name}_flat", layers.flatten(f"{name}_flat", (source,)))
        self._branches[name] = [*steps, f"{name}_flat"]
        return branch.channels * math.prod(branch_grid(GRIDS[name], branch))

    def _energy_path(self, layers: Layers, units: int) -> None:
        def ones(name: str, source: str, kernel: Triple, weight: float = 1.0) -> None:
            fixed = torch.full((1, 1, *kernel), weight)
            conv = layers.conv(name, (source,), (1, 1), kernel, kernel, bias=False, norm=None, fixed=fixed)
            self.add_module(name, conv)
            self.add_module(f"{name}_q", layers.quantise(name, signed=False))

        # Step by step, so that no sum outgrows float32. The first step also changes the unit.
        ones("ecal_sum", "ecal_q", (5, 5, 5), 1 / UNIT_GEV)
        ones("ecal_depth", "ecal_sum_q", (5, 5, 1))
        ones("ecal_total", "ecal_depth_q", (1, 1, 5))
        ones("hcal_sum", "hcal_q", (5, 5, 6), 1 / UNIT_GEV)
        ones("hcal_total", "hcal_sum_q", (1, 1, 10))
        self.total = layers.add("total", ("ecal_total_q", "hcal_total_q"))
        self.total_flat = layers.flatten("total_flat", ("total",))
        self.ecal_depths = layers.flatten("ecal_depths", ("ecal_depth_q",))
        self.hcal_depths = layers.flatten("hcal_depths", ("hcal_total_q",))
        self.depths = layers.concat("depths", ("ecal_depths", "hcal_depths"))
        self.shape = layers.dense("shape", ("depths",), (6, units), norm=None)
        self.shape_act = layers.relu("shape")
        self.known = layers.concat("known", ("shape_act", "depths"))
        self.correction = layers.dense("correction", ("known",), (units + 6, 1), norm=None)
        self.correction_q = layers.quantise("correction", signed=True)
        with torch.no_grad():
            parameter_of(self.correction, "weight").mul_(_FIRST_CORRECTION)

    def forward(self, ecal: Tensor, hcal: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        read = {"ecal": self.get_submodule("ecal_q")(ecal), "hcal": self.get_submodule("hcal_q")(hcal)}
        value = self.both(*(self._run(steps, read[name]) for name, steps in self._branches.items()))
        for step in self._dense:
            value = self.get_submodule(step)(value)
            if step.endswith("_act") and self.training:
                value = torch.nn.functional.dropout(value, self._dropout)
        energy = self._energy(read["ecal"], read["hcal"]) if self._summed else self.energy(value)
        return energy, self.particle(value)

    def _energy(self, ecal: Tensor, hcal: Tensor) -> Tensor:
        depth = self._run(["ecal_sum", "ecal_sum_q", "ecal_depth", "ecal_depth_q"], ecal)
        behind = self._run(["hcal_sum", "hcal_sum_q", "hcal_total", "hcal_total_q"], hcal)
        total = self.total_flat(self.total(self._run(["ecal_total", "ecal_total_q"], depth), behind))
        depths = self.depths(self.ecal_depths(depth), self.hcal_depths(behind))
        correction = self.correction(self.known(self.shape_act(self.shape(depths)), depths))
        energy: Tensor = self.energy(total, self.correction_q(correction))
        return energy

    def _run(self, steps: list[str], value: Tensor) -> Tensor:
        for step in steps:
            value = self.get_submodule(step)(value)
        return value

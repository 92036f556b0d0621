"""The compact lcd network: fixed sums of cells, and two small dense networks that are told them.

    ecal -> ecal_q -+-> ecal_sum -> ecal_layers (25 layers) -+-> ecal_total --+
                    +-> cell (small for full cells) -> clip_sum -> clip_layers (25 layers, each clip)
                    +-> axis -> entry (25 layers, cells about the entry) -> codes
                    +-> towers (5 depths) -> views (filters over x and y)     |
    hcal -> hcal_q ---> hcal_sum (10 blocks) -> hcal_total -------------------+-> total --------+-> energy
              layers, hcal_total, clip_depth -> shape -> shape_act -> known -> correction ------+
    views, layers, clips, entry, hcal blocks -> ..._low, ..._high -> codes -> fc1 -> .. -> particle (4 logits)

Each sum has its quantiser, ``..._q``. All of them are energies in `levelone.zoo.lcd.section.UNIT_GEV`.

*Clips*: what a cell holds counts up to a limit. A shower's fluctuations are smaller in such sums than in the
plain one, and they say how many cells are filled. As 1 - x / limit, rectified, a cell takes a few bits.

*Entry*: a charged particle crosses the first layers on the axis, and a photon before its conversion does not.
The sum of a layer does not tell them apart, as it holds what showers throw back, too.

*Encoding*, low and high: energies span five decades, and what tells kinds apart are ratios. Rectified
1 - x / knot, for knots a factor of 4 apart, is a logarithm that a rectifier can compute, by shifts and one
subtraction. Of the cells about the entry, one particle and two have to be told apart, which takes knots much
closer to each other than that (``entry_knots``): such a code is (knot - x) / 2**n, with the power of two
below the knot, so that it is a shift and a subtraction, too.

*Energy*: nothing in its path has a weight of its own for a cell that electrons do not fill: they teach the
energy, and leave next to nothing in the HCAL and off the axis in the ECAL. A weight there would stay what
chance made it, and would be applied to charged pions and to the second photon of a neutral one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from levelone.quant.layers import Layers, parameter_of
from levelone.zoo.kit.plainconv import plain_convolutions
from levelone.zoo.lcd.section import GRIDS, MIP_GEV, UNIT_GEV, LcdModel, Triple, power_below

_CLIPS_GEV = (2.0**-6, 2.0**-4)
"""Limits of cells: about two and nine minimum ionising particles."""
_KNOTS_GEV = {"low": (2.0**-6, 2.0**-4, 2.0**-2, 1.0), "high": (4.0, 16.0, 64.0, 256.0)}
"""In two layers, whose weights then need 8 bits."""
_ENCODED = tuple(f"{name}_{part}" for name in ("views", "along", "hcal") for part in _KNOTS_GEV)
_FINE = "entry_fine"
_SIDE, _, _LAYERS = GRIDS["ecal"]
_DEPTHS, _BLOCKS = 5, 10
_ENTRY = (1, 3)
"""Edges of the squares of cells about the entry whose energy is told in each layer."""
_CLIP_UNIT = 1 / 8
"""Unit of the clipped energy of a depth, which is a small part of all."""
_FIRST_CORRECTION = 0.1
"""Size of the correction's initial weights: at first the energy is nearly the sum of all cells."""


class SumsNetwork(nn.Module):
    """Arguments ecal [n, 1, 25, 25, 25], hcal [n, 1, 5, 5, 60]; results energy [n, 1], particle [n, 4]."""

    def __init__(self, layers: Layers, section: LcdModel, particles: int) -> None:
        super().__init__()
        self.input_shapes = {name: (1, *grid) for name, grid in GRIDS.items()}
        self._dropout = section.dropout
        for name in GRIDS:
            self.add_module(f"{name}_q", layers.input(f"{name}_q", signed=False))
        self._sums(layers)
        self._energy_path(layers, section.correction)
        self._identification(layers, section, particles)

    def _sums(self, layers: Layers) -> None:
        # Step by step, so that no sum outgrows float32. The first step also changes the unit.
        clips = len(_CLIPS_GEV)
        self._fixed(layers, "ecal_sum", "ecal_q", (5, 5, 1), [1 / UNIT_GEV])
        self._fixed(layers, "ecal_layers", "ecal_sum_q", (5, 5, 1), [1])
        self._fixed(layers, "ecal_total", "ecal_layers_q", (1, 1, _LAYERS), [1])
        self._fixed(layers, "hcal_sum", "hcal_q", (5, 5, 6), [1 / UNIT_GEV])
        self._fixed(layers, "hcal_total", "hcal_sum_q", (1, 1, _BLOCKS), [1])
        self._fixed(layers, "towers", "ecal_q", (1, 1, _LAYERS // _DEPTHS), [1 / UNIT_GEV])
        self.cell = layers.conv(
            "cell", ("ecal_q",), (1, clips), (1, 1, 1), norm=None, fixed=_along([-1 / c for c in _CLIPS_GEV])
        )
        _fix_bias(self.cell, 1.0)
        self.cell_act = layers.relu("cell")
        self._fixed(layers, "clip_sum", "cell_act", (5, 5, 1), [1] * clips)
        units = torch.tensor(_CLIPS_GEV) / UNIT_GEV
        self.clip_layers = layers.conv(
            "clip_layers",
            ("clip_sum_q",),
            (clips, clips),
            (5, 5, 1),
            groups=clips,
            norm=None,
            fixed=_along((-units).tolist(), (5, 5, 1)),
        )
        _fix_bias(self.clip_layers, _SIDE**2 * units)
        self.clip_layers_act = layers.relu("clip_layers")

        self._entry(layers)

    def _entry(self, layers: Layers) -> None:
        """Energy of the squares `_ENTRY` in each layer: of nine far apart, the one in the middle."""
        widest, count = max(_ENTRY), len(_ENTRY)
        step = (_SIDE - widest) // 2
        place = torch.arange(widest) - widest // 2
        far = torch.maximum(place.abs()[:, None], place.abs()[None, :])
        squares = torch.stack([(far <= edge // 2).float() for edge in _ENTRY]) / UNIT_GEV
        self._summed(layers, "axis", "ecal_q", squares.reshape(count, 1, widest, widest, 1), (step, step, 1))
        middle = torch.zeros(count, 1, 3, 3, 1)
        middle[:, :, 1, 1] = 1
        self._summed(layers, "entry", "axis_q", middle, groups=count)

    def _energy_path(self, layers: Layers, units: int) -> None:
        clips = len(_CLIPS_GEV)
        self._fixed(
            layers, "clip_depth", "clip_layers_act", (1, 1, _LAYERS // _DEPTHS), [1 / _CLIP_UNIT] * clips
        )
        self.total = layers.add("total", ("ecal_total_q", "hcal_total_q"))
        self.total_flat = layers.flatten("total_flat", ("total",))
        self.layers_flat = layers.flatten("layers_flat", ("ecal_layers_q",))
        self.behind_flat = layers.flatten("behind_flat", ("hcal_total_q",))
        self.clip_flat = layers.flatten("clip_flat", ("clip_depth_q",))
        self.told = layers.concat("told", ("layers_flat", "behind_flat", "clip_flat"))
        width = _LAYERS + 1 + clips * _DEPTHS
        self.shape = layers.dense("shape", ("told",), (width, units), norm=None)
        self.shape_act = layers.relu("shape")
        self.known = layers.concat("known", ("shape_act", "told"))
        self.correction = layers.dense("correction", ("known",), (units + width, 1), norm=None)
        self.correction_q = layers.quantise("correction", signed=True)
        self.energy = layers.add("energy", ("total_flat", "correction_q"))
        with torch.no_grad():
            parameter_of(self.correction, "weight").mul_(_FIRST_CORRECTION)

    def _identification(self, layers: Layers, section: LcdModel, particles: int) -> None:
        beside, views = 1 + len(_CLIPS_GEV) + len(_ENTRY), section.views
        kernel = (_SIDE, _SIDE, 1)
        self.views = layers.conv("views", ("towers_q",), (1, views), kernel, bias=False, norm=None)
        with torch.no_grad():
            weight = parameter_of(self.views, "weight")
            weight.copy_(first_views(views).reshape(weight.shape))
        self.views_act = layers.relu("views")
        self.along = layers.concat("along", ("ecal_layers_q", "clip_layers_act", "entry_q"))
        for source, channels in (("views_act", views), ("along", beside), ("hcal_sum_q", 1)):
            for name, knots in _KNOTS_GEV.items():
                self._encode(layers, f"{source.split('_')[0]}_{name}", source, channels, knots)
        entry = [knot * MIP_GEV for knot in section.entry_knots]
        self._encode(layers, _FINE, "entry_q", len(_ENTRY), entry)
        self.codes = layers.concat("codes", tuple(f"{name}_flat" for name in (*_ENCODED, _FINE)))
        width = views * _DEPTHS + _LAYERS * beside + _BLOCKS
        fine = _LAYERS * len(_ENTRY) * len(entry)
        source, inputs = "codes", width * sum(map(len, _KNOTS_GEV.values())) + fine
        self._dense: list[str] = []
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, (source,), (inputs, units)))
            self.add_module(f"{name}_act", layers.relu(name))
            self._dense += [name, f"{name}_act"]
            source, inputs = f"{name}_act", units
        self.particle = layers.dense("particle", (source,), (inputs, particles), norm=None)

    def _encode(self, layers: Layers, name: str, source: str, channels: int, knots: Sequence[float]) -> None:
        """Of each channel, for each knot (knot - x) / the power of two below it, rectified; flat."""
        shape = (channels, channels * len(knots))
        powers = [power_below(knot) for knot in knots]
        fixed = _along([-UNIT_GEV / power for power in powers] * channels)
        conv = layers.conv(name, (source,), shape, (1, 1, 1), groups=channels, norm=None, fixed=fixed)
        starts = [knot / power for knot, power in zip(knots, powers, strict=True)]
        _fix_bias(conv, torch.tensor(starts * channels))
        self.add_module(name, conv)
        self.add_module(f"{name}_act", layers.relu(name))
        self.add_module(f"{name}_flat", layers.flatten(f"{name}_flat", (f"{name}_act",)))

    def _fixed(
        self, layers: Layers, name: str, source: str, kernel: Triple, weights: Sequence[float]
    ) -> None:
        """Sums of blocks, of each channel alone, times a weight; with a quantiser."""
        self._summed(layers, name, source, _along(weights, kernel), kernel, groups=len(weights))

    def _summed(
        self,
        layers: Layers,
        name: str,
        source: str,
        fixed: Tensor,
        stride: Triple = (1, 1, 1),
        groups: int = 1,
    ) -> None:
        """Sums of cells with weights `fixed` [out, in / groups, ...], never trained; with a quantiser."""
        out, each, *edges = fixed.shape
        conv = layers.conv(
            name,
            (source,),
            (each * groups, out),
            tuple(edges),
            stride,
            groups=groups,
            bias=False,
            norm=None,
            fixed=fixed,
        )
        self.add_module(name, conv)
        self.add_module(f"{name}_q", layers.quantise(name, signed=False))

    def forward(self, ecal: Tensor, hcal: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        return self.behind(*self.front(ecal, hcal).values())

    @plain_convolutions()
    def front(self, ecal: Tensor, hcal: Tensor) -> dict[str, Tensor]:
        """What no trained weight has a part in: see `levelone.train.front.Fronted`.

        Towers [n, 1, 25, 25, 5]; what the energy's path is told [n, 36], and the sum of all cells [n, 1]; the
        codes of layers and of blocks, [n, 500] and [n, 40], twice each, and of the cells about the entry
        [n, 50 * knots].
        """
        cells, tiles = self._run(["ecal_q"], ecal), self._run(["hcal_q"], hcal)
        layers = self._run(["ecal_sum", "ecal_sum_q", "ecal_layers", "ecal_layers_q"], cells)
        blocks = self._run(["hcal_sum", "hcal_sum_q"], tiles)
        clipped = self._run(
            ["cell", "cell_act", "clip_sum", "clip_sum_q", "clip_layers", "clip_layers_act"], cells
        )
        behind = self._run(["hcal_total", "hcal_total_q"], blocks)
        clips = self._run(["clip_depth", "clip_depth_q", "clip_flat"], clipped)
        entry = self._run(["axis", "axis_q", "entry", "entry_q"], cells)
        seen = {"along": self.along(layers, clipped, entry), "hcal": blocks}
        return {
            "towers": self._run(["towers", "towers_q"], cells),
            "told": self.told(self.layers_flat(layers), self.behind_flat(behind), clips),
            "total": self.total_flat(self.total(self._run(["ecal_total", "ecal_total_q"], layers), behind)),
            **{name: self._code(name, seen[name.split("_")[0]]) for name in _ENCODED[len(_KNOTS_GEV) :]},
            _FINE: self._code(_FINE, entry),
        }

    def behind(self, towers: Tensor, told: Tensor, total: Tensor, *codes: Tensor) -> tuple[Tensor, Tensor]:
        """The results of the network, of what its `front` gives."""
        views = self._run(["views", "views_act"], towers)  # wide kernels: with oneDNN eight times as fast
        with plain_convolutions():
            return self._behind_views(views, told, total, *codes)

    def _behind_views(
        self, views: Tensor, told: Tensor, total: Tensor, *codes: Tensor
    ) -> tuple[Tensor, Tensor]:
        value = self.codes(*(self._code(name, views) for name in _ENCODED[: len(_KNOTS_GEV)]), *codes)
        for step in self._dense:
            value = self.get_submodule(step)(value)
            if step.endswith("_act") and self.training:
                value = torch.nn.functional.dropout(value, self._dropout)
        known = self.known(self._run(["shape", "shape_act"], told), told)
        energy = self.energy(total, self._run(["correction", "correction_q"], known))
        return energy, self.particle(value)

    def _code(self, name: str, value: Tensor) -> Tensor:
        return self._run([name, f"{name}_act", f"{name}_flat"], value)

    def _run(self, steps: list[str], value: Tensor) -> Tensor:
        for step in steps:
            value = self.get_submodule(step)(value)
        return value


def first_views(count: int) -> Tensor:
    """Filters over x and y that training begins with, [count, 25, 25].

    Squares about the entry, moments cut off far out, and for the rest what chance gives.
    """
    place = torch.arange(_SIDE) - _SIDE // 2
    x, y = torch.meshgrid(place, place, indexing="ij")
    far = torch.maximum(x.abs(), y.abs())
    squares = [(far <= reach).float() for reach in (0, 1, 2, 3, 5, _SIDE // 2)]
    moments = [(x**2 + y**2) / 32, x**2 / 16, y**2 / 16, (x + y) ** 2 / 32, (x - y) ** 2 / 32]
    found = torch.stack([*squares, *moments, torch.hypot(x.float(), y.float()) / 12]).clamp(max=1)
    chance = torch.rand(max(count - len(found), 0), _SIDE, _SIDE) * 0.2
    return torch.cat([found[:count], chance])


def _along(weights: Sequence[float], kernel: Triple = (1, 1, 1)) -> Tensor:
    """Each of the weights in the whole kernel of a channel of its own: [channels, 1, *kernel]."""
    return torch.tensor(list(weights)).reshape(-1, 1, 1, 1, 1).expand(-1, 1, *kernel)


def _fix_bias(layer: nn.Module, value: float | Tensor) -> None:
    """Give a layer a bias that is never trained."""
    bias = parameter_of(layer, "bias")
    with torch.no_grad():
        bias.copy_(torch.as_tensor(value).expand_as(bias))
    bias.requires_grad_(False)

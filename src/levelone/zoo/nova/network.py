"""The network of system nova: a siamese inception network.

    xz, yz -> views_q -> enter -> enter_pool -> mix1 -> ... (both views, the same weights)
    both -> join -> mixN -> ... -> flat -> fc -> fc_act -> logits

A module ``mixN`` is four branches side by side: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; the largest of 3 x 3
and 1 x 1. The 1 x 1 in front of a larger kernel is its bottleneck. Their channels are joined, and of a few
cells the largest is kept. Local response normalisation, which the published network has, divides a value by a
power of its neighbours' sum of squares, another divisor in every cell: there is no grid of integers on which
that is exact. Normalisation over the batch, folded into the weights, stands in its place.
"""

from __future__ import annotations

import math

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.nova.section import VIEW, Inception, NovaModel

_BRANCHES = ("one", "three", "five", "pooled")
_CLASSES = 3


def weighted(section: NovaModel) -> tuple[str, ...]:
    """Names of the layers whose widths a recipe may choose."""
    parts = ("one", "three_in", "three", "five_in", "five", "pooled")
    modules = range(1, len(section.each) + len(section.joined) + 1)
    return ("enter", *(f"mix{n}_{part}" for n in modules for part in parts), "fc", "logits")


class NovaNetwork(Wired):
    """Arguments: both views [n, 1, 80, 100]; result: logits [n, 3] of the classes."""

    def __init__(self, layers: Layers, section: NovaModel) -> None:
        super().__init__(layers, {"xz": VIEW, "yz": VIEW})
        # one scale for both ports, or the weights behind them could not be the same integers
        quantiser = layers.input("views_q", signed=False, port="xz")
        at = self.shared("views_q", quantiser, ("xz",), ("yz",))
        at, source = self._conv("enter", "views_q", at, (1, section.enter), 5, stride=2)
        at, source = self._pool("enter_pool", source, at, section.enter_pool)
        channels = section.enter
        for number, module in enumerate(section.each, start=1):
            at, source, channels = self._module(f"mix{number}", source, at, channels, module)
        at = (self.step("join", layers.concat("join", (source,) * len(at)), *at),)
        source, channels = "join", 2 * channels
        for number, module in enumerate(section.joined, start=len(section.each) + 1):
            at, source, channels = self._module(f"mix{number}", source, at, channels, module)
        flat = self.step("flat", layers.flatten("flat", (source,)), *at)
        width = channels * math.prod(section.grids()[-1])
        hidden = self.step("fc", layers.dense("fc", (flat,), (width, section.dense)), flat)
        hidden = self.step("fc_act", layers.relu("fc"), hidden)
        self.step("logits", layers.dense("logits", (hidden,), (section.dense, _CLASSES), norm=None), hidden)

    def _conv(
        self,
        name: str,
        source: str,
        at: tuple[str, ...],
        channels: tuple[int, int],
        kernel: int,
        stride: int = 1,
    ) -> tuple[tuple[str, ...], str]:
        size = ((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
        conv = self.make.conv(name, (source,), channels, *size)
        sums = self.shared(name, conv, *((each,) for each in at))
        found = self.shared(f"{name}_act", self.make.relu(name), *((each,) for each in sums))
        return found, f"{name}_act"

    def _pool(self, name: str, source: str, at: tuple[str, ...], size: int) -> tuple[tuple[str, ...], str]:
        if size == 1:
            return at, source
        pool = self.make.max_pool(name, (source,), (size, size))
        return self.shared(name, pool, *((each,) for each in at)), name

    def _module(
        self, name: str, source: str, at: tuple[str, ...], channels: int, module: Inception
    ) -> tuple[tuple[str, ...], str, int]:
        into, wide = (channels, module.narrow), (module.narrow, module.branch)
        one, _ = self._conv(f"{name}_one", source, at, (channels, module.branch), 1)
        branches = [one]
        for size, kernel in (("three", 3), ("five", 5)):
            narrow, inner = self._conv(f"{name}_{size}_in", source, at, into, 1)
            branches.append(self._conv(f"{name}_{size}", inner, narrow, wide, kernel)[0])
        around = f"{name}_around"
        pool = self.make.max_pool(around, (source,), (3, 3), (1, 1), (1, 1))
        largest = self.shared(around, pool, *((each,) for each in at))
        branches.append(self._conv(f"{name}_pooled", around, largest, (channels, module.branch), 1)[0])
        joined = self.make.concat(name, tuple(f"{name}_{branch}_act" for branch in _BRANCHES))
        found = self.shared(name, joined, *zip(*branches, strict=True))
        found, source = self._pool(f"{name}_small", name, found, module.pool)
        return found, source, len(_BRANCHES) * module.branch

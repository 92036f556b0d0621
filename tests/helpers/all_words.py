"""One network per number of axes that holds every word of the vocabulary, with sizes drawn from a seed.

`CASES` has one entry per word. Each draws how the word is used (kernels, strides, paddings, groups, widths,
signs) and adds it to a network, behind values that are quantised already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.layers import FloatLayers, Layers, QuantLayers
from levelone.quant.wiring import Wired
from levelone.recipe import Bits, QuantSection

GRIDS = {1: (12,), 2: (6, 4), 3: (4, 2, 4)}
CHANNELS = 4


@dataclass(frozen=True)
class Value:
    """A value in the network: its name, channels and grid."""

    name: str
    channels: int
    grid: tuple[int, ...]


class Draft(Wired):
    """A network under construction; its results are all values that were `finish`ed."""

    def __init__(self, layers: Layers, rank: int, seed: int) -> None:
        self.rank, self.grid = rank, GRIDS[rank]
        super().__init__(layers, {"x": (CHANNELS, *self.grid)})
        self.rng = np.random.default_rng([rank, seed])
        self.ends: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.x = self.add("input", "x_q", "x", CHANNELS, self.grid, signed=bool(seed % 2))
        self.vector: Value | None = None
        self.number = 0

    def add(self, word: str, name: str, sources: str | tuple[str, ...], channels, grid, *args, **keywords):
        """The layer `name` made with `word`, whose result has so many channels on such a grid."""
        sources = (sources,) if isinstance(sources, str) else sources
        self.words.setdefault(word, []).append(name)
        make = getattr(self.make, word)
        takes_sources = word not in ("input", "quantise", "relu", "swish", "sigmoid", "tanh")
        layer = make(name, sources, *args, **keywords) if takes_sources else make(name, *args, **keywords)
        self.step(name, layer, *sources)
        return Value(name, channels, tuple(grid))

    def quantised(self, value: Value, signed: bool = True) -> Value:
        return self.add("quantise", f"{value.name}_q", value.name, value.channels, value.grid, signed=signed)

    def pick(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def each(self, low: int, high: int) -> tuple[int, ...]:
        """A number for each axis."""
        return tuple(self.pick(low, high) for _ in self.grid)

    def pads(self, most: tuple[int, ...], *, uneven: bool) -> tuple:
        """Padding, different at the two ends of the first axis if `uneven`."""
        if uneven:
            return (0, most[0]), *((self.pick(0, n), self.pick(0, n)) for n in most[1:])
        return tuple(self.pick(0, n) for n in most)

    def finish(self, value: Value) -> None:
        self.ends.append(value.name)

    def fresh(self, word: str) -> str:
        self.number += 1
        return f"{word}{self.number}"

    def forward(self, *inputs):
        values = dict(zip(self.input_shapes, inputs, strict=True))
        for result, name, sources in self._steps:
            values[result] = self.get_submodule(name)(*(values[source] for source in sources))
        return tuple(values[name] for name in self.ends)


def windows(grid, kernel, stride, padding, dilation=None) -> tuple[int, ...]:
    """How many positions a window has along each axis."""
    dilation = dilation or (1,) * len(grid)
    ends = [(p, p) if isinstance(p, int) else p for p in padding]
    return tuple(
        (n + sum(p) - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(grid, kernel, stride, ends, dilation, strict=True)
    )


def conv(net: Draft, *, uneven: bool = False) -> Value:
    groups = (1, 2, CHANNELS)[net.pick(0, 2)]
    outputs = groups * net.pick(1, 2)
    kernel, stride, dilation = net.each(1 + uneven, 3), net.each(1, 2), net.each(1, 2)
    padding = net.pads(tuple(k - 1 for k in kernel), uneven=uneven)
    grid = windows(net.grid, kernel, stride, padding, dilation)
    if min(grid) < 1:
        return conv(net, uneven=uneven)
    weights = (outputs, CHANNELS // groups, *kernel)
    how = {"dilation": dilation, "groups": groups, "bias": bool(net.pick(0, 1))}
    how["norm"] = (None, "batch", "running")[net.pick(0, 2)]
    if net.pick(0, 2) == 0:
        how["mask"] = torch.tensor(net.rng.integers(0, 2, weights), dtype=torch.float32)
    name, sizes = net.fresh("conv"), (kernel, stride, padding)
    value = net.add("conv", name, net.x.name, outputs, grid, (CHANNELS, outputs), *sizes, **how)
    return net.quantised(value)


def local_conv(net: Draft) -> Value:
    kernel, stride, outputs = net.each(1, 3), net.each(1, 2), net.pick(1, 2)
    padding = net.pads(tuple(k - 1 for k in kernel), uneven=True)
    grid = windows(net.grid, kernel, stride, padding)
    if min(grid) < 1:
        return local_conv(net)
    how = {"bias": bool(net.pick(0, 1)), "norm": (None, "batch", "running")[net.pick(0, 2)]}
    name, sizes = net.fresh("local"), (net.grid, kernel, stride, padding)
    value = net.add("local_conv", name, net.x.name, outputs, grid, (CHANNELS, outputs), *sizes, **how)
    return net.quantised(value)


def summed(net: Draft) -> Value:
    """Fixed weights, as of sums of cells."""
    kernel, name = net.each(1, 2), net.fresh("summed")
    grid = windows(net.grid, kernel, kernel, (0,) * net.rank)
    ones = torch.ones(2, CHANNELS // 2, *kernel)
    how = {"groups": 2, "bias": False, "norm": None, "fixed": ones}
    value = net.add("conv", name, net.x.name, 2, grid, (CHANNELS, 2), kernel, kernel, **how)
    return net.quantised(value)


def transposed_conv(net: Draft) -> Value:
    groups = (2, CHANNELS)[net.pick(0, 1)]
    outputs = groups * net.pick(1, 2)
    kernel, stride, dilation = net.each(1, 3), net.each(1, 2), net.each(1, 2)
    padding = tuple(net.pick(0, k - 1) for k in kernel)
    extra = tuple(net.pick(0, s - 1) for s in stride)
    grid = tuple(
        (n - 1) * s + d * (k - 1) + 1 + e - 2 * p
        for n, k, s, p, d, e in zip(net.grid, kernel, stride, padding, dilation, extra, strict=True)
    )
    if min(grid) < 1:
        return transposed_conv(net)
    how = {"dilation": dilation, "groups": groups, "output_padding": extra, "bias": bool(net.pick(0, 1))}
    how["norm"] = (None, "batch", "running")[net.pick(0, 2)]
    name, sizes = net.fresh("transposed"), (kernel, stride, padding)
    value = net.add("transposed_conv", name, net.x.name, outputs, grid, (CHANNELS, outputs), *sizes, **how)
    return net.quantised(value)


def flat(net: Draft, value: Value) -> Value:
    count = value.channels * int(np.prod(value.grid))
    return net.add("flatten", net.fresh("flat"), value.name, count, ())


def dense(net: Draft) -> Value:
    if net.vector is None:  # the exporter makes one of two equal layers
        net.vector = flat(net, net.x)
    operand, outputs = net.vector, net.pick(2, 3)
    how = {"norm": (None, "batch", "running")[net.pick(0, 2)]}
    if net.pick(0, 1):
        how["mask"] = torch.tensor(net.rng.integers(0, 2, (outputs, operand.channels)), dtype=torch.float32)
    name = net.fresh("dense")
    value = net.add("dense", name, operand.name, outputs, (), (operand.channels, outputs), **how)
    return net.quantised(value)


def affine(net: Draft) -> Value:
    args = (CHANNELS, ("batch", "running")[net.pick(0, 1)], net.rank)
    value = net.add("affine", net.fresh("affine"), net.x.name, CHANNELS, net.grid, *args)
    return net.quantised(value)


def activation(word: str) -> Callable[[Draft], Value]:
    def case(net: Draft) -> Value:
        operand = conv(net)
        return net.add(word, net.fresh(word), operand.name, operand.channels, operand.grid)

    return case


def pool(word: str) -> Callable[[Draft], Value]:
    def case(net: Draft) -> Value:
        kernel = tuple(min(k, n) for k, n in zip(net.each(2, 3), net.grid, strict=True))
        stride = net.each(1, 2)
        padding = net.pads(tuple(k - 1 for k in kernel), uneven=True)
        grid = windows(net.grid, kernel, stride, padding)
        value = net.add(word, net.fresh(word), net.x.name, CHANNELS, grid, kernel, stride, padding)
        return value if word == "max_pool" else net.quantised(value)

    return case


def adaptive(word: str) -> Callable[[Draft], Value]:
    def case(net: Draft) -> Value:
        size = tuple(int(net.rng.choice([d for d in range(1, n + 1) if n % d == 0])) for n in net.grid)
        how = (net.grid, size) if net.pick(0, 3) else (net.grid,)
        grid = size if len(how) == 2 else (1,) * net.rank
        value = net.add(word, net.fresh(word), net.x.name, CHANNELS, grid, *how)
        return value if word == "adaptive_max_pool" else net.quantised(value)

    return case


def pad(net: Draft) -> Value:
    around = ("zeros", "reflect")[net.pick(0, 1)]
    padding = ((0, 1), *((net.pick(0, min(2, n - 1)), net.pick(0, min(2, n - 1))) for n in net.grid[1:]))
    grid = tuple(n + sum(p) for n, p in zip(net.grid, padding, strict=True))
    return net.add("pad", net.fresh("pad"), net.x.name, CHANNELS, grid, padding, around)


def upsample(net: Draft) -> Value:
    factors = net.each(1, 3)
    grid = tuple(n * f for n, f in zip(net.grid, factors, strict=True))
    return net.add("upsample", net.fresh("upsample"), net.x.name, CHANNELS, grid, factors)


def pointwise(net: Draft) -> Value:
    name, ones = net.fresh("pointwise"), (1,) * net.rank
    value = net.add("conv", name, net.x.name, CHANNELS, net.grid, (CHANNELS, CHANNELS), ones)
    return net.quantised(value)


def counted(net: Draft) -> Value:
    """An unsigned quantiser, of what is never negative."""
    rectified = net.add("relu", net.fresh("rectified"), net.x.name, CHANNELS, net.grid)
    return net.quantised(rectified, signed=False)


def add(net: Draft) -> Value:
    parts = net.x.name, pointwise(net).name
    return net.quantised(net.add("add", net.fresh("add"), parts, CHANNELS, net.grid))


def concat(net: Draft) -> Value:
    parts = pointwise(net).name, net.x.name
    return net.add("concat", net.fresh("concat"), parts, 2 * CHANNELS, net.grid)


def reshape(net: Draft) -> Value:
    """A dense layer's answers as cells of a grid."""
    answers = dense(net)
    shape = (1, answers.channels, *(1,) * (net.rank - 1))
    return net.add("reshape", net.fresh("reshape"), answers.name, 1, shape[1:], shape)


def gate(net: Draft) -> Value:
    """Squeeze and excitation: a dense layer's answers on a grid of one cell, times the operand."""
    mean = net.add(
        "adaptive_average_pool", net.fresh("squeeze"), net.x.name, CHANNELS, (1,) * net.rank, net.grid
    )
    vector = flat(net, net.quantised(mean))
    answers = net.add("dense", net.fresh("gate_fc"), vector.name, CHANNELS, (), (CHANNELS, CHANNELS))
    factors = net.add("sigmoid", net.fresh("factors"), net.quantised(answers).name, CHANNELS, ())
    shape = (CHANNELS, *(1,) * net.rank)
    cell = net.add("reshape", net.fresh("cell"), factors.name, CHANNELS, shape[1:], shape)
    product = net.add("multiply", net.fresh("gate"), (net.x.name, cell.name), CHANNELS, net.grid)
    return net.quantised(product)


CASES: dict[str, Callable[[Draft], Value]] = {
    "add": add,
    "adaptive_average_pool": adaptive("adaptive_average_pool"),
    "adaptive_max_pool": adaptive("adaptive_max_pool"),
    "affine": affine,
    "average_pool": pool("average_pool"),
    "concat": concat,
    "conv": lambda net: conv(net, uneven=True),
    "dense": dense,
    "flatten": lambda net: flat(net, pointwise(net)),
    "input": summed,  # every network begins with one
    "local_conv": local_conv,
    "max_pool": pool("max_pool"),
    "multiply": gate,
    "pad": pad,
    "quantise": counted,
    "relu": activation("relu"),
    "reshape": reshape,
    "sigmoid": activation("sigmoid"),
    "swish": activation("swish"),
    "tanh": activation("tanh"),
    "transposed_conv": transposed_conv,
    "upsample": upsample,
}
"""Word -> a use of it, in a network of any number of axes."""

RANKED = frozenset(CASES) - {"dense", "flatten"}
"""Words whose result has axes of space, if their operand has them."""


def build(layers: Layers, rank: int, seed: int, words=tuple(CASES)) -> Draft:
    """Every word of `words` once, all beside each other."""
    net = Draft(layers, rank, seed)
    for word in words:
        value = CASES[word](net)
        if word in RANKED and len(value.grid) != rank:
            raise AssertionError(f"{word} has lost its axes of space")
        net.finish(value)
    return net


def events(rank: int, count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(count, CHANNELS, *GRIDS[rank], generator=generator)


def trained(rank: int, seed: int) -> tuple[Draft, Draft]:
    """(float twin with statistics, calibrated network with widths drawn from the seed), for evaluation."""
    rng = np.random.default_rng(seed)

    def bits() -> Bits:
        weight, activation = (int(b) for b in rng.integers(3, 8, 2))
        return Bits(weight=weight, bias=16, activation=activation)

    torch.manual_seed(seed)
    twin = build(FloatLayers(), rank, seed)
    for step in range(3):
        twin.train()(events(rank, 32, step))
    widths = {name: bits() for name, _ in twin.named_children()}
    quant = QuantSection(inputs={"x": int(rng.integers(3, 7))}, default=bits(), layers=widths)
    return twin.eval(), quantised(twin, quant, rank, seed)


def quantised(twin: Draft, quant: QuantSection, rank: int, seed: int) -> Draft:
    """The calibrated network of a twin."""
    network = build(QuantLayers(quant), rank, seed)
    fold_into(twin, network)
    calibrate(network, [events(rank, 128, 99)])
    return network.eval()

"""Every word with axes of space against its definition, cell by cell, on random whole numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from levelone.errors import LeveloneError
from levelone.quant.layers import FloatLayers, QuantLayers
from levelone.quant.linear import FloatAffine, FloatLinear
from levelone.quant.norm import make_norm
from levelone.quant.words import MOST_REPEATED
from levelone.recipe import QuantSection

LAYERS = FloatLayers()
SEEDS = range(12)
RANKS = (1, 2, 3)


class Draw:
    """Sizes of a layer, and operands whose sums every float holds."""

    def __init__(self, rank: int, seed: int) -> None:
        self.rng = np.random.default_rng([rank, seed])
        self.rank = rank
        self.grid = self.each(2, 5)

    def pick(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def each(self, low: int, high: int) -> tuple[int, ...]:
        """A number for each axis."""
        return tuple(self.pick(low, high) for _ in range(self.rank))

    def whole(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-9, 10, shape).astype(float)

    def ends(self, most) -> tuple[tuple[int, int], ...]:
        return tuple((self.pick(0, n), self.pick(0, n)) for n in most)


def cells(grid):
    return itertools.product(*(range(n) for n in grid))


def around(x: np.ndarray, pads, value: float) -> np.ndarray:
    return np.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)


def windows_of(x: np.ndarray, kernel, stride, dilation):
    """(place, operand at the window's taps [n, channels, *kernel]) of each window."""
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    sizes = [(n - r - 1) // s + 1 for n, r, s in zip(x.shape[2:], reach, stride, strict=True)]
    for place in cells(sizes):
        taps = [
            slice(p * s, p * s + r + 1, d) for p, s, r, d in zip(place, stride, reach, dilation, strict=True)
        ]
        yield place, x[(slice(None), slice(None), *taps)]


def collected(pairs) -> np.ndarray:
    """[n, channels, *sizes] from (place, [n, channels]) of every cell."""
    found = list(pairs)
    sizes = [max(place[a] for place, _ in found) + 1 for a in range(len(found[0][0]))]
    result = np.full((*found[0][1].shape, *sizes), np.nan)
    for place, values in found:
        result[(slice(None), slice(None), *place)] = values
    return result


def run(layer, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return layer.double()(torch.from_numpy(x)).numpy()


def groups_of(draw: Draw) -> tuple[int, int, int]:
    """(groups, channels in, channels out)."""
    groups = draw.pick(1, 3)
    return groups, groups * draw.pick(1, 2), groups * draw.pick(1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", RANKS)
def test_convolution(rank: int, seed: int) -> None:
    draw = Draw(rank, seed)
    groups, inside, outside = groups_of(draw)
    kernel, stride, dilation = draw.each(1, 2), draw.each(1, 3), draw.each(1, 2)
    pads = draw.ends((2,) * rank)
    layer = LAYERS.conv(
        "c", ("x",), (inside, outside), kernel, stride, pads, dilation=dilation, groups=groups, norm=None
    )
    weight, bias = draw.whole(outside, inside // groups, *kernel), draw.whole(outside)
    layer.linear.weight.data, layer.linear.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    x = draw.whole(2, inside, *draw.grid)
    padded = around(x, pads, 0)

    def answers(window: np.ndarray) -> np.ndarray:
        result = np.zeros((len(window), outside))
        for out in range(outside):
            first = out // (outside // groups) * (inside // groups)
            seen = window[:, first : first + inside // groups]
            result[:, out] = (seen * weight[out]).sum(tuple(range(1, seen.ndim))) + bias[out]
        return result

    expected = collected((p, answers(w)) for p, w in windows_of(padded, kernel, stride, dilation))
    assert np.array_equal(run(layer, x), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", RANKS)
def test_transposed_convolution(rank: int, seed: int) -> None:
    """Each cell of the operand adds its kernel to the result; then both ends are cut."""
    draw = Draw(rank, seed)
    groups, inside, outside = groups_of(draw)
    kernel, stride, dilation = draw.each(1, 3), draw.each(1, 3), draw.each(1, 2)
    padding = tuple(draw.pick(0, k - 1) for k in kernel)
    extra = tuple(draw.pick(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    whole = [
        (n - 1) * s + d * (k - 1) + 1 for n, k, s, d in zip(draw.grid, kernel, stride, dilation, strict=True)
    ]
    layer = LAYERS.transposed_conv(
        "t",
        ("x",),
        (inside, outside),
        kernel,
        stride,
        padding,
        output_padding=extra,
        dilation=dilation,
        groups=groups,
        norm=None,
    )
    weight, bias = draw.whole(inside, outside // groups, *kernel), draw.whole(outside)
    layer.linear.weight.data, layer.linear.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
    x = draw.whole(2, inside, *draw.grid)
    result = np.zeros((2, outside, *(n + e for n, e in zip(whole, extra, strict=True))))
    for cell in cells(draw.grid):
        for tap in cells(kernel):
            place = tuple(c * s + t * d for c, s, t, d in zip(cell, stride, tap, dilation, strict=True))
            for source in range(inside):
                first = source // (inside // groups) * (outside // groups)
                for out in range(outside // groups):
                    value = x[(slice(None), source, *cell)] * weight[(source, out, *tap)]
                    result[(slice(None), first + out, *place)] += value
    kept = [slice(p, n + e - p) for n, e, p in zip(whole, extra, padding, strict=True)]
    expected = result[(slice(None), slice(None), *kept)] + bias.reshape(-1, *[1] * rank)
    assert np.array_equal(run(layer, x), expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("word", ["max_pool", "average_pool"])
def test_pools(word: str, rank: int, seed: int) -> None:
    """Half of the operands are all negative: a padding of zeros in front of a maximum would be seen."""
    draw = Draw(rank, seed)
    kernel = tuple(min(k, n) for k, n in zip(draw.each(1, 3), draw.grid, strict=True))
    stride, pads = draw.each(1, 3), draw.ends([k - 1 for k in kernel])
    x = draw.whole(2, 3, *draw.grid) - 10 * (seed % 2)
    found = run(getattr(LAYERS, word)("p", ("x",), kernel, stride, pads), x)
    axes, ones = tuple(range(2, 2 + rank)), (1,) * rank
    padded = around(x, pads, -math.inf if word == "max_pool" else 0)
    of = {"max_pool": lambda w: w.max(axes), "average_pool": lambda w: w.sum(axes) / math.prod(kernel)}[word]
    expected = collected((p, of(w)) for p, w in windows_of(padded, kernel, stride, ones))
    # torch may multiply by the reciprocal of the number of cells: sums are compared, as whole numbers
    cells_of = 1 if word == "max_pool" else math.prod(kernel)
    assert np.array_equal(np.rint(found * cells_of), np.rint(expected * cells_of))
    assert np.abs(found - expected).max() < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", RANKS)
def test_adaptive_pools_are_pools_of_equal_blocks(rank: int, seed: int) -> None:
    draw = Draw(rank, seed)
    size, block = draw.each(1, 2), draw.each(1, 3)
    grid = tuple(s * b for s, b in zip(size, block, strict=True))
    x = torch.from_numpy(draw.whole(2, 3, *grid))
    for word, short in (("adaptive_max_pool", "max"), ("adaptive_average_pool", "avg")):
        layer = getattr(LAYERS, word)("p", ("x",), grid, size)
        plain = getattr(torch.nn.functional, f"adaptive_{short}_pool{rank}d")
        assert torch.allclose(layer(x), plain(x, size), rtol=0, atol=1e-12)
        everything = getattr(LAYERS, word)("p", ("x",), grid)(x)
        assert everything.shape == (2, 3, *[1] * rank)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", RANKS)
def test_padding(rank: int, seed: int) -> None:
    draw = Draw(rank, seed)
    x, pads = draw.whole(2, 3, *draw.grid), draw.ends([n - 1 for n in draw.grid])
    ends = [(0, 0), (0, 0), *pads]
    assert np.array_equal(run(LAYERS.pad("p", ("x",), pads), x), np.pad(x, ends))
    mirrored = run(LAYERS.pad("p", ("x",), pads, "reflect"), x)
    assert np.array_equal(mirrored, np.pad(x, ends, mode="reflect"))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_upsampling_repeats_each_cell(precision) -> None:
    """Every factor that is allowed, on every axis of every rank, on lengths around powers of two."""
    for rank, axis in ((r, a) for r in RANKS for a in range(r)):
        for factor, length in itertools.product(range(1, MOST_REPEATED + 1), (1, 2, 3, 15, 16, 17, 33)):
            grid, factors = [2] * rank, [1] * rank
            grid[axis], factors[axis] = length, factor
            x = torch.arange(math.prod(grid), dtype=precision).reshape(1, 1, *grid)
            found = LAYERS.upsample("u", ("x",), tuple(factors))(x)
            assert torch.equal(found, x.repeat_interleave(factor, 2 + axis)), (rank, axis, factor, length)


@pytest.mark.parametrize("norm", ["batch", "running"])
@pytest.mark.parametrize(("transposed", "groups"), [(False, 1), (False, 2), (True, 1), (True, 2)])
@pytest.mark.parametrize("rank", RANKS)
def test_folding_keeps_the_function(rank: int, transposed: bool, groups: int, norm) -> None:
    torch.manual_seed(rank)
    word = LAYERS.transposed_conv if transposed else LAYERS.conv
    layer = word("c", ("x",), (4, 6), (2,) * rank, groups=groups, norm=norm).double()
    torch.nn.init.uniform_(layer.norm.weight, -2, 2)
    torch.nn.init.uniform_(layer.norm.bias, -1, 1)
    x = torch.randn(8, 4, *[3] * rank, dtype=torch.float64)
    for _ in range(3):
        layer.train()(x * 3 + 1)
    weight, bias = layer.eval().folded()
    plain = word("c", ("x",), (4, 6), (2,) * rank, groups=groups, norm=None).double()
    plain.linear.weight.data, plain.linear.bias.data = weight.double(), bias.double()
    assert isinstance(plain, FloatLinear)
    assert torch.allclose(plain(x), layer(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axes", [0, 1, 2, 3])
@pytest.mark.parametrize("norm", ["batch", "running"])
def test_affine_is_its_normalisation(axes: int, norm) -> None:
    torch.manual_seed(axes)
    layer = LAYERS.affine("a", ("x",), 3, norm, axes).double()
    x = torch.randn(16, 3, *[2] * axes, dtype=torch.float64) * 2 + 1
    layer.train()(x)
    assert isinstance(layer, FloatAffine)
    gain, offset = layer.eval().folded()
    assert gain.shape == offset.shape == (3, *[1] * axes)
    assert torch.allclose(x * gain + offset, layer(x), rtol=1e-5, atol=1e-5)
    assert type(make_norm(norm, 3, axes)) is type(layer.norm)


ONE, TWO = ("x",), (4, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: m.conv("c", ONE, TWO, (3, 3, 3, 3)), "c: 4 axes of space; layers have one to three"),
        (lambda m: m.conv("c", ONE, TWO, ()), "c: 0 axes of space"),
        (lambda m: m.conv("c", ONE, TWO, (3, 0)), "c: sizes .3, 0. must be at least 1"),
        (lambda m: m.conv("c", ONE, TWO, (3, 3), (2,)), "c: stride .2,. for 2 axes of space"),
        (lambda m: m.conv("c", ONE, TWO, (3,), padding=(1, 1)), "c: padding .1, 1. for 1 axes of space"),
        (lambda m: m.conv("c", ONE, TWO, (3,), dilation=(1, 1)), "c: dilation .1, 1. for 1 axes"),
        (lambda m: m.conv("c", ONE, TWO, (3,), groups=3), "c: 4 and 4 channels in 3 groups"),
        (lambda m: m.conv("c", ONE, TWO, (3,), padding=((0, -1),)), "c: padding .* must not be negative"),
        (lambda m: m.transposed_conv("t", ONE, TWO, (3,), padding=((0, 1),)), "the same at both ends"),
        (lambda m: m.transposed_conv("t", ONE, TWO, (3,), output_padding=(1, 1)), "t: output_padding"),
        (lambda m: m.max_pool("p", ONE, (2,), padding=((0, 2),)), "p: padding .* smaller than the kernel"),
        (lambda m: m.pad("p", ONE, ((0, -1), 0)), "p: padding .* must not be negative"),
        (lambda m: m.upsample("u", ONE, (2, 33)), "u: factors .2, 33.; at most 32 per layer"),
        (
            lambda m: m.adaptive_max_pool("p", ONE, (5, 4), (2, 2)),
            "p: 5x4 cells cannot be pooled to 2x2 equal",
        ),
        (lambda m: m.adaptive_average_pool("p", ONE, (2,), (4,)), "p: 2 cells cannot be pooled to 4 equal"),
        (lambda m: m.adaptive_max_pool("p", ONE, (4, 4), (2,)), "p: size .2,. for 2 axes of space"),
    ],
)
@pytest.mark.parametrize("layers", [FloatLayers(), QuantLayers(QuantSection(inputs={"x": 4}))])
def test_refusals_name_the_layer(layers, make, message: str) -> None:
    with pytest.raises(LeveloneError, match=message):
        make(layers)

"""Small random graphs, configurations of one operation as branches, so that one compile tests many."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from levelone.graph import Graph, GraphBuilder, IntRange, Rounding
from levelone.graph.ops import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Relu,
    Requantise,
    Reshape,
    Transpose,
)
from levelone.hls import HlsConfig, Manifest, convert
from levelone.verify import Outcome, check_project, random_vectors

U4, S5, S4, U6 = IntRange(0, 15), IntRange(-16, 15), IntRange(-8, 7), IntRange(0, 63)


def break_header(manifest: Manifest, header: str, right: str, wrong: str) -> None:
    """Plant a fault in a header of the generated firmware, wherever `right` stands."""
    body = manifest.project / "firmware" / "nnet_utils" / header
    text = body.read_text(encoding="utf-8")
    assert right in text, (header, right)
    body.write_text(text.replace(right, wrong), encoding="utf-8")


def assert_exact(graph: Graph, io: str, folder: Path, events: int = 100) -> None:
    manifest = convert(graph, folder / "project", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, events, 1), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def conv(
    rng: np.random.Generator,
    channels: int,
    filters: int,
    kernel: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int] | None = None,
    groups: int = 1,
    bits: int = 4,
    exponent: int = -5,
    step: int = 1,
) -> Conv:
    top = 2 ** (bits - 1)
    weights = rng.integers(-top, top, (*kernel, channels // groups, filters))
    bias = rng.integers(-8 * top, 8 * top, filters)
    dilation = tuple(dilation or (1,) * len(kernel))
    return Conv(weights, bias, (power(exponent),), tuple(stride), tuple(pads), dilation, groups, step)


def dense(
    rng: np.random.Generator, fan_in: int, fan_out: int, bits: int = 4, exponent: int = -5, step: int = 1
) -> Dense:
    top = 2 ** (bits - 1)
    weights = rng.integers(-top, top, (fan_in, fan_out))
    return Dense(weights, rng.integers(-8 * top, 8 * top, fan_out), (power(exponent),), step)


def conv2d_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("conv2d")
    u = b.input("images_q", (6, 7, 2), power(-2), U4)
    s = b.input("signed_q", (5, 6, 4), power(-3), S5)
    outputs = [
        b.node("same", conv(rng, 2, 3, (3, 3), (1, 1), ((1, 1), (1, 1))), u),
        b.node("strided", conv(rng, 2, 2, (3, 2), (2, 3), ((2, 0), (0, 1)), bits=2), u),
        b.node("pointwise", conv(rng, 2, 3, (1, 1), (1, 1), ((0, 0), (0, 0)), step=4), u),
        b.node("skipping", conv(rng, 2, 2, (1, 1), (3, 2), ((0, 0), (0, 0))), u),
        b.node("dilated", conv(rng, 2, 2, (2, 3), (1, 2), ((1, 1), (0, 2)), (3, 2)), u),
        b.node("row", conv(rng, 4, 3, (1, 3), (1, 1), ((0, 0), (1, 1)), bits=6), s),
        b.node("column", conv(rng, 4, 2, (3, 1), (2, 1), ((0, 1), (0, 0)), exponent=2), s),
        b.node("depthwise", conv(rng, 4, 4, (3, 3), (1, 1), ((1, 1), (1, 1)), groups=4), s),
        b.node("grouped", conv(rng, 4, 6, (2, 2), (2, 1), ((0, 0), (1, 0)), groups=2), s),
        b.node("multiplied", conv(rng, 4, 8, (2, 2), (1, 1), ((0, 0), (0, 0)), groups=4), s),
    ]
    return b.build(*outputs)


def conv1d_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("conv1d")
    u = b.input("line_q", (12, 3), power(-1), U4)
    s = b.input("signed_q", (9, 2), power(0), S4)
    outputs = [
        b.node("same", conv(rng, 3, 4, (3,), (1,), ((1, 1),)), u),
        b.node("strided", conv(rng, 3, 2, (4,), (3,), ((0, 2),)), u),
        b.node("pointwise", conv(rng, 3, 2, (1,), (1,), ((0, 0),)), u),
        b.node("dilated", conv(rng, 2, 2, (3,), (1,), ((2, 0),), (2,)), s),
        b.node("depthwise", conv(rng, 2, 2, (3,), (2,), ((1, 1),), groups=2, bits=3), s),
        b.node("skipping", conv(rng, 2, 3, (1,), (2,), ((0, 0),)), s),
    ]
    return b.build(*outputs)


def requantise_graph(seed: int) -> Graph:
    """Every rounding mode that hardware has, onto coarser, equal and finer grids, saturating or not."""
    b = GraphBuilder("requantise")
    s = b.input("signed_q", (64,), power(-4), IntRange(-512, 511))
    u = b.input("unsigned_q", (64,), power(-4), IntRange(0, 1023))
    outputs = []
    modes = (Rounding.ROUND, Rounding.FLOOR, Rounding.DOWN, Rounding.HALF_UP, Rounding.HALF_DOWN)
    parts = {"s": s, "u": u}
    previous = dict(parts)
    for mode in modes:
        for key, clip, exponent in (
            ("s", IntRange(-7, 7), -1),
            ("s", IntRange(-16, 15), -2),
            ("u", IntRange(0, 31), -1),
        ):
            name = f"{key}_{mode.value.lower()}_{-exponent}"
            # a stream has one reader per copy, seven copies at most: read a lossless chain of copies instead
            previous[key] = b.node(
                f"{name}_again", Requantise.aligning(b.values[previous[key]], power(-4)), previous[key]
            )
            outputs.append(b.requantise(name, previous[key], power(exponent), clip, mode))
    outputs.append(b.requantise("to_unsigned", previous["s"], power(-2), IntRange(0, 63)))
    outputs.append(b.requantise("finer", previous["s"], power(-7), IntRange(-4096, 4095)))
    outputs.append(b.requantise("roomy", previous["u"], power(-2), IntRange(-512, 511)))
    outputs.append(b.node("relu", Relu(), previous["s"]))
    # all bits dropped and more: only the rounding of almost nothing is left
    few = b.input("few_q", (4,), power(-8), IntRange(-8, 7))
    for mode in modes:
        again = b.node(f"few_{mode.value.lower()}_again", Requantise.aligning(b.values[few], power(-8)), few)
        outputs.append(b.requantise(f"few_{mode.value.lower()}", again, power(-2), IntRange(-4, 3), mode))
        few = again
    return b.build(*outputs)


def pool_graph(seed: int, io: str) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("pool")
    u = b.input("images_q", (7, 6, 3), power(-2), U4)
    s = b.input("signed_q", (4, 6, 2), power(1), S5)
    line = b.input("line_q", (11, 2), power(-2), S4)
    none2, none1 = ((0, 0), (0, 0)), ((0, 0),)
    outputs = [
        b.node("max_u", MaxPool((2, 3), (2, 3), none2, (1, 1)), u),
        b.node("max_padded", MaxPool((3, 2), (3, 2), ((1, 1), (0, 1)), (1, 1)), u),
        b.node("max_s", MaxPool((2, 2), (2, 2), none2, (1, 1)), s),
        b.node("mean_s", AveragePool((2, 2), (2, 2), none2, (1, 1)), s),
        b.node("mean_padded", AveragePool((2, 4), (2, 4), ((0, 1), (1, 1)), (1, 1)), u),
        b.node("max_line", MaxPool((3,), (3,), none1, (1,)), line),
        b.node("mean_line", AveragePool((2,), (2,), none1, (1,)), line),
    ]
    if io == "parallel":
        outputs += [
            b.node("max_over", MaxPool((3, 3), (2, 1), ((1, 1), (1, 1)), (1, 1)), s),
            b.node("mean_over", AveragePool((2, 2), (1, 1), none2, (1, 1)), s),
            b.node("max_line_over", MaxPool((3,), (1,), ((1, 1),), (1,)), line),
        ]
    narrow = b.requantise("narrow", "mean_s", power(1), S4)
    outputs.append(b.node("after", conv(rng, 2, 2, (1, 2), (1, 1), none2), narrow))
    return b.build(*outputs)


def move_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("move")
    x = b.input("x_q", (3, 4, 2), power(-2), U4)
    y = b.input("y_q", (3, 4, 2), power(-2), S5)
    v = b.input("v_q", (5,), power(-2), U6)
    added = b.node("added", Add(), x, y)
    channels = b.node("channels", Concat(2), added, x, y)
    rows = b.node("rows", Concat(0), added, y)
    columns = b.node("columns", Concat(1), y, added)
    turned = b.node("turned", Transpose((1, 0, 2)), rows)
    flipped = b.node("flipped", Transpose((2, 1, 0)), columns)
    flat = b.node("flat", Reshape((72,)), channels)
    joined = b.node("joined", Concat(0), flat, v, v)
    out = b.node("out", dense(rng, 82, 3), joined)
    folded = b.node("folded", Reshape((6, 8)), rows)
    folded_line = b.node("folded_line", conv(rng, 8, 2, (3,), (1,), ((1, 1),)), folded)
    lines = b.node("lines", Concat(1), folded_line, folded_line)
    doubled = b.node("doubled", Add(), out, out)
    return b.build(turned, flipped, lines, doubled)


def dense_graph(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("dense")
    v = b.input("v_q", (7,), power(-3), S5)
    high = b.input("high_q", (6,), power(2), IntRange(9, 14))
    low = b.input("low_q", (5,), power(-1), IntRange(-30, -3))
    wide = b.input("wide_q", (3,), power(-12), IntRange(-(2**19), 2**19 - 1))
    image = b.input("image_q", (2, 3, 4), power(-2), U4)
    outputs = [
        b.node("plain", dense(rng, 7, 4), v),
        b.node("fine_bias", dense(rng, 7, 3, step=8), v),
        b.node("away_from_zero", dense(rng, 6, 2, bits=2, exponent=3), high),
        b.node("below_zero", dense(rng, 5, 2), low),
        b.node("huge", dense(rng, 3, 2, bits=16, exponent=-20), wide),
        b.node("per_pixel", dense(rng, 4, 3), image),
        b.node("zeros", Dense(np.zeros((7, 2)), np.zeros(2), (power(-3),)), v),
        b.node("ternary", Dense(rng.integers(-2, 2, (7, 3)), np.zeros(3), (power(0),)), v),
        b.node("one_bit", Dense(rng.integers(0, 2, (7, 2)), np.zeros(2), (power(0),)), v),
    ]
    return b.build(*outputs)


def network(seed: int = 3) -> Graph:
    """A small PixelSeed: image through a strided convolution, features beside it, one logit."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("tiny")
    image = b.input("images_q", (8, 8, 2), power(-1), U4, source="images")
    features = b.input("features_q", (4,), power(-3), S5, source="features", channels_first=False)
    b.node("conv1", conv(rng, 2, 3, (3, 3), (2, 2), ((1, 1), (1, 1)), step=2), image)
    b.node("act1_relu", Relu(), "conv1")
    b.requantise("act1", "act1_relu", power(-3), U4)
    b.node("pool1", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), "act1")
    b.node("flat", Reshape((12,)), "pool1")
    b.node("joined", Concat(0), "flat", features)
    b.node("fc1", dense(rng, 16, 5), "joined")
    b.node("fc1_relu", Relu(), "fc1")
    b.requantise("act2", "fc1_relu", power(-2), U4)
    logit = b.node("logit", dense(rng, 5, 1), "act2")
    return b.build(logit)

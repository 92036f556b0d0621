"""Convolution and pooling over up to three axes: random geometries, both io modes, every integer equal."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import break_header

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange, Value
from levelone.graph.ops import AveragePool, Conv, LocallyConnected, MaxPool
from levelone.hls import HlsConfig, convert
from levelone.hls.config import Io
from levelone.verify import Outcome, check_project, random_vectors

Window = dict[str, tuple]


def random_shape(rng: np.random.Generator, rank: int) -> tuple[int, ...]:
    """Short axes of unequal lengths, often one of length 1."""
    shape = rng.integers(2, 7, rank)
    if rng.random() < 0.4:
        shape[rng.integers(rank)] = 1
    return tuple(int(n) for n in shape)


def random_window(rng: np.random.Generator, shape: tuple[int, ...], *, apart: bool = False) -> Window:
    """A geometry that fits `shape`: any stride, uneven padding, dilation, kernels larger than the input.

    Parameters
    ----------
    apart
        Whether windows shall not overlap.
    """
    kernel, stride, pads, dilation = [], [], [], []
    for n in shape:
        k = n if rng.random() < 0.2 else int(rng.integers(1, 5))
        d = int(rng.integers(1, (n - 1) // (k - 1) + 2)) if k > 1 and rng.random() < 0.3 else 1
        extent = d * (k - 1) + 1
        begin, end = (int(p) for p in rng.integers(0, 3, 2))
        missing = max(0, extent - n - begin - end)
        more = int(rng.integers(0, missing + 1))
        kernel.append(k)
        dilation.append(d)
        stride.append(extent + int(rng.integers(0, 3)) if apart else int(rng.integers(1, 5)))
        pads.append((begin + more, end + missing - more))
    return {
        "kernel": tuple(kernel),
        "stride": tuple(stride),
        "pads": tuple(pads),
        "dilation": tuple(dilation),
    }


def signed_or_not(rng: np.random.Generator) -> IntRange:
    bits = int(rng.integers(1, 6))
    return IntRange(0, 2**bits - 1) if rng.random() < 0.5 else IntRange(-(2**bits), 2**bits - 1)


def conv_graph(seed: int, rank: int, branches: int = 6) -> Graph:
    rng = np.random.default_rng([seed, rank])
    b = GraphBuilder("conv")
    outputs = []
    for i in range(branches):
        shape = random_shape(rng, rank)
        groups = int(rng.choice([1, 1, 2, 3]))
        channels, filters = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
        x = b.input(f"x{i}_q", (*shape, channels), Fraction(1, 4), signed_or_not(rng))
        geometry = random_window(rng, shape)
        top = 2 ** int(rng.integers(0, 5))
        weights = rng.integers(-top, top, (*geometry.pop("kernel"), channels // groups, filters))
        bias = rng.integers(-5 * top, 5 * top, filters)
        op = Conv(
            weights, bias, (Fraction(1, 8),), **geometry, groups=groups, step=int(2 ** rng.integers(0, 3))
        )
        outputs.append(b.node(f"y{i}", op, x))
        if i % 3 == 0:  # the same windows with a kernel and a bias for each position
            own = b.values[f"y{i}"].shape[:-1]
            kernels = rng.integers(-top, top, (*own, *op.weights.shape))
            biases = rng.integers(-5 * top, 5 * top, (*own, filters))
            local = LocallyConnected(
                kernels, biases, op.weight_scale, op.stride, op.pads, op.dilation, groups, op.step
            )
            outputs.append(b.node(f"z{i}", local, x))
    return b.build(*outputs)


def random_pool(rng: np.random.Generator, value: Value, kind: int, *, apart: bool) -> MaxPool | AveragePool:
    """A pool of any geometry that the operand allows: maximum, mean with padding, mean without."""
    while True:
        geometry = random_window(rng, value.shape[:-1], apart=apart)
        op = MaxPool(**geometry) if kind == 0 else AveragePool(**geometry, include_pad=kind == 1)
        try:
            op.infer("y", value)
        except LeveloneError:  # a window that holds padding only
            continue
        return op


def pool_graph(seed: int, rank: int, branches: int = 6, *, apart: bool = False) -> Graph:
    rng = np.random.default_rng([seed, rank])
    b = GraphBuilder("pool")
    outputs = []
    for i in range(branches):
        shape = random_shape(rng, rank)
        x = b.input(f"x{i}_q", (*shape, int(rng.integers(1, 4))), Fraction(1, 4), signed_or_not(rng))
        outputs.append(b.node(f"y{i}", random_pool(rng, b.values[x], i % 3, apart=apart), x))
    return b.build(*outputs)


def apart_graph(seed: int, rank: int) -> Graph:
    """Pools whose windows do not overlap, which a stream adds up as it arrives."""
    return pool_graph(seed, rank, 12, apart=True)


def whole_graph(seed: int, rank: int) -> Graph:
    """Global pools, and pools to few windows of many elements: means, sums with factors, maxima."""
    rng = np.random.default_rng([seed, rank])
    b = GraphBuilder("whole")
    outputs = []

    def add(op: MaxPool | AveragePool, shape: tuple[int, ...]) -> None:
        name = f"y{len(outputs)}"
        x = b.input(f"{name}_q", (*shape, 2), Fraction(1, 4), signed_or_not(rng))
        outputs.append(b.node(name, op, x))

    ones, none = (1,) * rank, ((0, 0),) * rank
    for shape in ((5, 3, 6)[:rank], (1, 7, 1)[-rank:], (1,) * rank):
        add(MaxPool(shape, ones, none, ones), shape)
        add(AveragePool(shape, ones, none, ones), shape)
    for kernel, stride in ((4, 4), (5, 6)):
        window = ((kernel,) * rank, (stride,) * rank, ((1, 2),) * rank, ones)
        add(MaxPool(*window), (11, 9, 10)[:rank])
        add(AveragePool(*window), (11, 9, 10)[:rank])
        add(AveragePool(*window, include_pad=False), (11, 9, 10)[:rank])
    return b.build(*outputs)


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("make", [conv_graph, pool_graph])
@pytest.mark.parametrize(("rank", "seed"), [(3, 2), (2, 3), (1, 4)])
def test_random_windows_are_exact(make, rank: int, seed: int, io: str, tmp_path: Path, monkeypatch) -> None:
    from levelone.hls.operations import conv, pool

    # our own layers also where hls4ml's would serve
    monkeypatch.setattr(conv, "HLS4ML_AXES", {})
    monkeypatch.setattr(pool, "HLS4ML_AXES", {})
    graph = make(seed, rank)
    manifest = convert(graph, tmp_path / "windows", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 300, seed), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    assert len(check.verdict.layers) == len(graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("make", [apart_graph, whole_graph])
@pytest.mark.parametrize(("rank", "seed"), [(3, 1), (1, 4)])
def test_pools_that_add_up_as_they_go_are_exact(make, rank: int, seed: int, tmp_path: Path) -> None:
    graph = make(seed, rank)
    manifest = convert(graph, tmp_path / "pools", HlsConfig(io="stream"))
    assert (manifest.project / "firmware" / "nnet_utils" / "levelone_reduce.h").is_file()
    check = check_project(manifest.project, random_vectors(graph, 300, seed), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    assert len(check.verdict.layers) == len(graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("io", "header", "right", "wrong"),
    [
        (
            "stream",
            "levelone_window.h",
            "(wait == 0 ? STRIDE : wait) - 1",
            "(wait == 0 ? STRIDE + 1 : wait) - 1",
        ),
        (
            "stream",
            "levelone_window.h",
            "? planes[kd + 1][h * CONFIG_T::in_width + w] : newest",
            "? newest : newest",
        ),
        ("stream", "levelone_window.h", "? lines[kd][kh + 1][w] : next", "? next : next"),
        (
            "stream",
            "levelone_window.h",
            "data[tap] ? recent[kd][kh][kw][c] : value_T(0)",
            "recent[kd][kh][kw][c]",
        ),
        ("stream", "levelone_conv.h", "sum[f] = biases[f]", "sum[f] = 0"),
        ("stream", "levelone_conv.h", "c % group_channels", "c / group_channels"),
        (
            "parallel",
            "levelone_window.h",
            "int(oh * CONFIG_T::stride_height",
            "int(oh * CONFIG_T::stride_width",
        ),
        ("parallel", "levelone_window.h", "kd * CONFIG_T::dilation_depth)", "0 * CONFIG_T::dilation_depth)"),
        ("parallel", "levelone_window.h", "(d * CONFIG_T::in_height + h)", "(d * CONFIG_T::in_height)"),
        ("parallel", "levelone_window.h", "oh + 1 < CONFIG_T::out_height", "oh + 1 < CONFIG_T::out_depth"),
        ("parallel", "levelone_window.h", "data[tap] ? in[source] : in_T(0)", "in[source]"),
    ],
)
def test_a_broken_convolution_is_caught(io: Io, header: str, right: str, wrong: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    b = GraphBuilder("conv")
    x = b.input("x_q", (5, 4, 6, 4), Fraction(1), IntRange(-4, 3))
    weights = rng.integers(-3, 4, (3, 3, 3, 2, 4))
    # no padding behind the last plane: the planes that an event leaves lie under the padding of the next one
    op = Conv(
        weights, np.array([1, -2, 3, 5]), (Fraction(1),), (2, 1, 2), ((1, 0), (0, 1), (1, 0)), (1, 1, 1), 2
    )
    graph = b.build(b.node("y", op, x))
    manifest = convert(graph, tmp_path / "conv", HlsConfig(io=io))
    break_header(manifest, header, right, wrong)
    assert (
        check_project(manifest.project, random_vectors(graph, 200, 1), graph=graph).outcome
        is Outcome.MISMATCH
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "right", "wrong"),
    [
        (MaxPool((2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)), "data[tap] && ", ""),
        (
            AveragePool((2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1), include_pad=False),
            "factors[count]",
            "factors[window_of<CONFIG_T>::taps]",
        ),
    ],
)
def test_a_broken_pool_is_caught(op, right: str, wrong: str, tmp_path: Path) -> None:
    b = GraphBuilder("pool")
    x = b.input("x_q", (5, 4, 6, 2), Fraction(1), IntRange(-8, -1))
    graph = b.build(b.node("y", op, x))
    manifest = convert(graph, tmp_path / "pool")
    break_header(manifest, "levelone_pool.h", right, wrong)
    assert (
        check_project(manifest.project, random_vectors(graph, 200, 1), graph=graph).outcome
        is Outcome.MISMATCH
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "right", "wrong"),
    [
        (
            MaxPool((2, 3, 2), (2, 3, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)),
            "held[slot][c] =",
            "held[0][c] =",
        ),
        (MaxPool((5, 4, 6), (1, 1, 1), ((0, 0),) * 3, (1, 1, 1)), "total_T(-1) < 0", "0"),
        (MaxPool((2, 1, 2), (4, 1, 3), ((0, 0),) * 3, (2, 1, 2)), "phase == 0", "true"),
        (
            AveragePool((2, 3, 2), (2, 3, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1), include_pad=False),
            "factors[position]",
            "factors[0]",
        ),
    ],
)
def test_a_broken_pool_that_adds_up_is_caught(op, right: str, wrong: str, tmp_path: Path) -> None:
    b = GraphBuilder("pool")
    x = b.input("x_q", (5, 4, 6, 2), Fraction(1), IntRange(-8, -1))
    graph = b.build(b.node("y", op, x))
    manifest = convert(graph, tmp_path / "pool", HlsConfig(io="stream"))
    break_header(manifest, "levelone_reduce.h", right, wrong)
    assert (
        check_project(manifest.project, random_vectors(graph, 200, 1), graph=graph).outcome
        is Outcome.MISMATCH
    )


@pytest.mark.parametrize(("side", "style"), [(4, "pipeline"), (12, "dataflow")])
def test_a_layer_that_walks_over_its_positions_is_not_unrolled_by_the_top(
    side: int, style: str, tmp_path: Path
) -> None:
    b = GraphBuilder("conv")
    x = b.input("x_q", (side, side, side, 1), Fraction(1), IntRange(0, 3))
    op = Conv(np.ones((1, 1, 1, 1, 1)), np.zeros(1), (Fraction(1),), (1,) * 3, ((0, 0),) * 3, (1,) * 3)
    manifest = convert(b.build(b.node("y", op, x)), tmp_path / "conv")
    assert manifest.data["pipeline_style"] == style
    top = (manifest.project / "firmware" / "myproject.cpp").read_text(encoding="utf-8")
    assert f"#pragma HLS {style.upper()}" in top


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "image", "volume"), [(1, 1, 1), (5, 4, 4), (12, 12, 8)])
def test_the_partition_factor_is_honoured(asked: int, image: int, volume: int, tmp_path: Path) -> None:
    """Twelve and eight positions: the largest divisor up to what is asked for is computed at once."""
    rng = np.random.default_rng(asked)
    b = GraphBuilder("parts")
    x = b.input("x_q", (3, 4, 2), Fraction(1), IntRange(-4, 3))
    y = b.input("y_q", (2, 2, 2, 2), Fraction(1), IntRange(-4, 3))
    ones, none = (Fraction(1),), ((0, 0),) * 3
    flat = Conv(rng.integers(-3, 4, (1, 1, 2, 3)), np.array([1, 2, 3]), ones, (1, 1), none[:2], (1, 1))
    deep = Conv(rng.integers(-3, 4, (1, 1, 1, 2, 2)), np.array([1, 2]), ones, (1,) * 3, none, (1,) * 3)
    graph = b.build(b.node("image", flat, x), b.node("volume", deep, y))
    manifest = convert(graph, tmp_path / "parts", HlsConfig(partition_factor=asked))
    parameters = (manifest.project / "firmware" / "parameters.h").read_text(encoding="utf-8")
    assert f"n_partitions = {12 // image};" in parameters
    assert f"partition = {volume};" in parameters
    assert manifest.document.hls.partition_factor == asked
    assert manifest.data["pipeline_style"] == ("pipeline" if asked == 12 else "dataflow")
    check = check_project(manifest.project, random_vectors(graph, 100, 1), graph=graph)
    assert check.outcome is Outcome.EXACT, check.verdict.reason

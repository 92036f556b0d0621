"""Large images: what `convert` writes does not grow with the image, and loops gather the same windows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import S5, conv

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.hls import HlsConfig, convert, im2col
from levelone.hls.config import Io
from levelone.hls.project import GOLDEN_EVENTS, GOLDEN_NUMBERS
from levelone.hls.testbench import FEATURES
from levelone.verify import Outcome, check_project, random_vectors

WINDOWS = "firmware/nnet_utils/nnet_code_gen.h"
ONES = ((1, 1), (1, 1))


def separable(size: int) -> Graph:
    """A depthwise and a pointwise convolution over an image."""
    rng = np.random.default_rng(0)
    b = GraphBuilder("separable")
    x = b.input("x_q", (size, size, 3), Fraction(1, 4), IntRange(0, 15))
    y = b.requantise("y", b.node("d", conv(rng, 3, 3, (3, 3), (1, 1), ONES, groups=3), x), Fraction(1, 4), S5)
    return b.build(b.node("p", conv(rng, 3, 32, (1, 1), (1, 1), ((0, 0), (0, 0))), y))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_what_convert_writes_does_not_grow_with_the_image(io: Io, tmp_path: Path) -> None:
    projects = {}
    for size in (160, 192):
        graph = separable(size)
        manifest = convert(graph, tmp_path / str(size), HlsConfig(io=io))
        projects[size] = manifest.project
        per_event = graph.values["x_q"].size + graph.values["p"].size
        events = len((manifest.project / FEATURES).read_text(encoding="ascii").splitlines())
        assert events >= GOLDEN_EVENTS[0]
        assert events * per_event <= max(GOLDEN_NUMBERS, GOLDEN_EVENTS[0] * per_event)
    small, large = (size_of(project / "firmware") for project in projects.values())
    assert abs(large - small) < 100  # numbers of more digits, no code for each position
    assert (projects[160] / WINDOWS).read_bytes() == (projects[192] / WINDOWS).read_bytes()


def windows() -> Graph:
    """Convolutions of one and two axes: strides, uneven pads, kernels that reach beyond the image."""
    rng = np.random.default_rng(1)
    b = GraphBuilder("windows")
    outputs = []
    for shape, channels, filters, kernel, stride, pads, groups in (
        ((6, 5), 2, 3, (3, 3), (1, 1), ONES, 1),
        ((7, 4), 1, 2, (2, 3), (2, 1), ((0, 2), (1, 0)), 1),
        ((3, 8), 3, 3, (3, 2), (1, 3), ((2, 1), (0, 0)), 3),
        ((2, 2), 2, 2, (4, 4), (1, 1), ((1, 1), (2, 1)), 1),
        ((9,), 2, 3, (3,), (2,), ((1, 2),), 1),
        ((6,), 2, 4, (4,), (1,), ((0, 3),), 2),
    ):
        number = len(outputs)
        x = b.input(f"x{number}_q", (*shape, channels), Fraction(1, 4), S5)
        outputs.append(
            b.node(f"y{number}", conv(rng, channels, filters, kernel, stride, pads, groups=groups), x)
        )
    return b.build(*outputs)


@pytest.mark.slow
def test_windows_that_loops_gather_are_exact(tmp_path: Path, monkeypatch) -> None:
    graph = windows()
    chosen = HlsConfig(partition_factor=6)  # all positions at once, and some of them
    monkeypatch.setattr(im2col, "MOST_SPELT", 0)
    manifest = convert(graph, tmp_path / "loops", chosen)
    text = (manifest.project / WINDOWS).read_text(encoding="utf-8")
    assert text.count("class fill_buffer_") == len(graph.outputs) and "data[0]" not in text
    check = check_project(manifest.project, random_vectors(graph, 200, 1), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)

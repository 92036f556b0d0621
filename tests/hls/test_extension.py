"""A layer that hls4ml lacks, through the whole of hls4ml: the seam between our C++ and its top function."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import break_header

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Affine, Dense, Relu
from levelone.hls import HlsConfig, convert
from levelone.verify import Outcome, check_project, random_vectors


def affine_graph() -> Graph:
    b = GraphBuilder("affine")
    x = b.input("x_q", (3, 4, 2), Fraction(1, 4), IntRange(-8, 7))
    y = b.node("y", Affine((3, -5), (7, 0), (Fraction(1, 3),)), x)
    return b.build(b.node("z", Relu(), y))


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_affine_is_exact_and_a_broken_body_is_caught(io: str, tmp_path: Path) -> None:
    graph = affine_graph()
    manifest = convert(graph, tmp_path / "affine", HlsConfig(io=io))
    codes = random_vectors(graph, 200, seed=1)
    assert check_project(manifest.project, codes, graph=graph).outcome is Outcome.EXACT
    break_header(manifest, "levelone_affine.h", "+ code(term[channel])", "- code(term[channel])")
    check = check_project(manifest.project, codes, graph=graph)
    assert check.outcome is Outcome.MISMATCH
    assert next(layer.name for layer in check.verdict.layers if layer.mismatches) == "y"


@pytest.mark.slow
def test_accumulators_for_any_weights_hold_what_the_tight_ones_need_not(tmp_path: Path) -> None:
    b = GraphBuilder("sum")
    x = b.input("x_q", (16,), Fraction(1), IntRange(0, 15))
    weights = np.zeros((16, 1), dtype=np.int64)
    weights[0], weights[1] = 7, -8
    graph = b.build(b.node("y", Dense(weights, np.array([5]), (Fraction(1),)), x))
    codes = random_vectors(graph, 50, 1)
    bits = {}
    for tight in (True, False):
        manifest = convert(graph, tmp_path / str(tight), HlsConfig(tight=tight))
        assert check_project(manifest.project, codes, graph=graph).outcome is Outcome.EXACT
        proof = manifest.data["layers"][0]["proof"]
        assert f"<{proof['bits']}," in manifest.data["layers"][0]["types"]["accum"]
        bits[tight] = proof["bits"]
        # the wide one by counting: sixteen products from 15 * -8 to 15 * 7, and a bias from 0 to 7
        assert proof["width_only_bits"] == IntRange(16 * 15 * -8, 16 * 15 * 7 + 7).width
    # the tight one: two products and the bias
    assert bits == {True: IntRange(15 * -8, 15 * 7 + 5).width, False: 12}


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3, 4, 12])
def test_any_step_between_products_and_bias(step: int, tmp_path: Path) -> None:
    b = GraphBuilder("sum")
    x = b.input("x_q", (4,), Fraction(1, 3), IntRange(-8, 7))
    op = Dense(np.arange(-4, 4).reshape(4, 2), np.array([5, -1]), (Fraction(1, 5),), step)
    graph = b.build(b.node("y", op, x))
    manifest = convert(graph, tmp_path / "sum")
    assert check_project(manifest.project, random_vectors(graph, 50, 1), graph=graph).outcome is Outcome.EXACT

"""A layer that hls4ml lacks, through the whole of hls4ml: the seam between our C++ and its top function."""

from fractions import Fraction
from pathlib import Path

import pytest

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Affine, Relu
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
    body = manifest.project / "firmware" / "nnet_utils" / "levelone_affine.h"
    text = body.read_text(encoding="utf-8")
    body.write_text(text.replace("+ code(term[channel])", "- code(term[channel])"), encoding="utf-8")
    check = check_project(manifest.project, codes, graph=graph)
    assert check.outcome is Outcome.MISMATCH
    assert next(layer.name for layer in check.verdict.layers if layer.mismatches) == "y"

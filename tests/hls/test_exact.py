"""Every operation, both io modes, compiled with g++: the integers of every layer equal the reference's."""

from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest

from levelone.graph import Graph
from levelone.hls import HlsConfig, convert
from levelone.verify import Outcome, check_project, random_vectors

GRAPHS = {
    "conv2d": graphs.conv2d_graph,
    "conv1d": graphs.conv1d_graph,
    "requantise": graphs.requantise_graph,
    "pool": graphs.pool_graph,
    "move": graphs.move_graph,
    "dense": graphs.dense_graph,
}


def made(name: str, seed: int, io: str) -> Graph:
    return graphs.pool_graph(seed, io) if name == "pool" else GRAPHS[name](seed)


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("name", GRAPHS)
def test_every_layer_is_exact(name: str, io: str, tmp_path: Path) -> None:
    graph = made(name, 11, io)
    manifest = convert(graph, tmp_path / name, HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 400, seed=5), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    # nothing was left out: every computed value is recorded and compared
    assert {layer.name for layer in check.verdict.layers} == {node.name for node in graph}


@pytest.mark.slow
def test_every_code_of_every_rounding(tmp_path: Path) -> None:
    """The requantisations once more, on every possible input code."""
    graph = graphs.requantise_graph(1)
    manifest = convert(graph, tmp_path / "every")
    codes = {}
    for port in graph.inputs:
        every = np.arange(port.value.range.lo, port.value.range.hi + 1)
        codes[port.value.name] = np.resize(every, (16, *port.value.shape))
        assert codes[port.value.name].size >= every.size
    check = check_project(manifest.project, codes, graph=graph)
    assert check.outcome is Outcome.EXACT, [layer for layer in check.verdict.layers if layer.mismatches]


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_the_resource_strategy_is_exact_too(io: str, tmp_path: Path) -> None:
    graph = graphs.network(5)
    config = HlsConfig(io=io, strategy="resource", reuse_factor=2)
    manifest = convert(graph, tmp_path / "resource", config)
    check = check_project(manifest.project, random_vectors(graph, 300, seed=6), graph=graph)
    assert check.outcome is Outcome.EXACT, [layer for layer in check.verdict.layers if layer.mismatches]


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_names_that_cpp_or_hls4ml_would_trip_over(io: str, tmp_path: Path) -> None:
    from levelone.graph import GraphBuilder, IntRange
    from levelone.graph.ops import Relu

    b = GraphBuilder("names")
    last = b.input("input", (5,), graphs.power(-2), IntRange(-8, 7))
    names = [
        "class",
        "weight",
        "Fc",
        "fc",
        "FC",
        "n_in",
        "nnet",
        "bias_data",
        "myproject",
        "ap_fixed",
        "result_t",
        "y_cpy1",
    ]
    names += ["in", "layer1", "config2", "relu", "data", "res", "exit", "std", "double", "accum_t", "output"]
    names += ["NULL", "I", "INT_MAX", "assert", "errno", "stdin", "time", "id", "int8", "class_v_factor"]
    names += ["relu_config3", "levelone"]
    for number, name in enumerate(names):
        last = (
            b.node(name, Relu(), last)
            if number
            else b.requantise(name, last, graphs.power(-1), IntRange(-4, 3))
        )
    graph = b.build(last, "fc")
    manifest = convert(graph, tmp_path / "names", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 60, seed=7), graph=graph)
    assert check.outcome is Outcome.EXACT, check.verdict
    assert [layer.name for layer in check.verdict.layers] == names

"""Reuse factors and strategies of single layers; layers that multiply nothing never take their time."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, AveragePool, Lookup, MaxPool, Multiply, Relu, Reshape
from levelone.hls import HlsConfig, LayerChoice, convert, read_manifest
from levelone.pipeline.choices import parse_choices
from levelone.verify import Outcome, check_project, random_vectors


def network() -> Graph:
    """Two convolutions and a dense layer, and around them layers that multiply and layers that do not."""
    rng = np.random.default_rng(1)
    b = GraphBuilder("choices")
    none, ones = ((0, 0),) * 3, (1, 1, 1)
    x = b.input("x_q", (4, 4, 4, 2), Fraction(1), IntRange(0, 7))
    b.node("pool", MaxPool((2, 2, 2), (1, 1, 1), none, ones), x)
    b.node("conv1", graphs.conv(rng, 2, 2, (2, 2, 2), ones, none, exponent=0), "pool")
    b.node("half", MaxPool((2, 2, 2), (2, 2, 2), none, ones), "conv1")
    b.node("conv2", graphs.conv(rng, 2, 2, (1, 1, 1), ones, none, exponent=0), "half")
    gate = b.input("gate_q", (1, 1, 1, 2), Fraction(1), IntRange(0, 3))
    b.node("gated", Multiply(), "conv2", gate)
    b.node("sum", Add(), "gated", b.input("more_q", (1, 1, 1, 1), Fraction(1), IntRange(0, 3)))
    b.node("mean", AveragePool((1, 1, 1), ones, none, ones), "sum")
    b.node("flat", Reshape((2,)), "mean")
    b.node("positive", Relu(), "flat")
    b.node("fc", graphs.dense(rng, 2, 3, exponent=0), "positive")
    table = b.input("code_q", (4, 2), Fraction(1), IntRange(0, 2047))
    b.node("wide", Lookup(0, rng.integers(0, 9, 2048), (Fraction(1),)), table)
    small = b.node(
        "low",
        Lookup(0, np.array([2, 0, 1, 3]), (Fraction(1),)),
        b.input("few_q", (4, 2), Fraction(1), IntRange(0, 3)),
    )
    return b.build("fc", "wide", small)


def reuse_factors(project: Path) -> dict[str, int]:
    """What the firmware's own configuration says, by layer."""
    text = (project / "firmware" / "parameters.h").read_text(encoding="utf-8")
    parts = re.split(r"^// (\w+)\n", text, flags=re.MULTILINE)
    found = {
        name: re.search(r"reuse_factor = (\d+);", body)
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {name: int(match[1]) for name, match in found.items() if match is not None}


def test_a_stream_waits_only_for_what_is_shared(tmp_path: Path) -> None:
    choices = {"conv2": LayerChoice(reuse_factor=3), "fc": LayerChoice(strategy="resource")}
    config = HlsConfig(io="stream", reuse_factor=4, layers=choices)
    manifest = convert(network(), tmp_path / "project", config)
    found = reuse_factors(manifest.project)
    assert {name: found[name] for name in ("conv1", "conv2", "gated", "wide")} == {
        "conv1": 4,
        "conv2": 3,
        "gated": 4,
        "wide": 4,  # a memory, whose ports are shared
    }
    assert {found[name] for name in ("pool", "half", "sum", "mean", "low")} == {1}
    assert {layer["name"]: layer["reuse_factor"] for layer in manifest.data["layers"]}["pool"] == 1
    assert read_manifest(manifest.project).document.hls == config


def test_an_unrolled_design_is_as_slow_as_its_slowest_layer(tmp_path: Path) -> None:
    project = convert(
        network(), tmp_path / "p", HlsConfig(layers={"conv2": LayerChoice(reuse_factor=5)})
    ).project
    found = reuse_factors(project)
    assert (found["conv1"], found["conv2"]) == (1, 5)
    top = (project / "firmware" / "myproject.cpp").read_text(encoding="utf-8")
    assert "#pragma HLS PIPELINE II=5" in top
    shared = HlsConfig(layers={"conv2": LayerChoice(strategy="resource")})
    assert convert(network(), tmp_path / "p", shared).data["pipeline_style"] == "dataflow"


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_mixed_choices_are_exact(io: str, tmp_path: Path) -> None:
    graph = network()
    layers = {
        "conv2": LayerChoice(reuse_factor=2, strategy="resource"),
        "fc": LayerChoice(reuse_factor=2, strategy="resource"),
    }
    manifest = convert(graph, tmp_path / "project", HlsConfig(io=io, layers=layers))  # type: ignore[arg-type]
    check = check_project(manifest.project, random_vectors(graph, 200, 1), graph=graph)
    assert check.outcome is Outcome.EXACT, check.verdict.reason


@pytest.mark.parametrize(
    ("layers", "message", "hint"),
    [
        (
            {"conv3": LayerChoice(reuse_factor=2)},
            "hls.layers.conv3: conv3 is no layer of the network",
            "'conv",
        ),
        (
            {"pool": LayerChoice(reuse_factor=2)},
            "hls.layers.pool: pool multiplies nothing",
            "valid here: conv1, conv2, fc",
        ),
    ],
)
def test_a_choice_for_no_layer_is_refused(layers, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match=re.escape(message)) as error:
        convert(network(), tmp_path / "project", HlsConfig(layers=layers))
    assert error.value.hint is not None and hint in error.value.hint
    assert not (tmp_path / "project").exists()


def test_options_become_choices() -> None:
    assert parse_choices(["a=2", "b=3"], ["b=resource", "c=latency"]) == {
        "a": {"reuse_factor": 2},
        "b": {"reuse_factor": 3, "strategy": "resource"},
        "c": {"strategy": "latency"},
    }
    for reuse, strategy in ((["a"], []), (["=2"], []), (["a=x"], []), (["a=1", "a=2"], []), ([], ["a=fast"])):
        with pytest.raises(LeveloneError, match=r"^--(reuse|strategy)-layer"):
            parse_choices(reuse, strategy)

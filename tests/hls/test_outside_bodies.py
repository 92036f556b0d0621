"""The body of one layer comes from another distribution, with its own C++ header, and is checked alike."""

from __future__ import annotations

from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest

from levelone import plugins
from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Relu
from levelone.hls import HlsConfig, convert
from levelone.hls.config import LayerChoice
from levelone.stimuli import random_vectors
from levelone.verify import Outcome, check_project


def network() -> Graph:
    b = GraphBuilder("outside")
    x = b.input("x_q", (4,), Fraction(1), IntRange(-8, 7))
    b.node("fc", graphs.dense(np.random.default_rng(1), 4, 3, exponent=0), x)
    b.node("positive", Relu(), "fc")
    return b.build("positive")


def choice(body: str, io: str = "parallel") -> HlsConfig:
    return HlsConfig(io=io, layers={"positive": LayerChoice(body=body)})


@pytest.mark.slow  # compiles
@pytest.mark.parametrize(
    ("function", "io", "outcome"),
    [
        ("lower_rectifier", "parallel", Outcome.EXACT),
        ("lower_rectifier", "stream", Outcome.EXACT),
        ("lower_wrong_rectifier", "stream", Outcome.MISMATCH),
    ],
)
def test_it_is_compared_like_any_other(function: str, io: str, outcome: Outcome, tmp_path: Path) -> None:
    graph = network()
    convert(graph, tmp_path / "p", choice(f"outside_lowering:{function}", io))
    assert (tmp_path / "p/firmware/nnet_utils/outside_rectifier.h").is_file()
    check = check_project(tmp_path / "p", random_vectors(graph, 50, 1), graph=graph)
    assert check.verdict.outcome is outcome
    if outcome is Outcome.MISMATCH:
        assert check.verdict.first_mismatch is not None
        assert check.verdict.first_mismatch.layer == "positive"


def test_a_registered_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("rectifier", "outside_lowering:lower_rectifier", "levelone.lowerings")
    monkeypatch.setattr(
        plugins.importlib.metadata,
        "entry_points",
        lambda *, group: [entry] if group == "levelone.lowerings" else [],
    )
    convert(network(), tmp_path / "p", choice("rectifier"))
    assert "outside::rectifier" in (tmp_path / "p/firmware/myproject.cpp").read_text()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("nowhere", "nowhere"),
        ("outside_lowering:absent", "absent"),
        ("outside_lowering:lower_nothing", "no layer called positive"),
    ],
)
def test_what_cannot_be_used_is_one_message(body: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match=message):
        convert(network(), tmp_path / "p", choice(body))
    assert not (tmp_path / "p").exists()

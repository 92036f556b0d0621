"""FIFOs of a stream are short only where no two ways through the network meet again."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import hls_graphs as graphs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, Relu
from levelone.hls import HlsConfig, convert
from levelone.hls.fifos import bridges, depth


def depths(graph: Graph, folder: Path) -> dict[str, int]:
    manifest = convert(graph, folder / "project", HlsConfig(io="stream"))
    top = (manifest.project / "firmware" / "myproject.cpp").read_text(encoding="utf-8")
    return {name: int(n) for name, n in re.findall(r"HLS STREAM variable=(\w+) depth=(\d+)", top)}


def test_a_chain_has_short_fifos_and_a_fork_that_joins_whole_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    b = GraphBuilder("residual")
    x = b.input("x_q", (8, 16, 6, 2), Fraction(1), IntRange(0, 7))
    none = ((1, 1),) * 3
    first = b.node("first", graphs.conv(rng, 2, 2, (3, 3, 3), (1, 1, 1), none), x)
    fork = b.node("fork", Relu(), first)
    left = b.node("left", graphs.conv(rng, 2, 2, (3, 3, 3), (1, 1, 1), none, exponent=0), fork)
    aligned = b.node("aligned", graphs.conv(rng, 2, 2, (1, 1, 1), (1, 1, 1), ((0, 0),) * 3, exponent=0), fork)
    joined = b.node("joined", Add(), left, aligned)
    last = b.node("last", Relu(), joined)
    found = depths(b.build(last), tmp_path)
    whole = 8 * 16 * 6
    assert found["first"] == found["fork"] == found["joined"] == depth((8, 16, 6, 2)) == 16
    assert found["left"] == found["aligned"] == whole
    copies = [n for name, n in found.items() if "cpy" in name]
    assert copies == [whole, whole]


def test_ports_are_not_trusted_to_come_in_turn(tmp_path: Path) -> None:
    b = GraphBuilder("two")
    x, y = (b.input(f"{name}_q", (4, 9, 3, 1), Fraction(1), IntRange(-4, 3)) for name in "xy")
    joined = b.node("joined", Add(), b.node("a", Relu(), x), b.node("b", Relu(), y))
    found = depths(b.build(b.node("last", Relu(), joined)), tmp_path)
    assert (found["a"], found["b"], found["joined"]) == (108, 108, 16)


EDGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


@given(EDGES)
def test_bridges_are_the_edges_on_no_cycle(pairs: list[tuple[int, int]]) -> None:
    """Against the definition: without a bridge there is one piece more."""
    edges = {f"e{i}": (str(a), str(b)) for i, (a, b) in enumerate(pairs)}

    def pieces(kept: list[tuple[str, str]]) -> int:
        group = {str(n): n for n in range(7)}
        for _ in range(7):
            for a, b in kept:
                group[a] = group[b] = min(group[a], group[b])
        return len(set(group.values()))

    everything = list(edges.values())
    for name in edges:
        without = [pair for other, pair in edges.items() if other != name]
        assert (name in bridges(edges)) == (pieces(without) > pieces(everything)), name

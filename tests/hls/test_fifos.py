"""FIFOs of a stream hold a whole tensor where branches meet; all others are short, and nothing stops."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_model import Layer, chosen_depths, edges, held_back, hoarding, recorded, stuck, tensors

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import (
    Add,
    AveragePool,
    Concat,
    Dense,
    MaxPool,
    Multiply,
    Pad,
    Relu,
    Reshape,
    Transpose,
    Upsample,
)
from levelone.hardware.streams import INPUTS, OUTPUTS, SHORTEST, bridges, depth, whole
from levelone.hls import HlsConfig, convert
from levelone.hls.latency.estimate import stream_ticks
from levelone.hls.lower import lower

ONE, S4 = Fraction(1), IntRange(-8, 7)


def depths(graph: Graph, folder: Path) -> dict[str, int]:
    return chosen_depths(convert(graph, folder / "project", HlsConfig(io="stream")))


def test_only_the_fifos_in_front_of_a_join_are_whole(tmp_path: Path) -> None:
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
    assert found.pop("left") == found.pop("aligned") == 8 * 16 * 6
    assert set(found.values()) == {depth((8, 16, 6, 2))} == {16}
    assert found.keys() >= {"first", "fork", "joined"} and sum("cpy" in name for name in found) == 2


def test_ports_are_not_trusted_to_come_in_turn(tmp_path: Path) -> None:
    b = GraphBuilder("two")
    x, y = (b.input(f"{name}_q", (4, 9, 3, 1), Fraction(1), IntRange(-4, 3)) for name in "xy")
    joined = b.node("joined", Add(), b.node("a", Relu(), x), b.node("b", Relu(), y))
    found = depths(b.build(b.node("last", Relu(), joined)), tmp_path / "in")
    assert (found["a"], found["b"], found["joined"]) == (108, 108, 16)
    found = depths(b.build(b.node("out", Relu(), joined), b.node("too", Relu(), joined)), tmp_path / "out")
    assert [n for name, n in found.items() if "cpy" in name] == [108, 108]


def test_a_view_is_the_stream_behind_it(tmp_path: Path) -> None:
    """The join reads the flattened image: it is the image's own FIFO that holds all of it."""
    b = GraphBuilder("view")
    x, y = b.input("x_q", (5, 8, 2), ONE, S4), b.input("y_q", (3,), ONE, S4)
    flat = b.node("flat", Reshape((80,)), b.node("lit", Relu(), x))
    joined = b.node("joined", Concat(0), flat, b.node("b", Relu(), y))
    out = b.node("out", Dense(np.ones((83, 1)), np.zeros(1), (ONE,)), joined)
    assert depths(b.build(out), tmp_path) == {"lit": 40, "b": 1, "joined": 1}


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


def shuffled_network(rng: np.random.Generator) -> list[Layer]:
    """Layers that read and write in any order; single ones at the ports, whose outside is as disorderly."""
    sizes: dict[str, int] = {}

    def make(name: str, takes: list[str], gives: int, beats: int | None = None) -> tuple[Layer, list[str]]:
        made = [f"{name}_{i}" for i in range(gives)]
        sizes.update({stream: beats or int(rng.integers(1, 7)) for stream in made})
        steps = [(s, False) for s in takes for _ in range(sizes[s])]
        steps += [(s, True) for s in made for _ in range(sizes[s])]
        if name not in (INPUTS, OUTPUTS):
            rng.shuffle(steps)
        return Layer(name, tuple((str(s), bool(w)) for s, w in steps)), made

    outside, ports = make(INPUTS, [], int(rng.integers(1, 4)))
    layers, loose = [outside], []
    for port in ports:
        layer, made = make(f"behind_{port}", [port], int(rng.integers(1, 4)))
        layers.append(layer)
        loose += made
    for number in range(int(rng.integers(2, 12))):
        taken = list(rng.choice(loose, int(rng.integers(1, min(3, len(loose)) + 1)), replace=False))
        layer, made = make(f"layer{number}", taken, int(rng.integers(1, 4)))
        layers.append(layer)
        loose = [stream for stream in loose if stream not in taken] + made
    ends = []
    for stream in loose:
        layer, made = make(f"before_{stream}", [stream], 1)
        layers.append(layer)
        ends += made
    return [*layers, make(OUTPUTS, list(rng.permutation(ends)), 0)[0]]


def test_no_network_gets_stuck_whatever_its_layers_do() -> None:
    """The proof in `levelone.hardware.streams`, tried on layers that know no reason in what they wait for.

    Depth 1 wherever it does not ask for a whole tensor. Less is not enough: neither depth 1 everywhere nor
    one beat less than a whole tensor.
    """
    rng = np.random.default_rng(7)
    stuck_if_short = stuck_if_less = 0
    for _ in range(300):
        layers = shuffled_network(rng)
        sizes, long = tensors(layers), whole(edges(layers))
        assert not stuck(layers, {name: n if name in long else 1 for name, n in sizes.items()})
        stuck_if_short += bool(stuck(layers, dict.fromkeys(sizes, 1)))
        less = {name: max(1, n - 1) if name in long else 1 for name, n in sizes.items()}
        stuck_if_less += bool(stuck(layers, less))
    assert stuck_if_short > 150
    assert stuck_if_less > 50


def branched(seed: int) -> Graph:
    """Every way of reading late, writing late and waiting for another operand, wired at random."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("branched")
    ports = [b.input(f"{name}_q", (4, 4, 4, 2), ONE, IntRange(-4, 3)) for name in "xy"]
    values = [b.requantise(f"{port}_start", port, ONE, S4) for port in ports]
    near, none = ((1, 1),) * 3, ((0, 0),) * 3
    pick = rng.permutation

    def conv(name: str, source: str, k: int = 3, channels: int = 2, pads: tuple = near) -> str:
        op = graphs.conv(rng, channels, 2, (k,) * 3, (1,) * 3, pads, exponent=0)
        return b.node(name, op, source)

    def mirrored(x: str, _: str) -> str:
        return conv("mirrored", b.node("mirror", Pad((*near, (0, 0)), "reflect"), x), pads=none)

    def turned(x: str, _: str) -> str:
        return b.node("turned", Transpose((3, 1, 2, 0)), b.node("turn", Transpose((3, 1, 2, 0)), x))

    def shrunk(x: str, _: str) -> str:
        return b.node(
            "grown", Upsample((2, 2, 2)), b.node("shrunk", MaxPool((2,) * 3, (2,) * 3, none, (1,) * 3), x)
        )

    def gated(x: str, y: str) -> str:
        mean = b.node("mean", AveragePool((4,) * 3, (4,) * 3, none, (1,) * 3), y)
        return b.node("gated", Multiply(), x, b.requantise("gate", mean, ONE, S4))

    def deepened(x: str, y: str) -> str:
        return conv("deepened", b.node("channels", Concat(3), x, y), 1, 4, none)

    def stacked(x: str, y: str) -> str:
        return b.node(
            "thinned", MaxPool((2, 1, 1), (2, 1, 1), none, (1,) * 3), b.node("stacked", Concat(0), x, y)
        )

    def window(x: str, _: str) -> str:
        return conv("window", x)

    def added(x: str, y: str) -> str:
        return b.node("added", Add(), x, y)

    alone, pairs = (window, mirrored, turned, shrunk), (added, gated, deepened, stacked)
    makers, read = alone + pairs, set()
    for number in pick(len(makers)):
        x, y = (values[i] for i in pick(len(values))[:2])
        read |= {x} if makers[number] in alone else {x, y}
        values.append(b.requantise(f"value{number}", makers[number](x, y), ONE, S4))
    return b.build(*(b.node(f"{name}_out", Relu(), name) for name in values if name not in read))


def check_ticks(graph: Graph, config: HlsConfig, layers: list[Layer]) -> None:
    """The loops that latency is estimated from read and write in the order of the C++."""
    steps = {layer.name: layer.steps for layer in layers}
    told = [(spec, ticks) for spec, ticks, _ in stream_ticks(lower(graph, config), graph.outputs, config)]
    own = [(spec, ticks) for spec, ticks in told if spec.kind != "Clone"]
    assert {spec.name for spec, _ in own} <= steps.keys()
    assert len(told) - len(own) == sum(any("cpy" in s for s, w in found if w) for found in steps.values())
    for spec, ticks in own:
        order = [
            operand
            for tick, writes in enumerate(ticks.writes)
            for operand, count in (*enumerate(r[tick] for r in ticks.reads), (None, writes))
            for _ in range(count)
        ]
        streams = dict(zip(order, (stream for stream, _ in steps[spec.name]), strict=True))
        assert len(set(streams.values())) == len(streams)
        assert [(streams[operand], operand is None) for operand in order] == list(steps[spec.name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "seed", "short"),
    [(branched, 1, SHORTEST), (branched, 2, SHORTEST), (branched, 3, SHORTEST), (graphs.move_graph, 4, 1)],
)
def test_recorded_layers_do_not_get_stuck(make, seed: int, short: int, tmp_path: Path) -> None:
    """Reading and writing is the C++'s own; its test bench gives, and takes, one tensor after the other."""
    graph, config = make(seed), HlsConfig(io="stream")
    manifest = convert(graph, tmp_path / "project", config)
    layers, chosen = recorded(manifest), chosen_depths(manifest)
    check_ticks(graph, config, layers)
    sizes, ways = tensors(layers), edges(layers)
    ports = {name: 1 for name, ends in ways.items() if set(ends) & {INPUTS, OUTPUTS}}
    assert sizes.keys() == chosen.keys() | ports.keys()
    long = whole(ways) - ports.keys()
    assert {name: chosen[name] for name in long} == {name: sizes[name] for name in long}
    assert all(chosen[name] <= SHORTEST for name in chosen.keys() - long)

    rng = np.random.default_rng(seed)
    late = [[held_back(layer, rng) for layer in layers] for _ in range(5)]
    for behaviour in (layers, [hoarding(layer) for layer in layers], *late):
        assert not stuck(behaviour, chosen | ports)
        assert not stuck(behaviour, {name: sizes[name] if name in long else 1 for name in sizes})
    assert stuck(layers, {name: min(n, short) for name, n in sizes.items()})


def test_what_is_left_for_the_outside_to_do() -> None:
    """Ports have no FIFO of ours: see docs/streams.md."""

    def beats(streams: str, *, written: bool) -> tuple[tuple[str, bool], ...]:
        return tuple((stream, written) for stream in streams)

    def stops(*layers: tuple[str, tuple[tuple[str, bool], ...]]) -> bool:
        made = [Layer(*layer) for layer in layers]
        return bool(stuck(made, tensors(made) | dict.fromkeys("xyo", 1)))

    # a port that a join reads directly: its beats have to come together with those of the other operand
    join = ("join", (*beats("xy", written=False), *beats("o", written=True)) * 3)
    taker = (OUTPUTS, beats("ooo", written=False))
    assert not stops((INPUTS, beats("xyxyxy", written=True)), join, taker)
    assert stops((INPUTS, beats("yyyxxx", written=True)), join, taker)

    # an output `o` that is read further, up to the output `y`: it cannot wait for that one
    giver = (INPUTS, beats("xxx", written=True))
    fork = ("fork", (*beats("x", written=False), *beats("oa", written=True)) * 3)
    last = ("last", (*beats("aaa", written=False), *beats("yyy", written=True)))
    assert not stops(giver, fork, last, (OUTPUTS, beats("oooyyy", written=False)))
    assert stops(giver, fork, last, (OUTPUTS, beats("yyyooo", written=False)))

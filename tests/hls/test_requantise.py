"""Requantisation between any scales: its C++ in both io modes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import break_header
from requantisations import MODES, random_requantise

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange, Rounding, read_qonnx
from levelone.graph.ops import Lookup, Requantise
from levelone.hardware.choose import choose
from levelone.hardware.forms import Scaling
from levelone.hls import HlsConfig, convert
from levelone.hls.lower import lower
from levelone.verify import Outcome, check_project, random_vectors


@pytest.mark.parametrize("seed", range(30))
def test_no_shift_drops_every_bit_and_no_limit_is_beyond_the_result(seed: int) -> None:
    """Shifting by the whole width is undefined in hardware; limits are those of the result."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("one")
    x = b.input("x_q", (1,), Fraction(1), IntRange(0, int(rng.integers(1, 9))))
    scale, offset = Fraction(1, 2 ** int(rng.integers(3, 9))), Fraction(int(rng.integers(-3, 4)), 2)
    clip = IntRange(-(2**62), 2**62) if seed % 2 else IntRange(-4, 3)
    op = Requantise((scale,), (Fraction(1, 3),), clip, MODES[seed % len(MODES)], (offset,))
    spec = lower(b.build(b.node("y", op, x)), HlsConfig())[-1]
    assert spec.body is not None
    if "shift" in spec.body.constants:
        assert spec.types["product"].width > spec.body.constants["shift"]
        value = spec.value
        assert value is not None
        assert (
            value.range.lo
            <= spec.body.constants["lowest"]
            <= spec.body.constants["highest"]
            <= value.range.hi
        )


@pytest.mark.parametrize("wrong", ["factor", "term"])
def test_convert_refuses_a_wrong_multiplier(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = GraphBuilder("one")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-100, 100))
    op = Requantise((Fraction(37, 1000),), (Fraction(1, 3),), IntRange(-40, 40), Rounding.ROUND)
    graph = b.build(b.node("y", op, x))
    right = choose(op, graph.values["x_q"])
    assert isinstance(right, Scaling)
    step = 1 if wrong == "factor" else 1 << right.shift[0]
    broken = replace(right, **{wrong: tuple(value + step for value in getattr(right, wrong))})
    monkeypatch.setattr("levelone.hls.operations.requantise.choose", lambda *_: broken)
    with pytest.raises(LeveloneError, match=r"y: .*channel 0 gives .* exact is"):
        convert(graph, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def requantise_graph(seed: int, branches: int = 24) -> Graph:
    rng = np.random.default_rng(seed)
    b = GraphBuilder("requantise")
    outputs = []
    for i in range(branches):
        channels = int(rng.integers(1, 4))
        low = int(rng.integers(-200, 50))
        reach = IntRange(low, low + int(rng.integers(1, 300)))
        x = b.input(f"x{i}_q", (16, channels), Fraction(1, 8), reach)
        outputs.append(b.node(f"y{i}", random_requantise(rng, channels), x))
    table = rng.integers(-9, 9, (3, 40))
    x = b.input("t_q", (8, 3), Fraction(1, 8), IntRange(-20, 15))
    y = b.node("looked_up", Lookup(-22, table, (Fraction(1, 5),)), x)
    outputs.append(b.node("again", Lookup(-10, table[0, :20], (Fraction(1, 7),)), y))
    return b.build(*outputs)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "io"), [(1, "parallel"), (2, "stream")])
def test_every_requantisation_is_exact_in_csim(seed: int, io: str, tmp_path: Path) -> None:
    graph = requantise_graph(seed)
    manifest = convert(graph, tmp_path / "requantise", HlsConfig(io=io))
    codes = random_vectors(graph, 400, seed)
    check = check_project(manifest.project, codes, graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    proofs = {layer["name"]: layer["proof"] for layer in manifest.data["layers"] if layer["proof"]}
    assert {proof["method"] for proof in proofs.values()} == {"scaling", "thresholds"}


def shifted_model():
    """Power-of-two constants before quantisers of power-of-two scales, by every rounding mode."""
    from onnx_models import DOMAIN, Model

    rng = np.random.default_rng(4)
    m = Model(**{f"x{i}": (2, 3, 3) for i in range(len(MODES))})
    outputs = []
    for i, mode in enumerate(MODES):
        x = m.quant(f"x{i}", 0.25, 8)
        power = np.float32(2.0 ** (-3, -2, -1, 1, 2, 3, 4)[i])
        scaled = m.add("Conv", x, m.weight(rng.standard_normal((3, 2, 1, 1)), 2.0**-4)) if i % 3 == 0 else x
        outputs.append(m.quant(m.add("Mul", scaled, power), 0.25, 7, mode=mode.value))
        outputs.append(m.quant(m.add("Div", x, power), 0.5, 6, mode=mode.value, signed=i % 2))
        short = [np.float32(v) for v in (0.25, 0, 8, 5)]
        outputs.append(m.add("Trunc", x, *short, domain=DOMAIN, rounding_mode=mode.value))
        wide = m.add("Conv", x, m.weight(rng.standard_normal((2, 2, 2, 2)), 2.0**-9, 12))
        leaky = m.add("LeakyRelu", wide, alpha=0.25) if i % 2 else m.add("PRelu", wide, np.float32(0.5))
        outputs.append(m.quant(leaky, 2.0**-4, 10, mode=mode.value))
    return m.build(*outputs)


def test_a_cast_is_what_leaves_real_numbers_as_they_are() -> None:
    """A type's own rounding carries a change of scale, not one that doubles the number as well."""
    b = GraphBuilder("one")
    x = b.input("x_q", (4,), Fraction(1, 4), IntRange(-128, 127))
    value = b.values[x]
    cast = Requantise.between(value, Fraction(1, 2), IntRange(-8, 7))
    gained = Requantise.between(value, Fraction(1, 2), IntRange(-8, 7), gain=(Fraction(1, 2),))
    same = Requantise.between(value, Fraction(1, 4), IntRange(-8, 7), gain=(Fraction(2),))
    assert cast.is_cast(value) and not gained.is_cast(value) and not same.is_cast(value)
    graph = b.build(b.node("cast", cast, x), b.node("gained", gained, x), b.node("same", same, x))
    kinds = {spec.name: spec.kind for spec in lower(graph, HlsConfig())}
    assert kinds == {"x_q": "InputLayer", "cast": "Activation", "gained": "Requantise", "same": "Requantise"}


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_shifts_that_change_the_real_numbers_are_exact_in_csim(io: str, tmp_path: Path) -> None:
    graph = read_qonnx(shifted_model())
    manifest = convert(graph, tmp_path / "shifted", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 100, 3), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "limit"),
    [
        ("+ code(term[channel])", "+ 0", 0),
        ("shifted >> code(more[channel]).to_uint()", "shifted", 0),
        (">= signed_code(steps", "> signed_code(steps", 1),
        ("result -= reached", "result += reached", 1),
    ],
)
def test_a_broken_requantisation_is_caught(right: str, wrong: str, limit: int, tmp_path: Path) -> None:
    b = GraphBuilder("one")
    x = b.input("x_q", (4, 2), Fraction(1), IntRange(-100, 100))
    scale = (Fraction(37, 1000), Fraction(-61, 1000))
    clip = IntRange(-2, 3) if limit else IntRange(-40, 40)
    graph = b.build(b.node("y", Requantise(scale, (Fraction(1, 3),), clip, Rounding.ROUND), x))
    manifest = convert(graph, tmp_path / "one")
    break_header(manifest, "levelone_requantise.h", right, wrong)
    assert (
        check_project(manifest.project, random_vectors(graph, 100, 1), graph=graph).outcome
        is Outcome.MISMATCH
    )

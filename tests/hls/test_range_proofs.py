"""Proofs of every layer that computes: what it reaches, that its type holds it, and how that is told."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, Affine, AveragePool, Conv, Multiply, Relu, Requantise
from levelone.graph.ops._rounding import ranges_of
from levelone.hardware.choose import choose
from levelone.hardware.cost import hardware_table
from levelone.hardware.forms import Thresholds
from levelone.hardware.proof import range_proof
from levelone.hardware.types import FixedType
from levelone.hls import HlsConfig
from levelone.hls.lower import lower
from levelone.report.words import proof_in_words, proofs_in_words

ONE = (Fraction(1),)
POOL = AveragePool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))


def every_kind() -> Graph:
    b = GraphBuilder("kinds")
    x = b.input("x_q", (4, 4, 2), Fraction(1, 4), IntRange(-8, 7))
    weights = np.arange(-4, 4).reshape(1, 1, 2, 4)
    c = b.node("conv", Conv(weights, np.zeros(4, dtype=int), ONE, (1, 1), ((0, 0), (0, 0)), (1, 1)), x)
    shifted = b.requantise("shifted", c, Fraction(2), IntRange(-8, 7))
    b.node("mean", POOL, shifted)
    b.node("total", Add(), x, b.node("relu", Relu(), x))
    b.node("product", Multiply(), x, x)
    b.node("affine", Affine((3, -5), (7, 0), (Fraction(1, 3),)), x)
    b.node("scaled", Requantise((Fraction(37, 100),), ONE, IntRange(-99, 99)), c)
    b.node("counted", Requantise((Fraction(37, 1000),), ONE, IntRange(0, 1)), c)
    third = Requantise((Fraction(1, 3),), (Fraction(1, 3),), IntRange(-2, 2))
    b.node("mean_of_codes", POOL, b.node("third", third, shifted))
    return b.build("mean", "total", "product", "affine", "scaled", "counted", "mean_of_codes")


def proofs_of(graph: Graph, io: str = "parallel", *, tight: bool = True) -> dict[str, Any]:
    config = HlsConfig(io=io, tight=tight)  # type: ignore[arg-type]
    return {
        spec.name: spec.proof and asdict(spec.proof)
        for spec in lower(graph, config)
        if spec.value is not None
    }


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_every_layer_that_computes_says_what_it_reaches(io: str) -> None:
    graph = every_kind()
    proofs = proofs_of(graph, io)
    assert {name for name, proof in proofs.items() if proof is None} == {"x_q", "relu"}
    told = {name: (p["method"], p["of"], p["lo"], p["hi"]) for name, p in proofs.items() if p}
    # by hand: -1 * 7 + 3 * -8 of the last output, -4 * -8 of the first
    assert told["conv"] == ("range", "accumulator", -31, 32)
    assert told["shifted"] == ("assignment", "rounded", -4, 4)
    # hls4ml's register is four times finer than the operand; ours counts plain sums
    assert told["mean"] == ("range", "accumulator", -4 * 4 * 4, 4 * 4 * 4)
    assert told["mean_of_codes"] == ("range", "accumulator", -4, 4)
    assert told["total"] == ("range", "sum", -8, 14)
    assert told["product"] == ("range", "product", -56, 64)
    assert told["affine"] == ("range", "sum", -35, 40)
    assert told["counted"][:2] == ("thresholds", "count")
    assert all(p["bits"] == IntRange(p["lo"], p["hi"]).width for p in proofs.values() if p)
    x, op = graph.values["conv"], graph.node("scaled").op
    hardware = choose(op, x)
    ends = [
        [code * m + b for code in (r.lo, r.hi)]
        for r, m, b in zip(ranges_of(x, x.shape[-1]), hardware.factor, hardware.term, strict=True)
    ]
    assert told["scaled"] == ("scaling", "product", np.min(ends), np.max(ends))


def test_the_proven_range_is_in_the_register() -> None:
    for spec in lower(every_kind(), HlsConfig()):
        proof = spec.proof
        register = {"accumulator": "accum", "product": "product"}.get(proof.of) if proof else None
        if proof and register in spec.types:
            assert spec.types[register].width >= proof.bits
            assert proof.lo in spec.types[register].range
            assert proof.hi in spec.types[register].range


def test_a_register_that_is_too_narrow_is_refused() -> None:
    reach = IntRange(-64, 64)
    assert range_proof("mean", "accumulator", reach, FixedType(8, -2, True)).bits == 8
    with pytest.raises(LeveloneError, match=r"mean: 7 signed bits do not hold -64 \.\.\. 64"):
        range_proof("mean", "accumulator", reach, FixedType(7, -2, True))


def test_accumulators_for_any_weights_are_proven_for_any_weights() -> None:
    narrow, wide = (proofs_of(every_kind(), tight=tight)["conv"] for tight in (True, False))
    # weights of three bits, operands of four: -4..3 times -8..7, two terms and a bias of one bit
    assert (wide["lo"], wide["hi"]) == (-2 * 28, 2 * 32 + 1)
    assert wide["bits"] == wide["width_only_bits"] == narrow["width_only_bits"] > narrow["bits"]


def test_a_grouped_layer_of_the_hardware_counts_the_terms_of_the_group() -> None:
    b = GraphBuilder("grouped")
    x = b.input("x_q", (4, 4, 4), Fraction(1), IntRange(0, 15))
    weights = np.full((1, 1, 2, 4), 7)
    op = Conv(weights, np.zeros(4, dtype=int), ONE, (1, 1), ((0, 0), (0, 0)), (1, 1), 2)
    graph = b.build(b.node("y", op, x))
    assert proofs_of(graph)["y"]["hi"] == 2 * 7 * 15
    (layer,) = hardware_table(graph)
    proof = proofs_of(graph)["y"]
    assert (layer.accumulator_width, layer.width_bound) == (proof["bits"], proof["width_only_bits"])


def test_bit_operations_of_requantisations() -> None:
    graph = every_kind()
    table = {layer.name: layer for layer in hardware_table(graph)}
    x = graph.values["conv"]
    factors = choose(graph.node("scaled").op, x).factor
    odd = [m // (m & -m) for m in map(abs, factors)]
    assert table["scaled"].ebops == 16 * sum(m.bit_length() for m in odd) * x.width > 0
    counted = choose(graph.node("counted").op, x)
    assert isinstance(counted, Thresholds)
    reached = sum(
        int(t) <= r.hi for row, r in zip(counted.steps, ranges_of(x, x.shape[-1]), strict=True) for t in row
    )
    assert table["counted"].ebops == 16 * reached * x.width > 0
    assert table["shifted"].ebops == 0


def test_words_count_every_proof() -> None:
    proofs = [proof for proof in proofs_of(every_kind()).values() if proof]
    overflow, exact = proofs_in_words({"proof": proof} for proof in proofs)
    assert overflow.startswith("nothing overflows in 3 accumulators (")
    assert overflow.endswith(" and 3 sums and products")
    assert exact.startswith("all ") and " in 4 requantisations (each was tried)" in exact
    alone = [{"proof": proof} for proof in proofs if proof["of"] == "rounded"]
    assert proofs_in_words(alone)[0].endswith("in 1 requantisation (each was tried)")
    assert proof_in_words({"method": "range", "of": "sum", "lo": 0, "hi": 3, "bits": 2}) == "sum 2 bits"

"""Every kind of fault that `levelone diff` names: planted, found in its layer, explained by its own cause."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.mutation.graphs import pack, small_graphs

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    LocallyConnected,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Relu,
    Requantise,
    Transpose,
    Upsample,
)
from levelone.hls import HlsConfig, Manifest, convert
from levelone.hls.ap_fixed import ApFixed
from levelone.hls.manifest import HlsDocument, HlsInput, HlsLayer
from levelone.pipeline.converting import convert_file
from levelone.pipeline.diagnosis import diff_folder
from levelone.verify import random_vectors
from levelone.verify.diagnosis import diagnose
from levelone.verify.difference import Difference, Evidence, find_difference
from levelone.verify.hls.causes import Case, Cause, explain
from levelone.verify.hls.causes.replay import typed_code, typed_sum
from levelone.verify.hls.firmware import Firmware, read_firmware
from levelone.verify.hls.fixed import assign, parse_type
from levelone.verify.hls.suspects import suspects
from levelone.verify.story import tell

# --- fixed-point assignment, against Fractions


def slow_assign(code: int, exponent: int, width: int, target: int, signed: bool, modes: str) -> int:
    """The vendor's definition on one rational number."""
    rounding, saturation = modes.split()
    x = Fraction(code) * Fraction(2) ** (exponent - target)
    down = x.numerator // x.denominator
    rest = x - down
    up = {
        "TRN": False,
        "TRN_ZERO": rest > 0 and x < 0,
        "RND": rest >= Fraction(1, 2),
        "RND_MIN_INF": rest > Fraction(1, 2),
        "RND_INF": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and x > 0),
        "RND_ZERO": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and x < 0),
        "RND_CONV": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and down % 2 == 1),
    }[rounding]
    y = down + int(up)
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    if saturation == "SAT_SYM" and signed:
        low += 1
    if low <= y <= high:
        return y
    if saturation == "WRAP":
        y %= 2**width
        return y - 2**width if signed and y >= 2 ** (width - 1) else y
    return 0 if saturation == "SAT_ZERO" else (low if y < low else high)


@pytest.mark.parametrize("saturation", ["WRAP", "SAT", "SAT_SYM", "SAT_ZERO"])
@pytest.mark.parametrize(
    "rounding", ["TRN", "TRN_ZERO", "RND", "RND_MIN_INF", "RND_INF", "RND_ZERO", "RND_CONV"]
)
def test_assignment_to_a_type_is_the_vendors(rounding: str, saturation: str) -> None:
    codes = np.arange(-70, 71)
    for signed in (True, False):
        for shift in (-1, 0, 2, 3):
            text = f"ap_{'' if signed else 'u'}fixed<4,{4 + shift},AP_{rounding},AP_{saturation},0>"
            fixed = parse_type(text)
            assert fixed is not None and (fixed.width, fixed.exponent, fixed.signed) == (4, shift, signed)
            found = assign(codes, 0, fixed).tolist()
            modes = f"{rounding} {saturation}"
            assert found == [slow_assign(int(c), 0, 4, shift, signed, modes) for c in codes]


def test_types_of_arrays_and_integers() -> None:
    array = parse_type("nnet::array<ap_fixed<11,9>, 3*1>")
    assert array is not None and array.ap == "ap_fixed<11,9>"
    integer = parse_type("ap_uint<3>")
    assert integer is not None and (integer.width, integer.exponent, integer.signed) == (3, 0, False)
    assert parse_type("float") is None and parse_type("ap_fixed<4,2,AP_ODD,AP_SAT,0>") is None


# --- faults that are planted in one compiled project: its copies of the small graphs share nothing

Change = Callable[[str], str]


def retype(name: str, change: Change) -> tuple[str, Change]:
    def apply(text: str) -> str:
        found = re.search(rf"typedef (.*) {name};", text)
        assert found is not None, name
        assert change(found[1]) != found[1]
        return text.replace(found[0], f"typedef {change(found[1])} {name};")

    return "firmware/defines.h", apply


def less(bits: int, integer: int) -> Change:
    return lambda text: re.sub(
        r"<(\d+),(-?\d+)", lambda m: f"<{int(m[1]) - bits},{int(m[2]) - integer}", text, count=1
    )


def number(header: str, change: Callable[[list[str]], None]) -> tuple[str, Change]:
    def apply(text: str) -> str:
        start, end = text.index("= {") + 3, text.rindex("};")
        numbers = text[start:end].split(", ")
        change(numbers)
        return text[:start] + ", ".join(numbers) + text[end:]

    return f"firmware/weights/{header}.h", apply


def moved(index: int, by: float) -> Callable[[list[str]], None]:
    def change(numbers: list[str]) -> None:
        numbers[index] = str(float(numbers[index]) + by)

    return change


def exchanged(a: int, b: int) -> Callable[[list[str]], None]:
    def change(numbers: list[str]) -> None:
        assert numbers[a] != numbers[b]
        numbers[a], numbers[b] = numbers[b], numbers[a]

    return change


def text(file: str, pattern: str, new: str | Callable[[re.Match[str]], str]) -> tuple[str, Change]:
    def apply(old: str) -> str:
        made, count = re.subn(pattern, new, old, count=1, flags=re.DOTALL)
        assert count == 1 and made != old, pattern
        return made

    return file, apply


def setting(layer: str, key: str, by: int) -> tuple[str, Change]:
    """A setting in the configuration of a layer, made larger."""
    pattern = rf"(// {layer}\n(?:(?!\n// ).)*? {key} = )(-?\d+)"
    return text("firmware/parameters.h", pattern, lambda found: f"{found[1]}{int(found[2]) + by}")


@dataclass(frozen=True)
class Planted:
    """A fault, the layer it must be found in, its cause with and without a look at the project's files."""

    edit: tuple[str, Change]
    layer: str
    kind: str
    words: str
    blind: str


FAULTS = {
    "weight code": Planted(
        number("g0c0_conv_weight", moved(3, 0.125)), "g0c0_conv", "weight code", "weight code", "weight code"
    ),
    "accumulator": Planted(
        retype("g0c1_conv_accum_t", less(2, 2)), "g0c1_conv", "accumulator type", "too narrow", "overflow"
    ),
    "rounding": Planted(
        retype("g0c2_act_t", lambda t: t.replace("RND_CONV", "TRN")),
        "g0c2_act",
        "result type",
        "rounds down",
        "rounding",
    ),
    "ties": Planted(
        retype("g0c3_act_t", lambda t: t.replace("RND_CONV", "RND")),
        "g0c3_act",
        "result type",
        "ties upwards",
        "rounding",
    ),
    "bias code": Planted(
        number("g1c0_conv_bias", moved(1, 0.125)), "g1c0_conv", "bias code", "channel 1", "bias code"
    ),
    "wraps": Planted(
        retype("g1c1_act_t", lambda t: t.replace("AP_SAT", "AP_WRAP")),
        "g1c1_act",
        "result type",
        "it wraps",
        "overflow",
    ),
    "pooling": Planted(
        text("firmware/parameters.h", r"(// g1c2_pool\n.*?)nnet::Average", r"\1nnet::Max"),
        "g1c2_pool",
        "operation",
        "maximum",
        "operation",
    ),
    "input port": Planted(
        retype("g2c0_x_q_t", less(1, 1)), "g2c0_one", "port type", "does not read the codes", ""
    ),
    "result": Planted(retype("g2c1_two_t", less(3, 3)), "g2c1_two", "result type", "too narrow", "overflow"),
    "weight type": Planted(
        retype("g2c2_one_weight_t", less(1, 0)), "g2c2_one", "weight type", "lacks the last 1 bit", ""
    ),
    "no relu": Planted(
        text("firmware/myproject.cpp", r"nnet::relu(<g2c3_)", r"nnet::linear\1"), "g2c3_positive", "", "", ""
    ),
    "coarse accumulator": Planted(
        retype("g3c0_one_accum_t", less(1, 0)),
        "g3c0_one",
        "accumulator type",
        "lacks the last 1 bit",
        "accumulator type",
    ),
    "weights exchanged": Planted(
        number("g3c1_one_weight", exchanged(0, 4)), "g3c1_one", "weight code", "number 4", ""
    ),
    "saturating accumulator": Planted(
        retype("g3c2_one_accum_t", lambda t: "ap_fixed<8,5,AP_TRN,AP_SAT,0>"),
        "g3c2_one",
        "accumulator type",
        "",
        "",
    ),
    "axes": Planted(
        text("firmware/parameters.h", r"(perm_strides\[3\] = \{)3, 6", r"\g<1>6, 3"),
        "g4c0_turned",
        "operation",
        "passes through unchanged",
        "operation",
    ),
    "operands": Planted(
        text(
            "firmware/myproject.cpp",
            r"<g4c1_total_t, g4c1_act_t, (.*?)>\(g4c1_total, g4c1_act, ",
            r"<g4c1_act_t, g4c1_total_t, \1>(g4c1_act, g4c1_total, ",
        ),
        "g4c1_joined",
        "",
        "",
        "",
    ),
    "sum": Planted(
        retype("g4c2_total_t", less(2, 2)), "g4c2_total", "result type", "too narrow", "result type"
    ),
}


@dataclass(frozen=True)
class Diagnosed:
    manifest: Manifest
    difference: Difference
    firmware: Firmware
    story: dict[str, Any]

    def case(self, layer: str, *, blind: bool = False) -> Case:
        evidence = next(e for e in self.difference.origins if e.node.name == layer)
        firmware = self.firmware
        if blind:
            firmware = replace(firmware, type_changes=(), code_changes=(), numbers={}, lines=())
        return Case(self.difference.graph, self.manifest, firmware, evidence)


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Diagnosed:
    graph = pack(small_graphs("parallel")[:5], 4)
    manifest = convert(graph, tmp_path_factory.mktemp("planted") / "project")
    for fault in FAULTS.values():
        path = manifest.project / fault.edit[0]
        path.write_text(fault.edit[1](path.read_text()))
    codes = random_vectors(graph, 600, seed=1)
    found = find_difference(manifest.project, codes, graph=graph)
    firmware = read_firmware(manifest, graph)
    return Diagnosed(manifest, found, firmware, diagnose(manifest.project, codes, graph=graph))


@pytest.mark.slow
def test_exactly_the_planted_layers_are_at_fault(diagnosed: Diagnosed) -> None:
    assert {e.node.name for e in diagnosed.difference.origins} == {f.layer for f in FAULTS.values()}
    states = {state.name: state for state in diagnosed.difference.layers}
    assert all(states[name].differing and not states[name].own for name in diagnosed.difference.follows)
    assert diagnosed.difference.follows["g0c1_positive"] == ("g0c1_conv",)
    assert states["g3c3_last"].differing == 0  # nothing is planted in that copy


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_is_named_and_reproduces_every_code(name: str, diagnosed: Diagnosed) -> None:
    fault = FAULTS[name]
    case = diagnosed.case(fault.layer)
    cause = explain(case)
    assert cause.confirmed, cause
    assert (fault.kind or cause.kind) == cause.kind and fault.words in cause.text, cause
    blind = explain(diagnosed.case(fault.layer, blind=True))
    if fault.blind:
        assert blind.confirmed and blind.kind == fault.blind, blind
    evidence = case.evidence
    assert evidence.found[evidence.first] != evidence.expected[evidence.first]


@pytest.mark.slow
def test_places_and_numbers(diagnosed: Diagnosed) -> None:
    """The weight and bias that were changed are named by their place in the graph's own layout."""
    conv = diagnosed.difference.graph.node("g0c0_conv").op
    assert isinstance(conv, Conv)
    place = np.unravel_index(3, conv.weights.shape)
    case = diagnosed.case("g0c0_conv")
    assert case.evidence.position[-1] == place[-1]
    kernel = f"kernel position ({place[0]}, {place[1]}), input channel {place[2]}, output channel {place[3]}"
    old = int(conv.weights.reshape(-1)[3])
    assert f"weight code {old + 1} instead of {old} at {kernel}" in explain(case).text
    assert f"acts as {old + 1}, the graph has {old}" in explain(diagnosed.case("g0c0_conv", blind=True)).text


@pytest.mark.slow
def test_the_whole_story(diagnosed: Diagnosed) -> None:
    document = json.loads(json.dumps(diagnosed.story))
    first = document["first"]
    order = [node.name for node in diagnosed.difference.graph]
    assert document["verdict"] == "mismatch" and document["vectors"] == 600
    assert first["layer"] == min((f.layer for f in FAULTS.values()), key=order.index) == "g0c0_conv"
    parts = first["made_of"]
    products = sum(term["product"] for term in parts["operands"])
    assert parts["bias"] + products == parts["sum"] == first["expected"]
    assert parts["operands"][-1]["partial_sum"] == parts["sum"]
    assert {layer["state"] for layer in document["layers"]} >= {"at fault", "follows", "agrees"}
    lines = tell(document)
    assert lines[0].startswith("first difference: layer g0c0_conv (Conv), position (")
    assert any(
        line.startswith("cause: firmware/weights/g0c0_conv_weight.h holds other numbers") for line in lines
    )
    assert any("follow from g0c1_conv" in line and "g0c1_positive" in line for line in lines)
    assert any("edited since the project was generated" in line for line in lines)


@pytest.mark.slow
def test_a_project_without_faults_and_one_that_does_not_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = small_graphs("parallel")[1]
    manifest = convert(graph, tmp_path / "project")
    codes = random_vectors(graph, 50, seed=1)
    result = diagnose(manifest.project, codes, graph=graph)
    assert result["verdict"] == "exact" and result["first"] is None and result["others"] == []
    told = "no difference: every code of every layer and output is the reference's, 50 vectors"
    assert tell(result) == [told]
    weights = manifest.project / "firmware/weights/conv_bias.h"
    kept = weights.read_text()
    edit(manifest, number("conv_bias", moved(0, 0.125)))
    monkeypatch.setattr("levelone.verify.difference.ENOUGH", 1)  # the network counts as large
    many = {name: np.concatenate([found] * 5) for name, found in codes.items()}
    early = find_difference(manifest.project, many, graph=graph)
    assert (early.vectors, early.left_out) == (48, 202) and early.origins[0].node.name == "conv"
    assert "202 further vectors not run" in "\n".join(tell(diagnose(manifest.project, many, graph=graph)))
    weights.write_text(kept)
    late = find_difference(manifest.project, many, graph=graph)
    assert (late.vectors, late.left_out, late.origins) == (250, 0, ())
    (manifest.project / "firmware/defines.h").write_text("#error broken\n")
    with pytest.raises(LeveloneError, match="does not compile"):
        diagnose(manifest.project, codes, graph=graph)


# --- layers that hls4ml lacks: their numbers are factors, terms and tables

OWN = {
    "factor": Planted(
        number("g0c0_act_factor", moved(1, 1)), "g0c0_act", "table entry", "factor number 1", ""
    ),
    "table": Planted(
        number("g0c1_tabled_table", moved(3, 1)),
        "g0c1_tabled",
        "table entry",
        "table number 3",
        "table entry",
    ),
    "term": Planted(
        number("g0c2_scaled_term", moved(2, 1)), "g0c2_scaled", "table entry", "term number 2", ""
    ),
    "weight": Planted(
        number("g1c0_conv_weight", moved(3, 0.125)),
        "g1c0_conv",
        "weight code",
        "kernel position (0, 0, 1)",
        "weight code",
    ),
    "accumulator": Planted(
        retype("g1c1_conv_accum_t", less(2, 2)), "g1c1_conv", "accumulator type", "too narrow", "overflow"
    ),
    "shift": Planted(setting("g2c0_many", "shift", -1), "g2c0_many", "configuration", "shift is ", ""),
    "mode": Planted(setting("g2c0_half", "rounding", -4), "g2c0_half", "configuration", "rounding is 0", ""),
    "limit": Planted(setting("g2c1_many", "lowest", 8), "g2c1_many", "configuration", "lowest is -15", ""),
    "threshold": Planted(
        number("g2c1_few_step", moved(0, 1)), "g2c1_few", "table entry", "step number 0", ""
    ),
    "sum of a pool": Planted(
        retype("g2c1_whole_accum_t", less(1, 1)), "g2c1_whole", "accumulator type", "g2c1_whole_accum_t", ""
    ),
    "sum of uneven windows": Planted(
        retype("g2c2_mean_accum_t", less(1, 1)), "g2c2_mean", "accumulator type", "g2c2_mean_accum_t", ""
    ),
    "result": Planted(
        retype("g2c2_total_t", less(1, 1)), "g2c2_total", "result type", "g2c2_total_t", "result type"
    ),
    "dilation": Planted(
        setting("g2c2_conv", "dilation_height", -1),
        "g2c2_conv",
        "dilation",
        "dilation_height is 1",
        "dilation",
    ),
}


@pytest.mark.slow
def test_causes_in_layers_that_hls4ml_lacks(tmp_path: Path) -> None:
    graph = pack(small_graphs("parallel")[5:], 3)
    manifest = convert(graph, tmp_path / "project")
    for fault in OWN.values():
        path = manifest.project / fault.edit[0]
        path.write_text(fault.edit[1](path.read_text()))
    codes = random_vectors(graph, 500, seed=1)
    found = find_difference(manifest.project, codes, graph=graph)
    firmware = read_firmware(manifest, graph)
    assert {e.node.name for e in found.origins} == {f.layer for f in OWN.values()}
    diagnosed = Diagnosed(manifest, found, firmware, {})
    for fault in OWN.values():
        cause = explain(diagnosed.case(fault.layer))
        assert cause.confirmed and cause.kind == fault.kind and fault.words in cause.text, cause
        if fault.blind:
            blind = explain(diagnosed.case(fault.layer, blind=True))
            assert blind.confirmed and blind.kind == fault.blind, blind


# --- causes that no file shows: other meanings of an operation, found from integers alone


def case_of(graph: Graph, name: str, other: Any, count: int = 40) -> Case:
    """The case of a body that computes `other` at `name`."""
    codes = random_vectors(graph, count, seed=2)
    values = execute(graph, codes, keep="all")
    node = graph.node(name)
    operands = tuple(values[i] for i in node.inputs)
    found = other(*operands).astype(np.int64)
    wrong = np.flatnonzero((found != values[name]).reshape(count, -1).any(axis=1))
    assert len(wrong), "the other meaning changes nothing"
    order = np.concatenate([wrong, np.setdiff1d(np.arange(count), wrong)])
    first = np.argwhere(found[wrong[0]] != values[name][wrong[0]])[0]
    evidence = Evidence(
        node,
        tuple(order.tolist()),
        tuple(o[order] for o in operands),
        values[name][order],
        found[order],
        tuple(int(i) for i in first),
    )
    layer = HlsLayer.model_construct(layer=name, name=name, exponent=0, types={"result": "ap_fixed<24,24>"})
    inputs = [HlsInput.model_construct(layer=i, name=i, exponent=0) for i in node.inputs]
    document = HlsDocument.model_construct(
        project="p", hls=HlsConfig(), layers=(layer,), inputs=tuple(inputs)
    )
    return Case(graph, Manifest(Path("nowhere"), document), Firmware((), {}), evidence)


def single(op: Any, *shapes: tuple[int, ...], reach: IntRange | None = None) -> Graph:
    b = GraphBuilder("single")
    reach = reach or IntRange(-8, 7)
    inputs = [b.input(f"x{i}", shape, Fraction(1), reach) for i, shape in enumerate(shapes)]
    return b.build(b.node("y", op, *inputs))


RNG = np.random.default_rng(4)
ONE = (Fraction(1),)
CONV = Conv(RNG.integers(-5, 6, (3, 3, 2, 2)), RNG.integers(-9, 10, 2), ONE, (2, 1), ((1, 1), (1, 0)), (1, 1))
SQUARE = Dense(RNG.integers(-5, 6, (4, 4)), RNG.integers(-9, 10, 4), ONE)
LOCAL = LocallyConnected(
    RNG.integers(-5, 6, (3, 2, 2, 3, 2, 4)),
    RNG.integers(-9, 10, (3, 2, 4)),
    ONE,
    (2, 2),
    ((0, 1), (1, 0)),
    (1, 1),
)
THIRD = Requantise((Fraction(1, 3), Fraction(2, 7)), ONE, IntRange(-4, 3), offset=(Fraction(1, 5),))
HALF = Requantise((Fraction(1, 4),), ONE, IntRange(-2, 1))
TABLE = Lookup(-8, RNG.integers(-8, 8, 16), ONE)
POOL = MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
MEAN = AveragePool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))
AS_INT = np.int64


def entry_changed() -> Lookup:
    table = TABLE.table.copy()
    table[5] += 1
    return replace(TABLE, table=table)


def with_one(field: str, at: tuple[int, ...], by: int) -> LocallyConnected:
    """`LOCAL` with another code in one place."""
    codes = getattr(LOCAL, field).copy()
    codes[at] += by
    return replace(LOCAL, **{field: codes})


IMAGE, VECTOR = (6, 5, 2), (4,)
MEANINGS: dict[str, tuple[Graph, Callable[..., Any], str, str]] = {
    "stride": (
        single(CONV, IMAGE),
        lambda x: replace(CONV, stride=(1, 1)).evaluate(x)[:, :3],
        "stride",
        "moves by 1 along axis 0",
    ),
    "padding": (
        single(CONV, IMAGE),
        lambda x: replace(CONV, pads=((0, 2), (1, 0))).evaluate(x),
        "padding",
        "0 elements of padding before axis 0",
    ),
    "true convolution": (
        single(CONV, IMAGE),
        lambda x: replace(CONV, weights=CONV.weights[::-1, ::-1]).evaluate(x),
        "kernel order",
        "flipped along axes [0, 1]",
    ),
    "kernel transposed": (
        single(CONV, IMAGE),
        lambda x: replace(CONV, weights=CONV.weights.transpose(1, 0, 2, 3)).evaluate(x),
        "kernel order",
        "in the order [1, 0]",
    ),
    "weights transposed": (
        single(SQUARE, VECTOR),
        lambda x: replace(SQUARE, weights=SQUARE.weights.T).evaluate(x),
        "channel order",
        "exchanged",
    ),
    "input channels": (
        single(SQUARE, VECTOR),
        lambda x: replace(SQUARE, weights=SQUARE.weights[[0, 2, 1, 3]]).evaluate(x),
        "channel order",
        "input channels 1 and 2",
    ),
    "one kernel everywhere": (
        single(LOCAL, IMAGE),
        lambda x: replace(
            LOCAL, weights=np.broadcast_to(LOCAL.weights[:1, :1], LOCAL.weights.shape)
        ).evaluate(x),
        "position",
        "every position has the kernel of the first position",
    ),
    "kernels of neighbours": (
        single(LOCAL, IMAGE),
        lambda x: replace(
            LOCAL,
            weights=np.roll(LOCAL.weights.reshape(6, -1), 1, axis=0).reshape(LOCAL.weights.shape),
            bias=np.roll(LOCAL.bias.reshape(6, -1), 1, axis=0).reshape(LOCAL.bias.shape),
        ).evaluate(x),
        "position",
        "the kernel and the biases of the position before",
    ),
    "a weight of one position": (
        single(LOCAL, IMAGE),
        lambda x: with_one("weights", (1, 1, 0, 2, 1, 3), 2).evaluate(x),
        "weight code",
        "at position (1, 1), kernel position (0, 2), input channel 1, output channel 3 acts as",
    ),
    "a bias of one position": (
        single(LOCAL, IMAGE),
        lambda x: with_one("bias", (2, 0, 1), -3).evaluate(x),
        "bias code",
        "the bias of channel 1 at position (2, 0) acts as",
    ),
    "narrow sum of a position": (
        single(LOCAL, IMAGE),
        lambda x: (LOCAL.evaluate(x) + 32) % 64 - 32,
        "overflow",
        "wraps at 6 bits",
    ),
    "kernels flipped": (
        single(LOCAL, IMAGE),
        lambda x: replace(LOCAL, weights=LOCAL.weights[:, :, ::-1]).evaluate(x),
        "kernel order",
        "flipped along axes [0]",
    ),
    "no bias": (single(SQUARE, VECTOR), lambda x: x @ SQUARE.weights, "bias", "not added"),
    "scaled bias": (
        single(SQUARE, VECTOR),
        lambda x: x @ SQUARE.weights + 4 * SQUARE.bias,
        "scale",
        "the bias is added 2**2 times too large",
    ),
    "scaled sum": (
        single(SQUARE, VECTOR),
        lambda x: SQUARE.evaluate(x) * 2,
        "scale",
        "the sum is 2**1 times too large",
    ),
    "narrow sum": (
        single(SQUARE, VECTOR),
        lambda x: (SQUARE.evaluate(x) + 16) % 32 - 16,
        "overflow",
        "wraps at 5 bits",
    ),
    "rounding": (
        single(THIRD, (3, 2)),
        lambda x: replace(THIRD, rounding=Rounding.UP).evaluate(x),
        "rounding",
        "away from zero",
    ),
    "ties": (single(HALF, (3, 2)), lambda x: np.clip((2 * x + 4) // 8, -2, 1), "rounding", "ties upwards"),
    "wraps": (
        single(HALF, (3, 2), reach=IntRange(-64, 63)),
        lambda x: (np.rint(x / 4).astype(AS_INT) + 2) % 4 - 2,
        "overflow",
        "wraps at 2 bits instead of saturating",
    ),
    "scale": (
        single(THIRD, (3, 2)),
        lambda x: replace(THIRD, multiplier=(Fraction(2, 3), Fraction(4, 7))).evaluate(x),
        "scale",
        "off by 2**1",
    ),
    "multiplier": (
        single(THIRD, (3, 2), reach=IntRange(-64, 63)),
        lambda x: replace(THIRD, multiplier=(Fraction(5, 16), Fraction(5, 16))).evaluate(x),
        "multiplier",
        "only 4 fraction bits",
    ),
    "offset": (
        single(THIRD, (3, 2)),
        lambda x: replace(THIRD, offset=(Fraction(0),)).evaluate(x),
        "bias",
        "offset is not added",
    ),
    "channels of multipliers": (
        single(THIRD, (3, 2), reach=IntRange(-64, 63)),
        lambda x: replace(THIRD, multiplier=THIRD.multiplier[::-1]).evaluate(x),
        "channel order",
        "multiplier",
    ),
    "table entry": (
        single(TABLE, VECTOR),
        lambda x: entry_changed().evaluate(x),
        "table entry",
        "code -3 in channel 0 becomes",
    ),
    "table read off": (
        single(TABLE, VECTOR),
        lambda x: TABLE.table[np.clip(x + 9, 0, 15)],
        "table entry",
        "+1 entry off",
    ),
    "no relu": (single(Relu(), VECTOR), lambda x: x, "operation", "no Relu"),
    "minimum": (single(POOL, (4, 4, 2)), lambda x: MEAN.evaluate(x) // 4, "operation", "the mean is taken"),
    "pooling stride": (
        single(POOL, (4, 4, 2)),
        lambda x: replace(POOL, stride=(1, 2)).evaluate(x)[:, :2],
        "stride",
        "moves by 1 along axis 0",
    ),
    "narrow product": (
        single(Multiply(), VECTOR, VECTOR),
        lambda x, y: (x * y + 16) % 32 - 16,
        "result type",
        "wraps at 5 bits, signed",
    ),
    "saturating sum": (
        single(Add(), VECTOR, VECTOR),
        lambda x, y: np.clip(x + y, -8, 7),
        "result type",
        "saturates at 4 bits, signed",
    ),
    "operand order": (
        single(Concat(0), VECTOR, VECTOR),
        lambda x, y: np.concatenate([y, x], axis=1),
        "operand order",
        "['x1', 'x0']",
    ),
    "axis order": (
        single(Transpose((1, 0, 2)), (3, 3, 2)),
        lambda x: x,
        "operation",
        "passes through unchanged",
    ),
    "least": (
        single(POOL, (4, 4, 2)),
        lambda x: x.reshape(-1, 2, 2, 2, 2, 2).min(axis=(2, 4)),
        "operation",
        "the minimum is taken",
    ),
    "biases reversed": (
        single(SQUARE, VECTOR),
        lambda x: x @ SQUARE.weights + SQUARE.bias[::-1],
        "channel order",
        "the biases of the channels are reversed",
    ),
    "biases of neighbours": (
        single(SQUARE, VECTOR),
        lambda x: x @ SQUARE.weights + np.roll(SQUARE.bias, 1),
        "channel order",
        "those of the channel before",
    ),
    "reversed channels": (
        single(Upsample((2,)), (2, 3)),
        lambda x: np.repeat(x, 2, axis=1)[..., ::-1],
        "channel order",
        "reverse order",
    ),
    "exchanged channels": (
        single(Pad(((1, 0), (0, 0))), (2, 4)),
        lambda x: np.pad(x, ((0, 0), (1, 0), (0, 0)))[..., [0, 3, 2, 1]],
        "channel order",
        "channels 1 and 3",
    ),
    "old data": (
        single(SQUARE, VECTOR),
        lambda x: np.zeros((len(x), 4), dtype=AS_INT),
        "old data",
        "never written",
    ),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_other_meanings_are_recognised(name: str) -> None:
    graph, other, kind, words = MEANINGS[name]
    cause = explain(case_of(graph, "y", other))
    assert cause.confirmed and cause.kind == kind and words in cause.text, cause


def test_what_no_hypothesis_reproduces_is_said_to_be_unknown() -> None:
    noise = np.random.default_rng(1).integers(-999, 999, (40, 4))
    cause = explain(case_of(single(SQUARE, VECTOR), "y", lambda x: noise))
    assert not cause.confirmed
    assert cause.kind == "unknown" or cause.explained < cause.looked_at
    if cause.kind == "unknown":
        assert re.fullmatch(
            r"none of the [\d,]+ hypotheses tried reproduces the integer that was found", cause.text
        )


def test_a_hypothesis_that_explains_only_part_is_not_certain() -> None:
    def mostly(x: np.ndarray) -> np.ndarray:
        made = (SQUARE.evaluate(x) + 16) % 32 - 16
        made[7, 2] += 1000
        return made

    cause = explain(case_of(single(SQUARE, VECTOR), "y", mostly))
    assert cause.kind == "overflow" and not cause.confirmed and cause.explained == cause.looked_at - 1
    told = {
        "text": cause.text,
        "confirmed": False,
        "explained": cause.explained,
        "looked_at": cause.looked_at,
        "lines": [],
    }
    assert isinstance(cause, Cause) and told["explained"] < told["looked_at"]


def test_config_of_a_stream(tmp_path: Path) -> None:
    """Types of beats are read like others."""
    graph = small_graphs("stream")[1]
    manifest = convert(graph, tmp_path / "project", HlsConfig(io="stream"))
    firmware = read_firmware(manifest, graph)
    for layer in manifest.data["layers"]:
        meant = parse_type(layer["types"]["result"])
        if layer["trace"] == layer["layer"]:
            assert firmware.types[layer["layer"], "result"] == meant


# --- edited code: which lines a layer can be due to


def edit(manifest: Manifest, *changes: tuple[str, Change]) -> None:
    for file, change in changes:
        path = manifest.project / file
        made = change(path.read_text())
        assert made != path.read_text()
        path.write_text(made)


HEADERS = "firmware/nnet_utils/"


@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_only_code_that_a_layer_runs_is_suspected(io: str, tmp_path: Path) -> None:
    """Headers that its code includes, the nearest first; no other layer's lines, no comment, no pragma."""
    graph = pack([small_graphs(io)[i] for i in (0, 5, 6)], 1)
    manifest = convert(graph, tmp_path / "project", HlsConfig(io=io))
    edit(
        manifest,
        text(f"{HEADERS}levelone_common.h", r"number\.range\(T::width - 1, 0\) =", "number.range() ="),
        text(f"{HEADERS}levelone_window.h", r"bool data\[geometry::taps\];", "bool data[999];"),
        text(f"{HEADERS}levelone_window.h", r"    #pragma HLS INLINE\n", ""),
        text(f"{HEADERS}levelone_conv.h", r"sum\[f\] = biases\[f\];", "sum[f] = 0;"),
        text(f"{HEADERS}levelone_requantise.h", r"shift;", "shift; // the same"),
        text(f"{HEADERS}nnet_dense_latency.h", r"cache = data\[ii\];", "cache = data[0];"),
        text(f"{HEADERS}nnet_pooling.h", r"y = x\[i\] > y", "y = x[i] < y"),
        text("firmware/parameters.h", r"(// g0c0_pool\n[^}]*? stride_width = )2", r"\g<1>1"),
        retype("g0c0_conv_accum_t", less(1, 1)),
        retype("g0c0_pool_t", less(1, 1)),
    )
    firmware = read_firmware(manifest, graph)

    def seen(layer: str) -> list[str]:
        return list(dict.fromkeys(c.file.split("/")[-1] for c in suspects(manifest, firmware, layer)))

    assert seen("g2c0_conv") == ["levelone_conv.h", "levelone_window.h", "levelone_common.h"]
    assert seen("g2c0_pool") == ["levelone_window.h", "levelone_common.h"]
    assert seen("g1c0_act") == ["levelone_common.h"]
    assert seen("g1c0_last") == ["nnet_dense_latency.h"]
    assert seen("g0c0_conv")[0] == "defines.h" and "nnet_dense_latency.h" in seen("g0c0_conv")
    assert set(seen("g0c0_pool")[:2]) == {"defines.h", "parameters.h"} and "nnet_pooling.h" in seen(
        "g0c0_pool"
    )
    assert "nnet_pooling.h" not in seen("g0c0_conv") and not any("levelone" in f for f in seen("g0c0_pool"))


@pytest.mark.slow
def test_an_edit_of_the_layers_own_code_stands_before_a_guess(tmp_path: Path) -> None:
    graph = small_graphs("stream")[6]
    manifest = convert(graph, tmp_path / "project", HlsConfig(io="stream"))
    codes = random_vectors(graph, 300, seed=1)
    edit(
        manifest,
        text(f"{HEADERS}levelone_window.h", r"following = lines\[kd\]\[kh\]\[w\];", "following = next;"),
        text(f"{HEADERS}nnet_activation_stream.h", r"if \(in_data\[j\] > 0\)", "if (in_data[j] > 1 - 1)"),
    )
    found = diagnose(manifest.project, codes, graph=graph)
    first = found["first"]
    assert first["layer"] == "conv" and first["cause"]["kind"] == "edited code"
    assert not first["cause"]["confirmed"] and "following = next;" in first["cause"]["text"]
    assert {line["file"] for line in first["cause"]["lines"]} == {f"{HEADERS}levelone_window.h"}
    told = tell(json.loads(json.dumps(found)))
    at = next(
        i for i, line in enumerate(told) if line.startswith("cause, not certain: the code was edited: ")
    )
    assert told[at + 1].startswith("  without a look at the code: ")


@pytest.mark.slow
def test_a_crash_is_told_with_the_edit_behind_it(tmp_path: Path) -> None:
    graph = small_graphs("stream")[0]
    manifest = convert(graph, tmp_path / "project", HlsConfig(io="stream"))
    edit(manifest, setting("conv", "pad_left", 1))
    with pytest.raises(LeveloneError) as caught:
        diagnose(manifest.project, random_vectors(graph, 30, seed=1), graph=graph)
    message = str(caught.value)
    assert "crashed" in message
    line = re.search(r"firmware/parameters.h line \d+ \(layer conv\): (.*)   was: (.*)", message)
    assert line is not None and "pad_left = 1;" in line[1] and "pad_left = 0;" in line[2]


# --- speed: no more is run, searched for or computed than a diagnosis takes


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("verdict", ["mismatch", "exact"])
def test_random_vectors_are_searched_for_only_if_they_are_needed(
    verdict: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Path(__file__).parents[2] / "hls_projects/pixelseed/model.onnx"
    project = convert_file(model, tmp_path / "p", HlsConfig(part="part", clock_ns=3.0)).project
    runs: list[int] = []

    def diagnosed(project: Path, codes: dict[str, np.ndarray], *, graph: Graph) -> dict[str, Any]:
        runs.append(len(next(iter(codes.values()))))
        return {"verdict": verdict, "left_out": 0}

    monkeypatch.setattr("levelone.pipeline.diagnosis.diagnose", diagnosed)
    monkeypatch.setattr("levelone.pipeline.diagnosis.ENOUGH", 1 if large else 2**60)
    found = diff_folder(project)
    stopped = large and verdict == "mismatch"
    assert runs == ([256] if stopped else [256, 1256] if large else [1256])
    assert found["left_out"] == (1000 if stopped else 0)


@pytest.mark.parametrize("saturation", ["WRAP", "SAT"])
def test_one_code_of_a_sum_is_that_of_the_whole_sum(saturation: str) -> None:
    grouped = replace(CONV, weights=CONV.weights[:, :, :1], groups=2)
    image, rows = RNG.integers(-8, 8, (2, 6, 5, 2)), RNG.integers(-8, 8, (2, 3, 4))
    apart = replace(LOCAL, weights=LOCAL.weights[..., :1, :], groups=2)
    sums = (
        (CONV, image),
        (grouped, image),
        (LOCAL, image),
        (apart, image),
        (SQUARE, rows),
        (SQUARE, rows[:, 0]),
    )
    for op, x in sums:
        out = op.evaluate(x).shape[1:]
        for coarse in (0, 1, 2):
            narrow = ApFixed(5, coarse, True, "RND_CONV", saturation)
            for types in ((narrow, None), (None, narrow), (narrow, narrow), (None, None)):
                whole = typed_sum(op, x, 0, *types, out=out)
                for at in np.ndindex(out):
                    assert typed_code(op, x, 0, *types, at) == whole[(0, *at)]

"""What becomes of real numbers at the input ports is counted: what saturates, what declared ports round."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import StringStringEntryProto, TensorAnnotation
from onnx_models import Model, weights

from levelone.errors import LeveloneError
from levelone.graph import quantise_inputs, read_qonnx
from levelone.graph.inputs import enter
from levelone.graph.ir import Graph
from levelone.graph.port_counts import PortCount, merged, port_count, port_notes
from levelone.graph.reader.ports import declare_ports


def own(scale: object = 0.25, bits: int = 4, **how: object) -> Graph:
    """The input meets a quantiser of the file."""
    m = Model(x=[2, 3])
    m.quant("x", scale, bits, out="y", **how)
    return read_qonnx(m.build("y"))


def declared(kind: str, *, through_the_file: bool = True) -> Graph:
    """The input meets a matrix; the port's type is declared before reading, or written into the file."""
    m = Model(x=[3])
    m.add("MatMul", "x", m.weight(weights(3, 2), 0.125), out="y")
    model = m.build("y")
    if not through_the_file:
        return read_qonnx(model, {"x": kind})
    declare_ports(model, {"x": kind})
    return read_qonnx(model.FromString(model.SerializeToString()))


def test_an_own_quantiser_counts_what_it_saturates_and_says_nothing_of_rounding() -> None:
    graph = own()  # -2 to 1.75
    x = np.zeros((3, 2, 3))
    x[0, 0] = (-2.125, -2.126, 1.8)  # the first and the last round into the range
    x[2, 1] = (1.875, 9, -77)  # 1.875 is a tie that goes up to 2
    codes, (count,) = enter(graph, {"x": x})
    assert (codes["y"] == quantise_inputs(graph, {"x": x})["y"]).all()
    assert (count.low, count.high, count.step) == (-2.0, 1.75, 0.25)
    assert (count.events, count.values, count.saturated, count.rounded) == (3, 18, 4, 0)
    assert (count.lowest, count.highest) == (-77.0, 9.0)
    assert not count.changed
    assert port_notes(count) == [
        "input 'x': 4 of 18 values, from -77 to 9, "
        "saturate at its port, which holds -2 to 1.75 in steps of 2^-2"
    ]
    (nothing,) = enter(graph, {"x": np.zeros((0, 2, 3))})[1]
    assert (nothing, port_notes(nothing)) == (port_count(graph.inputs[0]), [])


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
@pytest.mark.parametrize("signed", [0, 1])
def test_saturated_is_what_another_range_would_have_carried_on(mode: str, signed: int) -> None:
    x = np.random.default_rng(3).uniform(-6, 6, (400, 2, 3)).astype(np.float32)
    narrow, wide = (own(0.25, bits, signed=signed, mode=mode) for bits in (4, 12))
    codes, (count,) = enter(narrow, {"x": x})
    beyond = codes["y"] != quantise_inputs(wide, {"x": x})["y"]
    if not signed:
        beyond |= np.moveaxis(x, 1, -1) < own_limit(mode)
    assert count.saturated == np.count_nonzero(beyond) > 100


def own_limit(mode: str) -> float:
    """From here on upwards an unsigned quantiser of scale 1/4 gives 0 without saturating."""
    return {"ROUND": -0.125, "HALF_DOWN": -0.125, "HALF_UP": -0.125, "FLOOR": 0.0, "UP": 0.0}.get(mode, -0.25)


def test_scales_per_channel_and_zero_points() -> None:
    graph = own(np.float32([[[0.5], [0.25]]]), 4, zero=3.0)
    count = port_count(graph.inputs[0])
    assert (count.low, count.high, count.step) == (-5.5, 2.0, 0.25)
    x = np.float32([[[-5.5, 2.0, 2.5], [-2.75, 1.0, -3.0]]])
    assert enter(graph, {"x": x})[1][0].saturated == 2


@pytest.mark.parametrize("through_the_file", [True, False])
def test_a_declared_port_counts_what_it_rounds_too(through_the_file: bool) -> None:
    graph = declared("fixed<16,6>", through_the_file=through_the_file)
    _, (count,) = enter(graph, {"x": np.array([[20, 60, 0.1], [-300, 0.5, 32]])})
    assert (count.low, count.high, count.step) == (-32.0, 32 - 2.0**-10, 2.0**-10)
    assert (count.saturated, count.rounded, count.lowest, count.highest) == (3, 1, -300.0, 60.0)
    assert count.changed
    holds = "its declared port, which holds -32 to 31.999 in steps of 2^-10"
    assert port_notes(count) == [
        f"input 'x': 3 of 6 values, from -300 to 60, saturate at {holds}",
        f"input 'x': 1 of 6 values are rounded at {holds}",
    ]
    (fits,) = enter(graph, {"x": np.array([[20, 0.5, 31.9990234375]])})[1]
    assert not fits.changed
    assert port_notes(fits) == [
        "input 'x': its declared port holds -32 to 31.999 in steps of 2^-10; what lies outside saturates"
    ]


@pytest.mark.parametrize(
    ("kind", "x", "saturated", "rounded"),
    [
        ("int8", [127, 128, 0.5], 1, 1),
        ("uint4", [-1, 15, 16], 2, 0),
        ("bipolar", [-1, 0.5, 1], 0, 1),
        ("ufixed<8,0>", [0.5, 1, -0.25], 2, 0),
    ],
)
def test_every_kind_of_declared_port(kind: str, x: list[float], saturated: int, rounded: int) -> None:
    (count,) = enter(declared(kind), {"x": np.array([x])})[1]
    assert (count.saturated, count.rounded) == (saturated, rounded)


def test_a_type_that_the_file_annotates_is_declared() -> None:
    m = Model(x=[3])
    m.add("MatMul", "x", m.weight(weights(3, 2), 0.125), out="y")
    model = m.build("y")
    entry = StringStringEntryProto(key="finn_datatype", value="UINT8")
    model.graph.quantization_annotation.append(
        TensorAnnotation(tensor_name="x", quant_parameter_tensor_names=[entry])
    )
    (count,) = enter(read_qonnx(model), {"x": np.array([[255, 256, 0.5]])})[1]
    assert (count.declared, count.saturated, count.rounded) == (True, 1, 1)


def test_what_the_host_makes_infinite_saturates_and_can_be_written_down() -> None:
    m = Model(x=[2])
    m.quant(m.add("Exp", "x"), 1.0, 4, out="y")
    (count,) = enter(read_qonnx(m.build("y")), {"x": np.array([[1000.0, 0.0]])})[1]
    assert (count.saturated, count.highest) == (1, float(np.finfo(np.float32).max))
    json.loads(json.dumps(count.to_dict(), allow_nan=False))


def test_counts_add_up_port_by_port() -> None:
    graph = own()
    x = np.random.default_rng(1).normal(size=(50, 2, 3)) * 3
    whole = enter(graph, {"x": x})[1]
    parts = [enter(graph, {"x": x[part]})[1] for part in (slice(0, 1), slice(1, 30), slice(30, 50))]
    assert merged(parts) == whole == merged([[port_count(graph.inputs[0])], whole])
    assert isinstance(whole[0], PortCount)


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (2**24 + 1, np.int64, False),
        (-(2**24) - 1, np.int32, False),
        (2**24 + 2, np.int64, True),
        (2**53 + 1, np.int64, False),
        (2**64 - 1, np.uint64, False),
        (2**40, np.uint64, True),
        (-(2**63), np.int64, False),
    ],
)
def test_whole_numbers_that_float32_does_not_hold_are_refused(value: int, kind: type, fits: bool) -> None:
    x = np.zeros((2, 2, 3), kind)
    x[1, 0, 2] = value
    if fits:
        assert enter(own(), {"x": x})[1][0].saturated == 1
        return
    with pytest.raises(LeveloneError, match=rf"input 'x': {value} in event 1 at \(0, 2\); float32, in which"):
        quantise_inputs(own(), {"x": x})

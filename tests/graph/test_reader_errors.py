"""What cannot be read: one message that names the place, whatever the file holds."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx_models import DOMAIN, Model

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import execute, quantise_inputs, read_qonnx


def small_model() -> onnx.ModelProto:
    rng = np.random.default_rng(5)
    m = Model(x=(2, 5, 5))
    x = m.quant("x", 0.25, 4, out="x_q")
    w = m.weight(rng.standard_normal((3, 2, 2, 2)), 0.125)
    y = m.quant(m.add("Relu", m.add("Conv", x, w, out="conv")), 0.25, 4, signed=0, out="act")
    flat = m.add("Flatten", m.add("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]))
    return m.build(m.add("MatMul", flat, m.weight(rng.standard_normal((12, 2)), 0.125), out="logit"))


def refused(model, kind=LeveloneError) -> str:
    with pytest.raises(kind) as caught:
        read_qonnx(model)
    return str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path / "nothing.onnx")
    assert "cannot read" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a model at all", b"\x89HDF\r\n\x1a\n"])
def test_files_that_are_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    message = refused(path)
    assert str(path) in message
    assert "ONNX" in message


def test_every_truncation_is_refused_or_harmless(tmp_path: Path) -> None:
    content = small_model().SerializeToString()
    path = tmp_path / "model.onnx"
    for length in range(0, len(content) - 1, 7):
        path.write_bytes(content[:length])
        with pytest.raises(LeveloneError):
            read_qonnx(path)


def test_onnx_without_quantisers() -> None:
    m = Model(x=(3,))
    assert "not QONNX: it holds no Quant node" in refused(m.build(m.add("Relu", "x")))


def test_reading_changes_neither_file_nor_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    model = small_model()
    onnx.save(model, path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    read_qonnx(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    copy = model.SerializeToString()
    read_qonnx(model)
    assert model.SerializeToString() == copy


def test_unsupported_operator_is_named_with_its_nearest_form() -> None:
    m = Model(x=(3,))
    model = m.build(m.add("LRN", m.quant("x", 0.25, 4), out="y", size=3, alpha=0.5))
    message = refused(model, UnsupportedError)
    assert "node 'n_y' (LRN) is not supported" in message
    assert "size=3" in message
    assert "alpha=0.5" in message
    named = message.split("nearest supported form: a network of ")[1].split(", ")
    assert named == sorted(named)
    assert "AveragePool" in named


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda m: m.add("Relu", "x"), "input 'x' reaches output"),
        (lambda m: m.add("MatMul", m.quant("x", 0.25, 4), np.full((3, 2), np.pi)), "are not quantised"),
        (lambda m: m.quant("x", 0.0, 4), "scales must be positive finite numbers"),
        (lambda m: m.quant("x", np.nan, 4), "scales must be positive finite numbers"),
        (lambda m: m.quant("x", 0.25, 0.5), "bit width 0.5"),
        (lambda m: m.quant("x", 0.25, 0), "bit width 0"),
        (lambda m: m.quant("x", 0.25, 1e30), "bit width 1"),
        (lambda m: m.quant("x", 0.25, 4, zero=2.0**24), "zero point 16777216.0"),
        (lambda m: m.quant("x", 0.25, 4, mode="STOCHASTIC"), "rounding mode 'STOCHASTIC'"),
        (lambda m: m.add("MatMul", m.quant("x", 0.25, 4), m.weight(np.ones((4, 2)), 0.5)), "for an operand"),
        (lambda m: m.add("Reshape", m.quant("x", 0.25, 4), m.constant([3], np.int64)), "drops the batch"),
        (lambda m: m.add("Concat", m.quant("x", 0.25, 4), m.quant("x", 0.25, 4), axis=0), "batch axis"),
        (lambda m: m.add("Transpose", m.quant("x", 0.25, 4), perm=[1, 0]), "leaves the batch axis first"),
        (lambda m: m.add("Add", m.quant("x", 0.25, 4), np.nan), "NaN or infinity"),
        (lambda m: m.add("Div", m.quant("x", 0.25, 4), 0.0), "divides by zero"),
        (
            lambda m: m.add("MatMul", m.add("Tanh", m.quant("x", 0.25, 4)), m.weight(np.ones((3, 2)), 0.5)),
            "is not followed by a quantiser",
        ),
        (lambda m: m.quant(m.add("Elu", m.quant("x", 0.25, 30), alpha=-1.0), 0.25, 4), "a table of 107374"),
        (lambda m: m.quant(m.add("Tanh", m.quant("x", 2.0**-20, 30)), 2.0**-14, 16), "more than 4096 times"),
        (lambda m: m.add("Clip", m.quant("x", 0.25, 4), 2.0, -2.0), "min 2.0 above max -2.0"),
        (lambda m: m.quant(m.add("Softmax", m.quant("x", 0.25, 4)), 0.1, 4), "at the very end"),
        (lambda m: m.add("Conv", m.quant("x", 0.25, 4), np.ones((2, 3, 3))), "weight"),
        (lambda m: m.add("Relu", "nowhere"), "'nowhere' is not computed by any node"),
        (lambda m: m.add("Gemm", m.quant("x", 0.25, 4), m.weight(np.ones((3, 2)), 0.5), alpha=0.0), "alpha"),
        (lambda m: m.add("MatMul", m.weight(np.ones((3, 3)), 0.5), m.quant("x", 0.25, 4)), "mixes events"),
        (lambda m: m.add("ReduceSum", m.quant("x", 0.25, 4), m.constant([0], np.int64)), "the batch axis"),
        (lambda m: m.add("Concat", m.quant("x", 0.25, 4), np.ones((1, 2)), axis=1), "joins a constant"),
        (lambda m: m.add("Relu", m.quant("x", 0.25, 4), domain="com.acme"), "operator domain 'com.acme'"),
    ],
)  # fmt: skip
def test_malformed_nodes(build, message: str) -> None:
    m = Model(x=(3,))
    y = build(m)
    if not any(n.op_type == "Quant" for n in m.nodes):
        m.quant("x", 0.25, 4)
    with pytest.raises(LeveloneError, match=message) as caught:
        read_qonnx(m.build(y))
    assert re.search(r"n_\w+|of \w+ is|output '\w+'", str(caught.value))  # the place


@pytest.mark.parametrize("value", ["yes", [1, 2], 0.5, 2, -1])
@pytest.mark.parametrize("flag", ["signed", "narrow"])
def test_flags_are_zero_or_one(flag: str, value: object) -> None:
    m = Model(x=(3,))
    m.quant("x", 0.25, 4, out="q", **{flag: value})
    message = refused(m.build("q"), UnsupportedError)
    assert "node 'n_q' (Quant) is not supported" in message
    assert f"{flag} is {value!r}" in message


@pytest.mark.parametrize("position", [1, 2, 3])  # scale, zero point, bit width
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, str])
def test_parameters_are_real_numbers(position: int, dtype: type) -> None:
    model = small_model()
    name = model.graph.node[0].input[position]
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    numbers = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(numbers.astype(dtype), name))
    message = refused(model)
    assert f"initializer '{name}' has data type" in message
    assert "real numbers are expected" in message


def test_constants_that_are_cast_stay_real() -> None:
    m = Model(x=(3,))
    scale = m.add("Cast", m.constant(0.25), to=TensorProto.COMPLEX64, out="cast")
    message = refused(m.build(m.add("Quant", "x", scale, 0.0, 4.0, domain=DOMAIN)))
    assert "the result of node 'n_cast' (Cast) has data type complex64" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.initializer.append(g.initializer[0]), "2 initializers called 'c"),
        (lambda g: g.input.append(g.input[0]), "2 inputs called 'x'"),
        (lambda g: g.initializer[0].dims.__setitem__(slice(None), [-1]), "' is damaged: its shape is [-1]"),
        (lambda g: setattr(g.initializer[0], "data_type", 999), "' is damaged: 999 is no data type of ONNX"),
    ],
)
def test_tensors_that_contradict_themselves(change, message: str) -> None:
    model = small_model()
    change(model.graph)
    assert message in refused(model)


@pytest.mark.parametrize("version", [None, -1, 0, 999, 2**60])
def test_versions_of_the_operators(version: int | None) -> None:
    model = small_model()
    del model.opset_import[0]
    if version is not None:
        model.opset_import.append(helper.make_opsetid("", version))
    message = refused(model)
    assert "opset_import" in message if version is None else f"uses version {version} of ONNX's" in message


def test_foreign_text_in_messages_is_short_and_printable() -> None:
    for foreign in ("\x1b[2J" + "n" * 10_000, "a\nb\x00\u202e"):
        m = Model(x=(3,))
        m.add(foreign, m.quant("x", 0.25, 4), out=f"y{foreign}", mode=foreign, junk=list(range(10_000)))
        message = refused(m.build(f"y{foreign}"), UnsupportedError)
        assert "is not supported: no exact integer form is known" in message
        assert all(line.isprintable() for line in message.split("\n"))
        assert len(message) < 2000
        assert message.count("\n") == 1  # before the hint


def test_a_cycle_is_refused() -> None:
    m = Model(x=(3,))
    m.quant("x", 0.25, 4)
    m.add("Add", "a", "b", out="c")
    m.add("Relu", "c", out="a")
    m.add("Relu", "a", out="b")
    assert "is part of a cycle" in refused(m.build("c"))


def test_an_output_that_is_missing_or_constant() -> None:
    m = Model(x=(3,))
    m.quant("x", 0.25, 4)
    assert "output 'gone' is not computed" in refused(m.build("gone"))
    m = Model(x=(3,))
    w = m.weight(np.ones(3), 0.5)
    assert f"output '{w}' is no activation" in refused(m.build(w))


def test_a_tensor_computed_twice() -> None:
    m = Model(x=(3,))
    x = m.quant("x", 0.25, 4)
    m.add("Relu", x, out="y")
    m.add("Neg", x, out="y")
    assert "computes 'y', which exists already" in refused(m.build("y"))


@pytest.mark.parametrize("shape", [(2**40, 2**40), (2**62,), (0,), (-1,), (2**30,)])
def test_huge_or_empty_inputs_are_refused_at_once(shape) -> None:
    m = Model(x=shape)
    message = refused(m.build(m.quant("x", 0.25, 4)))
    assert "input 'x' has shape" in message


def test_huge_paddings_and_kernels_are_refused_at_once() -> None:
    for attributes in (
        {"kernel_shape": [2**40], "pads": [2**40, 2**40]},
        {"kernel_shape": [2], "pads": [2**62, 2**62]},
        {"kernel_shape": [2], "strides": [2**62]},
    ):
        m = Model(x=(2, 8))
        y = m.add("AveragePool", m.quant("x", 0.25, 4), count_include_pad=1, **attributes)
        if "pads" in attributes:
            assert "too large" in refused(m.build(y))
        else:
            read_qonnx(m.build(y))


def external(location: str, offset: int = 0, length: int | None = None) -> onnx.ModelProto:
    model = small_model()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": str(offset)} | (
        {} if length is None else {"length": str(length)}
    )
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return model


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    model = small_model()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights.bin").write_bytes(b"1234" + tensor.raw_data + b"56")
    onnx.save(external("data/weights.bin", 4, len(tensor.raw_data)), tmp_path / "m.onnx")
    found = read_qonnx(tmp_path / "m.onnx").node("conv").op.weights
    assert (found == read_qonnx(model).node("conv").op.weights).all()


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "link.bin", "", ".", "a\0b", "none.bin", "loop.bin"]
)
def test_external_data_elsewhere_is_never_followed(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(96))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "loop.bin").symlink_to("loop.bin")
    onnx.save_model(external(location), folder / "m.onnx")
    assert "missing or lies outside the model's folder" in refused(folder / "m.onnx")


@pytest.mark.parametrize(("offset", "length"), [(-1, 96), (0, 2**60), (10**9, 4), (0, 95)])
def test_external_data_with_wrong_extent(tmp_path: Path, offset: int, length: int) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(96))
    onnx.save_model(external("w.bin", offset, length), tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx")


def test_external_data_of_a_model_in_memory() -> None:
    assert "cannot be found from a model in memory" in refused(external("w.bin"))


def test_names_cannot_escape_or_collide() -> None:
    m = Model(x=(3,))
    x = m.quant("x", 0.25, 4, out="$(rm -rf ~)/../q")
    y = m.add("Relu", x, out="a.b")
    z = m.add("Neg", y, out="a/b")
    graph = read_qonnx(m.build(z))
    names = list(graph.values)
    assert len(names) == len(set(names)) == 3
    assert all(n.isidentifier() and n.isascii() for n in names)
    assert {graph.layouts[n].tensor for n in names} == {x, y, "a/b"}


def test_initializer_that_does_not_match_its_shape() -> None:
    model = small_model()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    tensor.dims[0] = 2**50
    assert f"initializer {tensor.name!r}: " in refused(model)
    tensor.dims[0] = 4
    assert f"initializer {tensor.name!r} is damaged" in refused(model)


MODEL = small_model().SerializeToString()


@settings(max_examples=400, deadline=None, derandomize=True)
@given(data=st.data())
def test_mutated_bytes_never_crash(data: st.DataObject) -> None:
    """A damaged file gives one LeveloneError, or a graph that runs."""
    content = bytearray(MODEL)
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                content[position] = data.draw(st.integers(0, 255))
            case 1:
                del content[position : position + data.draw(st.integers(1, 20))]
            case _:
                content[position:position] = content[: data.draw(st.integers(1, 40))]
    model = onnx.ModelProto()
    try:
        model.ParseFromString(bytes(content))
    except Exception:
        return  # the file reader's case, tested above
    try:
        graph = read_qonnx(model)
        real = {
            p.source: np.zeros((1, p.value.shape[-1], *p.value.shape[:-1]), np.float32) for p in graph.inputs
        }
        execute(graph, quantise_inputs(graph, real))
    except LeveloneError:
        pass


def test_function_definitions_are_refused() -> None:
    model = small_model()
    node = helper.make_node("Relu", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "twice", ["a"], ["b"], [node], model.opset_import))
    assert "defines functions of its own (twice)" in refused(model, UnsupportedError)


def test_the_domain_of_quantisers_is_the_public_one() -> None:
    assert DOMAIN == "qonnx.custom_op.general"
    assert numpy_helper.to_array(small_model().graph.initializer[0]).dtype == np.float32


@pytest.mark.parametrize(
    ("operator", "word"),
    [("QuantizeLinear", "QDQ"), ("MultiThreshold", "FINN"), ("FloatQuant", "minifloats")],
)
def test_other_formats_of_quantised_networks_are_called_by_name(operator: str, word: str) -> None:
    m = Model(x=(4,))
    with pytest.raises(LeveloneError, match=f"no Quant node, but {operator}") as caught:
        read_qonnx(m.build(m.add(operator, "x", np.float32(0.5))))
    assert word in str(caught.value.hint)

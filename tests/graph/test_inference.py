"""What would change numbers without a word is refused, before the port, inside the network and behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import Model, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import Graph, read_qonnx

WHERE = ("before", "inside", "behind")
CHANNELS = np.float32([[1, 2, 3, 4], [0, 1, 0, 1], [0.5, 0.25, 0, 1], [1, 2, 3, 4]])
Step = Callable[[Model, str], str]


def read(step: Step, where: str, opset: int = 17) -> Graph:
    """A network with `step` at one place, and a softmax at its end."""
    m = Model(x=(4,))
    x = step(m, "x") if where == "before" else "x"
    t = m.quant(x, 0.25, 6)
    t = step(m, t) if where == "inside" else t
    t = m.add("MatMul", m.quant(t, 0.25, 6), m.weight(weights(4, 4), 0.25))
    t = m.add("Softmax", t, axis=1)
    model = m.build(step(m, t) if where == "behind" else t)
    for entry in model.opset_import:
        if entry.domain == "":
            entry.version = opset
    return read_qonnx(model)


def dropout(training: bool) -> Step:
    return lambda m, x: m.add("Dropout", x, np.float32(0.25), m.constant(training, bool))


def normalised(**attributes: int) -> Step:
    return lambda m, x: m.add("BatchNormalization", x, *CHANNELS, **attributes)


def normalised_of_old(m: Model, x: str) -> str:
    """Before opset 14 further results make it training."""
    made = normalised()(m, x)
    m.nodes[-1].output.extend(["mean_out", "var_out"])
    return made


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("step", "opset", "message"),
    [
        (dropout(True), 17, r"Dropout.*training mode: 0\.25 of all numbers are dropped"),
        (
            normalised(training_mode=1),
            17,
            "BatchNormalization.*training mode: it takes the mean of its own batch",
        ),
        (normalised_of_old, 9, "BatchNormalization.*training mode"),
        (lambda m, x: m.add("Bernoulli", x), 17, "Bernoulli.*its result is random"),
        (lambda m, x: m.add("RandomNormalLike", x), 17, "RandomNormalLike.*its result is random"),
        (
            lambda m, x: m.add("Add", x, m.add("RandomUniform", shape=[4])),
            17,
            "RandomUniform.*its result is random",
        ),
    ],
)
def test_what_differs_every_time_is_refused(where: str, step: Step, opset: int, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        read(step, where, opset)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(("step", "opset"), [(dropout(False), 17), (normalised(), 17), (normalised(), 9)])
def test_the_same_in_inference_is_read(where: str, step: Step, opset: int) -> None:
    assert read(step, where, opset)


def test_the_oldest_files_say_that_they_are_for_inference() -> None:
    assert read(normalised(is_test=1), "inside", 6)
    with pytest.raises(UnsupportedError, match="training mode"):
        read(normalised(), "inside", 6)


@pytest.mark.parametrize("where", ["before", "inside"])
@pytest.mark.parametrize("kind", ["INT8", "INT32", "INT64", "UINT8", "BOOL", "FLOAT16", "BFLOAT16"])
def test_a_cast_that_cuts_off_or_rounds_is_refused(where: str, kind: str) -> None:
    def there_and_back(m: Model, x: str) -> str:
        return m.add("Cast", m.add("Cast", x, to=getattr(TensorProto, kind)), to=TensorProto.FLOAT)

    with pytest.raises(UnsupportedError, match=f"casts an (input|activation) to {kind}, no float32"):
        read(there_and_back, where)


def test_whole_numbers_that_become_floats_are_read() -> None:
    m = Model(x=(4,))
    m.quant(m.add("Cast", "x", to=TensorProto.FLOAT), 1.0, 8, signed=0, out="y")
    model = m.build("y")
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    assert read_qonnx(model)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(value: float) -> None:
    m = Model(x=(4,))
    w = weights(4, 3)
    w[1, 2] = value
    m.add("MatMul", m.quant("x", 0.25, 6), m.constant(w), out="y")
    with pytest.raises(LeveloneError, match=r"\(MatMul\).*its constant holds NaN or infinity"):
        read_qonnx(m.build("y"))

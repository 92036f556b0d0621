"""The verdict itself under test: planted faults must be reported, unless they change nothing.

Whether a fault changes the function is decided without hls4ml: the same fault is put into the reference
graph, and both graphs are run on many more events than the check gets.
"""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import Conv, Dense, Requantise
from levelone.hls import HlsConfig, convert
from levelone.verify import Outcome, check_project, random_vectors

pytestmark = pytest.mark.slow
DENSE_EVENTS = 20_000
CHECK_EVENTS = 600

Edit = Callable[[Path], None]


def edit(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    assert old != new
    path.write_text(text.replace(old, new, 1))


def retype(name: str, change: Callable[[str], str]) -> Edit:
    """Change the type that is called `name`."""

    def apply(project: Path) -> None:
        text = (project / "firmware/defines.h").read_text()
        found = re.search(rf"typedef (.*) {name};", text)
        assert found is not None, name
        edit(project, "firmware/defines.h", found[0], f"typedef {change(found[1])} {name};")

    return apply


def code(name: str, index: int, delta: int, exponent: int) -> Edit:
    """Move one printed weight or bias by `delta` least significant bits."""

    def apply(project: Path) -> None:
        path = project / f"firmware/weights/{name}.h"
        text = path.read_text()
        start, end = text.index("= {") + 3, text.rindex("};")
        numbers = text[start:end].split(", ")
        numbers[index] = str(float(Fraction(numbers[index]) + delta * Fraction(2) ** exponent))
        path.write_text(text[:start] + ", ".join(numbers) + text[end:])

    return apply


def rebuilt(graph: Graph, name: str, op: Any) -> Graph:
    """`graph` with another operation at `name`."""
    b = GraphBuilder(graph.name)
    for port in graph.inputs:
        b.input(port.value.name, port.value.shape, port.quantiser.scale, port.quantiser.range)
    for node in graph:
        b.node(node.name, op if node.name == name else node.op, *node.inputs)
    return b.build(*graph.outputs)


def wrapped(codes: np.ndarray, bits: int, signed: bool) -> np.ndarray:
    low = codes & (2**bits - 1)
    return np.where(low >= 2 ** (bits - 1), low - 2**bits, low) if signed else low


@dataclass(frozen=True, eq=False)
class NarrowConv(Conv):
    bits: int = 64

    def evaluate(self, *codes: np.ndarray) -> np.ndarray:
        return wrapped(super().evaluate(*codes), self.bits, True)


@dataclass(frozen=True, eq=False)
class NarrowDense(Dense):
    bits: int = 64

    def evaluate(self, *codes: np.ndarray) -> np.ndarray:
        return wrapped(super().evaluate(*codes), self.bits, True)


@dataclass(frozen=True, eq=False)
class CoarseDense(Dense):
    """Products and bias lose their last bit, as in an accumulator with one fraction bit less."""

    def evaluate(self, *codes: np.ndarray) -> np.ndarray:
        products = codes[0][..., :, None] * self.weights * self.step
        return (products // 2 * 2).sum(axis=-2) + self.bias // 2 * 2


@dataclass(frozen=True)
class Wrapping(Requantise):
    def evaluate(self, *codes: np.ndarray) -> np.ndarray:
        free = replace(self, range=IntRange(-(2**40), 2**40))
        return wrapped(Requantise.evaluate(free, *codes), self.range.width, self.range.signed)


def with_code(op: Any, where: str, index: int, delta: int) -> Any:
    changed = getattr(op, where).copy()
    changed.reshape(-1)[index] += delta
    return replace(op, **{where: changed})


def fields(op: Any) -> dict[str, Any]:
    return {field.name: getattr(op, field.name) for field in dataclasses.fields(op)}


def narrower(bits: int, integer: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        return re.sub(
            r"<(\d+),(-?\d+)", lambda m: f"<{int(m[1]) - bits},{int(m[2]) - integer}", text, count=1
        )

    return change


def accumulator_bits(project: Path, name: str) -> int:
    found = re.search(
        rf"typedef ap_fixed<(\d+),.* {name}_accum_t;", (project / "firmware/defines.h").read_text()
    )
    assert found is not None
    return int(found[1])


FAULTS: dict[str, Callable[[Graph, Path], tuple[Edit, Graph]]] = {
    "weight of the convolution": lambda g, p: (
        code("conv1_weight", 7, -1, -5),
        rebuilt(g, "conv1", with_code(g.node("conv1").op, "weights", 7, -1)),
    ),
    "weight of a dense layer": lambda g, p: (
        code("fc1_weight", 33, 1, -5),
        rebuilt(g, "fc1", with_code(g.node("fc1").op, "weights", 33, 1)),
    ),
    "bias of the convolution": lambda g, p: (
        code("conv1_bias", 1, 1, -7),
        rebuilt(g, "conv1", with_code(g.node("conv1").op, "bias", 1, 1)),
    ),
    "bias of the last layer": lambda g, p: (
        code("logit_bias", 0, -1, -7),
        rebuilt(g, "logit", with_code(g.node("logit").op, "bias", 0, -1)),
    ),
    "rounding: truncation": lambda g, p: (
        retype("act1_t", lambda t: t.replace("AP_RND_CONV", "AP_TRN")),
        rebuilt(g, "act1", replace(g.node("act1").op, rounding=Rounding.FLOOR)),
    ),
    "rounding: other ties": lambda g, p: (
        retype("act1_t", lambda t: t.replace("AP_RND_CONV", "AP_RND_INF")),
        rebuilt(g, "act1", replace(g.node("act1").op, rounding=Rounding.HALF_UP)),
    ),
    "saturation": lambda g, p: (
        retype("act1_t", lambda t: t.replace("AP_SAT", "AP_WRAP")),
        rebuilt(g, "act1", Wrapping(**fields(g.node("act1").op))),
    ),
    "accumulator of the convolution": lambda g, p: (
        retype("conv1_accum_t", narrower(1, 1)),
        rebuilt(g, "conv1", NarrowConv(**fields(g.node("conv1").op), bits=accumulator_bits(p, "conv1") - 1)),
    ),
    "accumulator of a dense layer": lambda g, p: (
        retype("fc1_accum_t", narrower(1, 1)),
        rebuilt(g, "fc1", NarrowDense(**fields(g.node("fc1").op), bits=accumulator_bits(p, "fc1") - 1)),
    ),
    "last bit of an accumulator": lambda g, p: (
        retype("logit_accum_t", narrower(1, 0)),
        rebuilt(g, "logit", CoarseDense(**fields(g.node("logit").op))),
    ),
    "wider accumulator": lambda g, p: (retype("fc1_accum_t", narrower(-3, -2)), g),
    "other modes of an exact assignment": lambda g, p: (
        retype("fc1_t", lambda t: t.replace(">", ",AP_RND,AP_SAT,0>")),
        g,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_changes_the_function_is_reported(fault: str, network: Graph, fresh: Any) -> None:
    apply, faulty = FAULTS[fault](network, fresh.project)
    apply(fresh.project)
    dense = random_vectors(network, DENSE_EVENTS, seed=99)
    right, wrong = execute(network, dense), execute(faulty, dense)
    changes = any((right[name] != wrong[name]).any() for name in right)
    check = check_project(fresh.project, random_vectors(network, CHECK_EVENTS, seed=1), graph=network)
    assert check.outcome is (Outcome.MISMATCH if changes else Outcome.NOT_PROVEN)
    assert len(check.project.edited) == 1 and len(check.findings) >= 1
    if changes:
        first = check.verdict.first_mismatch
        assert first is not None and first.expected != first.found
        # found where it was planted, not only somewhere behind
        places = [name for name in right if (right[name] != wrong[name]).any()]
        assert first.layer == places[0]


EDITS: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "sign of a sum": (
        "parallel",
        "firmware/defines.h",
        lambda t: re.sub(r"ap_fixed(<[^>]*> conv1_t)", r"ap_ufixed\1", t),
    ),
    "input port": (
        "parallel",
        "firmware/defines.h",
        lambda t: t.replace("ap_ufixed<4,3> images_q_t", "ap_ufixed<3,2> images_q_t"),
    ),
    "no relu": ("parallel", "firmware/myproject.cpp", lambda t: t.replace("nnet::relu<", "nnet::linear<", 1)),
    "order of inputs": ("parallel", "firmware/nnet_utils/nnet_code_gen.h", lambda t: _swapped(t)),
    "pooling stride": (
        "stream",
        "firmware/parameters.h",
        lambda t: _pool(t, "stride_width = 2", "stride_width = 1"),
    ),
    "convolution stride": (
        "stream",
        "firmware/parameters.h",
        lambda t: t.replace("stride_height = 2", "stride_height = 1", 1),
    ),
    "padding": ("stream", "firmware/parameters.h", lambda t: t.replace("pad_left = 1", "pad_left = 0", 1)),
    "pooling operation": (
        "stream",
        "firmware/parameters.h",
        lambda t: t.replace("nnet::Max", "nnet::Average", 1),
    ),
    "two weights swapped": ("stream", "firmware/weights/fc1_weight.h", lambda t: _swap_weights(t)),
}


def _swapped(text: str) -> str:
    first, second = re.findall(r"data\[\d+\]", text)[:2]
    return text.replace(first, "@", 1).replace(second, first, 1).replace("@", second, 1)


def _pool(text: str, old: str, new: str) -> str:
    head, mark, tail = text.partition("pooling2d_config")
    return head + mark + tail.replace(old, new, 1)


def _swap_weights(text: str) -> str:
    start, end = text.index("= {") + 3, text.rindex("};")
    numbers = text[start:end].split(", ")
    other = next(i for i, number in enumerate(numbers) if number != numbers[0])
    numbers[0], numbers[other] = numbers[other], numbers[0]
    return text[:start] + ", ".join(numbers) + text[end:]


@pytest.mark.parametrize("name", EDITS)
def test_edits_that_plainly_change_the_function_never_pass(name: str, network: Graph, tmp_path: Path) -> None:
    io, file, change = EDITS[name]
    manifest = convert(network, tmp_path / "tiny", HlsConfig(io=io))
    path = manifest.project / file
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)
    try:
        check = check_project(manifest.project, random_vectors(network, 200, seed=1), graph=network)
    except LeveloneError as error:  # it does not even run
        assert "crashed" in str(error) or "compile" in str(error)
    else:
        assert check.verdict.outcome is not Outcome.EXACT
        assert check.project.edited == (file,)

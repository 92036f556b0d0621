"""Hostile files end quickly, with one message, in little memory: no crash, no hang, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from cases import seeded
from hostile import BOMBS, write
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from onnx_models import Model
from random_models import random_model

from levelone.errors import LeveloneError
from levelone.graph import execute, layout_of, quantise_inputs, read_qonnx
from levelone.graph.build import LONGEST_NAME, sanitise

HERE = Path(__file__).parent
SECONDS = 60.0
"""For the slowest file, on a busy machine; idle, none takes more than a few."""
GIGABYTES = 3

READ = f"""
import json, pathlib, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({GIGABYTES} * 2**30, {GIGABYTES} * 2**30))
from levelone.errors import LeveloneError
from levelone.graph import read_qonnx
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    begin = time.monotonic()
    try:
        outcome = f"read, {{len(read_qonnx(path).values)}} values"
    except LeveloneError as error:
        outcome = f"refused: {{error.message}}"
    except BaseException as error:
        outcome = f"CRASH: {{error!r}}"
    print(json.dumps([path.stem, time.monotonic() - begin, outcome]), flush=True)
"""


@pytest.mark.slow
def test_files_that_ask_for_too_much_end_quickly_in_little_memory(tmp_path: Path) -> None:
    write(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(outcomes) == len(BOMBS), (outcomes[-1:], done.stderr[-500:])
    for name, seconds, outcome in outcomes:
        assert not outcome.startswith("CRASH"), (name, outcome)
        assert seconds < SECONDS, (name, seconds)
        assert len(outcome) < 2000, (name, outcome)
        assert "Unable to allocate" not in outcome, (name, outcome)  # it was tried
    refused = sum(outcome.startswith("refused") for _, _, outcome in outcomes)
    assert refused >= len(BOMBS) * 2 // 3
    assert sorted(tmp_path.iterdir()) == before


def models() -> list[bytes]:
    """Real networks to damage: of QKeras, and all kinds of nodes."""
    found = [path.read_bytes() for path in sorted((HERE / "qkeras").glob("*.onnx"))]
    return found + [random_model(seeded(seed)).SerializeToString() for seed in range(40)]


MODELS = models()


def survives(content: bytes, path: Path) -> bool:
    """Whether a damaged file is read and run (True) or refused with a `LeveloneError` (False)."""
    path.write_bytes(content)
    try:
        graph = read_qonnx(path, {})
        real = {}
        for port in graph.inputs:
            shape = port.source_shape or layout_of(graph, port.value.name).shape
            real[port.source] = np.ones((1, *shape), np.float32)
        execute(graph, quantise_inputs(graph, real))
    except LeveloneError as error:
        assert error.message.strip()
        return False
    return True


@settings(max_examples=500, deadline=None, derandomize=True, phases=[Phase.generate])
@given(data=st.data())
def test_damaged_files_never_crash(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bit flips, cuts, repetitions, and pieces of one file in another."""
    content = bytearray(data.draw(st.sampled_from(MODELS)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.integers(0, 4)):
            case 0:
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case 1:
                del content[at : at + data.draw(st.integers(1, 40))]
            case 2:
                content[at:at] = content[: data.draw(st.integers(1, 60))]
            case 3:
                other = data.draw(st.sampled_from(MODELS))
                begin = data.draw(st.integers(0, len(other) - 1))
                content[at:at] = other[begin : begin + data.draw(st.integers(1, 80))]
            case _:
                content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        if not content:
            return
    survives(bytes(content), tmp_path_factory.getbasetemp() / "damaged.onnx")


def test_undamaged_files_survive(tmp_path: Path) -> None:
    assert sum(survives(content, tmp_path / "m.onnx") for content in MODELS) >= 38  # without --port, not all


@pytest.mark.parametrize(
    "name",
    ["$(rm -rf ~)", "a b\tc\n", "../../etc/passwd", "C:\\x", "", "é∑漢", "class", "int", "x" * 5000, "9", "_",
     "nul\0l", "`id`", "a;b|c&d", "%s%n", "weights"],
)  # fmt: skip
def test_foreign_names_become_identifiers_in_one_place(name: str) -> None:
    found = sanitise(name)
    assert found.isascii()
    assert found.isidentifier()
    assert len(found) <= LONGEST_NAME
    assert sanitise(found) == found
    if name and "\0" not in name:
        m = Model(x=(3,))
        y = m.add("Relu", m.quant("x", 0.25, 4, out=name), out=f"{name}!")
        graph = read_qonnx(m.build(y))
        assert all(sanitise(v) == v or v.startswith(sanitise(v)) for v in graph.values)
        assert len({v.lower() for v in graph.values}) == 2


def test_equal_names_after_sanitising_stay_apart() -> None:
    m = Model(x=(3,))
    x = m.quant("x", 0.25, 4, out="a/b")
    for name in ("a.b", "a b", "a_b", "a-b"):
        x = m.add("Relu", x, out=name)
    graph = read_qonnx(m.build(x))
    assert list(graph.values) == ["a_b", "a_b_2", "a_b_3", "a_b_4", "a_b_5"]


def test_a_file_of_zeros_that_only_looks_huge(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(LeveloneError, match="larger than"):
        read_qonnx(path)


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(LeveloneError, match=r"cannot read .*m.onnx: it is not a regular file"):
        read_qonnx(path)


def test_missing_and_repeated_tensors() -> None:
    m = Model(x=(3,))
    model = m.build(m.add("Relu", m.quant("x", 0.25, 4), out="y"))
    model.graph.node[0].input[1] = "nowhere"
    with pytest.raises(LeveloneError, match="nowhere"):
        read_qonnx(model)
    del model.graph.node[0].input[1:]
    with pytest.raises(LeveloneError, match="operand 1 is missing"):
        read_qonnx(model)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(3), "y"))
    with pytest.raises(LeveloneError, match="which exists already"):
        read_qonnx(model)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    m = Model(x=(3,))
    content = m.build(m.add("Relu", m.quant("x", 0.25, 4), out="result")).SerializeToString()
    path = tmp_path / "m.onnx"
    path.write_bytes(content.replace(b"result", b"re\xffult"))
    with pytest.raises(LeveloneError, match="names that are no text"):
        read_qonnx(path)

"""Names in the firmware: none means something else to the compiler, whatever the model and its file say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx_models import Model

from levelone.errors import LeveloneError
from levelone.graph import Graph
from levelone.hls import HlsConfig, Manifest, convert, find_compiler
from levelone.hls.names import firmware_names, project_name
from levelone.pipeline.checks import check_folder
from levelone.pipeline.converting import convert_file

FLAGS = ("-std=c++17", "-w", "-I", "firmware/ap_types", "-iquote", "firmware", "-I", ".")
UNITS = ("myproject_bridge.cpp", "firmware/myproject.cpp")


def compiler(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_compiler().path), *FLAGS, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def words_of(folder: Path) -> set[str]:
    """Every identifier and every macro that the compiler sees in the firmware and in what it includes."""
    found: set[str] = set()
    for unit in UNITS:
        code = re.sub(r'"(\\.|[^"\\])*"', "", compiler(folder, "-E", "-P", unit).stdout)
        found.update(re.findall(r"\b[A-Za-z]\w*", code))
        found.update(re.findall(r"#define ([A-Za-z]\w*)", compiler(folder, "-E", "-dM", unit).stdout))
    return found


@pytest.mark.slow
def test_no_word_of_the_headers_is_in_the_way(fresh: Manifest, network: Graph, tmp_path: Path) -> None:
    """Every word that the headers use, as a layer (a type, a variable) and as a top function."""
    own = re.compile(f"({'|'.join(map(re.escape, [*network.values, 'myproject']))})(_.*)?|result(_t)?")
    words = sorted(word for word in words_of(fresh.project) if not own.fullmatch(word))
    words += sorted({word.removesuffix("_t") for word in words if word.endswith("_t")} - set(words))
    assert {"NULL", "assert", "errno", "stdin", "EOF", "time", "class", "size_t", "M_PIf"} <= set(words)
    lines = [f'#include "{unit}"' for unit in UNITS] + ["struct _ports {};"]
    for number, word in enumerate(words):
        (layer,) = firmware_names([word], "top").values()
        lines.append(f"typedef ap_fixed<5, 3> {layer}_t;")
        lines.append(f"void top_{number}() {{ {layer}_t {layer}(2); }}")
        lines.append(f"void {project_name(word)}(_ports *);")
    (tmp_path / "all.cpp").write_text("\n".join(dict.fromkeys(lines)))
    done = compiler(fresh.project, "-fsyntax-only", "-fmax-errors=5", str(tmp_path / "all.cpp"))
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("model", "model"),
        ("int", "int_v"),
        ("defines", "defines_v"),
        ("parameters", "parameters_v"),
        ("ap_int", "ap_int_v"),
        ("NULL", "NULL_v"),
        ("config2", "config2_v"),
        ("naïve", "na_ve"),
        ("日本", "value"),
        ("1.2.3", "n1_2_3"),
        ("a" * 245, "a" * 64),
    ],
)
def test_the_name_of_a_file_becomes_one_that_firmware_can_have(stem: str, name: str) -> None:
    assert project_name(stem) == name
    assert project_name(name) == name


@pytest.mark.parametrize("name", ["int", "parameters", "naïve"])
def test_other_names_are_refused(name: str, network: Graph, tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match=f"project name '{name}': expected a C identifier"):
        convert(network, tmp_path / "p", name=name)
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["class", "parameters", "math", "日本"])
def test_models_are_exact_whatever_their_files_are_called(stem: str, tmp_path: Path) -> None:
    m = Model(x=(4,))
    y = m.add("MatMul", m.quant("x", 0.25, 4), m.weight(np.ones((4, 3)), 0.5))
    path = tmp_path / f"{stem}.onnx"
    path.write_bytes(m.build(m.quant(m.add("Relu", y), 0.3, 4, signed=0)).SerializeToString())
    convert_file(path, tmp_path / "p", HlsConfig(part="xcvu13p", clock_ns=5.0))
    assert check_folder(tmp_path / "p", vectors=20)["verdict"] == "exact"

"""Clocks that a streamed window takes: docs/firmware.md against the geometry that is compiled."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from levelone.graph import read_qonnx
from levelone.hls import HlsConfig
from levelone.hls.latency.ticks import reduction_ticks, window_ticks
from levelone.hls.lower import lower
from levelone.hls.operations.headers import header_path
from levelone.hls.operations.window import AXES
from levelone.hls.toolchain import find_compiler

MUON = Path(__file__).parents[2] / "hls_projects" / "muon" / "model.onnx"
Constants = Mapping[str, int]


def random_geometry(rng: np.random.Generator, *, apart: bool = False) -> dict[str, int]:
    """Of a window; `apart`: no element lies under two of them."""
    c = {"channels": 1, "out_channels": 1}
    for axis in AXES:
        n, k, stride, dilation = (int(rng.integers(1, most)) for most in (13, 5, 5, 4))
        extent = dilation * (k - 1) + 1
        begin = int(rng.integers(extent))  # a window that begins in padding alone has a padding layer instead
        end = max(int(rng.integers(4)), extent - n - begin)
        stride = max(stride, extent) if apart else stride
        values = {"in": n, "filt": k, "stride": stride, "dilation": dilation, "pad": begin}
        values["out"] = (n + begin + end - extent) // stride + 1
        c |= {f"{key}_{axis}": value for key, value in values.items()}
    return c


def compiles(claims: list[tuple[Constants, Sequence[int]]], folder: Path, of: str = "window") -> bool:
    """Whether ``window_of``, or another geometry, has so many ticks along the axes for these constants."""
    text = f'#include "{header_path("levelone_reduce.h")}"\n'
    for number, (constants, ticks) in enumerate(claims):
        members = "".join(f"static const unsigned {key} = {value};" for key, value in constants.items())
        text += f"struct c{number} {{ {members} }};\n"
        for axis, wanted in zip(AXES, ticks, strict=True):
            text += f'static_assert(levelone::{of}_of<c{number}>::ticks_{axis} == {wanted}, "c{number}");\n'
    source = folder / "ticks.cpp"
    source.write_text(text, encoding="utf-8")
    templates = files("hls4ml") / "templates" / "vivado"
    includes = [f"-I{templates / name}" for name in ("ap_types", "nnet_utils")]
    command = [str(find_compiler().path), "-std=c++17", "-w", "-fsyntax-only", *includes, str(source)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_window_takes_the_ticks_that_are_window_ticks(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    geometries = [random_geometry(rng) for _ in range(200)]
    claims = [(c, window_ticks(c)) for c in geometries]
    assert compiles(claims, tmp_path)
    # what the formula means: every element is read, every window complete, and no tick is without use
    for c, ticks in claims:
        for axis, found in zip(AXES, ticks, strict=True):
            last_taps = [
                o * c[f"stride_{axis}"] + (c[f"filt_{axis}"] - 1) * c[f"dilation_{axis}"] - c[f"pad_{axis}"]
                for o in range(c[f"out_{axis}"])
            ]
            needed = 1 + max(c[f"in_{axis}"] - 1, *last_taps)
            assert found == needed or (axis == "width" and found == 8 > needed)
    wrong = [(geometries[0], (window_ticks(geometries[0])[0] + 1, *window_ticks(geometries[0])[1:]))]
    assert not compiles(wrong, tmp_path)


def test_windows_that_lie_apart_take_the_ticks_that_are_documented(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    claims = [(c, reduction_ticks(c)) for c in (random_geometry(rng, apart=True) for _ in range(200))]
    assert any(ticks != window_ticks(c) for c, ticks in claims)
    assert compiles(claims, tmp_path, "reduction")


def test_the_documented_example(tmp_path: Path) -> None:
    specs = lower(read_qonnx(MUON), HlsConfig(io="stream", strategy="resource"))
    (conv,) = (spec.body for spec in specs if spec.name == "conv1")
    assert conv is not None
    constants = {key: int(value) for key, value in conv.constants.items()}
    assert window_ticks(constants) == (26, 16, 16)
    assert compiles([(constants, [26, 16, 16])], tmp_path)

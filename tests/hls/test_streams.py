"""What streamed layers hold, measured in the compiled firmware, and how many ticks an event takes them."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from math import prod

import numpy as np
import pytest

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import AveragePool, Conv, MaxPool, Multiply, Pad, Transpose
from levelone.hls import HlsConfig, Manifest, build, convert, find_compiler

Shape = tuple[int, ...]

ONES, NONE = (1, 1, 1), ((0, 0),) * 3
NARROW = IntRange(0, 3)
"""Codes of so few bits, and sums of a few of them, take a byte each in C simulation."""

BUFFERS = ("planes", "lines", "recent", "held", "hold_a", "hold_b", "all")


def pool(kind: type, kernel: Shape, stride: Shape) -> MaxPool | AveragePool:
    made: MaxPool | AveragePool = kind(kernel, stride, NONE, ONES)
    return made


def conv(kernel: Shape, stride: Shape, pads: tuple[tuple[int, int], ...], channels: int) -> Conv:
    weights = np.ones((*kernel, channels, 1), dtype=np.int64)
    return Conv(weights, np.zeros(1, dtype=np.int64), (Fraction(1),), stride, pads, ONES)


def layers() -> dict[str, tuple[object, Shape]]:
    """Operation and shape of its operand, by name."""
    return {
        "cube": (conv((3, 2, 4), (1, 2, 1), ((1, 1), (0, 1), (2, 0)), 2), (5, 6, 9, 2)),
        "flat": (conv((1, 3, 3), (1, 1, 1), ((0, 0), (1, 1), (1, 1)), 3), (4, 5, 10, 3)),
        "line": (conv((3, 1, 1), (1, 1, 1), ((1, 1), (0, 0), (0, 0)), 3), (50, 1, 1, 3)),
        "sliding": (pool(MaxPool, (2, 3, 3), (1, 2, 2)), (4, 7, 11, 2)),
        "halved": (pool(MaxPool, (2, 2, 2), (2, 2, 2)), (6, 8, 10, 3)),
        "rows": (pool(AveragePool, (1, 2, 2), (1, 2, 3)), (3, 6, 12, 2)),
        "slabs": (pool(AveragePool, (2, 2, 3), (2, 2, 1)), (4, 10, 3, 2)),
        "mean": (pool(AveragePool, (4, 4, 5), ONES), (4, 4, 5, 5)),
        "most": (pool(MaxPool, (50, 1, 1), ONES), (50, 1, 1, 4)),
        "mirrored": (Pad(((0, 0), (0, 0), (2, 1), (0, 0)), "reflect"), (2, 3, 6, 2)),
        "turned": (Transpose((3, 0, 1, 2)), (2, 3, 4, 2)),
    }


def network() -> Graph:
    b = GraphBuilder("streams")
    outputs = []
    for name, (op, shape) in layers().items():
        outputs.append(b.node(name, op, b.input(f"{name}_q", shape, Fraction(1), NARROW)))  # type: ignore[arg-type]
    x, gate = (
        b.input(f"{name}_q", s, Fraction(1), NARROW)
        for name, s in (("x", (3, 4, 5, 2)), ("gate", (3, 1, 5, 2)))
    )
    outputs.append(b.node("gated", Multiply(), x, gate))
    return b.build(*outputs)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return convert(network(), tmp_path_factory.mktemp("streams") / "project", HlsConfig(io="stream"))


def configurations(manifest: Manifest) -> dict[str, str]:
    """Name of a layer's configuration in the firmware -> the layer."""
    text = (manifest.project / "firmware" / "parameters.h").read_text(encoding="utf-8")
    names = {layer["layer"]: layer["name"] for layer in manifest.data["layers"]}
    found = re.findall(r"^// (\w+)\nstruct (config\d+) ", text, flags=re.MULTILINE)
    return {config: names[layer] for layer, config in found}


def buffers(manifest: Manifest) -> dict[str, Counter[str]]:
    """Bytes of every array that a layer keeps between beats, from the symbols of the compiled firmware."""
    shown = subprocess.run(
        ["nm", "--demangle", "--print-size", build(manifest.project).library],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = configurations(manifest)
    sizes: dict[str, Counter[str]] = {name: Counter() for name in names.values()}
    for size, function, array in re.findall(
        r"^\w+ (\w+) \w (levelone::.*)::(\w+)$", shown, flags=re.MULTILINE
    ):
        config = re.findall(r"\bconfig\d+\b", function)
        if array in BUFFERS and config:
            sizes[names[config[-1]]][array] = int(size, 16)
    return sizes


def under_way(op: MaxPool | AveragePool, shape: Shape) -> int:
    """Windows that have met an element and miss another one, at most, while elements arrive in order."""
    spatial = shape[:-1]
    first: list[int] = []
    last: list[int] = []
    for position in itertools.product(*map(range, op.window.output_shape("y", spatial))):
        met = list(elements(op, spatial, position))
        first.append(min(met))
        last.append(max(met))
    return max(sum(a <= at < b for a, b in zip(first, last, strict=True)) for at in range(prod(spatial)))


def elements(op: MaxPool | AveragePool, spatial: Shape, position: Shape) -> Iterator[int]:
    for tap in itertools.product(*map(range, op.kernel)):
        at = [p * s + t for p, s, t in zip(position, op.stride, tap, strict=True)]
        if all(a < n for a, n in zip(at, spatial, strict=True)):
            yield int(np.ravel_multi_index(at, spatial))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm of the binutils lists the sizes of arrays")
def test_layers_hold_what_they_still_need(project: Manifest) -> None:
    found = buffers(project)
    assert found["cube"] == {"planes": 2 * 6 * 9 * 2, "lines": 3 * 1 * 9 * 2, "recent": 3 * 2 * 4 * 2}
    assert (found["flat"]["lines"], found["flat"]["recent"]) == (2 * 10 * 3, 3 * 3 * 3)
    assert found["line"]["recent"] == 3 * 3
    assert found["sliding"] == {"planes": 7 * 11 * 2, "lines": 2 * 2 * 11 * 2, "recent": 2 * 3 * 3 * 2}
    assert found["mirrored"] == {"recent": 3 * 2}
    assert found["turned"] == {"all": 2 * 3 * 4 * 2}
    assert found["gated"] == {"hold_a": 2, "hold_b": 5 * 2}
    reduced = {"halved": 3, "rows": 2, "slabs": 2, "mean": 5, "most": 4}
    for name, channels in reduced.items():
        op, shape = layers()[name]
        assert isinstance(op, MaxPool | AveragePool)
        assert set(found[name]) == {"held"}, name
        assert found[name]["held"] == under_way(op, shape) * channels, name


def ticks(manifest: Manifest) -> dict[str, int]:
    """What the compiled geometry says."""
    names = configurations(manifest)
    lines = []
    for config, name in names.items():
        op, _ = layers().get(name, (None, ()))
        if isinstance(op, Conv | MaxPool | AveragePool):
            kind = "reduction_of" if name in ("halved", "rows", "slabs", "mean", "most") else "window_of"
            lines.append(f'std::cout << "{name} " << +levelone::{kind}<{config}>::ticks << "\\n";')
    probe = manifest.project / "probe.cpp"
    text = '#include <iostream>\n#include "defines.h"\n#include "parameters.h"\nint main() {\n%s\n}\n'
    probe.write_text(text % "\n".join(lines), encoding="utf-8")
    program = probe.with_suffix("")
    includes = ["-I", "firmware/ap_types", "-I", "firmware"]
    subprocess.run(
        [find_compiler().path, "-std=c++17", *includes, probe, "-o", program],
        cwd=manifest.project,
        check=True,
    )
    shown = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in map(str.split, shown.splitlines())}


@pytest.mark.slow
def test_an_event_takes_a_tick_per_voxel_and_what_the_documentation_says(project: Manifest) -> None:
    assert ticks(project) == {
        "cube": (5 + 1) * (6 + 0) * (9 + 0),  # padding behind the last plane
        "flat": 4 * (5 + 1) * (10 + 1),
        "line": 50 + 1,  # one row
        "sliding": 4 * 7 * 11,
        "halved": 6 * 8 * 10,
        "rows": 3 * 6 * 12,
        "slabs": 4 * 10 * 3,
        "mean": 4 * 4 * 5,
        "most": 50,
    }

"""Every word of `docs/vocabulary.md` has the network that the page says: a valid recipe, and that layer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks import vocabulary
from levelone.quant.local import LocallyConnected
from levelone.quant.words import Add, AveragePool, Concat, MaxPool, Multiply, Upsample
from levelone.recipe import Recipe, load_recipe
from levelone.zoo import find_system
from levelone.zoo.kit.system import System

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| \[(\w+)\]\(\w+\.md\), `(\w+)\.toml` \| (.+?) \|", re.MULTILINE)
PAGE = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
ROWS = ROW.findall(PAGE)


def of_convolution(matches: Callable[[Any], bool]) -> Callable[[nn.Module], bool]:
    return lambda layer: hasattr(layer, "linear") and bool(matches(layer.linear))


def transposed(linear: Any) -> bool:
    return isinstance(linear, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d)


IS: dict[str, Callable[[nn.Module], bool]] = {
    "pointwise": of_convolution(lambda conv: set(conv.kernel_size) == {1}),
    "locally connected, 2D": of_convolution(
        lambda conv: isinstance(conv, LocallyConnected) and conv.shape.rank == 2
    ),
    "locally connected, 3D": of_convolution(
        lambda conv: isinstance(conv, LocallyConnected) and conv.shape.rank == 3
    ),
    "inception": lambda layer: isinstance(layer, Concat) and len(layer.sources) == 4,
    "depthwise": of_convolution(lambda conv: conv.groups == conv.in_channels > 1),
    "separable": of_convolution(
        lambda conv: conv.groups == conv.in_channels > 1 or set(conv.kernel_size) == {1}
    ),
    "squeeze and excitation": lambda layer: isinstance(layer, Multiply),
    "transposed": of_convolution(transposed),
    "upsampling": lambda layer: isinstance(layer, Upsample),
    "residual": lambda layer: isinstance(layer, Add),
    "dense": lambda layer: isinstance(layer, Concat),
    "U-shaped": lambda layer: isinstance(layer, Concat) and len(layer.sources) == 2,
    "dilated": of_convolution(lambda conv: max(conv.dilation) > 1),
    "global pooling": lambda layer: isinstance(layer, AveragePool),
    "MaxOut": lambda layer: isinstance(layer, MaxPool),
}
"""Word of the page -> whether a layer is what the word means."""
VARIANTS = sorted({(system, recipe) for _, system, recipe, _ in ROWS if recipe != "default"})
"""Networks of the page of which no model is committed."""
FEW = (*vocabulary.FEW, "verify.events=20", "verify.random=8")
"""Of a training that shows that it can be done, and no more."""


def recipe_of(system: System, name: str) -> Recipe:
    return load_recipe(system.default_recipe.with_name(f"{name}.toml"))


def test_the_page_has_every_word() -> None:
    assert [word for word, *_ in ROWS] == list(IS)


@pytest.mark.parametrize(("word", "name", "recipe", "layers"), ROWS, ids=[word for word, *_ in ROWS])
def test_the_network_has_the_layer(word: str, name: str, recipe: str, layers: str) -> None:
    system = find_system(name)
    chosen = recipe_of(system, recipe)
    system.model_section(chosen)
    assert system.reach(chosen) == "firmware"
    assert recipe != "default" or (ROOT / "hls_projects" / name / "model.onnx").is_file()
    network = system.build_float(chosen).eval()
    named = re.findall(r"`(\w+)`", layers)
    assert named
    assert [layer for layer in named if not IS[word](network.get_submodule(layer))] == []


@pytest.mark.parametrize(("name", "recipe"), VARIANTS)
def test_a_variant_gives_what_its_outputs_are(name: str, recipe: str) -> None:
    """In float and quantised, of the shapes of the system's own network."""
    system = find_system(name)
    chosen, own = recipe_of(system, recipe), recipe_of(system, "default")
    shapes = system.input_shapes(chosen)
    assert shapes == system.input_shapes(own)
    events = [torch.zeros(2, *shape) for shape in shapes.values()]
    with torch.no_grad():
        expected = system.build_float(own).eval()(*events)
        for build in (system.build_float, system.build_quantised):
            assert build(chosen).eval()(*events).shape == expected.shape


def test_the_page_tells_what_was_measured() -> None:
    """Of every network of the page, and nothing that is not so."""
    measured = json.loads(vocabulary.RESULTS.read_text(encoding="utf-8"))
    networks = {name if recipe == "default" else f"{name}:{recipe}" for _, name, recipe, _ in ROWS}
    assert networks == set(vocabulary.NETWORKS)
    assert set(measured) <= networks
    for bodies in measured.values():
        assert {one["verdict"] for body, one in bodies.items() if body != "rtl"} <= {"exact"}
        if "rtl" in bodies:
            assert bodies["rtl"]["verdict"] in ("exact", "equal, not proven")
            assert bodies["rtl"]["clocks"] == bodies["rtl"]["planned"]
            assert bodies["rtl"]["rough"]
    assert vocabulary.table(measured) in PAGE


@pytest.mark.slow
@pytest.mark.minutes
@pytest.mark.parametrize(("name", "recipe"), VARIANTS)
def test_a_variant_trains_and_is_exact(name: str, recipe: str, tmp_path: Path) -> None:
    system = find_system(name)
    path = system.default_recipe.with_name(f"{recipe}.toml")
    told = [word for key in FEW for word in ("--set", key)]
    if system.sample_file() is None:
        told += ["--events", "2000"]
    levelone = Path(sys.executable).with_name("levelone")

    def ask(*words: str | Path) -> dict[str, Any]:
        done = subprocess.run([levelone, *words, "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    run, unrolled = tmp_path / "run", tmp_path / "unrolled"
    assert ask("run", name, "--recipe", path, "--out", run, *told)["verdict"] == "exact"
    strategy = recipe_of(system, recipe).hls.strategy
    ask("convert", run / "model.onnx", "-o", unrolled, "--io", "parallel", "--strategy", strategy)
    assert ask("csim", unrolled, "--vectors", "8")["verdict"] == "exact"

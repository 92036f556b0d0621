"""A choice of hardware is declared once, checked once, and costs a recipe no heavy import."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from levelone.errors import LeveloneError
from levelone.hls import HlsConfig, LayerChoice
from levelone.hls.manifest import HlsDocument
from levelone.pipeline.choices import choices_for
from levelone.recipe import Recipe, dump_recipe, parse_recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"io": "serial"}, "hls.io = \"serial\": input should be 'parallel' or 'stream'"),
        ({"clock_ns": 0.0}, "hls.clock_ns = 0.0: input should be greater than 0"),
        ({"part": 'x"; exec rm'}, "expected an FPGA part name"),
        ({"reuse_factor": 0}, "hls.reuse_factor = 0: input should be greater than 0"),
        ({"partition_factor": -1}, "hls.partition_factor = -1: input should be greater than or equal to 0"),
        ({"clock_uncertainty": "[exec]"}, "expected a percentage like '27%' or ns"),
        ({"layers": {"fc": {"reuse_factor": 0}}}, "hls.layers.fc.reuse_factor = 0: input should be greater"),
        ({"parts": "xcvu13p"}, "unknown key hls.parts"),
    ],
)
def test_the_configuration_is_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(LeveloneError, match=re.escape(message)):
        choices_for("hls", "convert", change)


def test_recipe_configuration_and_document_are_one() -> None:
    assert Recipe.model_fields["hls"].annotation is HlsConfig
    assert HlsDocument.model_fields["hls"].annotation is HlsConfig
    chosen = HlsConfig(io="stream", clock_uncertainty="1.5", layers={"fc": LayerChoice(strategy="resource")})
    recipe = Recipe(system="pixelseed", hls=chosen)
    assert parse_recipe(dump_recipe(recipe), "recipe.toml").hls == chosen


def test_defaults_that_came_later_are_not_written_into_recipes() -> None:
    """So that the digest of a recipe is what it was before they existed."""
    text = dump_recipe(Recipe(system="pixelseed"))
    written = re.findall(r"^(\w+) =", text[text.index("[hls]") : text.index("[verify]")], re.MULTILINE)
    assert written == ["io", "part", "clock_ns", "reuse_factor", "strategy"]


def test_a_layer_sees_its_own_choice() -> None:
    config = HlsConfig(reuse_factor=3, layers={"fc": LayerChoice(strategy="resource")})
    assert config.of("fc") == HlsConfig(reuse_factor=3, strategy="resource")
    assert config.of("conv") == HlsConfig(reuse_factor=3)


def test_a_recipe_needs_none_of_the_heavy_libraries() -> None:
    code = "import sys, levelone.recipe; print(*{'numpy', 'onnx', 'torch', 'hls4ml'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

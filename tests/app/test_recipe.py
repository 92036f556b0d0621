"""Recipes: validation before any work, messages that name the key, overrides, a deterministic dump."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from levelone.errors import LeveloneError
from levelone.pipeline.job import open_run, plan
from levelone.recipe import Recipe, Section, digest, dump_recipe, load_recipe, parse_recipe, parse_section
from levelone.zoo import read_recipe


class ToyModel(Section):
    channels: int = 4
    kernel: int = 3


def parse(text: str, *overrides: str) -> Recipe:
    recipe = parse_recipe(text, "my.toml", overrides)
    parse_section(ToyModel, recipe.model, "my.toml", at=("model",))
    return recipe


def message(text: str, *overrides: str) -> str:
    with pytest.raises(LeveloneError) as caught:
        parse(text, *overrides)
    return str(caught.value)


def test_defaults_fill_what_is_not_written() -> None:
    recipe = parse('system = "pixelseed"\n[train]\nbatch_size = 64')
    assert recipe.train.batch_size == 64
    assert recipe.train.patience == 6


@pytest.mark.parametrize(
    ("text", "path", "suggestion"),
    [
        ("[train]\nbatchsize = 3", "train.batchsize", "'batch_size'"),
        ("[tarin]\nbatch_size = 3", "tarin", "'train'"),
        ("[quant.layers.conv1]\nweigth = 3", "quant.layers.conv1.weigth", "'weight'"),
        ("[quant.default]\nactivations = 3", "quant.default.activations", "'activation'"),
        ("[model]\nchanels = 3", "model.chanels", "'channels'"),
    ],
)
def test_unknown_key_is_refused_with_its_path_and_the_nearest_name(
    text: str, path: str, suggestion: str
) -> None:
    said = message('system = "pixelseed"\n' + text)
    assert f"my.toml: unknown key {path}" in said
    assert f"did you mean {suggestion}" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[train]\nbatch_size = "many"',
            'my.toml: train.batch_size = "many": input should be a valid integer',
        ),
        ("[train]\nbatch_size = 0", "my.toml: train.batch_size = 0: input should be greater than 1"),
        ('[data]\nmax_test = "all"', 'my.toml: data.max_test = "all"'),
        ("[quant.layers.conv1]\nweight = 99", "my.toml: quant.layers.conv1.weight = 99"),
        ("[model]\nkernel = 1.5", "my.toml: model.kernel = 1.5"),
    ],
)
def test_wrong_value_names_key_value_and_expectation(text: str, expected: str) -> None:
    assert expected in message('system = "pixelseed"\n' + text)


def test_every_bad_key_is_reported_at_once() -> None:
    said = message('system = "pixelseed"\n[train]\nbatchsize = 3\npatience = 0')
    assert "train.batchsize" in said
    assert "train.patience" in said


def test_missing_key() -> None:
    assert "my.toml: system is missing" in message("seed = 2")


def test_syntax_error_names_the_line() -> None:
    assert "line 2" in message('system = "pixelseed"\n[train\n')


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LeveloneError, match=r"none\.toml: cannot read the recipe"):
        load_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.batch_size=512", 512),
        ("train.batch_size = 512", 512),
    ],
)
def test_override(override: str, expected: int) -> None:
    assert parse('system = "pixelseed"', override).train.batch_size == expected


def test_override_of_words_lists_and_new_tables() -> None:
    recipe = parse('system = "pixelseed"', "data.file=some.h5", "quant.layers.fc1.weight=6", "model.kernel=5")
    assert recipe.data.file == "some.h5"
    assert recipe.quant.of("fc1").weight == 6
    assert recipe.quant.of("fc2").weight == 4
    assert recipe.model["kernel"] == 5


@pytest.mark.parametrize("override", ["train.batch_size", "=3", "train..x=1", "seed.x=1"])
def test_malformed_override(override: str) -> None:
    assert f"--set '{override}'" in message('system = "pixelseed"\nseed = 1', override)


def test_values_that_are_nested_too_deeply() -> None:
    value = "[" * 3000 + "]" * 3000
    assert message('system = "pixelseed"', f"train.x={value}").startswith(
        "--set train.x: its value is nested"
    )
    assert message(f"x = {value}").startswith("my.toml: ")


def test_override_is_validated_like_the_file() -> None:
    assert "unknown key train.batchsize" in message('system = "pixelseed"', "train.batchsize=3")


def test_dump_is_deterministic_and_reads_back_equal() -> None:
    text = """
system = "pixelseed"
[quant.inputs]
images = 6
[quant.layers.conv1]
weight = 6
[data]
file = "a \\"b\\"\\u00e9\\\\c.h5"
"""
    recipe = parse(text)
    dumped = dump_recipe(recipe)
    assert dump_recipe(parse(dumped)) == dumped
    assert parse(dumped) == recipe
    assert "max_minutes" not in dumped  # no value: TOML has no null


@given(rate=st.floats(1e-30, 1e30), name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_dump_keeps_every_value(rate: float, name: str) -> None:
    recipe = Recipe.model_validate(
        {
            "system": "pixelseed",
            "data": {"file": name},
            "train": {"float_learning_rate": rate},
            "quant": {"inputs": {name: 4}},
        }
    )
    assert Recipe.model_validate(tomllib.loads(dump_recipe(recipe))) == recipe


def test_digest_ignores_key_order_and_sees_every_value() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    recipe = parse('system = "pixelseed"')
    assert digest(recipe) == digest(parse('system = "pixelseed"\nseed = 1'))
    assert digest(recipe) != digest(parse('system = "pixelseed"\nseed = 2'))


def test_a_bad_key_is_blamed_on_the_option_that_set_it() -> None:
    with pytest.raises(LeveloneError) as caught:
        parse_recipe('system = "pixelseed"\nseed = "x"', "mine.toml", ["train.batch_sise=5"])
    told = caught.value.message
    assert 'mine.toml: seed = "x"' in told
    assert "--set train.batch_sise=5: unknown key train.batch_sise" in told


@pytest.mark.parametrize(
    ("system", "overrides", "told"),
    [
        (
            "muon",
            ["model.chanels=3"],
            "--set model.chanels=3: unknown key model.chanels\n  hint: did you mean",
        ),
        ("muon", ["model.dense=[0]"], "--set model.dense=[0]: model.dense = [0]: every layer needs a unit"),
        (
            "muon",
            ["model.ablation=no_bn"],
            "--set model.ablation=no_bn: model.ablation = 'no_bn' leaves a part",
        ),
        ("muon", ["generate.energy=3"], "--set generate.energy=3: unknown key generate.energy"),
        (
            "muon",
            ["quant.layers.c9.weight=3"],
            "--set quant.layers.c9.weight=3: quant.layers.c9: the network",
        ),
        ("muon", ["hls.layers.c9.reuse_factor=2"], "--set hls.layers.c9.reuse_factor=2: hls.layers.c9: the"),
        (
            "muon",
            ["quant.inputs.cal=3"],
            "--set quant.inputs.cal=3: quant.inputs.cal: the network has no input",
        ),
        # wrong beside the network that another option asks for: both are named, and nothing else
        (
            "muon",
            ["train.batch_size=8", "model.architecture=full"],
            "default.toml with --set model.architecture=full: model.",
        ),
        (
            "pixelseed",
            ["model.convolutions=[{channels=3}]"],
            "--set model.convolutions=[{channels=3}]: model.convolutions.0.channels = 3 must be even",
        ),
        (
            "lcd",
            ["model.ecal={channels=2,kernel=[30,4,4]}"],
            "--set model.ecal={channels=2,kernel=[30,4,4]}: model.ecal: kernel [30",
        ),
        ("next", ["system=lcd"], "--set system=lcd: the recipe is for system 'lcd', not 'next'"),
        ("next", ["data.file=none.h5"], "--set data.file=none.h5: data file none.h5 does not exist"),
    ],
)
def test_what_a_system_refuses_is_blamed_on_the_option(
    system: str, overrides: list[str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(LeveloneError) as caught:
        plan(system, overrides=overrides, folder=tmp_path / "run")
    assert told in str(caught.value)


def test_what_a_system_refuses_in_a_file_is_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('system = "next"\n[model]\ndense = [0]\n[quant.inputs]\ntpc = 4\n')
    told = f"{path}: model.dense = [0]: every layer needs a unit"
    for read in (lambda: plan("next", recipe=path, overrides=["seed=2"]), lambda: open_run(tmp_path)):
        with pytest.raises(LeveloneError) as caught:
            read()
        assert caught.value.message == told


@pytest.mark.parametrize(("system", "now"), [("pixelseed", "natural"), ("muon", None)])
def test_a_key_of_an_earlier_version_is_read_where_it_stands_now(
    system: str, now: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    text = f'system = "{system}"\n[data]\nmixture = "natural"\n[model]\n'
    path.write_text(text)
    found, recipe = read_recipe(path)
    assert (found.name, recipe.model.get("mixture")) == (system, now)
    assert parse_recipe(dump_recipe(recipe), "again") == recipe
    path.write_text(text + 'mixture = "balanced"\n')
    if now:
        with pytest.raises(LeveloneError, match=r"data\.mixture and model\.mixture say different things"):
            read_recipe(path)


def test_an_option_of_an_earlier_version_is_answered_with_the_new_form(tmp_path: Path) -> None:
    for system, told in (
        ("pixelseed", "data.mixture is model.mixture now\n  hint: --set model.mixture=natural"),
        ("muon", "data.mixture has no effect on this system any more\n  hint: leave it out"),
    ):
        with pytest.raises(LeveloneError) as caught:
            plan(system, overrides=["data.mixture=natural"], folder=tmp_path / "run")
        assert str(caught.value) == f"--set data.mixture=natural: {told}"


def test_a_wrong_entry_does_not_make_its_list_too_short() -> None:
    class Layer(Section):
        units: int

    class Network(Section):
        layers: tuple[Layer, ...] = Field(min_length=1)

    with pytest.raises(LeveloneError) as caught:
        parse_section(Network, {"layers": [{"units": "many"}]}, "recipe")
    assert [line.partition(" = ")[0] for line in caught.value.message.splitlines()] == [
        "recipe: layers.0.units"
    ]
    with pytest.raises(LeveloneError, match=r"layers = \[\]: tuple should have at least 1 item"):
        parse_section(Network, {"layers": []}, "recipe")

"""Every verb explains itself, and options with few values refuse all others at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from levelone.cli import app
from levelone.cli.moved import MOVED
from levelone.cli.optional_values import with_values
from levelone.errors import LeveloneError
from levelone.hardware.choices import Choices
from levelone.hls import HlsConfig
from levelone.recipe import overridden
from levelone.rtl.config import RtlConfig
from levelone.rtl.nextpnr import Placements
from levelone.rtl.synthesis import FAMILY
from levelone.zoo import SYSTEMS, find_system

VERBS = sorted(get_command(app).commands)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"Example: levelone {verb}" in told.stdout


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("--strategy", "fast", "latency"), ("--io", "both", "parallel"), ("--clock", "-1", "0.001")],
)
def test_a_wrong_value_names_the_option(option: str, value: str, allowed: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["convert", "model.onnx", "-o", str(tmp_path / "p"), option, value])
    assert told.exit_code == 2
    assert option in told.output
    assert allowed in told.output


@pytest.mark.parametrize("option", sorted(MOVED))
@pytest.mark.parametrize("verb", [("run", "muon"), ("train", "muon"), ("simulate", "muon", "-o", "x.h5")])
def test_an_option_of_earlier_versions_says_where_it_went(verb: tuple[str, ...], option: str) -> None:
    told = CliRunner().invoke(app, [*verb, option, "1"])
    assert isinstance(told.exception, LeveloneError)
    assert told.exception.message == f"{option} is a key of the recipe now"
    assert told.exception.hint == f"for example --set '{MOVED[option]}'"
    section, _, key = overridden(MOVED[option]).partition(".")
    sections = [find_system(name).generator.section for name in SYSTEMS.known]
    assert section == "generate"
    assert any(key in known.model_fields for known in sections)


@pytest.mark.parametrize(
    ("verb", "config", "keys"),
    [
        (
            "convert",
            HlsConfig,
            {"clock": "clock_ns", "reuse": "reuse_factor", "partition": "partition_factor"},
        ),
        ("rtl", RtlConfig, {"clock": "clock_ns"}),
    ],
)
def test_told_defaults_are_those_of_the_body(verb: str, config: type[Choices], keys: dict[str, str]) -> None:
    """They are told without importing what declares them."""
    told = {keys.get(name, name): default for name, default in told_defaults(verb).items()}
    declared = {name: getattr(config(), name) for name in told}
    if "tight" in declared:
        declared["tight"] = "tight"  # what --tight/--any-weights calls it
    assert told == {name: str(value) for name, value in declared.items()}
    assert len(told) > 1


def test_told_defaults_of_synth_are_those_of_synthesis() -> None:
    declared = {"family": FAMILY, **{name: str(value) for name, value in asdict(Placements()).items()}}
    assert told_defaults("synth") == declared


def told_defaults(verb: str) -> dict[str, str]:
    """Option -> what its help calls the default, of those that have none of their own."""
    return {
        str(option.name): option.show_default
        for option in get_command(app).commands[verb].params  # type: ignore[attr-defined]
        if isinstance(getattr(option, "show_default", None), str)
    }


def test_paths_in_lists_are_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / ("a_long_name_of_a_run" * 5)
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text('system = "pixelseed"')
    monkeypatch.chdir(tmp_path)
    told = CliRunner(env={"COLUMNS": "60"}).invoke(app, ["list"])
    assert str(folder) in told.stdout


def test_an_option_may_stand_without_its_number() -> None:
    """The number of another option, or none, is its own."""
    values = {"--gaps": 0.3, "--stalls": 0.25}
    for given, meant in (
        ("p --gaps --stalls --json", "p --gaps 0.3 --stalls 0.25 --json"),
        ("--gaps p --seed 1", "--gaps 0.3 p --seed 1"),
        ("p --gaps 0.1 --stalls", "p --gaps 0.1 --stalls 0.25"),
        ("p --vectors 10 --gaps=0.2", "p --vectors 10 --gaps=0.2"),
    ):
        assert with_values(given.split(), values) == meant.split()


def test_gaps_and_stalls_are_numbers_below_one(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["cosim", str(tmp_path), "--gaps", "1.5", "--stalls"])
    assert told.exit_code == 2 and "--gaps" in told.output and "0.99" in told.output
    told = CliRunner().invoke(app, ["cosim", str(tmp_path), "--gaps", "--stalls", "--json"])
    assert isinstance(told.exception, LeveloneError)  # the folder is refused, not an option

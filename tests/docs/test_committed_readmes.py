"""hls_projects/*/README.md says of every committed model what its recipe and its training.json say.

Its commands are read as the command line reads them: events made so are those that it learned from, and what
is trained so is its recipe.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from levelone.pipeline.job import plan_events
from levelone.zoo import read_recipe

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.parent.name for path in ROOT.glob("hls_projects/*/model.onnx"))
COUNTS = {"three": 3, "eight": 8, "ten": 10, "twelve": 12, "fourteen": 14}


def readme(name: str) -> str:
    return (ROOT / "hls_projects" / name / "README.md").read_text(encoding="utf-8")


def training(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "hls_projects" / name / "training.json").read_text())
    return found


def number(text: str) -> int:
    """Of ``20,005``, or of a word."""
    return COUNTS[text] if text in COUNTS else int(text.replace(",", ""))


def command(name: str, verb: str) -> tuple[dict[str, str], list[str]] | None:
    """Options of ``levelone VERB NAME``, and the values of ``--set``."""
    lines = [line for line in readme(name).splitlines() if line.startswith(f"$ levelone {verb} ")]
    if not lines:
        return None
    (line,) = lines
    _, _, _, system, *words = shlex.split(line, comments=True)
    assert system == name
    pairs = list(zip(words[::2], words[1::2], strict=True))
    return dict(pairs), [value for key, value in pairs if key == "--set"]


@pytest.mark.parametrize("name", NAMES)
def test_its_events_are_made_so(name: str) -> None:
    """By the generator as it is told, or by the run, whose recipe then tells it."""
    made = training(name)["data"]["provenance"]
    found = command(name, "simulate")
    if found is None:
        _, options = plan_events(name, recipe=ROOT / "hls_projects" / name / "recipe.toml")
    else:
        given, overrides = found
        changed = [*overrides, f"generate.events={given['--events']}", f"generate.seed={given['--seed']}"]
        _, options = plan_events(name, overrides=changed)
    told = options.model_dump(mode="json")
    shared = told.keys() & made.keys()
    assert {"events", "seed"} <= shared
    assert {key: told[key] for key in shared} == {key: made[key] for key in shared}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_trained_so(name: str) -> None:
    """What ``levelone run`` is told, on the default recipe or on the committed one, is the committed one."""
    committed = ROOT / "hls_projects" / name / "recipe.toml"
    found = command(name, "run")
    assert found is not None
    given, overrides = found
    system, recipe = read_recipe(committed)
    told = system.read_recipe(ROOT / given["--recipe"] if "--recipe" in given else None, overrides)
    for section in ("seed", "train", "quant"):
        assert getattr(told, section) == getattr(recipe, section)
    assert system.model_section(told) == system.model_section(recipe)
    data = training(name)["data"]
    if "--data" in given:
        made = command(name, "simulate")
        assert made is not None
        assert given["--data"] == made[0]["-o"] == recipe.data.file == data["file"]


@pytest.mark.parametrize("name", NAMES)
def test_epochs_and_minutes_are_those_of_the_training(name: str) -> None:
    _, recipe = read_recipe(ROOT / "hls_projects" / name / "recipe.toml")
    of = training(name)["training"]
    for network in ("float", "quantised"):
        planned = getattr(recipe.train, f"{network}_epochs")
        done = of[network]["epochs"]
        assert done <= planned
        assert done == planned or of[network]["stopped"] != "epochs"
    text = " ".join(readme(name).split())
    said = re.findall(r"([\w,]+) float epochs(?: of [\d,]+ of them)? and ([\w,]+) quantised", text)
    said += re.findall(r"([\w,]+) epochs in float and ([\w,]+) quantised", text)
    for both in said:
        assert [number(one) for one in both] == [recipe.train.float_epochs, recipe.train.quantised_epochs]
    for minutes in re.findall(r"([\d.]+) minutes of training", text):
        assert minutes == f"{sum(network['seconds'] for network in of.values()) / 60:.0f}"


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_events_are_those_of_the_training(name: str) -> None:
    text, data = " ".join(readme(name).split()), training(name)["data"]
    for of, whole in re.findall(r"([\d,]+) of ([\d,]+) (?:events|frames|images|showers|jets)", text):
        assert [number(of), number(whole)] == [data["train_events"], data["provenance"]["events"]]
    for told in re.findall(r"(?:[Tt]rained|trains|learned) on ([\d,]+)", text):
        assert number(told) == data["train_events"]


@pytest.mark.parametrize("name", NAMES)
def test_bits_vectors_and_files_are_there(name: str) -> None:
    text, folder = " ".join(readme(name).split()), ROOT / "hls_projects" / name
    _, recipe = read_recipe(folder / "recipe.toml")
    for weight, activation in re.findall(r"(\d+)-bit weights, (\d+)-bit activations", text):
        bits = recipe.quant.default
        assert (int(weight), int(activation)) == (bits.weight, bits.activation)
    golden = re.findall(r"(\d+ golden vectors)", text)
    assert golden == [one["name"] for one in training(name)["csim"]["sets"] if "golden" in one["name"]]
    listed = re.findall(r"`([\w-]+\.\w+)`", "".join(re.findall(r"^\|(.*?)\|", readme(name), re.MULTILINE)))
    assert sorted(listed) == sorted(path.name for path in folder.iterdir() if path.name != "README.md")


def test_the_words_that_are_looked_for_are_there() -> None:
    """Or the comparisons above would compare nothing."""
    texts = [" ".join(readme(name).split()) for name in NAMES]
    for words, least in (
        (r"float epochs|epochs in float", 1),
        (r"\d-bit weights, \d+-bit activations", 3),
        (r"[\d,]+ of [\d,]+ (?:events|frames|images|showers|jets)", 2),
        (r"\d+ golden vectors", len(NAMES)),
    ):
        assert sum(bool(re.search(words, text)) for text in texts) >= least, words

"""docs/results/ and the README's table say what the JSON of the committed models says, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.pipeline.results_page import published, results_page, with_summary
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL

ROOT = Path(__file__).parents[2]
MODELS = published(ROOT)
NEXT = ROOT / "hls_projects" / "next"


@pytest.mark.parametrize("name", MODELS)
def test_the_page_is_what_the_command_writes(name: str) -> None:
    """If not: python -m levelone.pipeline.results_page."""
    page = ROOT / "docs" / "results" / f"{name}.md"
    assert page.read_text(encoding="utf-8") == results_page(MODELS[name])


def test_the_readme_is_what_the_command_writes() -> None:
    """If not: python -m levelone.pipeline.results_page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_summary(text, MODELS) == text


def test_every_committed_model_has_a_page() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "results").glob("*.md")}
    assert pages == set(MODELS) == {path.parent.name for path in ROOT.glob("hls_projects/*/model.onnx")}


@pytest.mark.parametrize("name", MODELS)
def test_a_leak_control_is_published_with_what_it_may_know(name: str) -> None:
    metrics = json.loads((MODELS[name] / "training.json").read_text())["metrics"]
    assert CONTROL in metrics["models"]
    assert metrics[CONTROL]["given"] in results_page(MODELS[name])
    assert metrics[CONTROL]["may_know"]


@pytest.mark.parametrize("name", MODELS)
def test_a_page_names_the_command_that_made_its_events(name: str) -> None:
    """That of the run, which makes them itself, or the generator's."""
    training = json.loads((MODELS[name] / "training.json").read_text())
    data, page = training["data"], results_page(MODELS[name])
    if "--data" in training["command"]:
        made = data["provenance"]  # showergan learns from showers of lcd's generator
        assert f"$ levelone simulate {made['system']} --events {made['events']}" in page
        assert f"-o {data['file']}\n" in page
    else:
        assert "levelone simulate" not in page


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NEXT, tmp_path / "next"))


def test_figures_follow_the_file(copy: Path) -> None:
    training = json.loads((copy / "training.json").read_text())
    training["metrics"]["models"]["quantised"]["all"]["auc"]["value"] = 0.12345
    (copy / "training.json").write_text(json.dumps(training))
    assert "0.1235" in results_page(copy) or "0.1234" in results_page(copy)
    assert results_page(copy) != results_page(NEXT)


@pytest.mark.parametrize(
    ("file", "keys", "digits", "shown"),
    [
        ("training", ("models", "quantised", "all", "auc"), 4, "0.1234"),
        ("training", ("models", "float", "all", "auc"), 4, "0.1234"),
        ("training", ("models", "boosting", "all", "efficiency", "75"), 1, "12.3"),
        ("training", ("models", "blob", "all", "auc"), 4, "0.1234"),
        ("training", ("models", CONTROL, "all", "auc"), 4, "0.1234"),
        ("training", ("differences", "quantised-boosting", "all", "auc"), 4, "+0.1234"),
        ("geant4", ("models", "quantised", "all", "auc"), 4, "0.1234"),
        ("geant4", ("models", "boosting", "all", "efficiency", "75"), 1, "12.3"),
        ("geant4", ("differences", "quantised-boosting", "all", "auc"), 4, "+0.1234"),
    ],
)
def test_the_table_at_the_head_follows_the_files(
    copy: Path, file: str, keys: tuple[str, ...], digits: int, shown: str
) -> None:
    found = json.loads((copy / f"{file}.json").read_text())
    entry = found["metrics"]
    for key in keys:
        entry = entry[key]
    entry |= {"value": 0.1234, "error": 0.01}
    (copy / f"{file}.json").write_text(json.dumps(found))
    assert f"| {shown} ± {1.0 if digits == 1 else 0.01:.{digits}f} |" in head_of(results_page(copy))
    assert shown not in head_of(results_page(NEXT))


def test_without_geant4_the_table_says_that_nobody_measured(copy: Path) -> None:
    (copy / "geant4.json").unlink()
    head = head_of(results_page(copy))
    assert "| figure | model | test events | network minus it | Geant4's events |" in head
    assert "1. not measured on Geant4's events: python -m benchmarks.other_events does that\n" in head


@pytest.mark.parametrize("name", MODELS)
def test_every_dash_of_the_table_at_the_head_has_its_reason(name: str) -> None:
    head = head_of(results_page(MODELS[name]))
    notes = set(re.findall(r"^(\d+)\. \S", head, re.MULTILINE))
    assert set(re.findall(r"\((\d+)\)", head.partition("\n1. ")[0])) == notes
    dashes = [
        cell for line in head.splitlines() if line.startswith("|") for cell in re.findall("– ?[^|]*", line)
    ]
    assert all(re.fullmatch(r"– (\(\d+\) )?", cell) for cell in dashes)
    assert sum(cell == "– " for cell in dashes) <= head.count("published (")


@pytest.mark.parametrize("name", MODELS)
def test_what_is_published_is_at_the_head_with_its_source(name: str) -> None:
    published, page = find_system(name).published(), results_page(MODELS[name])
    for key in ("source", "statement", "conditions"):
        assert published.get(key, "") in page


def head_of(page: str) -> str:
    """What stands before the second section."""
    return "".join(page.partition("\n## ")[2].partition("\n## ")[0])


@pytest.mark.parametrize("name", MODELS)
def test_no_error_is_rounded_to_nothing(name: str) -> None:
    """One that is nothing is written 0, and what that means is said."""
    page = results_page(MODELS[name])
    assert not re.search(r"± 0(?!\.\d*[1-9]| \||:)", page)
    assert ("± 0 |" in page) == ("± 0: every bootstrap sample gives this value." in page)


def test_figures_of_another_model_are_refused(copy: Path) -> None:
    further = {
        "schema": "levelone-figures",
        "title": "t",
        "command": "make them",
        "model": "0" * 64,
        "metrics": {},
    }
    (copy / "more.json").write_text(json.dumps(further))
    with pytest.raises(LeveloneError, match=r"more\.json holds figures of another model\n  hint: make them"):
        results_page(copy)
    (copy / "more.json").write_text("{}")
    with pytest.raises(LeveloneError, match=r"more\.json: schema None, expected 'levelone-figures'"):
        results_page(copy)


def test_a_file_that_is_not_the_published_one_is_refused(copy: Path) -> None:
    (copy / "module.pt").write_bytes(b"other")
    with pytest.raises(LeveloneError, match=r"module\.pt is not the file that training\.json tells of"):
        results_page(copy)
    (copy / "training.json").unlink()
    with pytest.raises(LeveloneError, match=r"training\.json is missing"):
        results_page(copy)


def test_the_readme_needs_its_marks() -> None:
    with pytest.raises(LeveloneError, match="the table of results stands between"):
        with_summary("# nothing", MODELS)

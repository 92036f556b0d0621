"""Objects of other distributions: found by name or reference, refused in words whatever they do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.plugins import Registry, load

GROUP = "levelone.things"
THINGS = Registry("thing", GROUP, {"own": "levelone.errors:LeveloneError"})


def distribution(folder: Path, name: str, **entries: str) -> None:
    """What pip leaves of an installed distribution that registers `entries`."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that distributions are installed in."""
    before = set(sys.modules)
    path = list(sys.path)
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def message(name: str) -> str:
    with pytest.raises(LeveloneError) as caught:
        THINGS.find(name)
    return str(caught.value)


def test_own_registered_and_named(site: Path) -> None:
    (site / "foreign.py").write_text("class Box:\n    inside = 7\n")
    distribution(site, "boxes", box="foreign:Box", seven="foreign:Box.inside")
    assert THINGS.names() == ["own", "box", "seven"]
    assert THINGS.find("own") is LeveloneError
    assert THINGS.find("box").inside == THINGS.find("seven") == THINGS.find("foreign:Box.inside") == 7
    assert THINGS.entries()["box"].distribution == "boxes"
    assert THINGS.refused() == {}


def test_the_current_folder_is_searched_last(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "local_thing.py").write_text("import local_part\nTHING = 'local'\n")
    (here / "local_part.py").write_text("")
    (here / "installed_thing.py").write_text("THING = 'wrong'\n")
    (site / "installed_thing.py").write_text("THING = 'right'\n")
    monkeypatch.chdir(here)
    assert THINGS.find("local_thing:THING") == "local"
    assert THINGS.find("installed_thing:THING") == "right"


def test_names_are_nobody_s_twice(site: Path) -> None:
    (site / "foreign.py").write_text("A = 1\nB = 2\n")
    distribution(site, "first", own="foreign:A", both="foreign:A", same="foreign:A")
    distribution(site, "second", both="foreign:B", same="foreign:A")
    assert THINGS.find("own") is LeveloneError
    assert THINGS.find("same") == 1
    assert THINGS.names() == ["own", "same"]
    assert THINGS.refused() == {
        "own": "first (foreign:A) registers the thing 'own', a name of levelone's own",
        "both": "the thing 'both' is registered by first (foreign:A) and second (foreign:B)",
    }
    assert "registered by first (foreign:A) and second (foreign:B)" in message("both")
    assert "package.module:NAME" in message("both")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "ow",
            "unknown thing 'ow'\n  hint: did you mean 'own'? valid here: bad, gone, odd, own; one",
        ),
        (
            "nowhere:X",
            "thing 'nowhere:X': there is no module nowhere\n  hint: install it, or",
        ),
        ("levelone.nowhere:X", "there is no module levelone.nowhere"),
        ("levelone.errors:Nothing", "levelone.errors has no Nothing"),
        ("levelone.errors:", "not of the form package.module:NAME"),
        (":X", "not of the form package.module:NAME"),
        ("a:b:c", "not of the form package.module:NAME"),
        ("../x:y", "not of the form package.module:NAME"),
        ("broken:X", "importing broken fails: ZeroDivisionError: division by zero ("),
        ("broken:X", "broken.py, line 2)"),
        ("syntax:X", "importing syntax fails: SyntaxError: "),
        ("leaves:X", "importing leaves fails: SystemExit: 3"),
        ("needs:X", "importing needs fails: ModuleNotFoundError: No module named 'absent'"),
        ("needs:X", "needs.py, line 1)"),
        ("bad", "thing 'bad' of spoilt, broken:X: importing broken fails"),
        ("gone", "thing 'gone' of spoilt, gone.module:X: there is no module gone"),
        ("odd", "thing 'odd' of spoilt, just.a.module: not of the form package.module:NAME"),
    ],
)
def test_whatever_is_wrong_is_said(site: Path, name: str, told: str) -> None:
    (site / "broken.py").write_text("x = 1\n1 / 0\n")
    (site / "syntax.py").write_text("def\n")
    (site / "leaves.py").write_text("raise SystemExit(3)\n")
    (site / "needs.py").write_text("import absent\n")
    distribution(site, "spoilt", bad="broken:X", gone="gone.module:X", odd="just.a.module")
    assert told in message(name)


def test_own_objects_are_there() -> None:
    assert load("levelone.plugins:Registry") is Registry

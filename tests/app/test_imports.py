"""What a stage of one system depends on: its own modules, not those of the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from levelone.pipeline.imports import import_digest, imported
from levelone.zoo import SYSTEMS, find_system


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """shared <- one, one <- one_parts (imported within a function), two alone."""
    folder = tmp_path / "toyzoo"
    folder.mkdir()
    texts = {
        "__init__": "",
        "shared": "x = 1\n",
        "one": "from toyzoo.shared import x\n\n\ndef build():\n    from toyzoo import one_parts\n",
        "one_parts": "import toyzoo.one\n",
        "two": "import toyzoo.shared as s\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "toyzoo"]:
        del sys.modules[name]


def test_imports_are_followed_within_the_package(package: Path) -> None:
    assert set(imported(["toyzoo.one"], "toyzoo")) == {"toyzoo.one", "toyzoo.one_parts", "toyzoo.shared"}
    assert set(imported(["toyzoo.two"], "toyzoo")) == {"toyzoo.two", "toyzoo.shared"}
    assert set(imported(["toyzoo.nothing"], "toyzoo")) == set()


@pytest.mark.parametrize(
    ("changed", "one", "two"),
    [("one_parts", True, False), ("two", False, True), ("shared", True, True), ("__init__", False, False)],
)
def test_a_change_counts_where_it_is_imported(package: Path, changed: str, one: bool, two: bool) -> None:
    before = [import_digest([f"toyzoo.{name}"], "toyzoo") for name in ("one", "two")]
    with (package / f"{changed}.py").open("a") as file:
        file.write("y = 2\n")
    after = [import_digest([f"toyzoo.{name}"], "toyzoo") for name in ("one", "two")]
    assert [a != b for a, b in zip(before, after, strict=True)] == [one, two]


def test_of_another_distribution_everything_counts(package: Path) -> None:
    """Its ``__init__``, and relative imports; of a single file, what lies beside it."""
    (package / "three.py").write_text("from . import shared\nfrom .two import s as other\n")
    found = imported(["toyzoo.three"], "levelone.zoo")
    assert set(found) == {"toyzoo", "toyzoo.three", "toyzoo.shared", "toyzoo.two"}
    (package.parent / "alone.py").write_text("import beside\nimport numpy\n")
    (package.parent / "beside.py").write_text("")
    assert set(imported(["alone"], "levelone.zoo")) == {"alone", "beside"}


@pytest.mark.parametrize("name", sorted(SYSTEMS.known))
def test_systems_depend_on_their_own_files(name: str) -> None:
    module = type(find_system(name)).__module__
    found = imported([module, "levelone.zoo.kit.system"], "levelone.zoo")
    folder = Path(found[module]).parent
    own = [path for path in folder.rglob("*.py") if path.stem != "__init__"]
    assert set(own) <= set(found.values())
    assert not [m for m in found if m.split(".")[2] in set(SYSTEMS.known) - {name}]

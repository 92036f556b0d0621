"""`import levelone` loads nothing heavy; every name is there, documented, and its examples are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import levelone
import levelone.api
from levelone.hls import HlsConfig
from levelone.rtl.config import RtlConfig

from .conftest import ROOT

MODULES = [module.name for module in pkgutil.iter_modules(levelone.api.__path__)]
LOADED = "import levelone, sys; dir(levelone); levelone.__version__; print(*sys.modules)"


def test_the_import_loads_nothing_but_python() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    before = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    added = {name.split(".")[0] for name in set(done.stdout.split()) - set(before.stdout.split())}
    assert added - sys.stdlib_module_names == {"levelone"}


def test_every_name_is_loaded_when_it_is_asked_for() -> None:
    for name in levelone.__all__:
        assert getattr(levelone, name) is getattr(levelone.api, name)
    assert set(levelone.__all__) == set(levelone.api.__all__) <= set(dir(levelone))


def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'load'; it has .*read"):
        levelone.load  # noqa: B018


def public() -> list[tuple[str, object]]:
    found = []
    for name in levelone.__all__:
        value = getattr(levelone, name)
        found.append((name, value))
        if inspect.isclass(value):
            members = inspect.getmembers(value, lambda m: inspect.isfunction(m) or isinstance(m, property))
            found += [(f"{name}.{key}", member) for key, member in members if not key.startswith("_")]
    return found


@pytest.mark.parametrize(("name", "value"), public(), ids=[name for name, _ in public()])
def test_everything_public_is_documented(name: str, value: object) -> None:
    assert inspect.getdoc(value), name
    if inspect.isfunction(value):
        text = inspect.getdoc(value) or ""
        for parameter in inspect.signature(value).parameters.values():
            if parameter.name != "self":
                assert f"\n{parameter.name}\n" in text, f"{name}: {parameter.name} is not explained"


def test_convert_knows_every_choice_and_leaves_its_default_to_the_body() -> None:
    offered = inspect.signature(levelone.Model.convert).parameters
    choices = {*HlsConfig.model_fields, *RtlConfig.model_fields}
    assert offered.keys() == {"self", "folder", "body", *choices}
    assert {offered[name].default for name in choices} == {None}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(importlib.import_module(f"levelone.api.{name}")).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    tests = [
        test for name in MODULES for test in finder.find(importlib.import_module(f"levelone.api.{name}"))
    ]
    assert sum(len(test.examples) for test in tests) > 10

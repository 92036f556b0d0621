"""The same error gives the same text every time: no order of a set, no address, no scratch folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

HELPERS = ROOT / "tests" / "helpers"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What two processes say that hash strings differently and stand in different folders."""
    running = []
    for seed in (1, 2):
        path = os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": path}
        words = [sys.executable, "-m", "bad_inputs"]
        folder = tmp_path_factory.mktemp("bad")
        running.append(
            subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment)
        )
    said = [process.communicate(timeout=300)[0].strip().splitlines()[-1] for process in running]
    return [json.loads(line) for line in said]


def test_the_same_error_gives_the_same_text(told: list[dict[str, str]]) -> None:
    first, second = told
    assert first.keys() == second.keys()
    assert {words: (said, second[words]) for words, said in first.items() if said != second[words]} == {}


def test_every_refusal_is_one_of_levelone(told: list[dict[str, str]]) -> None:
    """Or of the command line itself; some of the damage does no harm."""
    names = [said.split(" ", 2)[1] for said in told[0].values()]
    assert set(names) <= {"LeveloneError", "UnsupportedError", "RecipeError", "SystemExit", "NoneType"}
    assert names.count("NoneType") < len(names) / 5
    assert len(set(told[0].values())) > 60


def test_no_scratch_folder_and_no_address_is_told(told: list[dict[str, str]], tmp_path: Path) -> None:
    for words, said in told[0].items():
        assert " at 0x" not in said, words
        assert str(Path(tmp_path).anchor + "tmp") not in said, words

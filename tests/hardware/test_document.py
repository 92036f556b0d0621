"""The seal of a document: of the file as it was written, by whichever version of levelone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from levelone.hardware.body import DOCUMENT
from levelone.hardware.document import ModelEntry, ProjectDocument


class Today(ProjectDocument):
    """A body's document."""

    depth: int = 16


class Later(Today):
    """That of a later levelone, with one key more."""

    margin: int = 2


class Without(ProjectDocument):
    """That of a later levelone, with one key less."""

    @classmethod
    def upgraded(cls, data: dict[str, Any], path: Path) -> dict[str, Any]:
        return {key: data[key] for key in data if key != "depth"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "top.cpp").write_text("int top;")
    model = ModelEntry(file=None, sha256=None)
    written = Today(body="any", project="top", graph="g", left_off=(), model=model, versions={}, depth=8)
    written.with_digests(tmp_path).write(tmp_path)
    return tmp_path


def test_a_document_as_it_was_written_is_not_edited(project: Path) -> None:
    for version in (Today, Later, Without):
        assert version.read(project).edited(project) == []
    path = project / DOCUMENT
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=True))  # another layout
    assert Today.read(project).edited(project) == []


@pytest.mark.parametrize(
    "edit",
    [
        {"depth": 9},
        {"graph": "h"},
        {"margin": 2},  # the default of a key that was not written
        {"seal": "0" * 64},
    ],
)
def test_an_edited_document_is_told(project: Path, edit: dict[str, Any]) -> None:
    path = project / DOCUMENT
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    read = Later.read(project)
    assert read.edited(project) == [DOCUMENT]
    (project / "top.cpp").write_text("int top2;")
    assert read.edited(project) == ["top.cpp", DOCUMENT]
    again = read.with_digests(project)  # sealed anew
    assert again.edited(project) == []
    again.write(project)
    assert Later.read(project).edited(project) == []

"""docs/image-format.md has a row for every system whose events are images, with all that its files hold."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from levelone.simulate.imagerun import Layout
from levelone.zoo import SYSTEMS, System, find_system
from levelone.zoo.kit.images import ImageSystem
from levelone.zoo.kit.jets import JetSystem

PAGE = Path(__file__).parents[2] / "docs" / "image-format.md"


def layout_of(system: System) -> Layout | None:
    """What a file of its events holds, if it is one of images."""
    if isinstance(system, ImageSystem):
        return system.layout(system.read_recipe())
    if isinstance(system, JetSystem):
        file = import_module(system.generator.module).FILE
        return Layout(list(file.images), columns=list(file.columns))
    return None


LAYOUTS = {name: layout for name in SYSTEMS.known if (layout := layout_of(find_system(name)))}


def test_every_system_of_images_has_a_row() -> None:
    _, _, table = PAGE.read_text(encoding="utf-8").partition("Of the systems:")
    named = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert sorted(named) == sorted(["system", *LAYOUTS])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_row_names_all_that_a_file_holds(name: str) -> None:
    layout = LAYOUTS[name]
    (row,) = re.findall(rf"^\| {name} \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    images, maps, lists, columns = row.split("|")
    assert re.findall(r"`(\w+)`", images) == [image.name for image in layout.images]
    assert re.findall(r"`(\w+)`", maps) == [image.name for image in layout.maps]
    assert re.findall(r"`(\w+)`", lists) == [one.name for one in layout.lists]
    assert set(re.findall(r"`(\w+)`", columns)) == {column.name for column in layout.columns}
    for image in layout.images:
        assert " x ".join(map(str, image.shape)) in images
        assert image.unit in images
    for one in layout.lists:
        assert {column.name for column in one.columns} <= set(re.findall(r"\w+", lists))

from __future__ import annotations

import fake_system
import pytest

from levelone.train import train_system


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run of the made-up system: recipe, data file, run folder, result."""
    folder = tmp_path_factory.mktemp("run")
    data = folder / "data.h5"
    data.write_bytes(b"stands for the data")
    lines: list[str] = []
    recipe = fake_system.recipe()
    result = train_system(fake_system.FAKE, recipe, data, folder / "run", progress=lines.append)
    return recipe, data, folder / "run", result, lines

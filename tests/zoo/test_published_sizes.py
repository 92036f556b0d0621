"""Recipes of published sizes: each network builds, answers, is as large as stated, and learns a little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from levelone.recipe import load_recipe
from levelone.zoo import SYSTEMS, find_system

PARAMETERS = {
    "lartpc": 2_317_233,
    "lcd": 5_079_450,
    "nova": 5_868_515,
    "qgjet": 349_249,
    "showergan": 1_095_243,
    "smlm": 63_363,
    "wjet": 24_897,
}
"""Weights and shifts of the float network, normalisation over the batch included."""
SMALLER = {"lartpc": ("model.pixels=64",), "smlm": ("model.pixels=32",)}
"""Pixels do not change how many parameters there are."""


def published(name: str) -> Path:
    return find_system(name).default_recipe.with_name("published.toml")


def test_every_such_recipe_is_looked_at() -> None:
    assert {name for name in SYSTEMS.known if published(name).is_file()} == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_network_of_published_size_learns(name: str) -> None:
    """On two random events, of the mean square of its answers: its loss is tested with the system."""
    system = find_system(name)
    recipe = load_recipe(published(name), SMALLER.get(name, ()))
    system.model_section(recipe)
    assert system.reach(recipe) == "quantised"
    torch.manual_seed(1)
    network = system.build_float(recipe).eval()  # without dropout, so that a step can only help
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name]
    inputs = [torch.rand(2, *shape) for shape in system.input_shapes(recipe).values()]
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-5)

    def loss() -> torch.Tensor:
        found: Any = network(*inputs)
        outputs = found if isinstance(found, tuple) else (found,)
        assert len(outputs) == len(system.outputs)
        assert all(len(output) == 2 for output in outputs)
        return torch.stack([(output - 1).square().mean() for output in outputs]).sum()

    before = loss()
    before.backward()
    optimiser.step()
    assert np.isfinite(before.item())
    assert loss().item() < before.item()

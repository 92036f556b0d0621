"""The emulator beside PyTorch and onnxruntime: folded networks, checked codes, the table of the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import emulate_projects
from levelone.zoo import read_recipe

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "hls_projects"


@pytest.mark.parametrize("name", ["pixelseed", "wjet"])
def test_folded_networks_give_the_same_numbers(name: str) -> None:
    system, recipe = read_recipe(PROJECTS / name / "recipe.toml")
    torch.manual_seed(1)
    network = system.build_float(recipe)
    inputs = {key: torch.rand(40, *shape) for key, shape in system.input_shapes(recipe).items()}
    network(*inputs.values())  # statistics of a batch
    network.eval()
    before = emulate_projects.forward(network, inputs)
    after = emulate_projects.forward(emulate_projects.folded(network), inputs)
    assert not any("norm" in key for key, _ in network.named_parameters())
    for one, other in zip(before, after, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_wrong_integer_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the emulator in the timed run: measured as it is, and with one code off."""
    monkeypatch.setattr(emulate_projects, "MOST", 256)
    found = emulate_projects.measure(PROJECTS / "wjet", repeat=1)
    assert found["events"] == 256
    assert set(found["us"]) == {"emulator", "torch", "onnxruntime"}

    class Off(emulate_projects.Executor):
        def run(self, codes):
            answer = super().run(codes)
            answer["logit"][7] += 1
            return answer

    monkeypatch.setattr(emulate_projects, "Executor", Off)
    with pytest.raises(SystemExit, match="wjet: logit is not the trained module's"):
        emulate_projects.measure(PROJECTS / "wjet", repeat=1)


def test_other_numbers_of_onnxruntime_are_seen() -> None:
    one = [torch.tensor([[1.0], [2.0]])]
    assert emulate_projects.close(one, [np.array([[1.0001]])])
    assert not emulate_projects.close(one, [np.array([[1.01]])])
    assert not emulate_projects.close(one, [np.array([[np.nan]])])


def test_the_page_shows_the_committed_results() -> None:
    """docs/emulation.md holds their table; all of them are of projects that there are."""
    result = json.loads(emulate_projects.RESULTS.read_text(encoding="utf-8"))
    assert set(result["projects"]) <= set(emulate_projects.committed())
    page = (ROOT / "docs" / "emulation.md").read_text(encoding="utf-8")
    assert emulate_projects.table(result) in page

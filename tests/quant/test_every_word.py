"""Every word with one, two and three axes of space: module, QONNX and reference agree."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from all_words import CASES, Draft, build, events, quantised, trained
from torch import nn

from levelone.errors import LeveloneError
from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.pipeline.floats import run_qonnx
from levelone.quant.cost import network_cost
from levelone.quant.export import export_qonnx
from levelone.quant.layers import FloatLayers, linear_layers, value_exponent
from levelone.quant.vocabulary import words
from levelone.quant.words import Concat, MaxPool, Pad, Upsample
from levelone.recipe import Bits, QuantSection
from levelone.train.codes import layer_codes

RANKS = (1, 2, 3)
ROOT = Path(__file__).parents[2]


def test_every_word_has_a_case() -> None:
    assert words() == sorted(CASES)


def test_the_page_names_every_word() -> None:
    page = (ROOT / "docs" / "adding-a-system.md").read_text().split("## The vocabulary")[1]
    table = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert sorted(word.strip("`") for word in table.replace(",", "").split()) == words()


@pytest.mark.parametrize(("word", "rank"), [*itertools.product(words(), RANKS)])
def test_every_word_makes_a_layer_of_every_rank(word: str, rank: int) -> None:
    net = build(FloatLayers(), rank, 1, [word])
    assert word in net.words
    (result,) = net.train()(events(rank, 3, 1))
    assert torch.isfinite(result).all()


@pytest.fixture(scope="module", params=RANKS)
def networks(request) -> tuple[Draft, Draft]:
    """(float twin, calibrated network) with every word once."""
    return trained(request.param, request.param)


@pytest.fixture(scope="module")
def exported(networks, tmp_path_factory) -> tuple[Draft, Path]:
    """The calibrated network and its file."""
    made = networks[1]
    path = tmp_path_factory.mktemp(f"words{made.rank}") / "model.onnx"
    return made, export_qonnx(made, {"x": events(made.rank, 1, 0)}, path, outputs=made.ends)


@pytest.fixture(scope="module")
def equal(exported) -> Callable[[Draft], dict[str, bool]]:
    """Network -> layer -> whether it and the reference of the file give the same integers."""
    made, path = exported
    x = {"x": events(made.rank, 30, 7).numpy()}
    graph = read_qonnx(path)
    codes = execute(graph, quantise_inputs(graph, x), keep="all")
    return lambda network: {
        name: np.array_equal(from_onnx_layout(graph, name, values), codes[name])
        for name, values in layer_codes(network, x).items()
        if name in graph.values
    }


def test_reference_equals_the_module_at_every_layer(exported, equal) -> None:
    made, _ = exported
    same = equal(made)
    assert {name for name, found in same.items() if not found} == set()
    for word, names in made.words.items():
        if word == "affine":  # part of the requantisation behind it
            assert not same.keys() & set(names)
        elif "average" in word:  # a mean over three cells is on no grid until it is rounded
            assert same.keys() & {f"{name}_q" for name in names}
        else:
            assert same.keys() & set(names), word
    assert len(same) > 40


def test_the_graph_has_the_scales_of_the_module(exported) -> None:
    made, path = exported
    graph = read_qonnx(path)
    means = {name for word, names in made.words.items() if "average" in word for name in names}
    checked = [name for name, _ in made.named_children() if name in graph.values and name not in means]
    assert len(checked) > 40
    for name in checked:
        assert set(graph.values[name].scale) == {Fraction(2) ** value_exponent(made, name)}, name


def test_qonnx_executes_the_file_to_the_same_integers(exported) -> None:
    """A second opinion on the file: the qonnx package, not our reader."""
    made, path = exported
    x = events(made.rank, 4, 12).numpy()
    values = run_qonnx(onnx.load(path), {"x": x})
    layers = {name: codes for name, codes in layer_codes(made, {"x": x}).items() if name in values}
    assert len(layers) > 45  # the exporter makes one of two equal layers
    for name, codes in layers.items():
        assert np.array_equal(values[name], codes * 2.0 ** value_exponent(made, name)), name


@pytest.mark.parametrize("rank", RANKS)
def test_float_twin_is_what_was_quantised(rank: int) -> None:
    """With many bits everywhere each result is the float twin's, up to rounding."""
    twin, _ = trained(rank, 1)  # operands of both signs
    wide = Bits.model_construct(weight=16, bias=24, activation=16)  # wider than a recipe may ask for
    widths = QuantSection.model_construct(inputs={"x": 16}, default=wide, layers={})
    fine = quantised(twin, widths, rank, 1)
    x = events(rank, 128, 99)  # which the scales were chosen on
    with torch.no_grad():
        for name, expected, found in zip(twin.ends, twin(x), fine(x), strict=True):
            assert float((expected - found).abs().max()) < 0.02 * float(expected.std()), name


def test_masked_weights_are_zero_and_fixed_ones_never_trained(networks) -> None:
    _, made = networks
    for name, layer in linear_layers(made).items():
        assert layer.weight.requires_grad != name.startswith("summed"), name
    summed = next(layer for name, layer in made.named_children() if name.startswith("summed"))
    assert torch.equal(summed.weight, torch.ones_like(summed.weight))


def test_what_every_layer_costs(networks) -> None:
    """Against the number of products of each layer, counted from the sizes of weights and results."""
    _, made = networks
    shapes: dict[str, tuple[torch.Size, torch.Size]] = {}
    handles = [
        layer.register_forward_hook(lambda m, a, r, name=name: shapes.update({name: (a[0].shape, r.shape)}))
        for name, layer in made.named_children()
    ]
    made(events(made.rank, 1, 0))
    for handle in handles:
        handle.remove()
    costs = network_cost(made)["layers"]
    assert costs.keys() == linear_layers(made).keys()
    for name, layer in linear_layers(made).items():
        before, after = shapes[name]
        cells = before if getattr(layer, "transposed", False) else after
        repeat = 1 if hasattr(layer, "positions") else int(np.prod(cells[2:]))
        assert costs[name]["weights"] == layer.weight.numel()
        assert costs[name]["multiplications"] == costs[name]["nonzero_weights"] * repeat
        assert 0 < costs[name]["ebops"] <= layer.weight.numel() * repeat * 8 * 8


def test_layers_of_no_word_are_refused(networks) -> None:
    made = copy.deepcopy(networks[1])
    made.add_module("stranger", nn.ReLU())
    with pytest.raises(
        LeveloneError, match=r"layer 'stranger' \(ReLU\) of the quantised network is of no known kind"
    ):
        layer_codes(made, {"x": events(made.rank, 2, 0).numpy()})
    with pytest.raises(LeveloneError, match="'stranger'"):
        network_cost(made)


def turned_pads(layer: nn.Module) -> bool:
    """Padding at the wrong ends."""
    pads = layer.pads
    if pads is None or all(pads[i] == pads[i + 1] for i in range(0, len(pads), 2)):
        return False
    layer.pads = tuple(pads[i + 1 - 2 * (i % 2)] for i in range(len(pads)))
    return True


def turned_groups(layer: nn.Module) -> bool:
    """The weights of the next group."""
    if layer.groups < 2 or not layer.weight.requires_grad:
        return False
    size = len(layer.weight) // layer.groups
    layer.weight.data = layer.weight.data.roll(size, 0)
    return True


def moved(by: int, axis: int) -> Callable[[nn.Module], bool]:
    """A result that is off by some cells (or channels)."""

    def change(layer: nn.Module) -> bool:
        layer.register_forward_hook(lambda m, arguments, result: result.roll(by, axis))
        return True

    return change


BROKEN: dict[str, tuple[Callable[[nn.Module], bool], Callable[[nn.Module], bool]]] = {
    "convolution pads the wrong ends": (lambda m: hasattr(m, "groups") and not m.transposed, turned_pads),
    "maximum pads the wrong ends": (lambda m: isinstance(m, MaxPool), turned_pads),
    "padding at the wrong ends": (lambda m: isinstance(m, Pad), turned_pads),
    "groups of a convolution": (lambda m: hasattr(m, "groups") and not m.transposed, turned_groups),
    "groups of a transposed one": (lambda m: hasattr(m, "groups") and m.transposed, turned_groups),
    "transposed one off by one": (lambda m: getattr(m, "transposed", False), moved(1, -1)),
    "upsampling off by one": (lambda m: isinstance(m, Upsample), moved(1, 2)),
    "joined in another order": (lambda m: isinstance(m, Concat), moved(4, 1)),
}
"""Fault -> (which layers can have it, what brings it about and says whether it could)."""


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_words_are_found(fault: str, exported, equal) -> None:
    made, _ = exported
    concerns, change = BROKEN[fault]
    found = 0
    for name, layer in made.named_children():
        broken = copy.deepcopy(made) if concerns(layer) else None
        if broken is not None and change(broken.get_submodule(name)):
            wrong = [where for where, same in equal(broken).items() if not same]
            assert wrong and wrong[0].startswith(name), f"{fault} in {name} is not found there: {wrong}"
            found += 1
    assert found, f"no layer of this network can have the fault: {fault}"

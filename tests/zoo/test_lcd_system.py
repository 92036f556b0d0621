"""System lcd: published size, recipe checks, loss, baselines, figures, exact integers of the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from metered import metered

from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.layout import from_onnx_layout
from levelone.panels import Lines, Rows
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.report.svg import render
from levelone.simulate.lcd.generator import simulate_lcd
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.train.codes import layer_codes
from levelone.zoo import find_system
from levelone.zoo.kit.events import Events
from levelone.zoo.lcd import SYSTEM as LCD
from levelone.zoo.lcd.baselines import fit_boosting, fit_sums
from levelone.zoo.lcd.features import FEATURES, features, sums
from levelone.zoo.lcd.results import identification
from levelone.zoo.lcd.section import UNIT_GEV, LcdModel


def recipe(*overrides: str):
    return load_recipe(LCD.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lcd") / "lcd.h5"
    simulate_lcd(path, LcdGenerate(events=800, seed=11))
    return path


def count(network, *without):
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith(without))


def test_published_network_has_the_published_number_of_parameters():
    published = LCD.rivals(recipe())["published"]
    LCD.model_section(published)
    network = LCD.build_float(published)
    assert count(network, "particle") == 5_075_446
    assert count(network, "energy") - count(network, "energy", "particle") == 4 * 1000 + 4
    assert network.get_submodule("fc1.linear" if hasattr(network.fc1, "linear") else "fc1").in_features == (
        3993 + 1080
    )
    assert LCD.reach(published) == "quantised"
    assert LCD.rivals(published) == {}
    quantised = LCD.build_quantised(published)
    weights = [p for name, p in quantised.named_parameters() if name.endswith(("weight", "bias"))]
    assert sum(p.numel() for p in weights) == 5_075_446 + 4004


def test_system_knows_the_simulated_particles():
    assert find_system("lcd") is LCD
    assert LCD.reach(recipe()) == "firmware"
    assert LCD.generator.options(recipe()) == LcdGenerate(events=30_000, particles=PARTICLES)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.dens=[3]", r"unknown key model\.dens[\s\S]*did you mean 'dense'"),
        ("model.dense=[0]", r"model\.dense = \[0\]: every layer needs a unit"),
        ("model.ecal.kernel=[26,1,1]", r"model\.ecal: kernel \[26, 1, 1\].* leave nothing of \[25, 25, 25\]"),
        ("model.hcal.stride=[0,1,1]", r"model\.hcal: kernel and stride must be positive"),
        ("model.hcal.pool=9", r"pool 9 leave nothing of \[5, 5, 60\] cells"),
        ("model.dropout=1.0", r"model\.dropout = 1\.0"),
        (
            "quant.layers.conv9={weight = 4}",
            r"conv9: the network has no layer[\s\S]*ecal_conv",
        ),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        LCD.model_section(recipe(override))


def test_energy_is_learned_from_electrons_alone():
    energy = UNIT_GEV * torch.tensor([1.0, 1.0, 2.0, 0.5])
    truth = {"energy": energy, "particle": torch.tensor([0, 3, 0, 1])}
    logits = torch.zeros(4, 4)
    answer = torch.tensor([[1.0], [9.0], [2.5], [7.0]], requires_grad=True)
    loss = LCD.event_loss(recipe(), (answer, logits), truth)
    loss.sum().backward()
    gradient = answer.grad.reshape(-1)
    assert gradient[1] == gradient[3] == 0
    assert gradient[0] == 0
    assert gradient[2] > 0
    np.testing.assert_allclose(loss[[0, 1, 3]].detach(), np.log(4), rtol=1e-6)


def test_the_energy_path_sums_all_cells():
    """Without its correction the energy is the sum; with it, a cell counts for its depth and nothing else."""
    torch.manual_seed(3)
    network = LCD.build_float(recipe()).eval()
    inputs = [torch.rand(3, *shape, requires_grad=True) for shape in LCD.input_shapes(recipe()).values()]
    energy = network(*inputs)[0]
    ecal, hcal = torch.autograd.grad(energy.sum(), inputs)
    blocks = ecal[:, 0].reshape(3, 25, 25, 5, 5)
    torch.testing.assert_close(blocks, blocks[:, :1, :1, :, :1].expand_as(blocks))
    torch.testing.assert_close(hcal, hcal[:, :, :1, :1, :1].expand_as(hcal))
    with torch.no_grad():
        for parameter in network.correction.parameters():
            parameter.zero_()
        total = sum(image.double().sum((1, 2, 3, 4)) for image in inputs) / UNIT_GEV
        torch.testing.assert_close(network(*inputs)[0][:, 0].double(), total, rtol=1e-5, atol=0)


def test_dropout_is_for_training_alone():
    small = recipe("model.dense=[64]", "model.dropout=0.5")
    torch.manual_seed(1)
    network = LCD.build_float(small)
    inputs = [torch.rand(2, *shape) for shape in LCD.input_shapes(small).values()]
    assert not torch.equal(network(*inputs)[1], network(*inputs)[1])
    network.eval()
    assert torch.equal(network(*inputs)[1], network(*inputs)[1])


def test_sums_are_calibrated_on_electrons(data):
    predict = fit_sums(LCD.source(recipe(), data, "train"))
    test = LCD.load(recipe(), data, "test")
    chosen = test.truth["particle"] == 0
    ratio = predict(test)["energy"].reshape(-1)[chosen] * UNIT_GEV / test.truth["energy"][chosen]
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    assert ratio.std() < 0.05
    ecal = test.inputs["ecal"]
    by_hand = [sum(float(v) for v in image.reshape(-1)) for image in ecal[:3]]
    np.testing.assert_allclose(sums(test)[:3, :2].sum(1), by_hand, rtol=1e-6)
    assert sums(test)[0, 1] == pytest.approx(float(ecal[0, 0, :, :, 17:].sum(dtype=np.float64)))


def test_sums_without_electrons_are_refused(tmp_path):
    simulate_lcd(tmp_path / "p.h5", LcdGenerate(events=64, particles=("photon",)))
    with pytest.raises(LeveloneError, match=r"0 electrons in the training split"):
        fit_sums(LCD.source(recipe(), tmp_path / "p.h5", "train"))


def test_boosting_tells_pions_from_electrons(data):
    predict = fit_boosting(LCD.source(recipe(), data, "train"), seed=1)
    test = LCD.load(recipe(), data, "test")
    found = identification(predict(test)["particle"], test.truth["particle"].astype(np.int64), PARTICLES)
    assert found["auc"]["electron-pion"] > 0.95
    assert found["accuracy"]["value"] > 0.4
    chosen = test.truth["particle"] == 0
    ratio = predict(test)["energy"].reshape(-1)[chosen] * UNIT_GEV / test.truth["energy"][chosen]
    assert np.median(ratio) == pytest.approx(1, abs=0.02)


def test_features_of_a_known_image():
    """Two towers of one layer each: everything that can be said of them by hand."""
    ecal, hcal = np.zeros((1, 1, 25, 25, 25), np.float32), np.zeros((1, 1, 5, 5, 60), np.float32)
    ecal[0, 0, 12, 12, 0], ecal[0, 0, 15, 16, 20], hcal[0, 0, 2, 2, 7] = 0.3, 0.1, 0.1
    found = dict(zip(FEATURES, features(Events({"ecal": ecal, "hcal": hcal}, {}))[0], strict=True))
    expected = {
        "ECAL energy": 0.4, "share of the HCAL": 0.2, "share of the hottest cell": 0.75, "ECAL cells": 2,
        "energy up to 60 MeV per cell": 0.12, "cells above 60 MeV": 2, "energy of layer 0": 0.3,
        "share of layer 20": 0.25, "cells of layer 20": 1, "share of HCAL layers from 6": 1,
        "mean of the depth in the ECAL": 5, "mean of the depth in the HCAL": 7,
        "share in 1 x 1 towers at the entry": 0.75, "share in 7 x 7 towers at the hottest": 0.75,
        "share in 11 x 11 towers at the entry": 1, "width along the long axis": 5 * np.sqrt(3) / 4,
        "width along the short axis": 0, "distance of the centre from the entry": 5 / 4,
        "energy of the second maximum over the first": 1 / 3, "distance of the two maxima": 5,
        "width in layers 0 to 5": 0,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert sum(found[f"share of layer {layer}"] for layer in range(25)) == pytest.approx(1)


def test_identification_of_known_answers():
    kind = np.repeat(np.arange(4), 10)
    perfect = identification(np.eye(4)[kind], kind, PARTICLES)
    assert perfect["accuracy"]["value"] == 1
    assert perfect["confusion"] == (10 * np.eye(4, dtype=int)).tolist()
    assert set(perfect["auc"].values()) == {1.0}
    wrong = identification(np.eye(4)[(kind + 1) % 4], kind, PARTICLES)
    assert wrong["accuracy"]["value"] == 0
    assert wrong["confusion"][0][1] == 10
    assert wrong["auc"]["electron-photon"] == 0.0


def test_figures_panels_and_cards():
    rng = np.random.default_rng(2)
    n = 4000
    truth = {"energy": rng.uniform(10, 510, n).astype(np.float32), "particle": rng.integers(0, 4, n)}
    smeared = truth["energy"] * (1 + 0.2 / np.sqrt(truth["energy"]) * rng.standard_normal(n))
    energy = (smeared / UNIT_GEV).astype(np.float32)[:, None]
    logits = (3 * np.eye(4)[truth["particle"]] + rng.standard_normal((n, 4))).astype(np.float32)
    predictions = {
        "float": {"energy": energy, "particle": logits},
        "sums": {"energy": energy},
        "boosting": {"particle": logits},
    }
    metrics, kept = metered(LCD, recipe(), predictions, truth)
    electron = metrics["models"]["float"]["energy"]["electron"]
    assert electron["a"]["value"] == pytest.approx(0.2, abs=5 * electron["a"]["error"] + 0.01)
    assert abs(electron["mean"]["value"]) < 5 * electron["mean"]["error"]
    assert "identification" not in metrics["models"]["sums"]
    kinds = [type(panel).__name__ for panel in LCD.panels(metrics, kept)]
    assert kinds == ["Rows", *["Lines"] * 5, *["Density"] * 4, "Rows", "Rows"]
    assert len(LCD.cards(metrics)) == 3
    shown = {panel.title: panel for panel in LCD.panels(metrics, kept)}
    first = shown["Energy resolution: electron"].series[0]
    np.testing.assert_array_equal(first.y, 100 * np.array(electron["bins"]["width"]))
    x, y = first.fit
    a, b, c = (electron[name]["value"] for name in "abc")
    np.testing.assert_allclose(y, 100 * np.sqrt((a / np.sqrt(x)) ** 2 + b**2 + (c / x) ** 2))
    answers = {series.label: series for series in shown["Energy response"].series}
    assert list(answers) == list(PARTICLES)
    pull = (answers["electron"].y - 1) / answers["electron"].error
    assert np.sqrt(np.mean(pull**2)) == pytest.approx(1, abs=0.6)


@pytest.mark.parametrize("n", [8, 60, 400])
def test_few_events_are_shown_without_what_they_cannot_tell(n):
    """No particle has a bin with enough events for a width, or too few bins for a fit."""
    rng = np.random.default_rng(4)
    truth = {"energy": rng.uniform(10, 510, n).astype(np.float32), "particle": np.arange(n) % 4}
    energy = (truth["energy"] / UNIT_GEV).astype(np.float32)[:, None]
    energy = energy * (1 + 0.05 * rng.standard_normal((n, 1)).astype(np.float32))
    logits = rng.standard_normal((n, 4)).astype(np.float32)
    predictions = {"float": {"energy": energy, "particle": logits}, "sums": {"energy": energy}}
    panels = LCD.panels(*metered(LCD, recipe(), predictions, truth))
    for panel in panels:
        if isinstance(panel, Lines):
            assert all(len(series.y) for series in panel.series)
        if not isinstance(panel, Rows):
            render(draw(panel), "few events")
    assert any(isinstance(panel, Lines) for panel in panels) == (n == 400)


@pytest.mark.parametrize("variant", ["compact", "pooled"])
def test_reference_gives_the_modules_integers_at_every_layer(variant, data, tmp_path):
    pooled = (
        "model.ecal={channels=2, kernel=[4,4,4], stride=[3,3,3]}",
        "model.hcal={channels=3, kernel=[2,2,6]}",
    )
    chosen = recipe("model.dense=[5]", *(pooled if variant == "pooled" else ()))
    LCD.model_section(chosen)
    events = LCD.load(chosen, data, "validation", limit=12)
    torch.manual_seed(4)
    twin, network = LCD.build_float(chosen).eval(), LCD.build_quantised(chosen).eval()
    assert [n for n, _ in twin.named_children()] == [n for n, _ in network.named_children()]
    fold_into(twin, network)
    calibrate(network, [torch.from_numpy(array) for array in events.inputs.values()])
    examples = {name: torch.zeros(1, *shape) for name, shape in LCD.input_shapes(chosen).items()}
    path = export_qonnx(network, examples, tmp_path / "m.onnx", outputs=LCD.outputs)
    graph = read_qonnx(path)
    found = execute(graph, quantise_inputs(graph, events.inputs), keep="all")
    codes = layer_codes(network, events.inputs)
    assert {"ecal_conv", "hcal_act", "fc1", "energy", "particle"} <= set(codes)
    assert {"ecal_total", "hcal_total_q", "total", "depths", "correction_q"} <= set(codes)
    for name, expected in codes.items():
        assert np.array_equal(found[name], from_onnx_layout(graph, name, expected)), name
    assert len(np.unique(codes["energy"])) > 1


def test_recipe_of_the_published_sizes():
    published = load_recipe(LCD.default_recipe.with_name("published.toml"))
    assert LCD.model_section(published) == LcdModel()
    assert LCD.rivals(published) == {}


def test_examples_show_one_event_of_each_kind_in_both_calorimeters(data):
    events = LCD.load(recipe(), data, "test", limit=64)
    ecal, hcal = LCD.examples(recipe(), events)
    kinds = [label.split(",")[0] for label in ecal.labels]
    assert kinds == [name for name in PARTICLES if np.any(events.truth["particle"] == PARTICLES.index(name))]
    assert ecal.images.shape[1:] == (25, 25) and hcal.images.shape[1:] == (5, 60)
    first = np.flatnonzero(events.truth["particle"] == PARTICLES.index(kinds[0]))[0]
    assert ecal.images[0].sum() == pytest.approx(events.inputs["ecal"][first].sum(), rel=1e-5)

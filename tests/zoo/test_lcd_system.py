"""System lcd: published size, recipe checks, loss, baselines, figures, exact integers of the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from metered import metered

from levelone.errors import LeveloneError
from levelone.panels import Lines, Rows
from levelone.quant.calibrate import calibrate
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.report.svg import render
from levelone.simulate.lcd.generator import simulate_lcd
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.train.batches import as_batch
from levelone.zoo import find_system
from levelone.zoo.kit.distillation import taught_column
from levelone.zoo.kit.events import Events
from levelone.zoo.lcd import SYSTEM as LCD
from levelone.zoo.lcd.baselines import fit_boosting, fit_sums
from levelone.zoo.lcd.compact import first_views
from levelone.zoo.lcd.features import FEATURES, features, sums
from levelone.zoo.lcd.results import figures, identification
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
        (
            "model.ecal={channels=2,kernel=[26,1,1]}",
            r"model\.ecal: kernel \[26, 1, 1\].* leave nothing of \[25, 25, 25\]",
        ),
        (
            "model.hcal={channels=2,kernel=[1,1,1],stride=[0,1,1]}",
            r"model\.hcal: kernel and stride must be positive",
        ),
        ("model.hcal={channels=2,kernel=[1,1,1],pool=9}", r"pool 9 leave nothing of \[5, 5, 60\] cells"),
        ("model.dropout=1.0", r"model\.dropout = 1\.0"),
        (
            "quant.layers.conv9={weight = 4}",
            r"conv9: the network has no layer[\s\S]*ecal_layers",
        ),
        ("model.entry_knots=[]", r"model\.entry_knots"),
        ("model.entry_knots=[1.0,1.3]", r"model\.entry_knots: 1\.3 is not one to two, in eighths"),
        ("model.entry_knots=[-1.0]", r"model\.entry_knots: -1 is not"),
        ("model.correction=0", r"model\.correction = 0: the energy of a network of sums needs units"),
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


@pytest.mark.parametrize("views", [20, 0])
def test_the_energy_path_sums_all_cells(views):
    """Without its correction the energy is the sum; with it, a full cell counts for its depth alone."""
    torch.manual_seed(3)
    chosen = recipe(f"model.views={views}")
    network = LCD.build_float(chosen).eval()
    shapes = LCD.input_shapes(chosen).values()
    inputs = [(0.1 + torch.rand(3, *shape)).requires_grad_() for shape in shapes]
    energy = network(*inputs)[0]
    ecal, hcal = torch.autograd.grad(energy.sum(), inputs)
    torch.testing.assert_close(ecal, ecal[:, :, :1, :1].expand_as(ecal))
    assert len(ecal[0, 0, 0, 0].unique()) > 1
    torch.testing.assert_close(hcal, hcal[:, :, :1, :1, :1].expand_as(hcal))
    with torch.no_grad():
        for parameter in network.correction.parameters():
            parameter.zero_()
        total = sum(image.double().sum((1, 2, 3, 4)) for image in inputs) / UNIT_GEV
        torch.testing.assert_close(network(*inputs)[0][:, 0].double(), total, rtol=1e-5, atol=0)


def test_the_compact_network_clips_cells_and_encodes_sums():
    found = {}
    network = LCD.build_float(recipe()).eval()
    for name in ("clip_layers_act", "along_low_act", "hcal_high_act"):
        network.get_submodule(name).register_forward_hook(
            lambda layer, inputs, result, name=name: found.update({name: result})
        )
    rng = np.random.default_rng(5)
    ecal, hcal = (
        rng.exponential(0.05, (2, *shape)) * (rng.random((2, *shape)) < 0.05)
        for shape in LCD.input_shapes(recipe()).values()
    )
    with torch.no_grad():
        network(torch.from_numpy(ecal).float(), torch.from_numpy(hcal).float())
    limits = np.array([2.0**-6, 2.0**-4])
    clipped = np.minimum(ecal, limits[:, None, None, None]).sum((2, 3))
    np.testing.assert_allclose(found["clip_layers_act"][:, :, 0, 0] * UNIT_GEV, clipped, atol=1e-4)
    entry = [ecal[:, 0, 12, 12], ecal[:, 0, 11:14, 11:14].sum((1, 2))]
    energy = np.stack([ecal[:, 0].sum((1, 2)), *clipped.swapaxes(0, 1), *entry], axis=1)
    knots = np.array([2.0**-6, 2.0**-4, 2.0**-2, 1])
    codes = np.maximum(1 - energy[:, :, None] / knots[:, None], 0).reshape(2, 20, 25)
    np.testing.assert_allclose(found["along_low_act"][:, :, 0, 0], codes, atol=1e-3)
    blocks = hcal[:, 0].reshape(2, 25, 10, 6).sum((1, 3))[:, None]
    np.testing.assert_allclose(
        found["hcal_high_act"][:, :, 0, 0],
        np.maximum(1 - blocks / np.array([[4], [16], [64], [256]]), 0),
        atol=1e-5,
    )


def test_the_entry_is_encoded_where_the_recipe_says():
    """In float each code is (knot - x) over the power of two below; the quantised one is within a step."""
    knots = np.array([0.5, 0.875, 1, 1.5, 3.5, 16])
    chosen = recipe(f"model.entry_knots={knots.tolist()}")
    rng = np.random.default_rng(12)
    ecal = (rng.integers(0, 1000, (40, 25, 25, 25)) * 2.0**-14).astype(np.float32)
    ecal *= rng.random(ecal.shape) < 0.2
    ecal[20:] *= 8  # above the last knot, too
    images = torch.from_numpy(ecal)[:, None], torch.rand(40, 1, 5, 5, 60)
    squares = np.stack([ecal[:, 12, 12], ecal[:, 11:14, 11:14].sum((1, 2))], axis=1) * 2.0**7
    below = np.array([0.5, 0.5, 1, 1, 2, 16])
    expected = np.maximum((knots - squares[:, :, None].swapaxes(2, 3)) / below, 0)  # [n, square, layer, knot]
    expected = expected.transpose(0, 1, 3, 2).reshape(40, -1)
    assert expected.max(0).min() > 0 and (expected == 0).any(0).mean() > 0.9
    torch.manual_seed(2)
    network = LCD.build_float(chosen).eval()
    with torch.no_grad():
        np.testing.assert_allclose(network.front(*images)["entry_fine"], expected, atol=1e-5)
    quantised = LCD.build_quantised(chosen).eval()
    calibrate(quantised, images)
    with torch.no_grad():
        codes = quantised.front(*images)["entry_fine"]
    step = float(codes[codes > 0].min())
    assert step <= 2.0**-7
    np.testing.assert_allclose(codes, expected, atol=1.5 * step)


@pytest.mark.parametrize("views", [20, 0])
def test_layers_that_a_recipe_can_name_are_layers(views):
    chosen = recipe(f"model.views={views}", "quant.layers={}")
    network = LCD.build_float(chosen)
    weighted = {name for name, layer in network.named_children() if list(layer.parameters())}
    assert weighted <= set(LCD.layer_names(chosen)) <= {name for name, _ in network.named_children()}


def test_the_first_views_know_the_entry():
    views = first_views(14)
    assert views.shape == (14, 25, 25) and views.max() == 1
    assert views[:6].sum((1, 2)).tolist() == [1, 9, 25, 49, 121, 625]
    torch.testing.assert_close(views[:12], views[:12].flip(1, 2))
    assert not torch.equal(views[12], views[13])
    assert torch.equal(first_views(3), views[:3])


def test_training_events_are_mirrored_in_both_calorimeters_alike():
    rng = np.random.default_rng(6)
    place = rng.integers(0, 5, (200, 2))
    ecal, hcal = np.zeros((200, 1, 25, 25, 25), np.float32), np.zeros((200, 1, 5, 5, 60), np.float32)
    each = np.arange(200)
    ecal[each, 0, 5 * place[:, 0] + 2, 5 * place[:, 1] + 2, 3] = hcal[each, 0, *place.T, 7] = 1
    events = Events({"ecal": ecal, "hcal": hcal}, {"particle": each})
    found = LCD.augment(recipe(), events, np.random.default_rng(7))
    assert np.array_equal(found.inputs["ecal"][:, 0, 2::5, 2::5, 3], found.inputs["hcal"][:, 0, :, :, 7])
    assert not np.array_equal(found.inputs["hcal"], hcal)
    x, _ = np.nonzero(found.inputs["hcal"][:, 0, :, :, 7].sum(0))
    assert len(x) == 25 and hcal.sum() == found.inputs["hcal"].sum() == 200
    assert LCD.augment(recipe("model.mirror=false"), events, rng) is events


@pytest.mark.parametrize("quantised", [False, True])
def test_the_front_of_a_mirrored_event_is_the_mirrored_front(quantised, data):
    """So that it is computed once and mirrored in every epoch: to the bit where sums are exact."""
    chosen = recipe()
    torch.manual_seed(4)
    events = LCD.load(chosen, data, "train", 64)
    network = LCD.build_float(chosen)
    if quantised:
        network = LCD.build_quantised(chosen)
        calibrate(network, as_batch(events)[0])
    rng = [np.random.default_rng(9) for _ in range(2)]
    before = as_batch(LCD.augment(chosen, events, rng[0]))[0]
    plain = as_batch(events)[0]
    with torch.no_grad():
        mirrored, front = network.front(*before), network.front(*plain)
    kept = {name: value.numpy() for name, value in front.items()}
    after = LCD.augment(chosen, Events(kept, {"n": np.arange(64)}), rng[1]).inputs
    assert not np.array_equal(after["towers"], kept["towers"])
    for name, value in mirrored.items():
        np.testing.assert_allclose(after[name], value, rtol=0, atol=0 if quantised else 1e-3)
    for one, other in zip(network(*before), network.behind(*mirrored.values()), strict=True):
        assert torch.equal(one, other)


def test_the_kind_is_taught_and_the_energy_is_not():
    """Half of each target is a distribution that says photon: electrons keep their part in the energy."""
    truth = {"energy": UNIT_GEV * torch.ones(2), "particle": torch.tensor([0, 1])}
    outputs = torch.tensor([[1.1], [1.1]]), torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    plain = LCD.event_loss(recipe(), outputs, truth)
    certain = torch.eye(4)[truth["particle"]]
    same = LCD.event_loss(recipe(), outputs, {**truth, taught_column("particle"): certain})
    torch.testing.assert_close(same, plain)
    photon = torch.eye(4)[torch.tensor([1, 1])]
    told = LCD.event_loss(recipe(), outputs, {**truth, taught_column("particle"): (certain + photon) / 2})
    part = torch.log_softmax(outputs[1], 1)
    torch.testing.assert_close(told - plain, torch.stack([(part[0, 0] - part[0, 1]) / 2, torch.zeros(())]))
    teacher = LCD.teacher(recipe())
    assert (teacher.view, teacher.kinds, teacher.taught) == (features, 4, taught_column("particle"))
    told_recipe = recipe("train.distillation=0.5")
    LCD.model_section(told_recipe)
    assert LCD.rivals(told_recipe)["published"].train.distillation == 0


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
        "width in layers 0 to 5": 0, "energy in 1 x 1 cells at the entry of layer 0": 0.3,
        "energy in 3 x 3 cells at the entry of layer 20": 0,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert sum(found[f"share of layer {layer}"] for layer in range(25)) == pytest.approx(1)


def test_no_events_have_no_features():
    """A batch may hold no electron, the last one of a file above all."""
    ecal, hcal = np.zeros((0, 1, 25, 25, 25), np.float32), np.zeros((0, 1, 5, 5, 60), np.float32)
    assert features(Events({"ecal": ecal, "hcal": hcal}, {})).shape == (0, len(FEATURES))
    assert sums(Events({"ecal": ecal, "hcal": hcal}, {})).shape == (0, 4)


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


def test_widths_are_compared_with_calibrated_sums_on_the_same_events():
    rng = np.random.default_rng(8)
    true = np.exp(rng.uniform(np.log(10), np.log(500), 6000)).astype(np.float32)
    truth = {"energy": true, "particle": np.arange(6000) % 2}
    noise = rng.standard_normal(6000)

    def answer(size):
        return {"energy": (true / UNIT_GEV * (1 + size * noise / np.sqrt(true))).astype(np.float32)[:, None]}

    gain = figures({"sums": answer(0.2), "float": answer(0.15), "boosting": {}}, truth, seed=1)["differences"]
    assert list(gain["models"]) == ["float"]
    assert len(gain["energy"]) == 11 and gain["energy"] == sorted(gain["energy"])
    np.testing.assert_allclose(gain["models"]["float"]["ratio"], 0.75, atol=0.01)
    assert max(gain["models"]["float"]["error"]) < 0.01  # the widths alone are known to 4 % and worse
    assert "differences" not in figures({"float": answer(0.2)}, truth, seed=1)


def test_identification_is_compared_with_the_trees_on_the_same_events():
    rng = np.random.default_rng(9)
    kind = np.arange(4000) % 4
    truth = {"energy": np.full(4000, 50, np.float32), "particle": kind}
    trees = (2 * np.eye(4)[kind] + rng.standard_normal((4000, 4))).astype(np.float32)
    better = (trees + 0.5 * np.eye(4)[kind]).astype(np.float32)
    predictions = {
        "float": {"particle": better},
        "same": {"particle": trees},
        "boosting": {"particle": trees},
    }
    gain = figures(predictions, truth, seed=1)["identification_gain"]
    known = {
        name: identification(outputs["particle"], kind, PARTICLES) for name, outputs in predictions.items()
    }
    assert list(gain) == ["float", "same"]
    assert all(entry == {"value": 0, "error": 0} for entry in gain["same"].values())
    accuracy = known["float"]["accuracy"]["value"] - known["boosting"]["accuracy"]["value"]
    assert gain["float"]["accuracy"]["value"] == pytest.approx(accuracy)
    for pair, area in known["float"]["auc"].items():
        assert gain["float"][pair]["value"] == pytest.approx(area - known["boosting"]["auc"][pair])
        assert (
            0 < gain["float"][pair]["error"] < gain["float"][pair]["value"] / 5
        )  # the areas alone: far worse
    assert "identification_gain" not in figures({"float": {"particle": better}}, truth, seed=1)


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
        "model.views=0",
        "quant.layers={}",
        "model.ecal={channels=2, kernel=[4,4,4], stride=[3,3,3]}",
        "model.hcal={channels=3, kernel=[2,2,6]}",
    )
    chosen = recipe("model.dense=[5]", *(pooled if variant == "pooled" else ()))
    LCD.model_section(chosen)
    events = LCD.load(chosen, data, "validation", limit=12)
    codes = exact_codes(LCD, chosen, events, tmp_path)
    assert {"ecal_total", "hcal_total_q", "total", "correction_q", "fc1", "energy", "particle"} <= set(codes)
    assert ({"ecal_conv", "depths"} if variant == "pooled" else {"cell_act", "views", "codes"}) <= set(codes)
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

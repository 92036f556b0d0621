"""System qgjet: recipe checks, colours, what a person computes, exact integers of separable convolutions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from metered import metered

from levelone.data.images import create_images
from levelone.errors import LeveloneError
from levelone.panels import Images, Lines, Rows, SideBySide
from levelone.recipe import load_recipe
from levelone.simulate.qgjet.generator import COLUMNS, COUNT, PT
from levelone.zoo import find_system
from levelone.zoo.kit.events import Events
from levelone.zoo.qgjet import SYSTEM as QGJET
from levelone.zoo.qgjet.baselines import BASELINES, pixels_alone, view
from levelone.zoo.qgjet.section import QGJetModel
from levelone.zoo.qgjet.source import greyed, prepare


def recipe(*overrides: str, name: str = "default"):
    return load_recipe(QGJET.default_recipe.parent / f"{name}.toml", overrides)


def test_recipes_are_valid():
    assert find_system("qgjet") is QGJET
    for name, reach, shape in (
        ("default", "firmware", (3, 33, 33)),
        ("grey", "firmware", (1, 33, 33)),
        ("published", "quantised", (3, 33, 33)),
    ):
        chosen = recipe(name=name)
        assert QGJET.model_section(chosen) == QGJetModel.model_validate(chosen.model)
        assert (QGJET.reach(chosen), QGJET.input_shapes(chosen)) == (reach, {"jet": shape})
    convolutions = [m for m in QGJET.build_float(chosen).modules() if isinstance(m, torch.nn.Conv2d)]
    assert [tuple(m.weight.shape) for m in convolutions] == [(64, 3, 8, 8), (64, 64, 4, 4), (64, 64, 4, 4)]


def test_a_separable_convolution_is_one_of_every_channel_and_one_across():
    names = QGJET.layer_names(recipe())
    assert names == ("conv1", "depth2", "conv2", "depth3", "conv3", "fc1", "logit")
    network = QGJET.build_float(recipe())
    shapes = {n: tuple(m.weight.shape) for n, m in network.named_modules() if isinstance(m, torch.nn.Conv2d)}
    assert list(shapes.values())[1:3] == [(8, 1, 3, 3), (12, 8, 1, 1)]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.colours=two", r"model\.colours = \"two\""),
        ("model.pixels=log", r"model\.pixels = \"log\""),
        ("model.convolutions=[{kernel = [40, 1]}]", r"kernel 40 is larger than its"),
        ("quant.layers.depth1={weight = 4}", r"quant\.layers\.depth1: the network has no layer"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        QGJET.model_section(recipe(override))


# Colours


def colours(jets: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Momenta [n, 2, 33, 33] in GeV and numbers of charged particles [n, 1, 33, 33]."""
    rng = np.random.default_rng(2)
    momentum = np.where(rng.random((jets, 2, 33, 33)) < 0.05, rng.exponential(5, (jets, 2, 33, 33)), 0)
    return momentum.astype(np.float32), rng.poisson(0.05, (jets, 1, 33, 33)).astype(np.uint8)


def test_three_colours_are_roots_of_momenta_and_numbers():
    momentum, count = colours()
    found = prepare(momentum, count, QGJetModel())
    assert np.array_equal(found[:, :2], np.sqrt(momentum))
    assert np.array_equal(found[:, 2:], count)
    assert found.dtype == np.float32


def test_shares_of_both_momenta_add_up_to_one():
    momentum, count = colours()
    found = prepare(momentum, count, QGJetModel(pixels="share"))
    np.testing.assert_allclose(found[:, :2].sum((1, 2, 3)), 16, rtol=1e-5)
    assert np.array_equal(found[:, 2:], count)


@pytest.mark.parametrize("pixels", ["root", "share"])
def test_grey_is_what_three_colours_give_a_network_of_one(pixels):
    momentum, count = colours()
    three = prepare(momentum, count, QGJetModel(pixels=pixels))
    one = prepare(momentum, count, QGJetModel(pixels=pixels, colours="grey"))
    assert one.shape == (3, 1, 33, 33)
    np.testing.assert_allclose(greyed(three, QGJetModel(pixels=pixels)), one, rtol=1e-5)


def test_the_rival_sees_one_colour():
    chosen = recipe()
    (other,) = QGJET.rivals(chosen).values()
    assert QGJET.input_shapes(other) == {"jet": (1, 33, 33)}
    assert QGJET.rivals(other) == {}
    momentum, count = colours()
    seen = QGJET.seen_by(other, Events({"jet": prepare(momentum, count, QGJetModel())}, {}))
    assert QGJET.build_float(other)(torch.from_numpy(seen.inputs["jet"])).shape == (3, 1)


def test_training_jets_are_mirrored_unless_a_recipe_says_otherwise():
    momentum, count = colours(40)
    events = Events({"jet": prepare(momentum, count, QGJetModel())}, {"label": np.zeros(40)})
    found = QGJET.augment(recipe(), events, np.random.default_rng(1)).inputs["jet"]
    assert not np.array_equal(found, events.inputs["jet"])
    np.testing.assert_allclose(found.sum((2, 3)), events.inputs["jet"].sum((2, 3)), rtol=1e-4)
    assert QGJET.augment(recipe("model.mirror=false"), events, np.random.default_rng(1)) is events


# Files


def write(path: Path, jets: int, *, images=(PT, COUNT), columns=COLUMNS) -> Path:
    """Random jets; those of the class 1 hold fewer charged particles."""
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, jets).astype(np.uint8)
    pixels = {
        spec.name: np.where(rng.random((jets, *spec.shape)) < 0.03, 3, 0).astype(spec.dtype)
        for spec in images
    }
    truth = {column.name: rng.uniform(0.1, 1, jets).astype(np.float32) for column in columns}
    truth |= {"label": label, "charged": (20 - 9 * label + rng.normal(0, 2, jets)).astype(np.float32)}
    split = np.array([0, 0, 0, 1, 2], np.uint8)[np.arange(jets) % 5]
    with create_images(path, images, (), (), columns, {"system": "qgjet"}) as writer:
        writer.append(pixels, {}, {}, {column.name: truth[column.name] for column in columns}, split)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("qgjet") / "jets.h5", 200)


def test_files_of_something_else_are_refused(tmp_path, data):
    assert QGJET.check_data(recipe(), data) == {}
    other = write(tmp_path / "unit.h5", 10, images=(replace(PT, unit="MeV"), COUNT))
    with pytest.raises(LeveloneError, match=r"unit\.h5: system qgjet reads an image 'pt'[\s\S]*in 'MeV'"):
        QGJET.load(recipe(), other, "train")
    with pytest.raises(LeveloneError, match=r"image 'count'[\s\S]*there is none"):
        QGJET.load(recipe(), write(tmp_path / "one.h5", 10, images=(PT,)), "train")
    swapped = tuple(replace(column, names=column.names[::-1]) for column in COLUMNS)
    with pytest.raises(
        LeveloneError, match="'truth/label' has the classes quark, gluon, but system qgjet reads"
    ):
        QGJET.load(recipe(), write(tmp_path / "other.h5", 10, columns=swapped), "train")
    less = tuple(column for column in COLUMNS if column.name != "girth")
    with pytest.raises(LeveloneError, match=r"girth"):
        QGJET.load(recipe(), write(tmp_path / "less.h5", 10, columns=less), "train")
    with pytest.raises(LeveloneError, match=r"few\.h5: the split 'test' is empty"):
        QGJET.check_data(recipe(), write(tmp_path / "few.h5", 4))


# The network, results


def test_reference_gives_the_modules_integers_at_every_layer(data, tmp_path):
    small = "model.convolutions=[{channels=4, pool=3}, {channels=5, pool=2, separable=true}]"
    chosen = recipe("model.dense=[4]", small)
    codes = exact_codes(QGJET, chosen, QGJET.load(chosen, data, "validation", limit=6), tmp_path)
    assert {"conv1", "pool1", "depth2", "depth2_act", "conv2", "fc1_act", "logit"} <= set(codes)
    assert len(np.unique(codes["depth2"])) > 1


def test_squeeze_and_excitation_give_the_modules_integers_at_every_layer(data, tmp_path):
    chosen = recipe("model.dense=[4]", "model.convolutions=[{channels=4, pool=4, squeeze=2}]")
    QGJET.model_section(chosen)
    assert {"gate1_down", "gate1_up"} < set(QGJET.layer_names(chosen))
    codes = exact_codes(QGJET, chosen, QGJET.load(chosen, data, "validation", limit=6), tmp_path)
    assert codes["gate1_factor"].shape[1:] == (4, 1, 1) and codes["gate1"].shape[1:] == (4, 8, 8)
    assert np.array_equal(codes["gate1"], codes["pool1"] * codes["gate1_factor"])
    assert len(np.unique(codes["gate1_q"])) > 3


def test_trees_and_the_control_are_fitted_on_what_they_are_given(data):
    train, events = QGJET.source(recipe(), data, "train"), QGJET.load(recipe(), data, "test")
    fitted = QGJET.fit_baselines(recipe(), train)
    assert set(fitted) == set(BASELINES)
    right = {
        name: ((predict(events)["logit"][:, 0] > 0) == events.truth["label"]).mean()
        for name, predict in (*fitted.items(), ("control", QGJET.leak_control(recipe(), train).predictor))
    }
    assert right["charged"] > 0.9
    assert min(right["five"], right["boosting"]) > 0.9
    assert max(right["momentum"], right["girth"], right["control"]) < 0.8


def test_what_trees_and_teacher_are_given_does_not_hold_the_label(data):
    events = QGJET.load(recipe(), data, "train")
    swapped = Events(events.inputs, {**events.truth, "label": 1 - events.truth["label"]})
    teacher = QGJET.teacher(recipe())
    assert teacher.target == "label"
    for given in (teacher.view, *map(view, BASELINES.values()), pixels_alone):
        assert np.array_equal(given(events), given(swapped))
    assert teacher.view(events).shape[1] == 9 + events.truth["spectrum"].shape[1]


def test_figures_and_panels_of_known_scores(data):
    events = QGJET.load(recipe(), data, "test")
    label = events.truth["label"].astype(np.float32)[:, None]
    predictions = {name: {"logit": label} for name in ("float", "quantised", "grey", "five")}
    metrics, kept = metered(QGJET, recipe(), predictions, dict(events.truth))
    assert set(metrics["models"]["grey"]) == {"all"}
    assert metrics["models"]["grey"]["all"]["auc"]["value"] == 1
    assert metrics["differences"]["quantised-grey"]["all"]["auc"] == {"value": 0.0, "error": 0.0}
    kinds = [type(panel) for panel in QGJET.panels(metrics, kept)]
    assert kinds == [Lines, Rows, Rows, Lines, Lines, Lines, Lines, Lines]
    meter = QGJET.meter(recipe(), None)
    meter.update(events, predictions)
    (shown,) = [p for p in QGJET.panels(meter.result(), meter.kept()) if isinstance(p, SideBySide)]
    assert len(shown.labels) == 3
    assert shown.origin == pytest.approx((-0.4, -0.4))
    quark = events.inputs["jet"][events.truth["label"] == 1].mean(0)
    np.testing.assert_allclose(shown.columns[0].images, quark, rtol=1e-4)
    assert [type(panel) for panel in QGJET.examples(recipe(), events)] == [Images, Images]

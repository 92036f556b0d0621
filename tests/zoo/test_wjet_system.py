"""System wjet: recipe checks, preparation of images, quantities, exact integers of the exported model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from metered import metered
from published_jet_files import write_published_jets

from levelone.data.images import create_images, open_images
from levelone.data.opening import open_image_events
from levelone.errors import LeveloneError
from levelone.panels import Images, Lines, Rows, SideBySide
from levelone.recipe import load_recipe
from levelone.simulate.wjet.events import STEP_GEV
from levelone.simulate.wjet.generator import COLUMNS, IMAGE
from levelone.zoo import find_system
from levelone.zoo.kit.events import Events
from levelone.zoo.wjet import SYSTEM as WJET
from levelone.zoo.wjet.baselines import BASELINES
from levelone.zoo.wjet.features import FEATURES, summary
from levelone.zoo.wjet.preparing import mirrored, prepare, turned_down
from levelone.zoo.wjet.section import SHAPE, WJetModel


def recipe(*overrides: str):
    return load_recipe(WJET.default_recipe, overrides)


def test_recipes_are_valid():
    assert find_system("wjet") is WJET
    assert WJET.model_section(recipe()) == WJetModel.model_validate(recipe().model)
    assert WJET.reach(recipe()) == "firmware"
    published = load_recipe(WJET.default_recipe.parent / "published.toml")
    WJET.model_section(published)
    assert WJET.reach(published) == "quantised"
    convolutions = [m for m in WJET.build_float(published).modules() if isinstance(m, torch.nn.Conv2d)]
    assert [tuple(m.weight.shape) for m in convolutions] == [(32, 1, 11, 11), (32, 32, 3, 3), (32, 32, 3, 3)]


def test_a_local_convolution_has_a_kernel_at_every_position():
    local = load_recipe(WJET.default_recipe.parent / "local.toml")
    assert WJET.reach(local) == "firmware" and WJET.layer_names(local) == WJET.layer_names(recipe())
    layer = WJET.build_float(local).conv3.linear
    assert (tuple(layer.weight.shape), layer.bias.shape) == ((12, 8, 6, 6, 3, 3), (12, 6, 6))
    with pytest.raises(
        LeveloneError, match=r"convolutions\.0\.local: a locally connected layer cannot be sep"
    ):
        WJET.model_section(recipe("model.convolutions=[{local = true, separable = true}]"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.variant=huge", r"model\.variant = \"huge\""),
        ("model.pixels=log", r"model\.pixels = \"log\""),
        (
            "model.pieces=[2, 2]",
            r"model\.pieces = \[2, 2\]: at most one number, from 1, for each of 1 layers",
        ),
        ("model.pieces=[0]", r"model\.pieces = \[0\]: at most one"),
        ("model.dense=[0]", r"model\.dense = \[0\]: every layer needs a unit"),
        ("model.convolutions=[{kernel = [30, 1]}]", r"kernel 30 is larger than its"),
        (
            "model.convolutions=[{pool = 5}, {pool = 5}, {kernel = [1, 1], padding = [0, 0]}]",
            r"2\.pool = 2 is larg",
        ),
        ("quant.layers.conv9={weight = 4}", r"quant\.layers\.conv9: the network has no layer[\s\S]*conv1"),
        ("quant.inputs.jets=4", r"quant\.inputs\.jets: the network has no input[\s\S]*jet"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        WJET.model_section(recipe(override))


# Preparation


def two(row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """A jet with 150 GeV in the middle and 60 GeV so many rows and columns away, and its direction."""
    image = np.zeros((1, 25, 25), np.float32)
    image[0, 12, 12], image[0, 12 + row, 12 + column] = 150, 60
    return image, np.array([np.arctan2(row, column)])


@pytest.mark.parametrize(("row", "column"), [(-5, 0), (5, 0), (0, 5), (0, -5)])
def test_quarter_turns_are_exact(row, column):
    image, turn = two(row, column)
    np.testing.assert_allclose(turned_down(image, turn), two(-5, 0)[0], atol=1e-4)


@pytest.mark.parametrize(("row", "column"), [(3, 4), (-4, 3), (4, -3), (-3, -4)])
def test_the_second_subjet_comes_to_lie_below_the_first(row, column):
    image, turn = two(row, column)
    image[0, :, :] += 0.5 * np.roll(image[0], 1, 0) + 0.5 * np.roll(image[0], 1, 1)  # not a single pixel
    found = turned_down(image, turn)[0]
    below = found[:11]
    assert np.unravel_index(below.argmax(), below.shape) == (7, 12)
    assert found.min() >= 0
    assert found[15:].sum() < 0.02 * found.sum()


def test_turning_a_jet_beforehand_changes_nothing():
    """Quarter turns of any image with its direction give the same prepared image."""
    rng = np.random.default_rng(3)
    image = np.where(rng.random((1, 25, 25)) < 0.05, rng.exponential(20, (1, 25, 25)), 0).astype(np.float32)
    turn = np.array([0.7])
    expected = prepare(image, turn, "linear")
    for quarters in (1, 2, 3):
        # rows are the axis towards which the angle grows
        moved = np.rot90(image, -quarters, (1, 2)).copy()
        np.testing.assert_allclose(prepare(moved, turn + quarters * np.pi / 2, "linear"), expected, atol=1e-4)


def test_the_right_half_holds_more_and_mirroring_is_idempotent():
    rng = np.random.default_rng(4)
    image = rng.exponential(1, (6, 25, 25)).astype(np.float32)
    found = mirrored(image)
    assert np.all(found[:, :, 13:].sum((1, 2)) >= found[:, :, :12].sum((1, 2)))
    assert np.array_equal(mirrored(found), found)
    np.testing.assert_array_equal(mirrored(image[:, :, ::-1]), found)
    assert len({np.array_equal(one, other) for one, other in zip(found, image, strict=True)}) == 2


def test_pixels_enter_as_roots_or_in_units_of_16_gev():
    image, turn = two(-5, 0)
    assert prepare(image, turn, "root")[0, 12, 12] == pytest.approx(np.sqrt(150), rel=1e-5)
    assert prepare(image, turn, "linear")[0, 12, 12] == pytest.approx(150 / 16, rel=1e-5)


# What a person computes


def told(n: int = 1, **columns: float) -> dict[str, np.ndarray]:
    names = [column.name for column in COLUMNS]
    return {name: np.full(n, columns.get(name, 0.0), np.float32) for name in names}


def test_quantities_of_two_towers_by_hand():
    image, turn = two(-5, 0)
    found = summary(image, told(turn=turn[0], dr=0.5, tau1=0.2, tau2=0.1, subjet1=150, subjet2=60))[0]
    value = dict(zip(FEATURES, found, strict=True))
    z = 150 / 210, 60 / 210
    assert value["towers"] == 2
    assert value["tau21"] == pytest.approx(0.5)
    assert value["balance"] == pytest.approx(60 / 210)
    assert value["width"] == pytest.approx(z[1] * 0.5)
    assert value["dispersion"] == pytest.approx(np.hypot(*z))
    assert value["e2"] == pytest.approx(z[0] * z[1] * 0.5)
    assert value["d2"] == pytest.approx(0, abs=1e-6)
    assert (value["around the hardest"], value["around the second"]) == pytest.approx(z)
    assert (value["between"], value["pull"]) == (0, 0)


def test_correlations_of_three_towers_by_hand():
    image = np.zeros((1, 25, 25), np.float32)
    image[0, 12, 12], image[0, 9, 12], image[0, 12, 16] = 100, 60, 40
    value = dict(zip(FEATURES, summary(image, told(turn=-np.pi / 2, dr=0.3))[0], strict=True))
    e2 = 0.5 * 0.3 * 0.3 + 0.5 * 0.2 * 0.4 + 0.3 * 0.2 * 0.5
    e3 = 0.5 * 0.3 * 0.2 * 0.3 * 0.4 * 0.5
    assert value["e2"] == pytest.approx(e2)
    assert value["c2"] == pytest.approx(e3 / e2**2, rel=1e-5)
    assert value["d2"] == pytest.approx(e3 / e2**3, rel=1e-5)


def test_every_quantity_is_the_same_for_a_jet_that_is_turned():
    rng = np.random.default_rng(5)
    image = np.where(rng.random((2, 25, 25)) < 0.06, rng.exponential(9, (2, 25, 25)), 0).astype(np.float32)
    columns = told(2, turn=0.4, dr=0.6, tau1=0.2, mass=80.0)
    turned = np.rot90(image, -1, (1, 2)).copy()
    other = summary(turned, columns | {"turn": columns["turn"] + np.float32(np.pi / 2)})
    np.testing.assert_allclose(other, summary(image, columns), rtol=2e-4, atol=1e-5)


# Events, files


def write(path: Path, jets: int, *, image=IMAGE, columns=COLUMNS, seed: int = 1) -> Path:
    """Random jets; those of the class 1 hold more in their middle."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, jets).astype(np.uint8)
    filled = rng.random((jets, *image.shape)) < 0.05
    pixels = np.where(filled, rng.exponential(200, (jets, *image.shape)), 0)
    pixels[:, 0, 12, 12] = 1000 + 1500 * label.astype(float)
    truth = {column.name: rng.uniform(0.1, 1, jets).astype(np.float32) for column in columns}
    truth |= {"label": label, "mass": rng.uniform(65, 95, jets).astype(np.float32)}
    split = np.array([0, 0, 0, 1, 2], np.uint8)[np.arange(jets) % 5]
    with create_images(path, (image,), (), (), columns, {"system": "wjet"}) as writer:
        writer.append({image.name: pixels.astype(image.dtype)}, {}, {}, truth, split)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("wjet") / "jets.h5", 200)


def test_events_are_the_prepared_images_of_the_file(data):
    events = WJET.load(recipe(), data, "test", limit=20)
    with open_images(data) as file:
        batch = file.read(file.select("test", 20))
    raw = batch.images["jet"][:, 0] * np.float32(STEP_GEV)
    assert np.array_equal(events.inputs["jet"][:, 0], prepare(raw, batch.truth["turn"], "root"))
    assert np.array_equal(events.truth["label"], batch.truth["label"])
    assert events.inputs["jet"].shape == (20, *SHAPE)
    assert WJET.check_data(recipe(), data) == {}
    assert WJET.provenance(data) == {"system": "wjet"}


def test_files_of_something_else_are_refused(tmp_path):
    other = write(tmp_path / "unit.h5", 10, image=replace(IMAGE, unit="MeV"))
    with pytest.raises(LeveloneError, match=r"unit\.h5: system wjet reads an image 'jet'[\s\S]*in 'MeV'"):
        WJET.load(recipe(), other, "train")
    other = write(tmp_path / "name.h5", 10, image=replace(IMAGE, name="frame"))
    with pytest.raises(LeveloneError, match=r"image 'jet'[\s\S]*there is none"):
        WJET.load(recipe(), other, "train")
    less = tuple(column for column in COLUMNS if column.name != "tau2")
    with pytest.raises(LeveloneError, match=r"reads the column 'tau2', which is missing"):
        WJET.load(recipe(), write(tmp_path / "less.h5", 10, columns=less), "train")
    with pytest.raises(LeveloneError, match=r"few\.h5: the split 'test' is empty"):
        WJET.check_data(recipe(), write(tmp_path / "few.h5", 4))
    (tmp_path / "text.h5").write_text("jets")
    with pytest.raises(LeveloneError, match=r"text\.h5"):
        WJET.check_data(recipe(), tmp_path / "text.h5")


def test_published_jet_images_are_taken_as_they_stand(tmp_path):
    """A file of the published layout: upright images in GeV, no directions of subjets."""
    rng = np.random.default_rng(6)
    image = np.where(rng.random((60, 25, 25)) < 0.05, rng.exponential(9, (60, 25, 25)), 0)
    write_published_jets(tmp_path / "p.h5", 60, image=image, tau_32=None)  # which nothing reads
    events = WJET.load(recipe("model.pixels=linear"), tmp_path / "p.h5", "test")
    with open_image_events(tmp_path / "p.h5") as file:
        rows = file.select("test")
    assert np.array_equal(
        events.inputs["jet"][:, 0], mirrored(image[rows].astype(np.float32)) / np.float32(16)
    )
    assert events.truth["label"].tolist() == (rows % 2).tolist()
    assert np.isfinite(events.truth["summary"]).all()


# The network


def test_the_largest_of_several_sums_is_a_unit(data, tmp_path):
    chosen = recipe("model.convolutions=[]", "model.dense=[5, 3]", "model.pieces=[3]")
    WJET.model_section(chosen)
    moved = ("fc1_pieces", "fc1_flat", "flat")
    codes = exact_codes(WJET, chosen, WJET.load(chosen, data, "validation", limit=12), tmp_path, moved)
    assert codes["fc1"].shape[1:] == (15,) and len(np.unique(codes["fc1"])) > 15
    assert np.array_equal(codes["fc1_most"].reshape(-1, 5), codes["fc1"].reshape(-1, 5, 3).max(-1))
    assert {"fc1_q", "fc2", "fc2_act", "logit"} <= set(codes)


def test_reference_gives_the_modules_integers_at_every_layer(data, tmp_path):
    small = "model.convolutions=[{channels=3, pool=2}, {channels=4, kernel=[3,2], padding=[0,0], pool=1}]"
    chosen = recipe("model.dense=[5]", small)
    WJET.model_section(chosen)
    events = WJET.load(chosen, data, "validation", limit=12)
    codes = exact_codes(WJET, chosen, events, tmp_path)
    assert {"conv1", "act1", "pool1", "conv2", "act2", "fc1", "fc1_act", "logit"} <= set(codes)
    assert len(np.unique(codes["fc1"])) > 1


# Results


def test_trees_and_the_control_are_fitted_on_what_they_are_given(data):
    chosen = recipe()
    train = WJET.source(chosen, data, "train")
    events = WJET.load(chosen, data, "test")
    fitted = WJET.fit_baselines(chosen, train)
    assert set(fitted) == set(BASELINES)
    for predict in (*fitted.values(), WJET.leak_control(chosen, train).predictor):
        assert predict(events)["logit"].shape == (len(events), 1)
    # only the middle tower tells the label of these jets: trees that see the towers know it
    right = (fitted["boosting"](events)["logit"][:, 0] > 0) == events.truth["label"]
    assert right.mean() > 0.9


def test_figures_and_panels_of_known_scores():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 2000).astype(np.uint8)
    truth = {**told(2000, tau1=0.2, tau2=0.1, dr=0.5, pt=270.0), "label": label}
    truth["mass"] = rng.uniform(65, 95, 2000).astype(np.float32)
    noisy = (label[:, None] + rng.normal(0, 0.7, (2000, 1))).astype(np.float32)
    blind = rng.normal(size=(2000, 1)).astype(np.float32)
    predictions = {name: {"logit": noisy} for name in ("float", "quantised", "plain")} | {
        "mass": {"logit": blind}
    }
    metrics, kept = metered(WJET, recipe(), predictions, truth)
    entry = metrics["models"]["quantised"]
    assert set(entry) == {"all", "mass 75 to 85 GeV"}
    assert entry["mass 75 to 85 GeV"]["signal"] < entry["all"]["signal"] == int(label.sum())
    assert abs(metrics["models"]["mass"]["all"]["rejection"]["value"] - 2) < 0.3
    assert metrics["differences"]["quantised-plain"]["all"]["ratio"] == {"value": 1.0, "error": 0.0}
    kinds = [type(panel) for panel in WJET.panels(metrics, kept)]
    assert kinds == [Lines, Rows, Rows, Lines, Lines, Lines, Lines]
    assert [card.what.split(" ", 2)[0] for card in WJET.cards(metrics)] == ["quantised", "%", "quantised"]
    entry["all"]["rejection"]["error"] = entry["all"]["rejection"]["value"]
    assert len(WJET.cards(metrics)) == 2  # a number that says nothing is left out


def test_average_images_are_those_of_each_class(data):
    events = WJET.load(recipe(), data, "test")
    meter = WJET.meter(recipe(), None)
    score = {"float": {"logit": events.truth["label"][:, None].astype(np.float32)}}
    for rows in (slice(0, 15), slice(15, None)):
        part = Events(
            *({name: v[rows] for name, v in held.items()} for held in (events.inputs, events.truth))
        )
        meter.update(part, {"float": {"logit": score["float"]["logit"][rows]}})
    label = events.truth["label"]
    expected = [events.inputs["jet"][label == code].mean(0) for code in (0, 1)]
    np.testing.assert_allclose(meter.kept()["truth/average"], expected, rtol=1e-5)
    (shown,) = [p for p in WJET.panels(meter.result(), meter.kept()) if isinstance(p, SideBySide)]
    signal, other, difference = (column.images for column in shown.columns)
    np.testing.assert_allclose((other, signal), expected, rtol=1e-5)
    assert np.array_equal(difference, signal - other)
    examples = WJET.examples(recipe(), events)
    assert [type(panel) for panel in examples] == [Images, Images]
    for panel in (shown, *examples):  # the middle is 0, as physicists draw a jet
        assert panel.origin == pytest.approx((-1.25, -1.25))
    assert shown.columns[2].unit == "mean of what enters (square root of GeV)"

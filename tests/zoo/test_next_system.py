"""System next: recipe checks, both networks, the blob baseline, exact integers of the exported model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from metered import metered

from levelone.data.voxels import open_voxels
from levelone.errors import LeveloneError
from levelone.panels import Density, Images, Lines, Rows
from levelone.recipe import digest, load_recipe
from levelone.simulate.next.generator import simulate_next
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.summary import BLOB_VOXELS
from levelone.train.pipeline import feed_of
from levelone.zoo import find_system
from levelone.zoo.next import SYSTEM as NEXT
from levelone.zoo.next.features import FEATURES, blob_score, summary
from levelone.zoo.next.section import SHAPE, UNIT_KEV, NextModel


def recipe(*overrides: str):
    return load_recipe(NEXT.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("next") / "next.h5"
    simulate_next(path, NextGenerate(events=512, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("next") is NEXT
    section = NEXT.model_section(recipe())
    assert section.variant == "compact"
    assert NEXT.reach(recipe()) == "firmware"
    assert NEXT.layer_names(recipe())[0] == "conv1"
    assert NEXT.layer_names(recipe())[-1] == "logit"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.variant=huge", r"model\.variant = \"huge\""),
        ("model.dens=[3]", r"unknown key model\.dens[\s\S]*did you mean 'dense'"),
        ("model.dense=[0]", r"model\.dense = \[0\]: every layer needs a unit"),
        ("model.convolutions=[{kernel = [21, 1, 1], padding = [0, 0, 0]}]", r"kernel 21 is larger than its"),
        ("model.convolutions=[{padding = [3, 1, 1]}]", r"convolutions\.0: kernel 3, stride 2, padding 3"),
        ("quant.layers.conv9={weight = 4}", r"quant\.layers\.conv9: the network has no layer[\s\S]*conv1"),
        ("quant.inputs.tcp=4", r"quant\.inputs\.tcp: the network has no input[\s\S]*tpc"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        NEXT.model_section(recipe(override))


def test_published_network_is_flatten_32_1_and_stays_out_of_the_firmware():
    chosen = NEXT.rivals(recipe())["published"]
    NEXT.model_section(chosen)
    assert NEXT.reach(chosen) == "quantised"
    assert NEXT.rivals(chosen) == {}
    network = NEXT.build_float(chosen)
    assert [tuple(m.weight.shape) for m in network.modules() if isinstance(m, torch.nn.Linear)] == [
        (32, 24_000),
        (1, 32),
    ]


def test_events_enter_the_network_in_units_of_64_kev(data):
    events = NEXT.load(recipe(), data, "train", limit=20)
    with open_voxels(data) as file:
        rows = file.select("train", 20)
        assert np.array_equal(events.inputs["tpc"][:, 0] * UNIT_KEV, file.read("tpc", rows))
        assert np.array_equal(events.truth["label"], file.truth("label", rows))
    assert events.inputs["tpc"].shape == (20, *SHAPE)
    facts = NEXT.check_data(recipe(), data)
    assert sum(facts.values()) == 512


def test_mirrored_events_are_the_same_events_seen_from_another_side(data):
    plain, mirrored = (recipe(f"model.mirror={told}") for told in ("false", "true"))
    batch = NEXT.load(plain, data, "train", limit=48)
    assert NEXT.augment(plain, batch, np.random.default_rng(1)) is batch
    before = batch.inputs["tpc"]
    after = NEXT.augment(mirrored, batch, np.random.default_rng(1)).inputs["tpc"]
    assert np.array_equal(before.max((1, 2, 3)), after.max((1, 2, 3)))  # drift is left alone
    sides = set()
    for one, other in zip(before[:, 0], after[:, 0], strict=True):
        ways = {
            (x, y, exchanged): (turned.swapaxes(0, 1) if exchanged else turned)
            for x in (1, -1)
            for y in (1, -1)
            for turned in (one[::x, ::y],)
            for exchanged in (False, True)
        }
        sides |= {way for way, image in ways.items() if np.array_equal(image, other)}
    assert len(sides) == 8


def test_training_batches_alone_are_taught(data):
    """Of the trees of the baseline, fold by fold; events stay what they are, and rivals learn from labels."""
    plain, taught = recipe(), recipe("train.distillation=0.5", "data.max_train=300")
    learned = NEXT.load(taught, data, "train", 300)
    train = feed_of(NEXT, taught, data, "train")
    batches = list(train.epoch(100, 1, 0))
    mixed = np.concatenate([truth["label"].numpy() for _, truth in batches])
    assert len(mixed) == 300
    assert not set(mixed.tolist()) & {0.0, 1.0}
    assert (mixed > 0.5).sum() == (learned.truth["label"] == 1).sum()
    for feed in (train, feed_of(NEXT, taught, data, "validation")):
        assert {int(label) for _, truth in feed.in_order() for label in truth["label"]} == {0, 1}
    assert NEXT.rivals(taught)["published"].train == plain.train
    assert digest(recipe("train.distillation=0")) == digest(plain) != digest(recipe("train.distillation=0.5"))


def test_a_file_of_another_system_is_refused(tmp_path):
    from levelone.simulate.lcd.generator import simulate_lcd
    from levelone.simulate.lcd.section import LcdGenerate

    simulate_lcd(tmp_path / "lcd.h5", LcdGenerate(events=16))
    with pytest.raises(LeveloneError, match=r"has no grid 'tpc', which system next reads[\s\S]*ecal, hcal"):
        NEXT.check_data(recipe(), tmp_path / "lcd.h5")


def slow_blob(image) -> float:
    def box(x, y, z):
        low = [c - size // 2 for c, size in zip((x, y, z), BLOB_VOXELS, strict=True)]
        total = 0.0
        for i in range(max(low[0], 0), min(low[0] + BLOB_VOXELS[0], 20)):
            for j in range(max(low[1], 0), min(low[1] + BLOB_VOXELS[1], 20)):
                for k in range(max(low[2], 0), min(low[2] + BLOB_VOXELS[2], 60)):
                    total += float(image[i, j, k])
        return total

    boxes = {(x, y, z): box(x, y, z) for x in range(20) for y in range(20) for z in range(60)}
    first = max(boxes, key=boxes.get)
    far = [b for p, b in boxes.items() if any(abs(p[a] - first[a]) > r for a, r in enumerate((3, 3, 6)))]
    return max(far)


def test_blob_score_against_a_plain_loop():
    rng = np.random.default_rng(2)
    images = np.where(rng.random((3, 20, 20, 60)) < 0.01, rng.exponential(50, (3, 20, 20, 60)), 0)
    expected = [slow_blob(image) for image in images]
    np.testing.assert_allclose(blob_score(images.astype(np.float32)), expected, rtol=1e-4)


def test_two_electrons_leave_a_denser_second_blob(data):
    events = NEXT.load(recipe(), data, "train", limit=300)
    score = blob_score(events.inputs["tpc"][:, 0] * UNIT_KEV)
    label = events.truth["label"]
    assert np.median(score[label == 1]) > 1.2 * np.median(score[label == 0])


def test_summary_of_a_track_and_a_distant_deposit():
    """A line of ten voxels along z with a dense end, and one voxel elsewhere."""
    image = np.zeros((2, 20, 20, 60), np.float32)
    image[0, 5, 5, 20:30] = 10
    image[0, 5, 5, 29] = 100
    image[0, 15, 15, 50] = 7
    found = dict(zip(FEATURES, summary(image, (10.0, 10.0, 5.0))[0], strict=True))
    assert (found["energy"], found["voxels"], found["pieces"]) == (197, 11, 2)
    assert found["energy of the largest piece"] == 190
    assert found["first blob"] == pytest.approx(140)
    assert found["length"] == found["distance of the ends"] == 45
    assert (found["richer end"], found["poorer end"]) == (130, 40)  # 20 mm: four voxels of 5 mm
    assert (found["voxel 1"], found["voxel 2"], found["voxel 11"], found["voxel 12"]) == (100, 10, 7, 0)
    assert found["straightness"] == 1
    assert not summary(image, (10.0, 10.0, 5.0))[1].any()  # nothing is there: all zero


def test_a_track_that_turns_back_is_longer_than_its_ends_are_apart():
    image = np.zeros((1, 20, 20, 60), np.float32)
    image[0, 5:15, 5, 20] = image[0, 14, 5:12, 20] = image[0, 5:15, 11, 20] = 10
    found = dict(zip(FEATURES, summary(image, (10.0, 10.0, 5.0))[0], strict=True))
    corners = 2 * (np.sqrt(2) - 2) * 10
    assert found["length"] == pytest.approx(240 + corners)
    assert found["distance of the ends"] == 60


@pytest.mark.parametrize("variant", ["compact", "published"])
def test_reference_gives_the_modules_integers_at_every_layer(variant, data, tmp_path):
    small = "model.convolutions=[{channels=3, stride=[2,2,3]}, {channels=4, kernel=[2,3,3]}]"
    chosen = recipe(f"model.variant={variant}", "model.dense=[5]", small)
    NEXT.model_section(chosen)
    events = NEXT.load(chosen, data, "validation", limit=12)
    codes = exact_codes(NEXT, chosen, events, tmp_path)
    assert {"fc1", "fc1_act", "logit"} <= set(codes)
    assert variant == "published" or {"conv1", "act1", "conv2", "mean_q"} <= set(codes)
    assert len(np.unique(codes["fc1"])) > 1


def test_figures_and_panels_of_known_scores():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 2000).astype(np.uint8)
    truth = {"label": label, "drift": rng.uniform(0, 1000, 2000).astype(np.float32)}
    perfect, blind = label[:, None].astype(np.float32), rng.normal(size=(2000, 1)).astype(np.float32)
    noisy = (perfect + rng.normal(0, 0.7, (2000, 1))).astype(np.float32)
    predictions = {
        "float": {"logit": perfect},
        "quantised": {"logit": noisy},
        "published": {"logit": blind},
        "boosting": {"logit": noisy},
        "blob": {"logit": blind},
    }
    metrics, kept = metered(NEXT, recipe(), predictions, truth)
    assert metrics["models"]["float"]["all"]["auc"]["value"] == 1.0
    assert metrics["models"]["float"]["all"]["efficiency"]["99"]["value"] == 1.0
    assert abs(metrics["models"]["published"]["all"]["auc"]["value"] - 0.5) < 0.05
    gain = metrics["differences"]["quantised-published"]["all"]["auc"]
    assert gain["value"] > 5 * gain["error"] > 0
    assert metrics["differences"]["quantised-boosting"]["all"]["auc"]["value"] == 0
    counts = metrics["models"]["blob"]
    halves = [counts[r] for r in ("drift below 0.5 m", "drift above 0.5 m")]
    assert sum(half["signal"] for half in halves) == counts["all"]["signal"] == int(label.sum())
    kinds = [type(panel) for panel in NEXT.panels(metrics, kept)]
    assert kinds == [Lines, Rows, Rows, Lines]
    assert Density not in kinds
    assert any("1.0000" in card.value or "AUC" in card.what for card in NEXT.cards(metrics))


def test_examples_show_both_classes(data):
    events = NEXT.load(recipe(), data, "test")
    panels = NEXT.examples(recipe(), events)
    assert [type(panel) for panel in panels] == [Images, Images]
    assert panels[0].images.shape == (4, 20, 60)
    assert panels[0].cell == (5.0, 10.0)
    filled = panels[0].images[panels[0].images > 0]
    assert filled.min() >= panels[0].smallest == 2.0


def test_model_defaults_are_those_of_the_recipe_file():
    assert NextModel.model_validate(recipe().model).variant == NextModel().variant

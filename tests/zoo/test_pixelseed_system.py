from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from levelone.errors import LeveloneError
from levelone.panels import Rows
from levelone.quant.calibrate import calibrate, fold_into
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.report.svg import render
from levelone.zoo import find_system
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.kit.loss import cross_entropy
from levelone.zoo.pixelseed import SYSTEM as PIXELSEED
from levelone.zoo.pixelseed.features import (
    FEATURES,
    LIMIT,
    PLAIN_SUMMARY,
    SUMMARY,
    expert_features,
    profile_length,
)
from levelone.zoo.pixelseed.section import PixelSeedModel
from levelone.zoo.pixelseed.source import SATURATION_KE, log_odds, training_log_odds


def default(*overrides):
    return load_recipe(PIXELSEED.default_recipe, overrides)


def test_systems_by_name():
    assert find_system("pixelseed") is PIXELSEED
    with pytest.raises(LeveloneError, match=r"unknown system 'pixelsed'[\s\S]*did you mean 'pixelseed'"):
        find_system("pixelsed")


def test_importing_the_zoo_does_not_import_torch():
    code = "import sys, levelone.zoo, levelone.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_default_recipe_is_valid():
    section = PIXELSEED.model_section(default())
    assert section.layer_names()[0] == "conv1"
    assert section.layer_names()[-2:] == ("evidence", "prior")
    assert PixelSeedModel().layer_names()[-1] == "logit"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.image_dens=4", r"unknown key model\.image_dens[\s\S]*did you mean 'image_dense'"),
        ("model.image_dense=5", r"model\.image_dense = 5 must be even[\s\S]*separate_images = false"),
        ("model.dense=[0]", r"model\.dense = \[0\]: every layer needs a unit"),
        ("model.convolutions=[]", r"model\.convolutions"),
        ("model.convolutions=[{channels = 3}]", r"convolutions\.0\.channels = 3 must be even"),
        (
            "model.convolutions=[{kernel = [20, 4]}]",
            r"convolutions\.0: kernel 20 is larger than its input of 4",
        ),
        ("model.convolutions=[{chanels = 4}]", r"unknown key model\.convolutions\.0\.chanels"),
        ("quant.layers.conv9={weight = 4}", r"quant\.layers\.conv9: the network has no layer[\s\S]*conv1"),
        ("quant.inputs.pair=1", r"quant\.inputs\.pair = 1: Brevitas exports[\s\S]*2 bits hold 0 and 1"),
        ("quant.inputs.image=4", r"quant\.inputs\.image: the network has no input[\s\S]*images"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        PIXELSEED.model_section(default(override))


def test_missing_input_width_is_named():
    with pytest.raises(LeveloneError, match=r"quant\.inputs\.features is missing"):
        recipe = default()
        quant = recipe.quant.model_copy(update={"inputs": {"images": 4}})
        PIXELSEED.model_section(recipe.model_copy(update={"quant": quant}))


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("model.separate_images=false", "model.image_dense=7"),
        ("model.dense=[9, 7, 5]",),
        (
            "model.rows=16",
            "model.convolutions=[{channels=4, kernel=[3, 3], stride=[2, 2], padding=[1, 1]}, "
            "{channels=6, kernel=[3, 5], stride=[3, 2], padding=[0, 2]}]",
        ),
    ],
)
def test_both_networks_have_the_same_layers(overrides):
    recipe = default(*overrides)
    shapes = PIXELSEED.input_shapes(recipe)
    inputs = [torch.rand(5, *shape) for shape in shapes.values()]
    twin, network = PIXELSEED.build_float(recipe).eval(), PIXELSEED.build_quantised(recipe).eval()
    assert [n for n, _ in twin.named_children()] == [n for n, _ in network.named_children()]
    assert twin(*inputs).shape == network(*inputs).shape == (5, 1)
    for name in PIXELSEED.model_section(recipe).layer_names():
        assert twin.get_submodule(name).linear.weight.shape == network.get_submodule(name).weight.shape


def test_separate_images_do_not_meet_before_the_geometry():
    recipe = default()
    torch.manual_seed(1)
    network = PIXELSEED.build_float(recipe).eval()
    images = torch.rand(6, *PIXELSEED.input_shapes(recipe)["images"], requires_grad=True)
    units = network.image_fc(torch.flatten(network.act1(network.conv1(images)), 1))
    half = units.shape[1] // 2
    (first,) = torch.autograd.grad(units[:, :half].sum(), images, retain_graph=True)
    (second,) = torch.autograd.grad(units[:, half:].sum(), images)
    assert first[:, 0].abs().sum() > 0
    assert second[:, 1].abs().sum() > 0
    assert not first[:, 1].any()
    assert not second[:, 0].any()


def test_the_prior_is_what_the_training_events_say_and_is_never_learnt():
    recipe, path = default(), PIXELSEED.sample_file()
    torch.manual_seed(1)
    twin, network = PIXELSEED.build_float(recipe).eval(), PIXELSEED.build_quantised(recipe).eval()
    PIXELSEED.take_constants(recipe, path, twin)
    expected = training_log_odds(path)
    assert np.ptp(expected) > 4  # what true doublets and fakes share differs much between pairs of layers
    weight = twin.prior.linear.weight
    assert not weight.requires_grad
    assert twin.prior.linear.bias is None
    np.testing.assert_array_equal(weight[0].numpy(), expected.astype(np.float32))
    events = PIXELSEED.golden(recipe, path, 200)
    inputs = [torch.from_numpy(events.inputs[name]) for name in PIXELSEED.input_shapes(recipe)]
    assert (events.inputs["pair"].sum(axis=1) == 1).all()
    evidence = []
    twin.evidence.register_forward_hook(lambda layer, given, result: evidence.append(result[:, 0]))
    score = twin(*inputs)
    np.testing.assert_allclose(
        (score[:, 0] - evidence[0]).detach().numpy(), events.truth["abundance"], rtol=1e-5
    )
    # Balanced doublets have no prior: the loss is that of the evidence.
    truth = {name: torch.from_numpy(events.truth[name]) for name in ("target", "abundance")}
    loss = PIXELSEED.event_loss(recipe, (score,), truth)
    torch.testing.assert_close(loss.float(), cross_entropy(evidence[0], truth["target"]), atol=1e-4, rtol=0)
    natural = PIXELSEED.event_loss(default("model.mixture=natural"), (score,), truth)
    torch.testing.assert_close(natural, cross_entropy(score[:, 0], truth["target"]))
    # Quantised to the width that the recipe says, and frozen there, too.
    fold_into(twin, network)
    calibrate(network, inputs)
    codes = network.prior.quant_weight()
    step = float(codes.scale)
    assert abs(codes.value[0].detach().numpy() - expected).max() <= step / 2 <= 0.04
    assert not network.prior.weight.requires_grad


def test_more_pairs_of_layers_than_the_network_has_are_refused_by_key():
    with pytest.raises(LeveloneError, match=r"model\.layer_pairs = 3, but .* has 21 pairs of layers"):
        PIXELSEED.check_data(default("model.layer_pairs=3"), PIXELSEED.sample_file())


def slow_profile_length(image, size, axis):
    profile = [float(image[:, i].sum() if axis == 1 else image[i].sum()) for i in range(16)]
    lit = [i for i, charge in enumerate(profile) if charge > 0]
    inner = profile[lit[0] + 1 : lit[-1]]
    if size > 16 or not inner:
        return size - 1
    mean = sum(inner) / len(inner)
    return len(inner) + min(profile[lit[0]] / mean, 1) + min(profile[lit[-1]] / mean, 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_profile_length_against_a_plain_loop(axis):
    rng = np.random.default_rng(axis)
    images = np.zeros((300, 16, 16), np.float32)
    sizes = np.zeros(300, np.float32)
    for i in range(300):
        rows, columns = rng.integers(1, 8, 2)
        images[i, 3 : 3 + rows, 4 : 4 + columns] = rng.uniform(2, 30, (rows, columns))
        sizes[i] = rng.choice([rows if axis == 0 else columns, 20], p=[0.9, 0.1])
    expected = [slow_profile_length(image, size, axis) for image, size in zip(images, sizes, strict=True)]
    np.testing.assert_allclose(profile_length(images, sizes, axis), expected, rtol=1e-5)


def test_features_are_folded_bounded_and_complete():
    from levelone.data.doublets import FEATURE_NAMES

    rng = np.random.default_rng(0)
    raw = {name: rng.normal(0, 30, 200).astype(np.float32) for name in FEATURE_NAMES}
    for hit in ("inner", "outer"):
        for axis in "xy":
            raw[f"{hit}_length_{axis}"] = rng.normal(3, 2, 200).astype(np.float32)
            raw[f"{hit}_expected_{axis}"] = rng.uniform(1, 20, 200).astype(np.float32)
        raw[f"{hit}_pixels"] = rng.integers(1, 20, 200).astype(np.float32)
        raw[f"{hit}_largest_pixel"] = rng.uniform(2, 60, 200).astype(np.float32)
    features = expert_features(raw)
    assert features.shape == (200, len(FEATURES))
    assert features.dtype == np.float32
    assert np.abs(features).max() == LIMIT
    signs = ("inner_z", "outer_z", "z0", "cot_theta", "delta_z")
    mirrored = raw | {name: -raw[name] for name in signs}
    assert np.array_equal(expert_features(mirrored), features)
    assert np.array_equal(expert_features(raw | {"curvature": -raw["curvature"]}), features)
    assert not np.array_equal(expert_features(raw | {"cot_theta": -raw["cot_theta"]}), features)


def test_baselines_get_every_feature_uncut_and_the_lengths_last():
    sample = PIXELSEED.golden(default(), PIXELSEED.sample_file(), 500)
    assert sorted(SUMMARY) == sorted(FEATURES)
    assert all("length" in name for name in SUMMARY[PLAIN_SUMMARY:])
    assert not any("length" in name for name in SUMMARY[:PLAIN_SUMMARY])
    summary = dict(zip(SUMMARY, sample.truth["summary"].T, strict=True))
    cut = dict(zip(FEATURES, sample.inputs["features"].T, strict=True))
    assert summary["inner_excess_y"].max() > LIMIT
    for (
        name
    ) in FEATURES:  # neither an order nor a value is lost: where nothing is cut, one is a line of the other
        inside = np.abs(cut[name]) < LIMIT
        slope, intercept = np.polyfit(summary[name][inside], cut[name][inside], 1)
        np.testing.assert_allclose(slope * summary[name][inside] + intercept, cut[name][inside], atol=1e-4)


@pytest.mark.parametrize("rows", [2, 4, 16])
def test_the_network_reads_the_rows_in_the_middle_and_the_host_all_of_them(rows):
    recipe = default(f"model.rows={rows}", "model.convolutions=[{kernel=[2, 4], stride=[2, 4]}]")
    whole = PIXELSEED.golden(default("model.rows=16"), PIXELSEED.sample_file(), 300)
    part = PIXELSEED.golden(recipe, PIXELSEED.sample_file(), 300)
    middle = slice(8 - rows // 2, 8 + rows // 2)
    assert np.array_equal(part.inputs["images"], whole.inputs["images"][:, :, middle])
    assert np.array_equal(part.inputs["features"], whole.inputs["features"])
    assert np.array_equal(part.truth["summary"], whole.truth["summary"])


def test_no_charge_is_lost_to_speak_of_outside_four_rows():
    images = PIXELSEED.golden(default("model.rows=16"), PIXELSEED.sample_file(), 2000).inputs["images"]
    assert images[:, :, 6:10].sum() > 0.999 * images.sum()


def test_shipped_sample_loads_ready_for_the_network():
    recipe = default()
    sample = PIXELSEED.golden(recipe, PIXELSEED.sample_file(), 500)
    assert len(sample) == 500
    assert sample.truth["target"].mean() == 0.5
    for name, shape in PIXELSEED.input_shapes(recipe).items():
        assert sample.inputs[name].shape == (500, *shape)
        assert sample.inputs[name].dtype == np.float32
        assert np.isfinite(sample.inputs[name]).all()
    assert sample.truth["summary"].shape == (500, len(SUMMARY))
    assert sample.inputs["images"].min() == 0
    assert sample.inputs["images"].max() == SATURATION_KE
    assert len(np.unique(sample.truth["abundance"])) <= len(np.unique(sample.truth["group"]))
    # A feature that is constant, or mostly cut off, would carry nothing.
    features = sample.inputs["features"]
    assert (features.std(axis=0) > 0.1).all()
    assert (np.abs(features) >= LIMIT).mean() < 0.05


def test_too_few_doublets_for_the_baseline_are_refused_by_key():
    recipe = default("data.max_train=10")
    train = PIXELSEED.source(recipe, PIXELSEED.sample_file(), "train", 10)
    with pytest.raises(LeveloneError, match=r"data\.max_train.*hold \d+ of one class"):
        PIXELSEED.fit_baselines(recipe, train)


def test_training_takes_the_mixture_of_the_recipe_and_testing_what_is_found():
    path = PIXELSEED.sample_file()
    shares = {}
    for mixture in ("natural", "balanced"):
        for split in ("train", "validation", "test"):
            source = PIXELSEED.source(default(f"model.mixture={mixture}"), path, split, 2000)
            shares[mixture, split] = source.truth["target"].mean()
    assert shares["balanced", "train"] == shares["balanced", "validation"] == 0.5
    assert shares["natural", "train"] < 0.4
    assert shares["balanced", "test"] == shares["natural", "test"] < 0.4


def test_the_part_of_a_split_that_is_drawn_depends_on_the_seed():
    path = PIXELSEED.sample_file()
    parts = [PIXELSEED.load(default(f"seed={seed}"), path, "test", 300) for seed in (1, 1, 2)]
    assert np.array_equal(parts[0].inputs["features"], parts[1].inputs["features"])
    assert not np.array_equal(parts[0].inputs["features"], parts[2].inputs["features"])


@pytest.mark.parametrize("prior", [False, True])
def test_figures_panels_and_cards_of_known_scores(prior):
    rng = np.random.default_rng(5)
    n = 3000
    target = (rng.random(n) < 0.3).astype(np.uint8)
    group = rng.integers(0, 4, n).astype(np.int32)
    truth = {
        "target": target,
        "event": rng.integers(0, 40, n),
        "group": group,
        "region": (group % 3).astype(np.uint8),
        "abundance": log_odds(np.array([[9, 3], [4, 4], [1, 7], [5, 5]]))[group],
        "summary": np.zeros((n, 2), np.float32),
    }
    noisy = (target + rng.normal(0, 0.7, n)).astype(np.float32)[:, None]
    predictions = {name: {"logit": noisy} for name in ("float", "quantised", "baseline")}
    blurred = noisy + rng.normal(0, 0.7, (n, 1)).astype(np.float32)
    predictions["baseline_profile"] = {"logit": blurred}
    predictions["layers_only"] = {"logit": truth["abundance"][:, None]}
    train = MemorySource({"images": np.zeros((8, 1), np.float16)}, {"group": group[:8], "target": target[:8]})
    # The odds of every pair of layers in training are taken away from those that are found.
    counts = np.zeros((4, 2), np.int64)
    np.add.at(counts, (group[:8], target[:8]), 1)
    expected = truth["abundance"] - np.log((counts[:, 1] + 1) / (counts[:, 0] + 1))[group]
    if prior:
        predictions |= {name: {"logit": noisy + expected[:, None]} for name in ("float", "quantised")}
    meter = PIXELSEED.meter(default() if prior else default("model.layer_pairs=0"), train)
    meter.update(Events({}, truth), predictions)
    metrics, kept = meter.result(), meter.kept()
    assert metrics["data"] == {
        "trained_on": "balanced",
        "prior_in_network": prior,
        "train_candidates": 8,
        "test_candidates": n,
        "test_events": 40,
    }
    assert metrics["differences"]["quantised-float"]["natural"]["all"]["auc"]["value"] == 0
    # Boosting that is given the sub-pixel lengths is a rival like the others.
    aucs = [
        metrics["models"][name]["balanced"]["all"]["auc"]["value"]
        for name in ("quantised", "baseline_profile")
    ]
    paired = metrics["differences"]["quantised-baseline_profile"]["balanced"]["all"]["auc"]["value"]
    assert paired == pytest.approx(aucs[0] - aucs[1], abs=1e-12)
    assert paired > 0.05
    np.testing.assert_allclose(kept["prior"], expected)
    # The odds are worth the same wherever they are added, and nothing where the classes are balanced.
    with_odds = metrics["models"]["baseline"]["natural" if prior else "natural_prior"]
    assert with_odds == metrics["models"]["quantised"]["natural" if prior else "natural_prior"]
    assert metrics["models"]["baseline"]["balanced"] == metrics["models"]["quantised"]["balanced"]
    held = expected if prior else 0
    np.testing.assert_allclose(kept["quantised"] - held, noisy[:, 0], atol=1e-6)
    assert {array.shape for array in kept.values()} == {(n,)}
    metrics["reference"] = PIXELSEED.published()
    panels = PIXELSEED.panels(metrics, kept)
    for panel in panels:
        if not isinstance(panel, Rows):
            render(draw(panel), "a panel")
    tables = {panel.title: panel for panel in panels if isinstance(panel, Rows)}
    assert [len(table.rows) for table in tables.values() if not table.folded] == [6, 5, 5, *[4][prior:]]
    long = tables["Efficiency, natural mixture, by region"]
    assert long.folded and len(long.rows) == 15
    cards = PIXELSEED.cards(metrics)
    assert [card.value for card in cards][-1] == "+0.00 ± 0"
    assert len(cards) == 3


def test_examples_show_both_hits_of_true_and_fake_doublets():
    events = PIXELSEED.golden(default(), PIXELSEED.sample_file(), 64)
    shown = PIXELSEED.examples(default(), events)
    assert [panel.title for panel in shown] == ["True doublets", "Fake doublets"]
    first = events.inputs["images"][np.flatnonzero(events.truth["target"] == 1)[0]]
    assert np.array_equal(shown[0].images[:2], first)
    assert shown[0].labels[:3] == ("1, inner", "1, outer", "2, inner")

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from levelone.errors import LeveloneError
from levelone.recipe import load_recipe
from levelone.zoo import find_system
from levelone.zoo.pixelseed import SYSTEM as PIXELSEED
from levelone.zoo.pixelseed.features import FEATURES, LIMIT, SUMMARY, expert_features, profile_length
from levelone.zoo.pixelseed.system import SATURATION_KE


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
    assert section.layer_names()[-1] == "logit"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.image_dens=4", r"unknown key model\.image_dens[\s\S]*did you mean 'image_dense'"),
        ("model.image_dense=5", r"model\.image_dense = 5 must be even[\s\S]*separate_images = false"),
        ("model.dense=[0]", r"model\.dense = \[0\]: every layer needs a unit"),
        ("model.convolutions=[]", r"model\.convolutions"),
        ("model.convolutions=[{channels = 3}]", r"convolutions\[0\]: channels = 3 must be even"),
        (
            "model.convolutions=[{kernel = [20, 4]}]",
            r"convolutions\[0\]: kernel 20 is larger than its input of 16",
        ),
        ("model.convolutions=[{chanels = 4}]", r"unknown key model\.convolutions\.0\.chanels"),
        ("quant.layers.conv9={weight = 4}", r"quant\.layers\.conv9: the network has no layer[\s\S]*conv1"),
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
        ("model.dense=[9]",),
        (
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
    images = torch.rand(6, 2, 16, 16, requires_grad=True)
    units = network.image_fc(torch.flatten(network.act1(network.conv1(images)), 1))
    half = units.shape[1] // 2
    (first,) = torch.autograd.grad(units[:, :half].sum(), images, retain_graph=True)
    (second,) = torch.autograd.grad(units[:, half:].sum(), images)
    assert first[:, 0].abs().sum() > 0
    assert second[:, 1].abs().sum() > 0
    assert not first[:, 1].any()
    assert not second[:, 0].any()


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
    features = expert_features(raw)
    assert features.shape == (200, len(FEATURES))
    assert features.dtype == np.float32
    assert np.abs(features).max() == LIMIT
    signs = ("inner_z", "outer_z", "z0", "cot_theta", "delta_z")
    mirrored = raw | {name: -raw[name] for name in signs}
    assert np.array_equal(expert_features(mirrored), features)
    assert np.array_equal(expert_features(raw | {"curvature": -raw["curvature"]}), features)
    assert not np.array_equal(expert_features(raw | {"cot_theta": -raw["cot_theta"]}), features)


def test_shipped_sample_loads_ready_for_the_network():
    recipe = default()
    sample = PIXELSEED.load(recipe, PIXELSEED.sample_file(), "test", mixture="balanced", limit=500)
    assert len(sample) == 500
    assert sample.target.mean() == 0.5
    for name, shape in PIXELSEED.input_shapes(recipe).items():
        assert sample.inputs[name].shape == (500, *shape)
        assert sample.inputs[name].dtype == np.float32
        assert np.isfinite(sample.inputs[name]).all()
    assert sample.summary.shape == (500, len(SUMMARY))
    assert sample.inputs["images"].min() == 0
    assert sample.inputs["images"].max() == SATURATION_KE
    counts = PIXELSEED.group_counts(PIXELSEED.sample_file(), "test")
    assert counts.shape == (len(sample.group_names), 2)
    # A feature that is constant, or mostly cut off, would carry nothing.
    features = sample.inputs["features"]
    assert (features.std(axis=0) > 0.1).all()
    assert (np.abs(features) >= LIMIT).mean() < 0.05


def test_too_few_doublets_for_the_baseline_are_refused_by_key():
    recipe = default("data.max_train=10")
    train = PIXELSEED.load(recipe, PIXELSEED.sample_file(), "train", mixture="balanced", limit=10, seed=1)
    with pytest.raises(LeveloneError, match=r"data\.max_train.*hold \d+ of one class"):
        PIXELSEED.fit_baselines(recipe, train)

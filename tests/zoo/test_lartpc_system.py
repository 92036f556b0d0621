"""System lartpc: events, features and counts on known pixels, both decoders to the last integer."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from exact_layers import exact_codes

from levelone.data.argon_images import NOTHING, SHOWER, TRACK
from levelone.errors import LeveloneError
from levelone.graph import quantise_inputs, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.panels import Images, Lines, Rows, SideBySide
from levelone.pipeline.checks import VectorSet, compare
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.simulate.lartpc.generator import simulate_lartpc
from levelone.simulate.lartpc.section import LartpcGenerate
from levelone.simulate.passage.particles import Kind
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events
from levelone.zoo.lartpc import SYSTEM as LARTPC
from levelone.zoo.lartpc.features import EACH, RADII, blind, surroundings
from levelone.zoo.lartpc.loss import TYPICAL_PIXELS, masked_loss
from levelone.zoo.lartpc.section import UNIT_ADU


def recipe(*overrides: str):
    return load_recipe(LARTPC.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lartpc") / "lartpc.h5"
    simulate_lartpc(path, LartpcGenerate(events=128, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("lartpc") is LARTPC
    LARTPC.model_section(recipe())
    assert LARTPC.reach(recipe()) == "firmware"
    assert LARTPC.input_shapes(recipe("model.pixels=128")) == {"charge": (1, 128, 128)}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.pixels=48", r"model\.pixels = 48"),
        ("model.channels=[8]", r"model\.channels"),
        ('model.decoder="unpool"', r"model\.decoder"),
        ("quant.layers.down3={weight = 4}", r"quant\.layers\.down3: the network has no layer"),
        ("quant.inputs.image=4", r"quant\.inputs\.image: the network has no input"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        LARTPC.model_section(recipe(override))


def test_events_enter_the_network_in_their_unit(data):
    events = LARTPC.load(recipe(), data, "train", limit=20)
    with h5py.File(data) as raw:
        rows = np.flatnonzero(raw["split"][:] == 0)[:20]
        charge = raw["images/charge"][:][rows].astype(np.float32)
    assert np.array_equal(events.inputs["charge"] * UNIT_ADU, charge)
    assert np.array_equal(events.truth["event"], rows)
    assert sum(LARTPC.check_data(recipe(), data).values()) == 128


@pytest.mark.parametrize(
    ("spoil", "overrides", "message"),
    [
        (lambda f: f["maps/class"].__setitem__((0, 0, 3, 4), 7), (), r"'maps/class', event 0: the value 7"),
        (
            lambda f: f["maps/class"].attrs.__setitem__("names", "[]"),
            (),
            r"'maps/class': its names is \(\), but",
        ),
        (
            lambda f: f["images/charge"].attrs.__setitem__("unit", "pC"),
            (),
            "its unit is 'pC', but system lar",
        ),
        (lambda f: f.__delitem__("maps/particle"), (), "has no map 'particle', which system lartpc reads"),
        (
            lambda f: None,
            ("model.pixels=128",),
            r"charge': its shape is \(1, 64, 64\), but system lartpc reads \(1, 128",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(spoil, overrides, message, data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        spoil(raw)
        raw["split"][0] = 0
    with pytest.raises(LeveloneError, match=message):
        LARTPC.check_data(recipe(*overrides), path)


def test_mirrored_events_have_mirrored_truth(data):
    batch = LARTPC.load(recipe(), data, "train", limit=40)
    assert LARTPC.augment(recipe("model.symmetries=false"), batch, np.random.default_rng(1)) is batch
    turned = LARTPC.augment(recipe(), batch, np.random.default_rng(1))
    changed = 0
    for number in range(40):
        pairs = [
            (batch.inputs["charge"][number], turned.inputs["charge"][number]),
            *((batch.truth[name][number], turned.truth[name][number]) for name in LARTPC.maps),
        ]
        mirrored = not np.array_equal(*pairs[0])
        changed += mirrored
        for before, after in pairs:
            assert np.array_equal(after, before[..., ::-1] if mirrored else before)
    assert 8 < changed < 32


def test_only_pixels_with_a_class_are_learned_from():
    classes = torch.full((1, 1, 4, 4), NOTHING)
    classes[0, 0, 1, 1], classes[0, 0, 2, 2] = TRACK, SHOWER
    logit = torch.zeros(1, 1, 4, 4)
    even = masked_loss(logit, classes, shower_weight=3.0)
    assert even.item() == pytest.approx(np.log(2) * 4 / TYPICAL_PIXELS, rel=1e-5)
    logit[0, 0, 0] = 50.0
    assert masked_loss(logit, classes, shower_weight=3.0).item() == even.item()
    logit[0, 0, 1, 1], logit[0, 0, 2, 2] = -50.0, 50.0
    assert masked_loss(logit, classes, shower_weight=3.0).item() < 1e-6


def test_what_trees_are_told_of_a_straight_line_and_a_blob():
    charge = np.zeros((1, 1, 64, 64), np.float32)
    charge[0, 0, 30, 5:40] = 2.0  # along the wires
    charge[0, 0, 50:53, 50:53] = 1.0
    events = Events({"charge": charge}, {"event": np.array([7])})
    told = surroundings(events)
    assert told.shape == (35 + 9, 25 + len(RADII) * len(EACH))
    middle = dict(zip(EACH, told[17, 25 + len(EACH) : 25 + 2 * len(EACH)], strict=True))  # 9 x 9
    assert middle["charge"] == 18
    assert middle["filled"] == 9
    assert middle["straight"] == pytest.approx(1, abs=1e-4)
    assert middle["along rows"] == pytest.approx(-1, abs=1e-4)
    assert middle["width"] == pytest.approx(0, abs=1e-3)
    assert middle["density"] == pytest.approx(2, rel=0.02)
    blob = dict(zip(EACH, told[-5, 25 : 25 + len(EACH)], strict=True))
    assert blob["straight"] == pytest.approx(0, abs=1e-5)
    unseen = blind(events)
    assert unseen[0].tolist() == [7, 30, 5, 0, 0, 0, 0, 0]  # 128 = 0 mod 4
    assert unseen.shape == (44, 8)


def test_classical_answers_and_counts_of_truth(data):
    """Truth as an answer is never wrong, its opposite always; thresholds and trees beat a constant."""
    chosen = recipe()
    train, events = (LARTPC.source(chosen, data, split) for split in ("train", "test"))
    batch = next(iter(events.batches(256)))
    classes = batch.truth["class"]
    perfect = {"logit": np.where(classes == SHOWER, 3.0, -3.0).astype(np.float32)}
    opposite = {"logit": -perfect["logit"]}
    baselines = LARTPC.fit_baselines(chosen, train)
    found = {name: predict(batch) for name, predict in baselines.items()}
    control = LARTPC.leak_control(chosen, train)
    assert control is not None
    outputs = {"float": perfect, "quantised": opposite, **found, CONTROL: control.predictor(batch)}
    meter = LARTPC.meter(chosen, train)
    meter.update(batch, outputs)
    metrics = meter.result()
    models = metrics["models"]
    for part, pixels in metrics["pixels"].items():
        for model, share in (("float", 0.0), ("quantised", 1.0)):
            entry = models[model]["wrong"][part]
            assert entry is None if pixels == 0 else entry["value"] == share, (model, part)
    assert metrics["pixels"]["all"] == (classes != NOTHING).sum()
    assert metrics["pixels"]["muon"] == (batch.truth["particle"] == Kind.MUON + 1).sum()
    assert models["float"]["auc"]["value"] == 1
    constant = min((classes == code).sum() for code in (TRACK, SHOWER)) / (classes != NOTHING).sum()
    assert models["boosting"]["wrong"]["all"]["value"] < constant
    assert models["thresholds"]["wrong"]["all"]["value"] < constant
    assert metrics["differences"]["quantised-float"]["wrong"]["all"] == {"value": 1.0, "error": 0.0}
    shown = LARTPC.panels(metrics, meter.kept())
    assert [type(panel) for panel in shown] == [SideBySide, Lines, Lines, Rows, Rows, Rows]
    for panel in shown[:3]:
        draw(panel)
    columns = {column.title: column for column in shown[0].columns}
    assert list(columns) == [
        "charge",
        "truth",
        "float",
        "quantised",
        "quantised − truth",
        "quantised − float",
    ]
    truth = columns["truth"].images
    assert set(np.unique(truth[np.isfinite(truth)])) == {0, 1}
    chance = 1 / (1 + np.exp(np.where(truth == 1, 3.0, -3.0)))  # of the network that is always wrong
    np.testing.assert_allclose(
        columns["quantised"].images, np.where(np.isnan(truth), truth, chance), rtol=1e-5
    )
    np.testing.assert_allclose(columns["quantised − truth"].images, chance - truth, rtol=1e-5)
    assert {columns[name].limits for name in ("truth", "float", "quantised")} == {(0, 1)}
    assert "wrong pixels" in LARTPC.cards(metrics)[0].what
    assert isinstance(LARTPC.examples(chosen, batch)[0], Images)


@pytest.mark.parametrize("decoder", ["transposed", "upsample"])
def test_reference_gives_the_modules_integers_at_every_layer(decoder, data, tmp_path):
    chosen = recipe("model.channels=[2, 3, 4]", f'model.decoder="{decoder}"')
    codes = exact_codes(LARTPC, chosen, LARTPC.load(chosen, data, "validation", limit=4), tmp_path)
    assert {"enter", "block0", "down2", "up1", "join0", "logit"} <= set(codes)
    assert codes["logit"].shape[1:] == (1, 64, 64)
    assert len(np.unique(codes["logit"])) > 10


@pytest.mark.slow  # compiles
def test_a_tiny_one_is_exact_in_csim(data, tmp_path):
    """Two levels, upsampled, 20 events; the committed model has transposed convolutions."""
    chosen = recipe("model.channels=[2, 3]", 'model.decoder="upsample"')
    events = LARTPC.load(chosen, data, "train", limit=20)
    exact_codes(LARTPC, chosen, events, tmp_path)  # of the reference, with which csim is compared
    graph = read_qonnx(tmp_path / "m.onnx")
    convert(graph, tmp_path / "project", HlsConfig(io="stream"), name="lartpc", model=tmp_path / "m.onnx")
    vectors = VectorSet("events", quantise_inputs(graph, events.inputs), None)
    result = compare([tmp_path / "project"], graph, [vectors], [])
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    assert {"block0", "up0", "join0", "logit"} <= {e["name"] for e in result["layers"] if e["compared"]}

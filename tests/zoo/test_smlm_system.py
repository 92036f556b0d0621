"""System smlm: candidates, fits and trees on known frames, exact integers, a tiny training."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from exact_layers import exact_codes

from levelone.errors import LeveloneError
from levelone.panels import Images, Lines, Rows, SideBySide
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.simulate.smlm.generator import molecule_map, simulate_smlm
from levelone.simulate.smlm.optics import Gaussian
from levelone.simulate.smlm.section import SmlmGenerate
from levelone.train import evaluate, train_system
from levelone.train.batches import event_values
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events
from levelone.zoo.smlm import SYSTEM as SMLM
from levelone.zoo.smlm.baselines import neighbours, what_must_not_matter
from levelone.zoo.smlm.candidates import molecules
from levelone.zoo.smlm.fitting import spots
from levelone.zoo.smlm.loss import pixel_loss
from levelone.zoo.smlm.section import UNIT_ADU


def recipe(*overrides: str):
    return load_recipe(SMLM.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("smlm") / "smlm.h5"
    simulate_smlm(path, SmlmGenerate(events=260, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("smlm") is SMLM
    SMLM.model_section(recipe())
    assert SMLM.reach(recipe()) == "firmware"
    assert SMLM.input_shapes(recipe("model.pixels=64")) == {"frame": (1, 64, 64)}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.pixels=48", r"model\.pixels = 48"),
        ("model.chanels=3", r"unknown key model\.chanels[\s\S]*did you mean 'channels'"),
        ("quant.layers.conv5={weight = 4}", r"quant\.layers\.conv5: the network has no layer"),
        ("quant.inputs.fram=4", r"quant\.inputs\.fram: the network has no input"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        SMLM.model_section(recipe(override))


def test_events_enter_the_network_above_the_offset(data):
    events = SMLM.load(recipe(), data, "train", limit=20)
    with h5py.File(data) as raw:
        rows = np.flatnonzero(raw["split"][:] == 0)[:20]
        frame = raw["images/frame"][:][rows].astype(np.float32)
    assert np.array_equal(events.inputs["frame"] * UNIT_ADU, np.maximum(frame - 100, 0))
    assert np.array_equal(events.truth["event"], rows)
    assert sum(SMLM.check_data(recipe(), data).values()) == 260
    longest = events.truth["molecules"].shape[1]
    assert event_values(events) == 32 * 32 * (1 + 4) + 4 * longest + 2  # truth counts, density and number too


@pytest.mark.parametrize(
    ("spoil", "overrides", "message"),
    [
        (lambda f: f["lists/molecules/x"].__setitem__(3, 3300.0), (), "molecules/x' holds 3300 at 3, exp"),
        (lambda f: f["lists/molecules/photons"].__setitem__(5, -1.0), (), "molecules/photons' holds -1 at 5"),
        (lambda f: f["maps/molecules"].__setitem__((0, 0, 3, 4), 2), (), r"0: 2 at \[3, 4\] is not 0 or 1"),
        (lambda f: f["maps/molecules"].__setitem__((0, 2, 3, 4), 3), (), "3 at .* is not a shift inside the"),
        (lambda f: f["lists/molecules/x"].attrs.__setitem__("unit", "pm"), (), "x. is in .pm., but"),
        (lambda f: f.__delitem__("maps/molecules"), (), "has no map 'molecules', which system smlm reads"),
        (lambda f: f.__delitem__("lists/molecules/bound"), (), "has no column of list 'molecules' 'bound'"),
        (lambda f: None, ("model.pixel_nm=80",), r"its cell is \(100.0, 100.0\), but [\s\S]*pixel_nm=100"),
        (lambda f: None, ("model.pixels=64",), r"its shape is \(1, 32, 32\), but system smlm reads \(1, 64"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(spoil, overrides, message, data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        spoil(raw)
        raw["split"][0] = 0
    with pytest.raises(LeveloneError, match=message):
        SMLM.check_data(recipe(*overrides), path)


def test_turned_frames_have_turned_truth(data):
    batch = SMLM.load(recipe(), data, "train", limit=48)
    assert SMLM.augment(recipe("model.symmetries=false"), batch, np.random.default_rng(1)) is batch
    turned = SMLM.augment(recipe(), batch, np.random.default_rng(1))
    changed = 0
    for number in range(48):
        before, after = batch.truth["map"][number], turned.truth["map"][number]
        rows, columns = np.nonzero(after[0])
        x, y = columns + 0.5 + after[1, rows, columns], rows + 0.5 + after[2, rows, columns]
        light = np.exp(after[3, rows, columns].astype(np.float64))
        assert np.array_equal(molecule_map(x, y, light, 32)[0], after[0])
        frame = turned.inputs["frame"][number, 0]
        assert frame.sum() == pytest.approx(batch.inputs["frame"][number, 0].sum(), rel=1e-5)
        assert sorted(after[3].ravel()) == sorted(before[3].ravel())
        # the light of a bright molecule moved with it: as much in its pixel as before
        old = batch.inputs["frame"][number, 0][before[0] > 0]
        assert np.array_equal(np.sort(frame[after[0] > 0]), np.sort(old))
        changed += not np.array_equal(before, after)
    assert changed > 30


def test_candidates_of_known_answers():
    logit, shift = np.full((2, 1, 6, 7), -9.0, np.float32), np.zeros((2, 2, 6, 7), np.float32)
    logit[0, 0, 1, 2], shift[0, :, 1, 2] = 3, (0.25, -0.5)
    logit[0, 0, 4, 5] = logit[0, 0, 4, 6] = -0.3  # shared between two pixels, equal: the first of them
    logit[1, 0, 0, 0] = -0.3  # not enough by itself
    found = molecules(logit, shift, 0.5)
    assert found[0].tolist() == [[2.75, 1.0], [5.5, 4.5]]
    assert found[1].shape == (0, 2)
    assert molecules(logit[1:], shift[1:], 0.4)[0].tolist() == [[0.5, 0.5]]
    assert molecules(np.zeros((1, 1, 4, 4), np.float32), shift[:1, :, :4, :4], 0.5)[0].tolist() == [
        [0.5, 0.5]
    ]


def test_truth_as_an_answer_finds_all_molecules_that_lie_apart(data):
    events = SMLM.load(recipe(), data, "test")
    truth = events.truth["map"]
    perfect = {"logit": np.where(truth[:, :1] > 0, 20.0, -20.0), "shift": truth[:, 1:3]}
    meter = SMLM.meter(recipe(), None)
    meter.update(events, {"float": perfect, CONTROL: perfect, "fit": perfect})
    metrics = meter.result()
    sparse = metrics["models"]["float"]["0.1"]
    assert sparse["jaccard"]["value"] > 0.9  # neighbouring pixels: one of the two
    assert sparse["precision"]["value"] == 1
    assert metrics["models"]["float"]["all"]["rmse"]["value"] < 20
    assert metrics["models"]["float"]["all"]["auc"]["value"] == 1
    assert metrics["differences"]["float-fit"]["all"]["jaccard"] == {"value": 0.0, "error": 0.0}
    assert sum(metrics["frames"].values()) == 2 * len(events)


def test_fit_finds_isolated_molecules_where_they_are():
    optics = Gaussian(32, 1.005)
    x, y = np.array([5.2, 20.9, 12.5]), np.array([8.6, 25.1, 0.3])
    frame = 20 * np.tensordot(np.ones(3), optics.spots(x, y), 1) + 1
    found = spots(frame.astype(np.float32), 1.005)
    order = np.argsort(found[:, 0])
    assert found[order, 0] == pytest.approx([5.2, 12.5, 20.9], abs=1e-3)
    assert found[order, 1] == pytest.approx([8.6, 0.3, 25.1], abs=1e-3)


def test_what_trees_are_told():
    frame = np.zeros((1, 1, 9, 9), np.float32)
    frame[0, 0, 4, 4], frame[0, 0, 4, 5] = 3, 1
    events = Events({"frame": frame}, {"event": np.array([17])})
    told = neighbours(events).reshape(9, 9, -1)
    assert told.shape[-1] == 33
    middle = told[4, 4]
    assert middle[25:28] == pytest.approx([4 / 81, 4 - 9 * 4 / 81, 4 - 25 * 4 / 81], abs=1e-5)
    assert middle[28] == pytest.approx((1 - 4 / 81) / (4 - 8 / 81), abs=1e-5)  # centre of gravity along x
    assert middle[32] == 2  # above its brightest neighbour
    blind = what_must_not_matter(events).reshape(9, 9, -1)
    assert blind[4, 5].tolist() == [17, 4, 5, 0, 0, 0, 0, 0]
    assert blind.shape[-1] == 8


def test_loss_counts_shifts_where_molecules_are_only():
    truth = torch.zeros(1, 4, 4, 4)
    truth[0, :, 1, 2] = torch.tensor([1.0, 0.25, -0.5, 6.0])
    logit, shift = torch.zeros(1, 1, 4, 4), torch.rand(1, 2, 4, 4)
    shift[0, :, 1, 2] = truth[0, 1:3, 1, 2]
    told = {"present_weight": 3.0, "shift_weight": 5.0}
    exact = pixel_loss(logit, shift, truth, **told)
    assert exact.item() == pytest.approx(np.log(2) * (15 + 3) / 16, rel=1e-5)
    shift[0, 0, 1, 2] += 0.2
    assert (pixel_loss(logit, shift, truth, **told) - exact).item() == pytest.approx(5 * 0.15 / 16, rel=1e-4)


@pytest.mark.parametrize("dilation", [1, 2])
def test_reference_gives_the_modules_integers_at_every_layer(dilation, data, tmp_path):
    chosen = recipe("model.channels=4", f"model.dilation={dilation}")
    events = SMLM.load(chosen, data, "validation", limit=6)
    codes = exact_codes(SMLM, chosen, events, tmp_path)
    assert {"conv3", "sum", "act4", "logit", "shift"} <= set(codes)
    assert codes["logit"].shape == (6, 1, 32, 32)
    assert len(np.unique(codes["shift"])) > 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_tiny_training_is_measured_and_shown(data, tmp_path):
    chosen = recipe(
        "model.channels=6",
        "train.float_epochs=4",
        "train.quantised_epochs=1",
        "train.float_learning_rate=0.01",
        "train.batch_size=16",
    )
    train_system(SMLM, chosen, data, tmp_path)
    metrics = evaluate(SMLM, chosen, data, tmp_path)
    models = metrics["models"]
    assert set(models) == {"float", "quantised", "fit", "boosting", CONTROL}
    assert models["float"]["all"]["auc"]["value"] > 0.7
    assert models["fit"]["0.1"]["jaccard"]["value"] > 0.4
    assert models[CONTROL]["all"]["jaccard"]["value"] < 0.05
    control = models[CONTROL]["all"]["auc"]
    assert abs(control["value"] - 0.5) < 5 * control["error"]
    with np.load(tmp_path / "scores.npz") as stored:
        kept = {name: stored[name] for name in stored.files}
    shown = SMLM.panels(metrics, kept)
    assert [type(panel) for panel in shown] == [Lines, Lines, Lines, SideBySide, Rows, Rows, Rows]
    columns = {column.title: column.images for column in shown[3].columns}
    assert list(columns)[1:] == ["truth", "float", "quantised", "quantised − truth", "quantised − float"]
    assert np.array_equal(columns["quantised − truth"], columns["quantised"] - columns["truth"])
    for panel in shown[:4]:
        draw(panel)
    assert "Jaccard" in SMLM.cards(metrics)[0].what
    examples = SMLM.examples(chosen, SMLM.golden(chosen, data, 8))
    assert isinstance(examples[0], Images)

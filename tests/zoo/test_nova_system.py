"""System nova: events, features, the cut and its purity on known numbers, shared weights."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from sklearn.metrics import roc_auc_score

from levelone.errors import LeveloneError
from levelone.panels import Lines, Rows, SideBySide
from levelone.quant.calibrate import calibrate
from levelone.quant.cost import network_cost
from levelone.report.panels import draw
from levelone.simulate.neutrino.interactions import PROCESSES
from levelone.simulate.nova.generator import simulate_nova
from levelone.simulate.nova.section import NovaGenerate
from levelone.train.codes import layer_codes
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.trees import classifier
from levelone.zoo.nova import SYSTEM as NOVA
from levelone.zoo.nova.baselines import best_cut
from levelone.zoo.nova.features import CLASSICAL, EACH, blind, classical, longest_run, of_view, summary
from levelone.zoo.nova.results import at_purity, curve, efficiency, purity
from levelone.zoo.nova.scores import CLASSES, ELECTRON, electron_score, shares
from levelone.zoo.nova.section import UNIT

SMALL = (
    "model.enter=2",
    "model.enter_pool=4",
    "model.each=[{narrow = 2, branch = 2, pool = 2}]",
    "model.joined=[{narrow = 2, branch = 2, pool = 1}]",
    "model.dense=4",
)


def recipe(*overrides: str):
    return NOVA.read_recipe(None, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("nova") / "nova.h5"
    simulate_nova(path, NovaGenerate(events=256, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("nova") is NOVA
    NOVA.model_section(recipe())
    NOVA.model_section(recipe(*SMALL))
    assert NOVA.reach(recipe()) == "firmware"
    assert NOVA.input_shapes(recipe()) == {"xz": (1, 80, 100), "yz": (1, 80, 100)}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("quant.inputs={xz = 7, yz = 6}", r"quant\.inputs\.yz = 6: both views share their weights"),
        ("model.each=[{pool = 5}, {pool = 5}]", r"model\.each\.1\.pool = 5 is larger than the grid of 4 x 5"),
        ("model.each=[]", r"model\.each"),
        ("quant.layers.mix3_one={weight = 4}", r"quant\.layers\.mix3_one: the network has no layer"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        NOVA.model_section(recipe(override))


def test_other_classes_are_refused(data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        raw["truth/label"].attrs["names"] = "[]"
    with pytest.raises(
        LeveloneError, match="'truth/label' has the classes of no names, but system nova reads"
    ):
        NOVA.check_data(recipe(), path)


def test_negative_rates_are_refused(data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        event = int(np.flatnonzero(raw["split"][:] == 0)[3])
        raw["truth/rate"][event] = -0.5
    with pytest.raises(
        LeveloneError, match=rf"f\.h5: truth/rate of event {event} is -0\.5, and no rate is neg"
    ):
        NOVA.load(recipe(), path, "train")


def test_mirrored_and_exchanged_events_hold_the_same_cells(data):
    batch = NOVA.load(recipe(), data, "train", limit=60)
    assert NOVA.augment(recipe("model.symmetries=false"), batch, np.random.default_rng(1)) is batch
    turned = NOVA.augment(recipe(), batch, np.random.default_rng(1))
    exchanged = 0
    for number in range(60):
        before = [batch.inputs[name][number] for name in ("xz", "yz")]
        after = [turned.inputs[name][number] for name in ("xz", "yz")]
        straight = all(
            any(np.array_equal(b, way) for way in (a, a[:, ::-1])) for a, b in zip(before, after, strict=True)
        )
        crossed = all(
            any(np.array_equal(b, way) for way in (a, a[:, ::-1]))
            for a, b in zip(reversed(before), after, strict=True)
        )
        assert straight or crossed
        exchanged += crossed
    assert 15 < exchanged < 45


def test_what_a_person_computes_of_a_track_and_of_a_block():
    view = np.zeros((2, 80, 100), np.float32)
    view[0, 40, 10:30] = 32
    view[0, 40, 34:36] = 32
    view[1, 38:42, 20:24] = 16
    found = of_view(view)
    track, block = (dict(zip(EACH, row, strict=True)) for row in found)
    assert track["run"] == 20
    assert track["planes"] == 22
    assert track["single"] == 1
    assert track["width"] == pytest.approx(0, abs=0.05)
    assert track["core"] == 1
    assert block["cells per plane"] == 4
    assert block["width"] == pytest.approx(3.9 * np.sqrt(15 / 12), rel=0.01)
    assert block["largest"] == pytest.approx(1 / 16)
    assert block["front"] == pytest.approx(16 * 16 / 6)
    events = Events({"xz": view[:, None] / UNIT, "yz": view[::-1, None] / UNIT}, {"event": np.arange(2)})
    assert summary(events).shape == (2, 2 * len(EACH))
    assert classical(events)[0] == pytest.approx([block["width"], 20])
    assert len(CLASSICAL) == 2
    assert blind(events)[1].tolist() == [1.0, *[0.0] * 16]
    assert longest_run(np.array([[True, False, True, True, True, False]])).tolist() == [3]


def test_the_control_does_not_see_how_alike_cells_are():
    """Muons have eight cells of nearly one size, showers of many; last bits prefer none."""
    rng = np.random.default_rng(1)
    n, label = 3000, np.arange(3000) % 2
    sizes = np.where(label[:, None] == 0, rng.integers(32, 40, (n, 16)), rng.integers(32, 160, (n, 16)))
    views = np.zeros((2, n, 1, 80, 100), np.float32)
    for view in (0, 1):
        views[view, :, 0, 10, 20:28] = sizes[:, 8 * view : 8 * view + 8]
    events = Events({"xz": views[0] / UNIT, "yz": views[1] / UNIT}, {"event": np.arange(n)})
    bits = blind(events)
    assert bits[0, 1:].tolist() == (sizes[0] % 4).tolist()

    def area(columns):
        trees = classifier(random_state=1, max_iter=60).fit(columns[::3], label[::3])
        return roc_auc_score(label[1::3], trees.predict_proba(columns[1::3])[:, 1])

    assert area(bits) == pytest.approx(0.5, abs=0.06)  # four standard errors
    assert area(-np.sort(-sizes, axis=1) % 4) > 0.6  # what the order of sizes would tell


def test_efficiency_at_a_purity_on_counted_events():
    """Eight events by falling score, s for signal: s s b s b b s b."""
    score = np.arange(8, 0, -1).astype(float)
    target = np.array([1, 1, 0, 1, 0, 0, 1, 0], np.uint8)
    weight = np.ones(8)
    found, pure = curve(score, target, weight)
    assert found[3] == 0.75
    assert pure[3] == 0.75
    assert at_purity(score, target, weight, 0.75) == 0.75
    assert at_purity(score, target, weight, 0.76) == 0.5
    assert at_purity(-score, target, weight, 0.9) == 0.0
    assert purity(score > 4.5, target, weight) == efficiency(score > 4.5, target, weight) == 0.75
    # 2 / sqrt(2) beats 3 / sqrt(5) and 4 / sqrt(10)
    assert 6 < best_cut(score, target == 1, 2 - target.astype(float)) < 7


def test_scores_weigh_classes_by_their_rates():
    label = np.array([0, 0, 1, 2])
    share = shares(label, np.array([1.0, 3.0, 0.5, 4.0]))
    assert share / share[1] == pytest.approx([4, 1, 8])
    logits = np.log(np.array([[0.2, 0.5, 0.3]]))
    assert electron_score(logits, share)[0] == pytest.approx(np.log(0.5 / (4 * 0.2 + 8 * 0.3)))
    assert CLASSES[ELECTRON] == "electron neutrino"


def test_classical_answers_and_figures(data):
    """Truth as an answer finds everything; trees beat the likelihood where both learned; plots are drawn."""
    chosen = recipe()
    train = NOVA.source(chosen, data, "train")
    batch = next(iter(train.batches(300)))
    label = batch.truth["label"].astype(int)
    perfect = {"logits": 20 * np.eye(3, dtype=np.float32)[label]}
    baselines = NOVA.fit_baselines(chosen, train)
    control = NOVA.leak_control(chosen, train)
    assert control is not None
    outputs = {
        "float": perfect,
        "quantised": perfect,
        **{name: predict(batch) for name, predict in baselines.items()},
        CONTROL: control.predictor(batch),
    }
    meter = NOVA.meter(chosen, train)
    meter.update(batch, outputs)
    metrics = meter.result()
    models = metrics["models"]
    assert models["quantised"]["efficiency"]["value"] == 1
    assert models["quantised"]["accuracy"]["value"] == 1
    assert models["quantised"]["auc"]["value"] == 1
    assert models["boosting"]["auc"]["value"] > models["likelihood"]["auc"]["value"] > 0.6
    assert 0.05 < models["likelihood"]["purity"]["value"] < 1
    ratio = metrics["differences"]["quantised-likelihood"]["ratio"]["value"]
    assert ratio == pytest.approx(1 / models["likelihood"]["efficiency"]["value"])
    assert sum(map(sum, models["likelihood"]["confusion"])) == len(batch)
    # its answers are its own, not moved to the cut: no class gets nearly all events, most are right
    told = outputs["likelihood"]
    answer = told["logits"].argmax(1)
    assert models["likelihood"]["accuracy"]["value"] == np.mean(answer == label) > 0.5
    assert np.bincount(answer, minlength=3).max() < 0.6 * len(batch)
    # and the cut is where signal over the root of all is best
    accepted, signal, rate = told["over_cut"] > 0, label == ELECTRON, batch.truth["rate"]
    score = electron_score(told["logits"], np.asarray(metrics["share"]))
    merit = [
        (rate * signal)[score > at].sum() / np.sqrt(rate[score > at].sum())
        for at in [-np.inf, *np.unique(score)[:-1]]
    ]
    best = (rate * signal)[accepted].sum() / np.sqrt(rate[accepted].sum())
    assert best == pytest.approx(max(merit), rel=1e-5)
    shown = NOVA.panels(metrics, meter.kept())
    assert [type(panel) for panel in shown] == [Lines] * 4 + [Rows] * 3
    for panel in shown[:4]:
        draw(panel)
    assert NOVA.cards(metrics)
    pictures = NOVA.examples(chosen, batch)
    assert [type(panel) for panel in pictures] == [SideBySide] * 3
    for code, (panel, name) in enumerate(zip(pictures, ("νμ CC", "νe CC", "NC"), strict=True)):
        row = np.flatnonzero(label == code)[0]
        how, energy = PROCESSES[batch.truth["process"][row]], batch.truth["energy"][row]
        assert panel.labels[0] == f"{name}, {how}, {energy:.1f}\N{NO-BREAK SPACE}GeV"
    draw(pictures[0])


def test_both_views_meet_the_same_integers(data, tmp_path):
    """At every layer the reference's integers are the module's, and one view's those of the other."""
    chosen = recipe(*SMALL)
    events = NOVA.load(chosen, data, "validation", limit=6)
    codes = exact_codes(NOVA, chosen, events, tmp_path)
    assert {"enter_1", "enter_2", "mix1_1", "mix1_2", "join", "mix2", "logits"} <= set(codes)
    network = NOVA.build_quantised(chosen)
    torch.manual_seed(4)
    calibrate(network, [torch.from_numpy(events.inputs[name]) for name in ("xz", "yz")])
    views = {"xz": events.inputs["xz"], "yz": events.inputs["yz"]}
    one = layer_codes(network, views)
    other = layer_codes(network, {"xz": views["yz"], "yz": views["xz"]})
    for name in ("views_q", "enter", "mix1_five", "mix1"):
        assert np.array_equal(one[f"{name}_1"], other[f"{name}_2"]), name
        assert np.array_equal(one[f"{name}_2"], other[f"{name}_1"]), name
    assert not np.array_equal(one["join"], other["join"])


def test_a_shared_layer_costs_as_often_as_it_is_called():
    chosen = recipe(*SMALL)
    torch.manual_seed(1)
    network = NOVA.build_quantised(chosen)
    calibrate(network, [torch.rand(4, 1, 80, 100), torch.rand(4, 1, 80, 100)])
    found = network_cost(network)["layers"]
    assert found["enter"]["multiplications"] == 2 * found["enter"]["nonzero_weights"] * 40 * 50
    assert found["mix2_one"]["multiplications"] == found["mix2_one"]["nonzero_weights"] * 5 * 6

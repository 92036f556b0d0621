"""Truth and outputs of any shape per event, inputs in one dimension, measuring that holds nothing dense."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from mask_toy import LENGTH, PULSES, Agreement, Traces, recipe

from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.layout import from_onnx_layout
from levelone.train import evaluate, export_run, train_system
from levelone.train.batches import Feed
from levelone.train.codes import layer_codes
from levelone.train.measurement import measure
from levelone.train.objective import SystemObjective
from levelone.zoo.kit.events import Events, join_events


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    data = folder / "none.h5"
    data.write_bytes(b"events are made when they are read")
    return data, folder, train_system(PULSES, recipe(), data, folder)


def test_a_network_learns_masks_and_beats_a_threshold(finished):
    data, folder, result = finished
    losses = [epoch["validation_loss"] for epoch in result.curves["float"]["epochs"]]
    assert losses[-1] < 0.5 * losses[0]
    metrics = evaluate(PULSES, recipe(), data, folder)
    overlap = {name: figures["overlap"]["value"] for name, figures in metrics["models"].items()}
    assert set(overlap) == {"float", "quantised", "threshold"}
    assert overlap["quantised"] > overlap["threshold"] + 0.05
    assert metrics["pulses"] == 2 * 300
    with np.load(folder / "scores.npz") as kept:
        assert {kept[name].shape for name in kept.files} == {(20,)}
        assert set(kept.files) == set(overlap)


def test_what_is_watched_is_the_mean_over_events_and_what_is_minimised_over_samples(finished):
    data, folder, result = finished
    module = PULSES.load_module(recipe(), folder / "module.pt")
    source = PULSES.source(recipe(), data, "validation", 256)
    ((inputs, truth),) = Feed(source).in_order()
    objective = SystemObjective(PULSES, recipe())
    with torch.no_grad():
        logits = module(*inputs)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[:, 0], truth["mask"], reduction="none"
        )
        watched, minimised = objective.monitor(logits, truth), objective.loss(logits, truth)
    known = truth["known"] > 0
    by_hand = [float(losses[row][known[row]].mean()) for row in range(256)]
    np.testing.assert_allclose(watched, by_hand, rtol=1e-5)
    assert float(minimised) == pytest.approx(float(losses[known].mean()), rel=1e-5)
    assert result.curves["quantised"]["best_loss"] == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_masks_leave_as_qonnx_and_the_reference_gives_the_modules_integers(finished, tmp_path):
    data, folder, _ = finished
    graph = read_qonnx(export_run(PULSES, recipe(), folder, tmp_path / "m.onnx"))
    events = PULSES.golden(recipe(), data, 8)
    found = execute(graph, quantise_inputs(graph, events.inputs), keep="all")
    codes = layer_codes(PULSES.load_module(recipe(), folder / "module.pt"), events.inputs)
    assert codes["mask"].shape == (8, 1, LENGTH)
    for name, expected in codes.items():
        assert np.array_equal(found[name], from_onnx_layout(graph, name, expected)), name


class PerSample(type(PULSES)):
    """Says the losses of all samples where one number per event, or one, is asked for."""

    def event_loss(self, recipe, outputs, truth):
        return self._samples(outputs, truth)

    def loss(self, recipe, outputs, truth):
        return self._samples(outputs, truth)


def test_losses_that_are_not_reduced_are_refused():
    events = next(Traces(0, 8).batches(8))
    truth = {name: torch.from_numpy(np.asarray(values, np.float32)) for name, values in events.truth.items()}
    objective = SystemObjective(PerSample(), recipe())
    logits = torch.zeros(8, 1, LENGTH)
    with pytest.raises(TypeError, match=r"one loss for each of 8 events, got shape \[8, 48\]"):
        objective.monitor(logits, truth)
    with pytest.raises(TypeError, match=r"pulses: the loss is not a number but of shape \[8, 48\]"):
        objective.loss(logits, truth)


class Counted:
    """A model that answers with masks, and counts how many of its answers are alive."""

    def __init__(self) -> None:
        self.alive = self.most = self.given = 0

    def _died(self) -> None:
        self.alive -= 1

    def __call__(self, events: Events):
        answer = events.inputs["trace"] - 0.5
        self.alive += 1
        self.given += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(answer, self._died)
        return {"mask": answer}


def test_no_more_than_a_batch_of_outputs_and_inputs_is_held():
    source = Traces(0, 640)
    alive: weakref.WeakSet[Events] = weakref.WeakSet()
    most = 0

    def watched():
        nonlocal most
        for events in source.batches(16):
            alive.add(events)
            most = max(most, len(alive))
            yield events

    models = {"one": Counted(), "two": Counted()}
    meter = Agreement()
    measure(models, watched(), meter)
    assert meter.result()["pulses"] == 2 * 640
    for model in models.values():
        assert model.given == 40
        assert model.most <= 2  # the one at hand, and the one before it until it is replaced
    assert most <= 2


def test_batches_of_truth_of_any_shape_are_joined():
    whole = join_events(list(Traces(5, 20).batches(7)))
    assert whole.truth["boxes"].shape == (20, 2, 2)
    assert np.array_equal(whole.truth["mask"], next(Traces(5, 20).batches(20)).truth["mask"])


def test_inputs_of_another_shape_are_refused_before_any_training(tmp_path):
    class Wider(type(PULSES)):
        def input_shapes(self, recipe):
            return {"trace": (1, 64)}

    from levelone.errors import LeveloneError

    with pytest.raises(LeveloneError, match=r"input 'trace' has shape \(1, 48\), expected \(1, 64\)"):
        Wider().check_data(recipe(), tmp_path / "none.h5")

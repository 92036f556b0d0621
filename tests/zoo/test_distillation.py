"""Distillation: a teacher knows no label of the events that it speaks of, and its share is the stated one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import fake_system
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from levelone.errors import LeveloneError
from levelone.train.pipeline import feed_of
from levelone.zoo import find_system
from levelone.zoo.kit.boosting import logit_trees
from levelone.zoo.kit.distillation import Teacher, cross_fitted, distil, fingerprints
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.kit.loss import cross_entropy

TEACHER = Teacher(lambda events: events.inputs["x"], "label")


def source(events: int = 600) -> MemorySource:
    """Two numbers per event; one says something of the label."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(events, 2)).astype(np.float32)
    label = (rng.random(events) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(np.uint8)
    return MemorySource({"x": x}, {"label": label, "weight": np.arange(events)})


def everything(found: MemorySource) -> Events:
    return next(found.batches(len(found)))


def test_labels_that_nothing_tells_are_not_found_out() -> None:
    """Trees that had learned from an event would know its label."""
    rng = np.random.default_rng(1)
    seen, label = rng.normal(size=(800, 4)), rng.integers(0, 2, 800)
    assert roc_auc_score(label, logit_trees(seen, label, 1)(seen)) > 0.65
    assert abs(roc_auc_score(label, cross_fitted(seen, label, np.arange(800) % 4, 1)) - 0.5) < 0.06


def test_what_an_event_is_told_does_not_depend_on_its_label_but_on_those_of_others() -> None:
    plain = source()
    names = fingerprints(everything(plain))
    before = distil(plain, TEACHER, 1.0, 1).answers

    def flipped(chosen: slice) -> Mapping[int, float]:
        label = plain.truth["label"].copy()
        label[chosen] = 1 - label[chosen]
        return distil(dataclasses.replace(plain, truth={"label": label}), TEACHER, 1.0, 1).answers

    assert flipped(slice(5, 6))[names[5]] == before[names[5]]
    assert flipped(slice(0, 30)) != before
    assert flipped(slice(0, 0)) == before


def test_the_teacher_knows_something_and_the_target_is_the_stated_mixture() -> None:
    events = everything(source())
    taught = distil(source(), TEACHER, 0.25, 1)
    told = np.array([taught.answers[name] for name in fingerprints(events)])
    assert roc_auc_score(events.truth["label"], told) > 0.75
    mixed = taught(events)
    expected = (0.75 * events.truth["label"] + 0.25 * told).astype(np.float32)
    assert np.array_equal(mixed.truth["label"], expected)
    assert mixed.truth["weight"] is events.truth["weight"]
    assert mixed.inputs is events.inputs
    assert events.truth["label"].dtype == np.uint8  # as it was
    logit = torch.linspace(-3, 3, 600, dtype=torch.float64)
    label, teacher, both = (
        torch.from_numpy(np.asarray(a, float)) for a in (events.truth["label"], told, expected)
    )
    mixture = 0.75 * cross_entropy(logit, label) + 0.25 * cross_entropy(logit, teacher)
    torch.testing.assert_close(cross_entropy(logit, both), mixture, rtol=1e-6, atol=1e-6)


def test_a_teacher_grows_no_more_trees_than_its_rounds() -> None:
    """One tree of the usual depth gives an event one of few answers in each fold."""
    one = distil(source(), dataclasses.replace(TEACHER, rounds=1), 1.0, 1).answers
    many = distil(source(), TEACHER, 1.0, 1).answers
    assert len(set(one.values())) < 4 * 31 < len(set(many.values()))


def test_equal_events_are_in_one_fold_wherever_they_stand() -> None:
    events = everything(source())
    again = Events({"x": events.inputs["x"][::-1]}, {})
    names = fingerprints(events)
    assert fingerprints(again) == names[::-1]
    assert len(set(names)) == 600


def test_one_class_alone_teaches_that_nothing_is_known() -> None:
    one = dataclasses.replace(source(40), truth={"label": np.ones(40, np.uint8)})
    assert set(distil(one, TEACHER, 0.5, 1).answers.values()) == {0.5}


def test_another_system_trains_with_its_own_teacher() -> None:
    recipe = fake_system.recipe("train.distillation=0.5", "data.max_train=400", "train.batch_size=200")
    labels, taught = (
        feed_of(fake_system.FAKE, told, Path("made up"), "train")
        for told in (fake_system.recipe("data.max_train=400"), recipe)
    )
    truths = [next(iter(feed.epoch(200, 1, 0)))[1] for feed in (labels, taught)]
    assert [set((2 * truth["target"]).long().tolist()) for truth in truths] == [{0, 2}, {0, 1}]
    losses = [fake_system.FAKE.loss(recipe, (torch.ones(200, 1),), truth) for truth in truths]
    assert torch.isfinite(losses[1])
    assert losses[0] != losses[1]


def test_a_system_without_a_teacher_refuses() -> None:
    lcd = find_system("lcd")
    recipe = lcd.read_recipe(overrides=["train.distillation=0.5"])
    with pytest.raises(LeveloneError, match=r"train\.distillation: system lcd has no teacher"):
        lcd.model_section(recipe)

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
from levelone.zoo.kit.distillation import (
    FOLDS,
    Teacher,
    cross_fitted,
    distil,
    fingerprints,
    fit_of,
    taught_column,
)
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.kit.loss import cross_entropy

TEACHER = Teacher(lambda events: events.inputs["x"], "label")


KINDS = dataclasses.replace(TEACHER, target="kind", kinds=4)


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
    assert (
        abs(roc_auc_score(label, cross_fitted(seen, label, np.arange(800) % 4, fit_of(TEACHER, 1))) - 0.5)
        < 0.06
    )


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
    muon = find_system("muon")
    recipe = muon.read_recipe(overrides=["train.distillation=0.5"])
    with pytest.raises(LeveloneError, match=r"train\.distillation: system muon has no teacher"):
        muon.model_section(recipe)


def of_kinds(events: int = 800, told: float = 1.5) -> MemorySource:
    """Two numbers per event, whose signs say something of four kinds; nothing, if `told` is 0."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(events, 2)).astype(np.float32)
    sides = rng.random((events, 2)) < 1 / (1 + np.exp(-2 * told * x))
    return MemorySource({"x": x}, {"kind": (2 * sides[:, 0] + sides[:, 1]).astype(np.int64)})


def of_its_own_kind(events: Events, told: np.ndarray) -> float:
    """Mean probability of an event's own kind, of answers [n, 4]."""
    return float(told[np.arange(len(events)), events.truth["kind"]].mean())


def test_kinds_that_nothing_tells_are_not_found_out_but_by_a_wrong_fold() -> None:
    """Every event stands there twice: folds by place put one copy beside what is asked of the other."""
    once = everything(of_kinds(400, 0.0))
    seen, kind = (np.concatenate([a, a]) for a in (once.inputs["x"], once.truth["kind"]))
    twice = Events({"x": seen}, {"kind": kind})
    right = np.array(fingerprints(twice)) % FOLDS
    wrong = np.arange(800) // 400
    found = {
        name: cross_fitted(seen, kind, fold, fit_of(KINDS, 1)) for name, fold in (("r", right), ("w", wrong))
    }
    np.testing.assert_allclose(found["r"].sum(1), 1, atol=1e-5)
    assert abs(of_its_own_kind(twice, found["r"]) - 0.25) < 0.04
    assert of_its_own_kind(twice, found["w"]) > 0.35


def test_what_is_told_of_kinds_does_not_depend_on_the_event_s_own() -> None:
    plain = of_kinds()
    names = fingerprints(everything(plain))
    before = distil(plain, KINDS, 1.0, 1).answers
    kind = plain.truth["kind"].copy()
    kind[5] = (kind[5] + 1) % 4
    after = distil(dataclasses.replace(plain, truth={"kind": kind}), KINDS, 1.0, 1).answers
    assert after[names[5]] == before[names[5]]
    assert after != before


def test_a_distribution_of_kinds_is_the_stated_mixture_and_the_kind_stays() -> None:
    events = everything(of_kinds())
    taught = distil(of_kinds(), KINDS, 0.25, 1)
    told = np.array([taught.answers[name] for name in fingerprints(events)])
    assert of_its_own_kind(events, told) > 0.35
    mixed = taught(events)
    assert mixed.truth["kind"] is events.truth["kind"]
    found = mixed.truth[taught_column("kind")]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.75 * np.eye(4)[events.truth["kind"]] + 0.25 * told, atol=1e-6)
    logits = torch.randn(800, 4, generator=torch.Generator().manual_seed(1))
    loss = torch.nn.functional.cross_entropy
    label, soft = (torch.from_numpy(a) for a in (events.truth["kind"], told.astype(np.float32)))
    mixture = 0.75 * loss(logits, label) + 0.25 * loss(logits, soft)
    torch.testing.assert_close(loss(logits, torch.from_numpy(found)), mixture, rtol=1e-5, atol=1e-5)


def test_a_kind_that_is_not_there_is_never_told() -> None:
    """Of three kinds of four; a teacher that has seen none of a kind gives it no share."""
    plain = of_kinds()
    rows = plain.truth["kind"] < 3
    three = MemorySource({"x": plain.inputs["x"][rows]}, {"kind": plain.truth["kind"][rows]})
    answers = np.array(list(distil(three, KINDS, 1.0, 1).answers.values()))
    assert answers.shape[1] == 4
    assert answers[:, 3].max() < 1e-9

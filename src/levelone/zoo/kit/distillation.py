"""Distillation: a network learns from its labels and from boosted trees that learned from other events.

Trees are fitted once for each fold of the training events, on all the other folds, and say what they think of
the fold that they have not seen. An event's fold depends on what enters the network and on nothing else, so
that equal events are in one fold, and no event's label has a part in what its teacher says.

A training event's target is then ``(1 - share) label + share teacher``: for a network of one logit a number
between 0 and 1, for one of several a distribution of the classes. Cross-entropy is linear in its target: this
is that mixture of the label's loss and of the teacher's. Validation and test events keep their labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import ROUNDS, View, kind_trees, logit_trees
from levelone.zoo.kit.events import Events, Source

FOLDS = 4
_BATCH = 256

Columns = NDArray[np.floating[Any]]
Fit = Callable[[Columns, NDArray[Any]], Callable[[Columns], NDArray[np.floating[Any]]]]
"""From columns [n, columns] and labels [n] to a function from columns to what is thought of their labels."""


@dataclass(frozen=True)
class Teacher:
    """Whom a network of one logit, or of one for each class, may learn from.

    Attributes
    ----------
    view
        What the trees are given of an event.
    target
        Truth column that they learn: of 0 and 1 for one logit, else of class numbers. The system's loss is
        the cross-entropy of its logits and it.
    rounds
        Trees that are grown at most for each fold (and class): more for a system with many events.
    kinds
        Classes, for a network that has a logit for each. None: one logit.
    """

    view: View
    target: str
    rounds: int = ROUNDS
    kinds: int | None = None

    @property
    def taught(self) -> str:
        """Truth column of the mixed target: the target's own for one logit, another for classes.

        What else depends on an event's class, such as which part of a loss it has, is not mixed.
        """
        return self.target if self.kinds is None else taught_column(self.target)


def taught_column(target: str) -> str:
    """Truth column [n, kinds] of the mixed target of an event of class `target`; only training has it."""
    return f"{target} taught"


@dataclass(frozen=True)
class Taught:
    """Gives training events their mixed targets, float32.

    Attributes
    ----------
    teacher
        Whose answers they are.
    share
        Of the teacher.
    answers
        Probability of 1, or of every class, that the teacher gives to each training event, by `fingerprints`.
    """

    teacher: Teacher
    share: float
    answers: Mapping[int, Any]

    def __call__(self, events: Events) -> Events:
        told = np.array([self.answers[name] for name in fingerprints(events)])
        label = events.truth[self.teacher.target]
        if self.teacher.kinds is not None:
            label = np.eye(self.teacher.kinds)[label.astype(np.int64)]
        mixed = (1 - self.share) * label + self.share * told
        return Events(events.inputs, {**events.truth, self.teacher.taught: mixed.astype(np.float32)})


def distil(train: Source, teacher: Teacher, share: float, seed: int) -> Taught:
    """Fit the teacher to the training events, fold by fold."""
    seen, label, names = [], [], []
    for events in train.batches(_BATCH):
        seen.append(teacher.view(events))
        label.append(events.truth[teacher.target])
        names += fingerprints(events)
    answers = cross_fitted(
        np.concatenate(seen), np.concatenate(label), np.array(names) % FOLDS, fit_of(teacher, seed)
    )
    return Taught(teacher, share, dict(zip(names, answers.tolist(), strict=True)))


def fit_of(teacher: Teacher, seed: int) -> Fit:
    """How the teacher learns: the answer is the probability of 1, [n], or of every class, [n, kinds]."""

    def logit(seen: Columns, label: NDArray[Any]) -> Callable[[Columns], NDArray[np.float64]]:
        known = logit_trees(seen, label, seed, teacher.rounds)
        return lambda columns: 1 / (1 + np.exp(-known(columns).astype(np.float64)))

    def kinds(seen: Columns, label: NDArray[Any]) -> Callable[[Columns], NDArray[np.float64]]:
        known = kind_trees(seen, label, teacher.kinds or 0, seed, teacher.rounds)
        return lambda columns: np.exp(known(columns).astype(np.float64))

    return logit if teacher.kinds is None else kinds


def cross_fitted(
    seen: Columns, label: NDArray[Any], fold: NDArray[np.integer[Any]], fit: Fit
) -> NDArray[np.float64]:
    """What is thought of every event's label, [n, ...], by what learned from the events of all other folds.

    Parameters
    ----------
    seen, label, fold
        [n, columns], [n], number of the fold [n].
    """
    answers: NDArray[np.float64] | None = None
    for number in np.unique(fold):
        apart = fold == number
        found = fit(seen[~apart], label[~apart])(seen[apart])
        if answers is None:
            answers = np.zeros((len(label), *found.shape[1:]))
        answers[apart] = found
    return np.zeros(0) if answers is None else answers


def fingerprints(events: Events) -> list[int]:
    """A number of 63 bits for each event: a digest of its inputs, equal for equal events."""
    found = []
    for row in zip(*events.inputs.values(), strict=True):
        digest = hashlib.sha256()
        for array in row:
            digest.update(array.tobytes())
        found.append(int.from_bytes(digest.digest()[:8], "little") >> 1)
    return found

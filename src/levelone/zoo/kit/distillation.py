"""Distillation: a network learns from its labels and from boosted trees that learned from other events.

Trees are fitted once for each fold of the training events, on all the other folds, and say what they think of
the fold that they have not seen. An event's fold depends on what enters the network and on nothing else, so
that equal events are in one fold, and no event's label has a part in what its teacher says.

A training event's target is then ``(1 - share) label + share teacher``. Cross-entropy is linear in its
target: this is that mixture of the label's loss and of the teacher's. Validation and test events keep their
labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import ROUNDS, View, logit_trees
from levelone.zoo.kit.events import Events, Source

FOLDS = 4
_BATCH = 256


@dataclass(frozen=True)
class Teacher:
    """Whom a network of one logit may learn from.

    Attributes
    ----------
    view
        What the trees are given of an event.
    target
        Truth column of 0 and 1 that they learn; the system's loss is the cross-entropy of the logit and it.
    rounds
        Trees that are grown at most for each fold: more for a system with many events.
    """

    view: View
    target: str
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Taught:
    """Gives training events their mixed targets.

    Attributes
    ----------
    target
        The truth column that is mixed: float32 then.
    share
        Of the teacher.
    answers
        Probability of 1 that the teacher gives to each training event, by `fingerprints`.
    """

    target: str
    share: float
    answers: Mapping[int, float]

    def __call__(self, events: Events) -> Events:
        told = np.array([self.answers[name] for name in fingerprints(events)])
        mixed = (1 - self.share) * events.truth[self.target] + self.share * told
        return Events(events.inputs, {**events.truth, self.target: mixed.astype(np.float32)})


def distil(train: Source, teacher: Teacher, share: float, seed: int) -> Taught:
    """Fit the teacher to the training events, fold by fold."""
    seen, label, names = [], [], []
    for events in train.batches(_BATCH):
        seen.append(teacher.view(events))
        label.append(events.truth[teacher.target])
        names += fingerprints(events)
    answers = cross_fitted(
        np.concatenate(seen), np.concatenate(label), np.array(names) % FOLDS, seed, teacher.rounds
    )
    return Taught(teacher.target, share, dict(zip(names, answers.tolist(), strict=True)))


def cross_fitted(
    seen: NDArray[np.floating[Any]],
    label: NDArray[Any],
    fold: NDArray[np.integer[Any]],
    seed: int,
    rounds: int = ROUNDS,
) -> NDArray[np.float64]:
    """Probability of 1 for every event, [n], by trees that learned from the events of all other folds.

    Parameters
    ----------
    seen, label, fold
        [n, columns], 0 or 1 [n], number of the fold [n].
    rounds
        As in `Teacher`.
    """
    answers = np.zeros(len(label))
    for number in np.unique(fold):
        apart = fold == number
        logit = logit_trees(seen[~apart], label[~apart], seed, rounds)(seen[apart])
        answers[apart] = 1 / (1 + np.exp(-logit.astype(np.float64)))
    return answers


def fingerprints(events: Events) -> list[int]:
    """A number of 63 bits for each event: a digest of its inputs, equal for equal events."""
    found = []
    for row in zip(*events.inputs.values(), strict=True):
        digest = hashlib.sha256()
        for array in row:
            digest.update(array.tobytes())
        found.append(int.from_bytes(digest.digest()[:8], "little") >> 1)
    return found

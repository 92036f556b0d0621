"""Leak controls: they know no positions, see a grain that gives the label away, and every system has one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from levelone.zoo import SYSTEMS, find_system
from levelone.zoo.kit.boosting import fit_two
from levelone.zoo.kit.control import CONTROL, LARGEST, LeakControl, control_rows, without_positions
from levelone.zoo.kit.events import MemorySource
from levelone.zoo.kit.system import System


def test_no_position_is_told() -> None:
    rng = np.random.default_rng(3)
    image = rng.exponential(1, (5, 1, 4, 6, 7)).astype(np.float32) * (rng.random((5, 1, 4, 6, 7)) < 0.4)
    moved = rng.permuted(image.reshape(5, -1), axis=1).reshape(image.shape)
    seen, again = without_positions([image]), without_positions([moved])
    assert seen.shape == (5, LARGEST + 2)
    np.testing.assert_array_equal(seen[:, :-1], again[:, :-1])
    np.testing.assert_allclose(seen[:, -1], again[:, -1], rtol=1e-6)  # the order of a float sum
    assert (np.diff(seen[:, :LARGEST]) <= 0).all()
    assert seen[:, -2].tolist() == np.count_nonzero(image, axis=(1, 2, 3, 4)).tolist()


def test_images_smaller_than_the_list() -> None:
    assert without_positions([np.ones((2, 3, 3)), np.zeros((2, 4))]).shape == (2, 9 + 2 + 4 + 2)


@pytest.mark.parametrize("grain", [1.0, 6.0])
def test_a_grain_that_depends_on_the_label_is_seen(grain: float) -> None:
    """Equal energies at equal places, in clouds that are larger for one of the labels."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 600)
    size = np.where(label == 1, grain, 1.0)[:, None]
    image = (rng.poisson(12 / size, (600, 60)) * size).astype(np.float32)
    events = MemorySource({"image": image}, {"label": label})
    train, test = events.limited(300), next(events.batches(600))
    fitted = fit_two(train, lambda e: without_positions([e.inputs["image"]]), "label", "logit", seed=1)
    chosen = np.arange(600) % 2 == 1  # every second event was learned from
    area = roc_auc_score(label[chosen], fitted(test)["logit"][chosen, 0])
    assert area > 0.95 if grain > 1 else abs(area - 0.5) < 0.1


def test_one_class_alone_has_no_answer() -> None:
    events = MemorySource({"image": np.ones((40, 3))}, {"label": np.zeros(40, int)})
    fitted = fit_two(events, lambda e: e.inputs["image"], "label", "logit", seed=1)
    assert fitted(next(events.batches(40)))["logit"].tolist() == [[0.0]] * 40


@pytest.mark.parametrize("name", sorted(SYSTEMS.known))
def test_every_system_has_one(name: str) -> None:
    assert type(find_system(name)).leak_control is not System.leak_control


def test_a_result_says_how_to_read_it() -> None:
    told = LeakControl("energies", "nothing", lambda events: {}).as_json()
    assert control_rows({CONTROL: told})[0].rows == (("energies", "nothing"),)
    assert control_rows({}) == []

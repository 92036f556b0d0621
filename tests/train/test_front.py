"""Networks with a front that nothing trains: the same training, bit for bit, without computing it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levelone.train import front as fronts
from levelone.train.batches import Feed, Truth
from levelone.train.front import Fronted, fits, through_front
from levelone.train.loop import fit
from levelone.train.options import LoopOptions
from levelone.zoo.kit.events import Events, MemorySource


class Doubling(nn.Module):
    """The sum of all, and what a trained layer makes of those of the halves; counts passes of its front."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(2, 1)
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(*self.front(x).values())

    def front(self, x: Tensor) -> dict[str, Tensor]:
        self.passes += 1
        return {"halves": 2 * x.reshape(len(x), 2, -1).sum(2), "all": x.sum(1, keepdim=True)}

    def behind(self, halves: Tensor, total: Tensor) -> Tensor:
        found: Tensor = self.dense(halves) + total
        return found


class Learning(Doubling):
    """A wrong one, whose front is trained."""

    def front(self, x: Tensor) -> dict[str, Tensor]:
        return {"halves": self.dense(x[:, :2]), "all": x.sum(1, keepdim=True)}


class Square:
    """Of the error, over all events and for each."""

    def loss(self, outputs: Tensor, truth: Truth) -> Tensor:
        return self.monitor(outputs, truth).mean()

    def monitor(self, outputs: Tensor, truth: Truth) -> Tensor:
        return (outputs[:, 0] - truth["y"]).square()


def source(events: int, seed: int) -> MemorySource:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, (events, 6)).astype(np.float32)  # sums are exact in any order
    return MemorySource({"x": x}, {"y": (x @ np.arange(6)).astype(np.float32)})


def noisy(events: Events, rng: np.random.Generator) -> Events:
    """A shift of what is called the same before the front and behind it: nothing of halves and sums."""
    return Events(events.inputs, {"y": events.truth["y"] + rng.normal(size=len(events)).astype(np.float32)})


def taught(events: Events) -> Events:
    return Events(events.inputs, {**events.truth, "y": events.truth["y"] / 2})


def trained(folder: Path, network: Doubling) -> tuple[dict[str, Tensor], list[float]]:
    feeds = Feed(source(600, 1), augment=noisy, teach=taught), Feed(source(200, 2))
    options = LoopOptions("float", 1, 3, 50, 0.05, 0.0, 5, None, "x")
    found = fit(network, options, *feeds, folder, objective=Square())
    return dict(network.state_dict()), [epoch["validation_loss"] for epoch in found["epochs"]]


def test_weights_and_losses_are_those_of_the_whole_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With teacher and augmentation; the front works once for every event instead of in every epoch."""
    networks = []
    results = []
    for name, held in (("behind", fronts.HELD), ("whole", 0)):
        monkeypatch.setattr(fronts, "HELD", held)
        torch.manual_seed(1)
        networks.append(Doubling())
        results.append(trained(tmp_path / name, networks[-1]))
    (behind, behind_losses), (whole, whole_losses) = results
    assert behind.keys() == whole.keys()
    assert all(torch.equal(behind[key], whole[key]) for key in whole)
    assert behind_losses == whole_losses
    assert networks[0].passes < 8 < 36 < networks[1].passes


def test_a_front_that_is_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Learning: the front has trained weights in 'halves'"):
        trained(tmp_path, Learning())


def test_the_front_s_values_are_in_the_order_of_the_events_and_labels_stay() -> None:
    plain = source(600, 1)
    network, feed = Doubling(), Feed(plain, teach=taught)
    assert isinstance(network, Fronted) and not isinstance(nn.Linear(1, 1), Fronted)
    assert fits(network, feed)
    found = through_front(network, feed)
    events = next(found.source.batches(600))
    x = plain.inputs["x"]
    assert np.array_equal(events.inputs["halves"], 2 * x.reshape(600, 2, 3).sum(2))
    assert np.array_equal(events.truth["y"], plain.truth["y"])
    for (one, told), (other, expected) in zip(found.epoch(100, 1, 0), feed.epoch(100, 1, 0), strict=True):
        assert torch.equal(one[1], other[0].sum(1, keepdim=True))
        assert torch.equal(told["y"], expected["y"])
    assert torch.equal(next(iter(found.in_order()))[1]["y"], torch.from_numpy(events.truth["y"]))

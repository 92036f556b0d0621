"""A small system that is no file of voxels: pulses in a trace; truth and output are masks along it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch.nn.functional import binary_cross_entropy_with_logits

from levelone.panels import Card, Lines
from levelone.quant.wiring import Wired
from levelone.recipe import EventCount, GenerateSection, Recipe, Section, parse_recipe
from levelone.zoo.kit.events import Events, Source
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.meter import Meter
from levelone.zoo.kit.system import System

LENGTH = 48
BOXES = 2
RECIPE = """
system = "pulses"
seed = 2
[data]
max_train = 1024
max_validation = 256
max_test = 300
[quant]
inputs = { trace = 8 }
default = { weight = 6, bias = 14, activation = 6 }
[train]
batch_size = 64
float_epochs = 4
quantised_epochs = 2
float_learning_rate = 3e-2
"""


def recipe(*overrides: str) -> Recipe:
    return parse_recipe(RECIPE, "recipe of masks", overrides)


@dataclass(frozen=True)
class Traces(Source):
    """Events made when they are asked for: each is a function of its number, none is kept."""

    first: int
    events: int

    def __len__(self) -> int:
        return self.events

    def batches(self, size, *, order=None, skip=0) -> Iterator[Events]:
        numbers = np.arange(self.events)
        if order is not None:
            numbers = np.random.default_rng(order).permutation(numbers)
        for start in range(skip, self.events, size):
            yield made(numbers[start : start + size] + self.first)

    def limited(self, events: int) -> Traces:
        return replace(self, events=min(events, self.events))


def made(numbers: np.ndarray) -> Events:
    """Two square pulses on noise; `boxes` are begin and end of each, `known` are the samples with a label."""
    trace, mask = np.zeros((2, len(numbers), LENGTH), np.float32)
    known = np.ones((len(numbers), LENGTH), np.uint8)
    boxes = np.zeros((len(numbers), BOXES, 2), np.int16)
    for row, number in enumerate(numbers):
        rng = np.random.default_rng(number)
        boxes[row, :, 0] = rng.integers(0, LENGTH - 8, BOXES)
        boxes[row, :, 1] = boxes[row, :, 0] + rng.integers(3, 8, BOXES)
        for begin, end in boxes[row]:
            mask[row, begin:end] = 1
        known[row, : number % 5] = 0
        trace[row] = np.abs(mask[row] + rng.normal(0, 0.25, LENGTH))
    return Events({"trace": trace[:, None]}, {"mask": mask, "known": known, "boxes": boxes})


class MaskGenerate(GenerateSection):
    events: EventCount = 10


class MaskModel(Section):
    channels: int = 4


class MaskNetwork(Wired):
    """Argument: trace [n, 1, 48]; result: mask [n, 1, 48], logits."""

    def __init__(self, layers, model: MaskModel) -> None:
        super().__init__(layers, {"trace": (1, LENGTH)})
        self.step("trace_q", layers.input("trace_q", signed=False), "trace")
        self.step(
            "conv1", layers.conv("conv1", ("trace_q",), (1, model.channels), (3,), padding=(1,)), "trace_q"
        )
        self.step("act1", layers.relu("conv1"), "conv1")
        last = layers.conv("mask", ("act1",), (model.channels, 1), (1,), norm=None)
        self.step("mask", last, "act1")


class Agreement(Meter):
    """Counts of samples, and the distribution of the logits: nothing per event."""

    def __init__(self) -> None:
        self.counts: dict[str, np.ndarray] = {}
        self.logits: dict[str, np.ndarray] = {}
        self.pulses = 0

    def update(self, events, outputs) -> None:
        truth, known = events.truth["mask"] > 0, events.truth["known"] > 0
        self.pulses += int((events.truth["boxes"][..., 1] > events.truth["boxes"][..., 0]).sum())
        for model, found in outputs.items():
            said = found["mask"][:, 0] > 0
            both, either = (said & truth & known).sum(), ((said | truth) & known).sum()
            self.counts[model] = self.counts.get(model, 0) + np.array([both, either])
            drawn = np.histogram(found["mask"][:, 0][known], 20, (-10, 10))[0]
            self.logits[model] = self.logits.get(model, 0) + drawn

    def result(self):
        models = {
            name: {"overlap": {"value": float(a / b), "error": None}} for name, (a, b) in self.counts.items()
        }
        return {"models": models, "pulses": self.pulses}

    def kept(self):
        return self.logits


class Pulses(System):
    name = "pulses"
    title = "Pulses in a trace"
    outputs = ("mask",)
    section = MaskModel
    generator = Generator("mask_toy", "none", MaskGenerate)
    golden_events = 8

    def input_shapes(self, recipe):
        return {"trace": (1, LENGTH)}

    def source(self, recipe, path, split, limit=None):
        first = {"train": 0, "validation": 1_000_000, "test": 2_000_000}[split]
        return Traces(first, 5000 if limit is None else limit)

    def provenance(self, path):
        return {}

    def layer_names(self, recipe):
        return ("conv1", "mask")

    def build(self, recipe, layers):
        return MaskNetwork(layers, MaskModel.model_validate(recipe.model))

    def event_loss(self, recipe, outputs, truth):
        return (self._samples(outputs, truth)).sum(1) / truth["known"].sum(1)

    def loss(self, recipe, outputs, truth):
        return self._samples(outputs, truth).sum() / truth["known"].sum()

    def _samples(self, outputs, truth):
        losses = binary_cross_entropy_with_logits(outputs[0][:, 0], truth["mask"], reduction="none")
        return losses * truth["known"]

    def fit_baselines(self, recipe, train):
        return {"threshold": lambda events: {"mask": events.inputs["trace"] - 0.5}}

    def meter(self, recipe, train):
        return Agreement()

    def panels(self, metrics, kept) -> list[Lines]:
        return []

    def cards(self, metrics):
        return [Card(f"{metrics['models']['float']['overlap']['value']:.3f}", "overlap")]


PULSES = Pulses()

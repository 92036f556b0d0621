"""A small system of voxel events: two grids, a table of features, two outputs, per-event weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from levelone.data.voxelcheck import Column, GridSpec
from levelone.data.voxels import SparseGrid, create_voxels
from levelone.panels import Card, Lines, Rows
from levelone.recipe import EventCount, GenerateSection, Recipe, Section, parse_recipe
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.meter import PerEvent
from levelone.zoo.kit.voxels import VoxelSystem

RECIPE = """
system = "toy"
seed = 3
[data]
max_train = 100000
[quant]
inputs = { front = 8, back = 8, table = 8 }
default = { weight = 6, bias = 14, activation = 6 }
[train]
batch_size = 32
float_epochs = 3
quantised_epochs = 2
float_learning_rate = 1e-2
[verify]
events = 50
random = 20
"""


def recipe(*overrides: str) -> Recipe:
    return parse_recipe(RECIPE, "toy recipe", overrides)


class ToyGenerate(GenerateSection):
    events: EventCount = 400


class ToyModel(Section):
    variant: str = "compact"
    units: int = 6


class ToyNetwork(nn.Module):
    def __init__(self, layers, model: ToyModel) -> None:
        super().__init__()
        self.input_shapes = {"front": (1, 4, 4, 4), "back": (1, 2, 3, 4), "table": (2,)}
        self.front_q = layers.input("front_q", signed=False)
        self.back_q = layers.input("back_q", signed=False)
        self.table_q = layers.input("table_q", signed=True)
        self.conv1 = layers.conv("conv1", ("front_q",), (1, 3), (2, 2, 2), (2, 2, 2))
        self.act1 = layers.relu("conv1")
        self.flat1 = layers.flatten("flat1", ("act1",))
        self.flat2 = layers.flatten("flat2", ("back_q",))
        self.both = layers.concat("both", ("flat1", "flat2", "table_q"))
        self.fc1 = layers.dense("fc1", ("both",), (24 + 24 + 2, model.units))
        self.fc1_act = layers.relu("fc1")
        self.energy = layers.dense("energy", ("fc1_act",), (model.units, 1), norm=None)
        self.kind = layers.dense("kind", ("fc1_act",), (model.units, 2), norm=None)

    def forward(self, front, back, table):
        x = self.flat1(self.act1(self.conv1(self.front_q(front))))
        x = self.both(x, self.flat2(self.back_q(back)), self.table_q(table))
        x = self.fc1_act(self.fc1(x))
        return self.energy(x), self.kind(x)


class Toy(VoxelSystem):
    name = "toy"
    title = "A toy"
    outputs = ("energy", "kind")
    generator = Generator("voxel_toy", "simulate", ToyGenerate)
    grids = ("front", "back")
    columns = ("energy", "kind")
    section = ToyModel
    golden_events = 16

    def layer_names(self, recipe):
        return ("conv1", "fc1", "energy", "kind")

    def input_shapes(self, recipe):
        return {"front": (1, 4, 4, 4), "back": (1, 2, 3, 4), "table": (2,)}

    def prepare(self, recipe, batch):
        front, back = batch.images["front"], batch.images["back"]
        table = np.stack([front.sum((1, 2, 3)) / 32, back.sum((1, 2, 3)) / 16], axis=1)
        truth = {**batch.truth, "weight": 1 / (1 + batch.truth["energy"])}
        return Events({"front": front[:, None], "back": back[:, None], "table": table - 1}, truth)

    def build(self, recipe, layers):
        return ToyNetwork(layers, ToyModel.model_validate(recipe.model))

    def event_loss(self, recipe, outputs, truth):
        energy, kind = outputs
        distance = (energy[:, 0] - truth["energy"]) ** 2 * truth["weight"]
        return distance + nn.functional.cross_entropy(kind, truth["kind"], reduction="none")

    def monitor(self, recipe, outputs, truth):
        return torch.abs(outputs[0][:, 0] - truth["energy"])

    def reach(self, recipe):
        return {"compact": "firmware", "published": "float"}[ToyModel.model_validate(recipe.model).variant]

    def rivals(self, recipe):
        return {"wider": recipe.model_copy(update={"model": {"units": 12}})}

    def fit_baselines(self, recipe, train):
        sums, energies = [], []
        for events in train.batches(64):
            sums.append(events.inputs["front"].sum((1, 2, 3, 4)) + events.inputs["back"].sum((1, 2, 3, 4)))
            energies.append(events.truth["energy"])
        slope, offset = np.polyfit(np.concatenate(sums), np.concatenate(energies), 1)

        def answer(events):
            total = events.inputs["front"].sum((1, 2, 3, 4)) + events.inputs["back"].sum((1, 2, 3, 4))
            return {"energy": (slope * total + offset)[:, None]}

        return {"sum": answer}

    def meter(self, recipe, train):
        return PerEvent(figures)

    def panels(self, metrics, kept):
        rows = tuple(
            (name, f"{figures['error']['value']:.3f}") for name, figures in metrics["models"].items()
        )
        return [Rows("Errors", "a caption", ("model", "error"), rows, (1,))]

    def cards(self, metrics):
        return [Card(f"{metrics['models']['float']['error']['value']:.3f}", "mean error")]

    def examples(self, recipe, events) -> list[Lines]:
        return []


def figures(predictions, truth):
    def error(outputs):
        return {"value": float(np.abs(outputs["energy"][:, 0] - truth["energy"]).mean()), "error": None}

    return {"models": {name: {"error": error(outputs)} for name, outputs in predictions.items()}}


TOY = Toy()
GRIDS = (
    GridSpec("front", (4, 4, 4), (1.0, 1.0, 1.0), ("x", "y", "z"), "GeV"),
    GridSpec("back", (2, 3, 4), (1.0, 1.0, 1.0), ("x", "y", "z"), "GeV"),
)
COLUMNS = (Column("energy", "float32", "GeV", "true"), Column("kind", "uint8", "", "class", ("a", "b")))


def simulate(path: Path, options: ToyGenerate, progress=None) -> None:
    """Energy that is shared between both grids; the kind says which gets more."""
    events, seed = options.events, options.seed
    rng = np.random.default_rng(seed)
    energy = rng.uniform(1, 8, events).astype(np.float32)
    kind = rng.integers(0, 2, events).astype(np.uint8)
    split = np.arange(events) % 10
    images = {}
    for number, spec in enumerate(GRIDS):
        share = np.where(kind == number, 0.7, 0.3) * energy
        pattern = rng.exponential(1, (events, *spec.shape)) * (rng.random((events, *spec.shape)) < 0.3)
        total = np.maximum(pattern.sum((1, 2, 3)), 1e-3)
        images[spec.name] = (pattern * (share * 4 / total)[:, None, None, None]).astype(np.float32)
    with create_voxels(path, GRIDS, COLUMNS, {"events": events, "seed": seed}) as writer:
        sparse = {name: SparseGrid.from_dense(image) for name, image in images.items()}
        codes = np.where(split == 8, 1, np.where(split == 9, 2, 0)).astype(np.uint8)
        writer.append(sparse, {"energy": energy, "kind": kind}, codes)

"""next: one electron or two? 20 x 20 x 60 voxels of a high-pressure xenon chamber.

Two electrons from one point end in two dense blobs, a single electron of the same energy in one: background
against signal of a search for neutrinoless double beta decay. The published baseline is fully connected
(flatten, 32, 1); the compact 3D CNN, which goes into the firmware, has to beat it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import compare
from levelone.panels import Card, Panel
from levelone.recipe import Recipe, Section
from levelone.simulate.next.section import NextGenerate
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.system import Events, Reach, Source
from levelone.zoo.kit.voxelsystem import Outputs, Predictor, VoxelSystem
from levelone.zoo.next.results import blob_score, cards, example_panels, result_panels
from levelone.zoo.next.section import PUBLISHED, SHAPE, NextModel, check_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers

UNIT_KEV = np.float32(64.0)
"""Voxel energies enter the network in this unit, so that a typical filled voxel is of order one."""
REPLICAS = 200
"""Bootstrap replicas behind each uncertainty."""


class Next(VoxelSystem):
    """The system next; see `levelone.zoo.kit.voxelsystem.VoxelSystem`."""

    name: ClassVar[str] = "next"
    title: ClassVar[str] = "Xenon chamber: one electron or two?"
    default_recipe: ClassVar[Path] = Path(__file__).parent / "recipes" / "default.toml"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.next.generator",
        "simulate_next",
        NextGenerate,
        packages=("numpy", "h5py"),
    )
    grids: ClassVar[tuple[str, ...]] = ("tpc",)
    columns: ClassVar[tuple[str, ...]] = ("label", "drift")
    section: ClassVar[type[Section]] = NextModel
    golden_events: ClassVar[int] = 64

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        model = NextModel.model_validate(recipe.model)
        convolutions = range(1, len(model.convolutions) + 1) if model.variant == "compact" else ()
        return (
            *(f"conv{number}" for number in convolutions),
            *(("mean_q",) if model.variant == "compact" else ()),
            *(f"fc{number}" for number in range(1, len(model.dense) + 1)),
            "logit",
        )

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return {"tpc": SHAPE}

    def check_model(self, recipe: Recipe, section: Section) -> None:
        """Refuse sizes that do not fit together, naming the key."""
        check_sizes(NextModel.model_validate(section.model_dump()))

    def reach(self, recipe: Recipe) -> Reach:
        return "firmware" if self._model(recipe).variant == "compact" else "quantised"

    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        return Events({"tpc": batch.images["tpc"][:, None] / UNIT_KEV}, batch.truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.next.network import Compact, Published

        model = self._model(recipe)
        return (Compact if model.variant == "compact" else Published)(layers, model)

    def loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        target = truth["label"].to(outputs[0].dtype)
        return binary_cross_entropy_with_logits(outputs[0][:, 0], target, reduction="none")

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """The published network, trained on the same events; none for the published network itself."""
        if self._model(recipe).variant == "published":
            return {}
        quant = recipe.quant.model_copy(update={"layers": {}})
        return {"published": recipe.model_copy(update={"model": PUBLISHED.model_dump(), "quant": quant})}

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """The energy of the second densest blob: the classical quantity; nothing to fit."""
        return {"blob": lambda events: {"logit": blob_score(events.inputs["tpc"][:, 0] * UNIT_KEV)[:, None]}}

    def measure(
        self, recipe: Recipe, predictions: Mapping[str, Outputs], truth: Mapping[str, NDArray[Any]]
    ) -> dict[str, Any]:
        """Efficiency at fixed background rejection for all events and for short and long drift."""
        label, drift = truth["label"], truth["drift"]
        regions = {"all": drift >= 0, "drift below 0.5 m": drift < 500, "drift above 0.5 m": drift >= 500}
        others = [name for name in predictions if name not in ("float", "quantised")]
        best = "quantised" if "quantised" in predictions else "float"
        pairs = [("quantised", "float")] if best == "quantised" else []
        pairs += [(best, name) for name in others]
        models: dict[str, Any] = {name: {} for name in predictions}
        differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
        for region, chosen in regions.items():
            scores = {name: outputs["logit"][chosen, 0] for name, outputs in predictions.items()}
            found, deltas = compare(
                scores,
                label[chosen],
                np.ones(int(chosen.sum())),
                np.flatnonzero(chosen),
                replicas=REPLICAS,
                seed=recipe.seed,
                differences=tuple(pairs),
            )
            count = np.bincount(label[chosen], minlength=2)
            for name, figures in found.items():
                models[name][region] = figures | {"signal": int(count[1]), "background": int(count[0])}
            for name, figures in deltas.items():
                differences[name][region] = figures
        bootstrap = {"replicas": REPLICAS, "unit": "event"}
        return {"models": models, "differences": differences, "bootstrap": bootstrap}

    def panels(
        self,
        metrics: Mapping[str, Any],
        predictions: Mapping[str, Outputs],
        truth: Mapping[str, NDArray[Any]],
    ) -> list[Panel]:
        return result_panels(metrics, predictions, truth)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        return cards(metrics)

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        return example_panels(events.inputs["tpc"][:, 0] * UNIT_KEV, events.truth["label"])

    def published(self) -> dict[str, Any]:
        return {"source": "fully connected network (flatten, 32, 1): the published baseline's architecture"}

    def _model(self, recipe: Recipe) -> NextModel:
        return NextModel.model_validate(recipe.model)

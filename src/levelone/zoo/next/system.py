"""next: one electron or two? 20 x 20 x 60 voxels of a high-pressure xenon chamber.

Two electrons from one point end in two dense blobs, a single electron of the same energy in one: background
against signal of a search for neutrinoless double beta decay. The published baseline is fully connected
(flatten, 32, 1); the compact 3D CNN, which goes into the firmware, has to beat it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section
from levelone.simulate.next.section import NextGenerate
from levelone.zoo.kit.control import LeakControl, without_positions
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator, geant4_engine
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import PerEvent, split_kept
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.kit.system import Reach
from levelone.zoo.kit.voxels import VoxelSystem
from levelone.zoo.next.section import PUBLISHED, SHAPE, UNIT_KEV, NextModel, check_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers


class Next(VoxelSystem):
    """The system next; see `levelone.zoo.kit.voxels.VoxelSystem`."""

    name: ClassVar[str] = "next"
    title: ClassVar[str] = "Xenon chamber: one electron or two?"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.next.generator",
        "simulate_next",
        NextGenerate,
        packages=("numpy", "h5py"),
        engines=geant4_engine("levelone.simulate.geant4.next", "simulate_next", NextGenerate),
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

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the events are mirrored in x, half in y, in half both are exchanged.

        Not in z: charge that drifts farther spreads farther.
        """
        if not self._model(recipe).mirror:
            return events
        symmetry = SquareSymmetry.draw(len(events), rng)
        return Events({"tpc": symmetry.of(events.inputs["tpc"])}, events.truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:

        from levelone.zoo.next.network import Compact, Published

        model = self._model(recipe)
        return (Compact if model.variant == "compact" else Published)(layers, model)

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.kit.loss import cross_entropy

        return cross_entropy(outputs[0][:, 0], truth["label"])

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """The published network, on the same events and their labels alone; none for that network itself."""
        if self._model(recipe).variant == "published":
            return {}
        told = {
            "model": PUBLISHED.model_dump(),
            "quant": recipe.quant.model_copy(update={"layers": {}}),
            "train": recipe.train.model_copy(update={"distillation": 0.0}),
        }
        return {"published": recipe.model_copy(update=told)}

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Boosting on all that a person would compute; the second blob, the classical quantity."""
        from levelone.zoo.next.baselines import fit_boosting, second_blob

        return {"boosting": fit_boosting(train, recipe.seed), "blob": second_blob}

    def teacher(self, recipe: Recipe) -> Teacher:
        """The trees of the baseline."""
        from levelone.zoo.next.baselines import view

        return Teacher(view, "label")

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Energies of the voxels without their positions."""
        from levelone.zoo.kit.boosting import fit_two

        return LeakControl(
            "the largest energies of voxels in order, how many are filled, and their sum; no positions",
            "two electrons have two dense ends, whose voxels are among the largest: Geant4 allows it an AUC "
            "of 0.71 +- 0.01 (docs/next.md); more is a leak",
            fit_two(train, lambda e: without_positions([e.inputs["tpc"]]), "label", "logit", recipe.seed),
        )

    def meter(self, recipe: Recipe, train: Source) -> PerEvent:
        from levelone.zoo.next.results import figures

        return PerEvent(partial(figures, seed=recipe.seed))

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.next.panels import panels

        return panels(metrics, *split_kept(kept))

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.next.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.next.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.next.panels import headlines

        return headlines(self.published()["signal kept"])

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.next.panels import example_panels

        return example_panels(events.inputs["tpc"][:, 0] * UNIT_KEV, events.truth["label"])

    def published(self) -> dict[str, Any]:
        """What two abstracts say; no figure is known of the fully connected network, a published one."""
        return {
            "source": "abstracts: J. Renner et al. (NEXT), JINST 12 (2017) T01004, arXiv:1609.06202, the "
            "factor; P. Ferrario (NEXT), arXiv:1610.02884, the shares of signal",
            "statement": "deep networks 1.2 to 1.6 times better than earlier methods on the same topology",
            "conditions": "Shares are of data of prototypes, where 24.3 ± 1.4 % of the background stay, and "
            "expected for the detector NEW, where 12.9 ± 0.6 % do. No figure is known of the fully connected "
            "network (flatten, 32, 1) that is trained here",
            "signal kept": "prototypes 66.7 ± 1 (75.7 ± 1.4 % rejected); NEW 66.9 ± 0.6 (87.1 ± 0.6 %)",
        }

    def _model(self, recipe: Recipe) -> NextModel:
        return NextModel.model_validate(recipe.model)

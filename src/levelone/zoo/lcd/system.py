"""lcd: energy and kind of single particles in a linear-collider calorimeter, from two images.

An electromagnetic calorimeter of 25 x 25 x 25 cells and behind it a hadronic one of 5 x 5 x 60. The energy is
learned from electrons alone and then applied to photons, neutral and charged pions; which of the four it is
is learned from all of them. `levelone.simulate.lcd` makes the events.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from numpy.typing import NDArray

from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section, misfit
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.zoo.kit.control import LeakControl, without_positions
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator, geant4_engine
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import PerEvent, split_kept
from levelone.zoo.kit.sections import check_dense
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.kit.system import Reach
from levelone.zoo.kit.voxels import VoxelSystem
from levelone.zoo.lcd.section import COMPACT_LAYERS, GRIDS, LcdModel, branch_grid, power_below

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers

_PUBLISHED_EPOCHS = 2
_PUBLISHED_EVENTS = 20_000
"""Of an epoch of the network of published sizes, which takes ten milliseconds for each."""
_IMAGE = 5
"""Axes of a batch of images. The front of a network gives sums, too, that no symmetry changes."""


class Lcd(VoxelSystem):
    """The system lcd; see `levelone.zoo.kit.voxels.VoxelSystem`."""

    name: ClassVar[str] = "lcd"
    title: ClassVar[str] = "Linear-collider calorimeter: energy and kind of single particles"
    outputs: ClassVar[tuple[str, ...]] = ("energy", "particle")
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.lcd.generator",
        "simulate_lcd",
        LcdGenerate,
        packages=("numpy", "h5py"),
        engines=geant4_engine("levelone.simulate.geant4.lcd", "simulate_lcd", LcdGenerate),
    )
    grids: ClassVar[tuple[str, ...]] = ("ecal", "hcal")
    columns: ClassVar[tuple[str, ...]] = ("particle", "energy")
    positive: ClassVar[tuple[str, ...]] = ("energy",)
    section: ClassVar[type[Section]] = LcdModel
    golden_events: ClassVar[int] = 32

    def model(self, recipe: Recipe) -> LcdModel:
        """The ``[model]`` section."""
        return LcdModel.model_validate(recipe.model)

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        model = self.model(recipe)
        dense = [f"fc{number}" for number in range(1, len(model.dense) + 1)]
        if model.views:
            return (*COMPACT_LAYERS, *dense, *self.outputs)
        names = ["ecal_conv", "hcal_conv", *dense, *self.outputs]
        if model.correction:
            names += ["ecal_sum", "ecal_depth", "ecal_total", "hcal_sum", "hcal_total", "shape", "correction"]
        return tuple(names)

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return {name: (1, *grid) for name, grid in GRIDS.items()}

    def check_model(self, recipe: Recipe, section: Section) -> None:
        model = cast(LcdModel, section)
        for name, branch in (("ecal", model.ecal), ("hcal", model.hcal)):
            if min(*branch.kernel, *branch.stride) < 1:
                raise misfit(f"model.{name}", ": kernel and stride must be positive")
            if min(branch_grid(GRIDS[name], branch)) < 1:
                raise misfit(
                    f"model.{name}",
                    f": kernel {list(branch.kernel)}, stride {list(branch.stride)} and "
                    f"pool {branch.pool} leave nothing of {list(GRIDS[name])} cells",
                )
        if model.views and not model.correction:
            raise misfit("model.correction", " = 0: the energy of a network of sums needs units")
        for knot in model.entry_knots:
            if not (0 < knot < math.inf and (8 * knot / power_below(knot)).is_integer()):
                raise misfit(
                    "model.entry_knots",
                    f": {knot:g} is not one to two, in eighths, times a power of two",
                    hint="1, 1.125, 1.25, ... 1.875 or a power of two times one of them",
                )
        check_dense(model.dense)

    def reach(self, recipe: Recipe) -> Reach:
        return self.model(recipe).reach

    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        inputs = {name: batch.images[name][:, None] for name in GRIDS}
        return Events(inputs, {name: batch.truth[name] for name in self.columns})

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the events are mirrored in x, half in y, in half both are exchanged; sums stay the same."""
        if not self.model(recipe).mirror:
            return events
        symmetry = SquareSymmetry.draw(len(events), rng)
        inputs = {name: symmetry.of(x) if x.ndim == _IMAGE else x for name, x in events.inputs.items()}
        return Events(inputs, events.truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.lcd.compact import SumsNetwork
        from levelone.zoo.lcd.network import LcdNetwork

        model = self.model(recipe)
        return (SumsNetwork if model.views else LcdNetwork)(layers, model, len(PARTICLES))

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.lcd.loss import energy_and_kind

        return energy_and_kind(outputs, truth)

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """The network of published sizes on the same events; none for that network itself."""
        if self.model(recipe) == LcdModel():
            return {}
        train = recipe.train.model_copy(
            update={
                "float_epochs": _PUBLISHED_EPOCHS,
                "epoch_events": _PUBLISHED_EVENTS,
                "float_learning_rate": 1e-3,
                "batch_size": 64,
                "distillation": 0.0,
                "max_minutes": min(5.0, recipe.train.max_minutes or 5.0),
            }
        )
        quant = recipe.quant.model_copy(update={"layers": {}})
        model = LcdModel().model_dump(mode="json")
        return {"published": recipe.model_copy(update={"model": model, "quant": quant, "train": train})}

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Calibrated sums for the energy; gradient boosting on everything computed for both."""
        from levelone.zoo.lcd.baselines import fit_boosting, fit_sums
        from levelone.zoo.lcd.results import SUMS

        return {SUMS: fit_sums(train), "boosting": fit_boosting(train, recipe.seed)}

    def teacher(self, recipe: Recipe) -> Teacher:
        """The trees of the baseline, for the kind; the energy is learned from labels alone."""
        from levelone.zoo.lcd.features import features

        return Teacher(features, "particle", kinds=len(PARTICLES))

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Energies of the cells without their positions."""
        from levelone.zoo.kit.boosting import fit_kinds

        return LeakControl(
            "of both calorimeters the largest energies of cells in order, how many are filled, their sum; "
            "no positions",
            "charged pions still share energy between both calorimeters; two photons of a neutral pion fill "
            "more cells than one; photons begin later than electrons and fill fewer (206 against 216 at 10 "
            "GeV in Geant4): none of it is a leak",
            fit_kinds(
                train,
                lambda e: without_positions([e.inputs["ecal"], e.inputs["hcal"]]),
                "particle",
                "particle",
                len(PARTICLES),
                recipe.seed,
            ),
        )

    def meter(self, recipe: Recipe, train: Source) -> PerEvent:
        from levelone.zoo.lcd.results import figures

        return PerEvent(partial(figures, seed=recipe.seed))

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.lcd.panels import panels

        return panels(metrics, *split_kept(kept))

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.lcd.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.lcd.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.lcd.headlines import headlines

        return headlines(self.published()["width, percent"])

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.lcd.panels import example_panels

        return example_panels(events)

    def published(self) -> dict[str, Any]:
        """Full simulation; a in percent sqrt(GeV), b in percent, c in percent GeV."""
        return {
            "source": "B. Hooberman et al., Deep Learning for Physical Sciences, NIPS 2017 (full simulation)",
            "conditions": "Energies are even there, ours in their logarithm: more of them are low, and wide",
            "a, b, c": {
                "photon": [18.3, 0.75, 131],
                "electron": [18.7, 0.574, 111],
                "pi0": [19.3, 0.45, 231],
                "pion": [114, 1.02, 893],
            },
            "width, percent": {"electron": 3.2, "photon": 3.8, "pi0": 4.7},
        }

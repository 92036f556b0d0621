"""Muon: the energy of multi-TeV muons from their radiative losses in a finely segmented calorimeter.

A muon of 50 GeV to 8 TeV crosses 50 x 32 x 32 cells. It loses little, and how much is nearly the same at all
energies, except for rare hard bremsstrahlung photons and electron pairs: their number, sizes and places tell
the energy. Published by J. Kieseler et al., arXiv:2107.02119; events: `levelone.simulate.muon`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section, misfit
from levelone.simulate.muon.section import MuonGenerate
from levelone.zoo.kit.control import LeakControl, without_positions
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator, geant4_engine
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import PerEvent, split_kept
from levelone.zoo.kit.sections import check_dense
from levelone.zoo.kit.system import Reach
from levelone.zoo.kit.voxels import VoxelSystem
from levelone.zoo.muon.features import ENERGIES, FEATURES, course, high_level, layer_sums, ordered, read_out
from levelone.zoo.muon.section import GEV_PER_UNIT, GRID, OUTPUT, MuonModel, baseline_inputs

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers


class Muon(VoxelSystem):
    """The muon system; see `levelone.zoo.kit.voxels.VoxelSystem`."""

    name: ClassVar[str] = "muon"
    title: ClassVar[str] = "Muons: energy from radiative losses in a calorimeter"
    outputs: ClassVar[tuple[str, ...]] = (OUTPUT,)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.muon.generator",
        "simulate_muon",
        MuonGenerate,
        packages=("numpy", "h5py"),
        engines=geant4_engine("levelone.simulate.geant4.muon", "simulate_muon", MuonGenerate),
    )
    grids: ClassVar[tuple[str, ...]] = ("calo",)
    columns: ClassVar[tuple[str, ...]] = ("energy",)
    positive: ClassVar[tuple[str, ...]] = ("energy",)
    section: ClassVar[type[Section]] = MuonModel
    golden_events: ClassVar[int] = 16

    def model(self, recipe: Recipe) -> MuonModel:
        """The checked ``[model]`` section."""
        return cast(MuonModel, self.model_section(recipe))

    def model_section(self, recipe: Recipe) -> Section:
        """As for every system; without convolutions the width of the input they had may stay."""
        if recipe.model.get("ablation") == "no_cnn":
            inputs = {name: bits for name, bits in recipe.quant.inputs.items() if name != "calo"}
            recipe = recipe.model_copy(update={"quant": recipe.quant.model_copy(update={"inputs": inputs})})
        return super().model_section(recipe)

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        if not recipe.quant.layers:
            return ()
        from levelone.quant.layers import FloatLayers

        section = MuonModel.model_validate(recipe.model)
        names = (name for name, _ in _network(FloatLayers(), section).named_children())
        return (*names, "energy_path") if section.architecture == "full" else tuple(names)

    def check_model(self, recipe: Recipe, section: Section) -> None:
        model = cast(MuonModel, section)
        if model.architecture == "baseline" and model.ablation != "none":
            raise misfit(
                "model.ablation",
                f" = {model.ablation!r} leaves a part out of the full architecture",
                hint='set model.architecture = "full"',
            )
        if model.architecture == "baseline" and model.coarse:
            raise misfit("model.coarse", " is for the full architecture", hint="model.pool is the baseline's")
        if model.architecture == "full" and model.response != "linear":
            raise misfit(
                "model.response",
                ": the energy path sums energies, so the full architecture reads them as they are, not their "
                f"{model.response}",
                hint='set model.response = "linear"',
            )
        for_baseline = {
            "sums": model.sums,
            "course": model.course,
            "mirror": model.mirror,
            "pool": model.pool > 1,
            "local": model.local,
        }
        key = next((key for key, used in for_baseline.items() if used), None)
        if model.architecture == "full" and key is not None:
            raise misfit(
                f"model.{key}",
                " is for the baseline; the full architecture reads high-level features",
                hint=f"leave model.{key} out",
            )
        if model.ordered and not model.sums:
            raise misfit("model.ordered", ": there are no sums to be put in order", hint="raise model.sums")
        if min(model.channels) < 1:
            raise misfit("model.channels", f" = {list(model.channels)}: every layer needs a channel")
        check_dense(model.dense)

    def reach(self, recipe: Recipe) -> Reach:
        return self.model(recipe).reach

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        model = MuonModel.model_validate(recipe.model)
        if model.architecture == "baseline":
            return baseline_inputs(model)
        features: dict[str, tuple[int, ...]] = {"features": (len(FEATURES),)}
        return features if model.ablation == "no_cnn" else {"calo": (1, *GRID), **features}

    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        model = MuonModel.model_validate(recipe.model)
        energies = batch.images["calo"]
        inputs: dict[str, NDArray[np.float32]] = {}
        for name in self.input_shapes(recipe):
            if name == "features":
                inputs[name] = high_level(energies)
            elif name == "sums":
                inputs[name] = layer_sums(energies)
            elif name == "ordered":
                inputs[name] = ordered(inputs["sums"])
            elif name == "course":
                inputs[name] = course(energies)
            else:
                inputs[name] = read_out(model.response, energies)[:, None]
        return Events(inputs, {"energy": batch.truth["energy"].astype(np.float32)})

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Mirror half of the events in y: the field is along y, and muons enter on both sides of y = 0 alike.

        The sums of a layer stay what they are. High-level features do not know signs of y except in their
        moment along y, and networks that read them are not mirrored (`check_model`).
        """
        if not self.model(recipe).mirror or "calo" not in events.inputs:
            return events
        calo = events.inputs["calo"].copy()
        chosen = rng.random(len(calo)) < 0.5
        calo[chosen] = calo[chosen, :, :, ::-1]
        return Events({**events.inputs, "calo": calo}, events.truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        return _network(layers, self.model(recipe))

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.muon.loss import energy_loss

        return energy_loss(outputs, truth, MuonModel.model_validate(recipe.model))

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        from levelone.zoo.muon.baselines import fit_baselines

        return fit_baselines(self.model(recipe), train, recipe.seed)

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl | None:
        """Energies of the cells without their positions; None for a network without the image."""
        from levelone.zoo.kit.boosting import fit_quantity

        if "calo" not in self.input_shapes(recipe):
            return None
        return LeakControl(
            "the largest energies of cells in order, how many are filled, and their sum; no positions",
            "radiation in the cells is what measures the energy of a muon, so this may come close to all "
            "others: what is between them is what positions add",
            fit_quantity(
                train,
                lambda events: without_positions([events.inputs["calo"]]),
                "energy",
                OUTPUT,
                GEV_PER_UNIT,
                recipe.seed,
            ),
        )

    def meter(self, recipe: Recipe, train: Source) -> PerEvent:
        from levelone.zoo.muon.results import figures

        return PerEvent(partial(figures, seed=recipe.seed))

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.muon.panels import panels

        predictions, truth = split_kept(kept)
        predicted = {
            name: outputs[OUTPUT].reshape(-1) * GEV_PER_UNIT for name, outputs in predictions.items()
        }
        return panels(metrics, predicted, truth["energy"])

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.muon.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.muon.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.muon.panels import HEADLINES

        return HEADLINES

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.muon.panels import example_panels

        if "calo" not in events.inputs:
            return []
        cells = ENERGIES[self.model(recipe).response](events.inputs["calo"][:, 0])
        return example_panels(cells, events.truth["energy"])

    def published(self) -> dict[str, Any]:
        return {
            "source": "J. Kieseler et al., Eur. Phys. J. C 82 (2022) 79, arXiv:2107.02119 (full simulation)",
            "statement": "relative resolution better than 20 % for ultra-TeV muons",
        }


def _network(layers: Layers, section: MuonModel) -> nn.Module:
    if section.architecture == "full":
        from levelone.zoo.muon.networks.full import MuonCoarse, MuonFull

        made = MuonCoarse if section.coarse else MuonFull
        return made(layers, section, features=len(FEATURES))
    from levelone.zoo.muon.networks.baseline import MuonBaseline

    return MuonBaseline(layers, section)

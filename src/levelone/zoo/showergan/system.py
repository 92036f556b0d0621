"""showergan: showers from noise. A generator of calorimeter showers that fits into firmware.

A network of transposed convolutions is told an energy, which particle, and random numbers, and makes the
cells of an electromagnetic calorimeter: what `levelone.simulate.lcd` makes of electrons and photons. It is
trained against a critic, which stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section, misfit
from levelone.simulate.lcd.section import ShowerGenerate
from levelone.zoo.kit.carried import CarriedSystem
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import SPLITS, Events, MemorySource, Predictor, Source, Split, join_events
from levelone.zoo.kit.generator import Generator, geant4_engine
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.sections import Carried
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.kit.voxels import VoxelSystem
from levelone.zoo.showergan.cells import asked, compressed, energies, window
from levelone.zoo.showergan.section import ECAL, GRID, ShowerGanModel
from levelone.zoo.showergan.shape import SHAPE, shape_numbers, turned

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers
    from levelone.zoo.kit.critic import Critic
    from levelone.zoo.showergan.results import ShowerMeter

_AT_ONCE = 512  # events, of which nothing but the window is kept
_NOISE = 7919  # seeds what the networks are given for an event of a file


class ShowerGan(CarriedSystem, VoxelSystem):
    """The system showergan; see `levelone.zoo.kit.voxels.VoxelSystem`."""

    name: ClassVar[str] = "showergan"
    title: ClassVar[str] = "Showers from noise: a generator for an electromagnetic calorimeter"
    outputs: ClassVar[tuple[str, ...]] = ("shower",)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.lcd.generator",
        "simulate_lcd",
        ShowerGenerate,
        packages=("numpy", "h5py"),
        engines=geant4_engine("levelone.simulate.geant4.lcd", "simulate_lcd", ShowerGenerate),
    )
    grids: ClassVar[tuple[str, ...]] = ("ecal",)
    columns: ClassVar[tuple[str, ...]] = ("particle", "energy")
    positive: ClassVar[tuple[str, ...]] = ("energy",)
    section: ClassVar[type[Carried]] = ShowerGanModel
    golden_events: ClassVar[int] = 32

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        from levelone.zoo.showergan.network import WEIGHTED

        return WEIGHTED

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        model = _model(recipe)
        return {"condition": (2,), "latent": (model.latent,), "noise": (model.noise, *GRID)}

    def check_model(self, recipe: Recipe, section: Section) -> None:
        model = ShowerGanModel.model_validate(section)
        for key, sizes in (("channels", model.channels), ("critic.units", model.critic.units)):
            if min(sizes) < 1:
                raise misfit(f"model.{key}", f" = {list(sizes)}: every layer needs a unit")

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse another calorimeter, a higher threshold, and what is no electron and no photon, too."""
        from levelone.data.opening import open_voxel_events

        with open_voxel_events(path) as file:
            ecal = file.grids.get("ecal")
            if ecal is not None and ecal.shape != ECAL:
                raise LeveloneError(f"{path}: grid 'ecal' has shape {ecal.shape}, expected {ECAL}")
        facts = super().check_data(recipe, path)
        if facts["test events"] < 2:
            raise LeveloneError(
                f"{path}: the split 'test' has one event, and the simulation is compared in halves",
                hint="simulate more events",
            )
        cut, wanted = self.provenance(path).get("threshold_mip", 0.0), _model(recipe).threshold_mip
        if isinstance(cut, bool) or not isinstance(cut, int | float) or not np.isfinite(cut):
            raise LeveloneError(
                f"{path}: provenance says threshold_mip = {plain(repr(cut))}, which is no number"
            )
        if cut > wanted:
            raise LeveloneError(
                f"{path}: has no cells below {cut} signals of a minimum ionising particle, but the recipe "
                f"wants those down to model.threshold_mip = {wanted}",
                hint="a higher model.threshold_mip, or events of a lower generate.threshold_mip",
            )
        with open_voxel_events(path) as file:
            for split in SPLITS:
                for batch in file.batches(split, _AT_ONCE, grids=(), truth=("particle",)):
                    others = np.flatnonzero(batch.truth["particle"] > 1)
                    if len(others):
                        raise LeveloneError(
                            f"{path}: 'truth/particle', event {batch.events[others[0]]}: "
                            f"{batch.truth['particle'][others[0]]} is neither 0 (electron) nor 1 (photon)",
                            hint="levelone simulate showergan makes electrons and photons alone",
                        )
        return facts

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> Source:
        """The events of a split in memory: of each nothing but its window is kept. Truth has `shape`, too."""
        stored = super().source(recipe, path, split, limit)
        batches = list(stored.batches(_AT_ONCE))
        if not batches:
            raise LeveloneError(f"{path}: the split '{split}' is empty", hint="simulate more events")
        found = join_events(batches)
        truth = dict(found.truth)
        cells = energies(truth["shower"][:, 0], _model(recipe).threshold_mip)
        truth["shape"] = shape_numbers(truth["energy"], truth["particle"], cells)
        return MemorySource(found.inputs, truth)

    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        """What is asked for, and random numbers; truth: `shower`, `given`, `energy`, `particle`.

        The random numbers depend on the number of the event and on nothing else.
        """
        model = _model(recipe)
        sizes = (model.latent, model.noise * int(np.prod(GRID)))
        drawn = np.stack(
            [
                np.random.default_rng([_NOISE, number]).standard_normal(sum(sizes), np.float32)
                for number in batch.events
            ]
        )
        condition = asked(batch.truth["energy"], batch.truth["particle"])
        inputs = {
            "condition": condition,
            "latent": drawn[:, : sizes[0]],
            "noise": drawn[:, sizes[0] :].reshape(-1, model.noise, *GRID),
        }
        shower = compressed(window(batch.images["ecal"]), model.threshold_mip)[:, None]
        return Events(inputs, {"shower": shower, "given": condition, **batch.truth})

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """The true showers mirrored and turned, every one twice, with fresh random numbers.

        The first latent numbers are those of the true shower's shape; `given` has them, too.
        """
        truth = dict(events.truth)
        if _model(recipe).mirror:
            way = SquareSymmetry.draw(len(events), rng)
            truth |= {"shower": way.of(truth["shower"]), "shape": turned(truth["shape"], way)}
        truth["given"] = np.concatenate([truth["given"], truth["shape"]], axis=1)
        truth = {name: np.concatenate([column, column]) for name, column in truth.items()}
        latent, noise = (
            rng.standard_normal((2 * len(events), *events.inputs[name].shape[1:]), np.float32)
            for name in ("latent", "noise")
        )
        latent[:, : len(SHAPE)] = truth["shape"]
        condition = truth["given"][:, :2]
        return Events({"condition": condition, "latent": latent, "noise": noise}, truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.showergan.network import ShowerNetwork

        return ShowerNetwork(layers, _model(recipe))

    def critic(self, recipe: Recipe) -> Critic:
        from levelone.zoo.kit.critic import Critic
        from levelone.zoo.showergan.critic import ShowerCritic

        told = _model(recipe).critic
        return Critic(
            network=ShowerCritic(told.units, _model(recipe).threshold_mip),
            true="shower",
            given="given",
            loss=told.loss,
            penalty=told.penalty,
            steps=told.steps,
            learning_rate=told.learning_rate,
            match=told.match,
        )

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """The distance between profiles of true and generated showers of a batch: see `profile_distance`."""
        from levelone.zoo.showergan.profiles import profiles_above
        from levelone.zoo.showergan.score import profile_distance

        profiles = profiles_above(_model(recipe).threshold_mip)
        return profile_distance(profiles, outputs[0], truth["shower"], truth["given"])

    def loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """The score of two generated showers for every true one: see `pair_score`."""
        from levelone.zoo.showergan.profiles import profiles_above
        from levelone.zoo.showergan.score import pair_score

        profiles = profiles_above(_model(recipe).threshold_mip)
        return pair_score(profiles, outputs[0], truth["shower"], truth["given"])

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Cells that know nothing of each other, and simulated showers of another energy, scaled."""
        from levelone.zoo.showergan.baselines import fit_cells, fit_library

        return {
            "cells": fit_cells(train),
            "library": fit_library(train, _model(recipe).threshold_mip),
        }

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """The grain of the numbers: what a classifier must not tell simulation and network by."""
        return LeakControl(
            "of each of the 32 largest cells the two lowest bits of its number: boosted trees are to tell "
            "the quantised network's showers from simulated ones by nothing but those",
            "nothing: all showers are compared on one grid, on which those bits are as good as random",
            lambda events: {},
        )

    def meter(self, recipe: Recipe, train: Source) -> ShowerMeter:
        from levelone.zoo.showergan.results import ShowerMeter

        return ShowerMeter(recipe.seed, _model(recipe).threshold_mip)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.showergan.panels import panels

        return panels(metrics, kept)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.showergan.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.showergan.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.showergan.panels import HEADLINES

        return HEADLINES

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.showergan.panels import example_panels

        return example_panels(events, _model(recipe).threshold_mip)

    def published(self) -> dict[str, Any]:
        return {
            "source": "Figures of merit as in M. Paganini, L. de Oliveira and B. Nachman, CaloGAN, arXiv:"
            "1712.10321, of another calorimeter (3 layers, full simulation): no figure is compared"
        }


def _model(recipe: Recipe) -> ShowerGanModel:
    return ShowerGanModel.model_validate(recipe.model)

"""lartpc: which pixel is track, which is shower? Crops of 64 x 64 or 128 x 128 pixels of liquid argon.

Electrons and photons make showers, muons, pions and protons tracks; whoever looks for electron neutrinos has
to tell them apart. A U-Net answers for every pixel with charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe
from levelone.simulate.lartpc.section import LartpcGenerate
from levelone.zoo.kit.carried import CarriedSystem
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.images import ImageSystem, Padded
from levelone.zoo.kit.sections import Carried
from levelone.zoo.kit.unetshape import UNetShape
from levelone.zoo.lartpc.section import UNIT_ADU, LartpcModel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.images import ImageBatch
    from levelone.quant.layers import Layers
    from levelone.simulate.imagerun import Layout
    from levelone.zoo.lartpc.results import PixelMeter


class Lartpc(CarriedSystem, ImageSystem):
    """The system lartpc; see `levelone.zoo.kit.images.ImageSystem`."""

    name: ClassVar[str] = "lartpc"
    title: ClassVar[str] = "Liquid argon: which pixel is track, which is shower?"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.lartpc.generator",
        "simulate_lartpc",
        LartpcGenerate,
        packages=("numpy", "scipy", "h5py"),
    )
    images: ClassVar[tuple[str, ...]] = ("charge",)
    maps: ClassVar[tuple[str, ...]] = ("class", "particle")
    section: ClassVar[type[Carried]] = LartpcModel
    golden_events: ClassVar[int] = 8

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        return _shape(recipe).weighted

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        pixels = _model(recipe).pixels
        return {"charge": (1, pixels, pixels)}

    def layout(self, recipe: Recipe) -> Layout:
        from levelone.simulate.lartpc.generator import layout

        return layout(_model(recipe).pixels)

    def prepare(self, recipe: Recipe, batch: ImageBatch, lists: Padded) -> Events:
        """Charges in units; truth: `class`, `particle` (1, rows, columns), number of the `event`."""
        charge = batch.images["charge"].astype(np.float32) / UNIT_ADU
        return Events({"charge": charge}, {**batch.maps, "event": batch.events})

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the events are mirrored across the wires; along the drift there is no symmetry."""
        if not _model(recipe).symmetries:
            return events
        turn = rng.random(len(events)) < 0.5

        def mirrored(images: NDArray[Any]) -> NDArray[Any]:
            return np.where(turn[:, None, None, None], images[..., ::-1], images)

        truth = {name: mirrored(events.truth[name]) for name in self.maps}
        return Events({"charge": mirrored(events.inputs["charge"])}, truth)

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.kit.unet import UNet

        return UNet(layers, _shape(recipe))

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.lartpc.loss import masked_loss

        return masked_loss(outputs[0], truth["class"], shower_weight=_model(recipe).shower_weight)

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Thresholds on how straight and how dense it is around a pixel; trees on what is around it."""
        from levelone.zoo.lartpc.baselines import fit_surroundings, fit_thresholds

        return {
            "thresholds": fit_thresholds(train, recipe.seed),
            "boosting": fit_surroundings(train, recipe.seed),
        }

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Where the pixel is, which event it is of, and the last bits of its number."""
        from levelone.zoo.lartpc.baselines import fit_control

        return LeakControl(
            "row and column of the pixel, number of the event in the file, the two lowest bits of the pixel "
            "and of its four neighbours",
            "whether its neighbours have charge (bits of 0 are 0), which on the inside of a dense shower is "
            "more frequent; the share of the commoner class. Vertices lie anywhere, events know nothing of "
            "each other",
            fit_control(train, recipe.seed),
        )

    def meter(self, recipe: Recipe, train: Source) -> PixelMeter:
        from levelone.zoo.lartpc.results import PixelMeter

        return PixelMeter(recipe.seed)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.lartpc.panels import panels

        return panels(metrics, kept)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.lartpc.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.lartpc.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.lartpc.panels import HEADLINES

        return HEADLINES

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.lartpc.panels import example_panels

        return example_panels(events)

    def published(self) -> dict[str, Any]:
        return {
            "source": "incorrectly classified pixel fraction as in C. Adams et al. (MicroBooNE), Phys. Rev. "
            "D 99, 092001 (2019), arXiv:1808.07269, whose events come from the full simulation of another "
            "detector: no figure is compared"
        }


def _model(recipe: Recipe) -> LartpcModel:
    return LartpcModel.model_validate(recipe.model)


def _shape(recipe: Recipe) -> UNetShape:
    model = _model(recipe)
    return UNetShape("charge", "logit", False, model.pixels, model.channels, model.decoder)

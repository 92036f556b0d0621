"""bandgap: the band gap at every pixel of a surface, of which only the topograph is known.

A scanning tunnelling microscope takes a topograph in minutes; a spectrum at every pixel takes a night. Where
a sheet of a semiconductor lies on a rough substrate its shape stretches it, and the gap follows: a network
that knows the relation reads the second map from the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section
from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.zoo.bandgap.section import MIDDLE_EV, UNIT_EV, UNIT_PM, BandgapModel
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.imagefiles import check_map
from levelone.zoo.kit.images import ImageSystem, Padded
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.kit.unetshape import UNetShape

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.images import ImageBatch
    from levelone.quant.layers import Layers
    from levelone.simulate.imagerun import Layout
    from levelone.zoo.bandgap.results import GapMeter


_MOST_EV = 20.0
"""No solid has a larger gap; noise may make a small one negative."""


class Bandgap(ImageSystem):
    """The system bandgap; see `levelone.zoo.kit.images.ImageSystem`."""

    name: ClassVar[str] = "bandgap"
    title: ClassVar[str] = "Tunnelling microscope: the band gap at every pixel of a topograph"
    outputs: ClassVar[tuple[str, ...]] = ("gap",)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.bandgap.generator",
        "simulate_bandgap",
        BandgapGenerate,
        packages=("numpy", "h5py"),
    )
    images: ClassVar[tuple[str, ...]] = ("topography",)
    maps: ClassVar[tuple[str, ...]] = ("gap", "surface")
    section: ClassVar[type[Section]] = BandgapModel
    golden_events: ClassVar[int] = 8

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        model = _model(recipe)
        if model.architecture == "unet":
            return _shape(model).weighted
        from levelone.zoo.bandgap.network import weighted

        return weighted(model)

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        pixels = _model(recipe).pixels
        return {"topography": (1, pixels, pixels)}

    def layout(self, recipe: Recipe) -> Layout:
        from levelone.simulate.bandgap.generator import layout

        model = _model(recipe)
        return layout(model.pixels, model.pixel_nm)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a grip that the baselines would not be told, too."""
        from levelone.data.opening import open_image_events

        facts = super().check_data(recipe, path)
        with open_image_events(path) as file:
            grip = file.provenance.get("grip_nm", _grip_nm(recipe))
        if isinstance(grip, int | float) and grip != _grip_nm(recipe):
            raise LeveloneError(
                f"{path}: made with a grip of {grip:g} nm, but generate.grip_nm = {_grip_nm(recipe):g}, "
                "which kernel regression and trees are told",
                hint=f"--set generate.grip_nm={grip:g}",
            )
        return facts

    def prepare(self, recipe: Recipe, batch: ImageBatch, lists: Padded) -> Events:
        """Heights and the `wanted` answer in units; the file's `gap` and `surface`; number of the `event`.

        Raises
        ------
        LeveloneError
            If a gap is none of a solid.
        """
        gap = batch.maps["gap"]
        check_map("maps/gap", batch.events, gap, np.abs(gap) <= _MOST_EV, f"within {_MOST_EV:g} eV of zero")
        height = batch.images["topography"].astype(np.float32) / UNIT_PM
        wanted = (gap[:, :1] - MIDDLE_EV) / UNIT_EV
        return Events({"topography": height}, {"wanted": wanted, **batch.maps, "event": batch.events})

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the images are mirrored along rows, half along columns, in half both are exchanged."""
        if not _model(recipe).symmetries:
            return events
        symmetry = SquareSymmetry.draw(len(events), rng)
        image, wanted = (symmetry.of(each) for each in (events.inputs["topography"], events.truth["wanted"]))
        return Events({"topography": image}, {"wanted": wanted})

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        model = _model(recipe)
        if model.architecture == "unet":
            from levelone.zoo.kit.unet import UNet

            return UNet(layers, _shape(model))
        from levelone.zoo.bandgap.network import DenseBlockNetwork

        return DenseBlockNetwork(layers, model)

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.bandgap.loss import squared_error

        return squared_error(outputs[0], truth["wanted"])

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """A linear filter; kernel regression and boosted trees on what a person computes around a pixel."""
        from levelone.zoo.bandgap.baselines import fit_filter, fit_kernel, fit_trees

        lengths = _model(recipe).pixel_nm, _grip_nm(recipe)
        return {
            "filter": fit_filter(train, recipe.seed),
            "kernel": fit_kernel(train, *lengths, recipe.seed),
            "boosting": fit_trees(train, *lengths, recipe.seed),
        }

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Where the pixel is, which image it is of, and the last bits of its height."""
        from levelone.zoo.bandgap.baselines import fit_control

        return LeakControl(
            "row and column of the pixel, number of the image in the file, the two lowest bits of its height "
            "and of those of its four neighbours",
            "the mean gap. Roughness, islands and defects lie anywhere, images know nothing of each other, "
            "and the noise of a height is larger than those bits: nothing of how gaps differ",
            fit_control(train, recipe.seed),
        )

    def meter(self, recipe: Recipe, train: Source) -> GapMeter:
        from levelone.zoo.bandgap.results import GapMeter

        return GapMeter(_model(recipe).pixel_nm, recipe.seed)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.bandgap.panels import panels

        return panels(metrics, kept)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.bandgap.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.bandgap.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.bandgap.panels import HEADLINES

        return HEADLINES

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.bandgap.panels import example_panels

        return example_panels(events, _model(recipe).pixel_nm)

    def published(self) -> dict[str, Any]:
        return {
            "source": "gaps of one and two layers: Y. L. Huang et al., Nat. Commun. 6, 6298 (2015); rate "
            "with strain: D. Lloyd et al., Nano Lett. 16, 5836 (2016). No published network has this task on "
            "these maps: no figure is compared"
        }


def _model(recipe: Recipe) -> BandgapModel:
    return BandgapModel.model_validate(recipe.model)


def _grip_nm(recipe: Recipe) -> float:
    """The grip of the generator that the recipe describes."""
    return BandgapGenerate.model_validate(recipe.generate).grip_nm


def _shape(model: BandgapModel) -> UNetShape:
    return UNetShape("topography", "gap", True, model.pixels, model.channels, model.decoder)

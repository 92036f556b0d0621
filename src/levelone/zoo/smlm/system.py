"""smlm: where are the molecules? Frames of 32 x 32 or 64 x 64 pixels of a microscope.

Single-molecule localisation microscopy takes thousands of frames in which few molecules shine at a time,
and makes one sharp picture of all their places. A network that reads the frames as the camera gives them
finds molecules that overlap, too, and answers for every pixel: is a molecule in it, and where.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe
from levelone.simulate.smlm.camera import OFFSET
from levelone.simulate.smlm.section import SmlmGenerate
from levelone.zoo.kit.carried import CarriedSystem
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.imagefiles import check_map
from levelone.zoo.kit.images import ImageSystem, Padded
from levelone.zoo.kit.sections import Carried
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.smlm.section import UNIT_ADU, SmlmModel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.images import ImageBatch
    from levelone.quant.layers import Layers
    from levelone.simulate.imagerun import Layout
    from levelone.zoo.smlm.results import FrameMeter


_INSIDE = 0.501
"""Pixels from the middle; rounding may put a molecule on the border a little beyond it."""


class Smlm(CarriedSystem, ImageSystem):
    """The system smlm; see `levelone.zoo.kit.images.ImageSystem`."""

    name: ClassVar[str] = "smlm"
    title: ClassVar[str] = "Single-molecule microscopy: where are the molecules?"
    outputs: ClassVar[tuple[str, ...]] = ("logit", "shift")
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.smlm.generator",
        "simulate_smlm",
        SmlmGenerate,
        packages=("numpy", "scipy", "h5py"),
    )
    images: ClassVar[tuple[str, ...]] = ("frame",)
    maps: ClassVar[tuple[str, ...]] = ("molecules",)
    lists: ClassVar[Mapping[str, tuple[str, ...]]] = {"molecules": ("x", "y", "photons", "bound")}
    columns: ClassVar[tuple[str, ...]] = ("density",)
    section: ClassVar[type[Carried]] = SmlmModel
    golden_events: ClassVar[int] = 8

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        from levelone.zoo.smlm.network import HIDDEN

        return (*HIDDEN, "sum", "logit", "shift")

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        pixels = _model(recipe).pixels
        return {"frame": (1, pixels, pixels)}

    def layout(self, recipe: Recipe) -> Layout:
        from levelone.simulate.smlm.generator import layout

        model = _model(recipe)
        return layout(model.pixels, model.pixel_nm, SmlmGenerate.model_validate(recipe.generate).bits)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse molecules outside the frame, too."""
        from levelone.data.opening import open_image_events

        facts = super().check_data(recipe, path)
        model = _model(recipe)
        with open_image_events(path) as file:
            found = file.listed("molecules").columns
        side = model.pixels * model.pixel_nm
        for name, low, high in (("x", 0, side), ("y", 0, side), ("photons", 0, np.inf), ("bound", 0, np.inf)):
            wrong = np.flatnonzero((found[name] < low) | (found[name] > high))
            if len(wrong):
                raise LeveloneError(
                    f"{path}: 'lists/molecules/{name}' holds {found[name][wrong[0]]:g} at {wrong[0]}, "
                    f"expected {low:g} to {high:g}"
                )
        return facts

    def prepare(self, recipe: Recipe, batch: ImageBatch, lists: Padded) -> Events:
        """Frames above the camera's offset; truth: `map`, `molecules` (nm, NaN behind them), `density`.

        Raises
        ------
        LeveloneError
            If a pixel holds neither a molecule nor none, or one outside itself.
        """
        present, *shifts = batch.maps["molecules"][:, :3].swapaxes(0, 1)
        check_map("maps/molecules", batch.events, present, (present == 0) | (present == 1), "0 or 1")
        for shift in shifts:
            check_map(
                "maps/molecules", batch.events, shift, np.abs(shift) <= _INSIDE, "a shift inside the pixel"
            )
        light = np.maximum(batch.images["frame"].astype(np.float32) - np.float32(OFFSET), 0) / UNIT_ADU
        truth = {"map": batch.maps["molecules"], "molecules": lists["molecules"], "event": batch.events}
        return Events({"frame": light}, truth | batch.truth)

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the frames are mirrored in x, half in y, in half rows and columns are exchanged."""
        if not _model(recipe).symmetries:
            return events
        in_x, in_y, exchanged = rng.random((3, len(events))) < 0.5
        symmetry = SquareSymmetry(in_y, in_x, exchanged)  # rows run along y
        truth = symmetry.of(events.truth["map"])
        truth[in_x, 1] *= -1
        truth[in_y, 2] *= -1
        truth[exchanged, 1:3] = truth[exchanged, 2:0:-1]
        return Events({"frame": symmetry.of(events.inputs["frame"])}, {"map": truth})

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.smlm.network import SmlmNetwork

        return SmlmNetwork(layers, _model(recipe))

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.smlm.loss import pixel_loss

        model, (logit, shift) = _model(recipe), outputs
        return pixel_loss(
            logit,
            shift,
            truth["map"],
            present_weight=model.present_weight,
            shift_weight=model.shift_weight,
        )

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """A Gaussian fitted to every maximum, the classical way; boosted trees on each pixel's neighbours."""
        from levelone.zoo.smlm.baselines import fit_trees
        from levelone.zoo.smlm.fitting import fitted_spots

        model = _model(recipe)
        return {"fit": fitted_spots(train, model), "boosting": fit_trees(train, recipe.seed)}

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Where the pixel is, which frame it is of, and the last bits of its number."""
        from levelone.zoo.smlm.baselines import fit_control

        return LeakControl(
            "row and column of the pixel, number of the frame in the file, the two lowest bits of the pixel "
            "and of its four neighbours",
            "nothing: molecules lie anywhere, frames know nothing of each other, and noise is far larger "
            "than those bits. A chance that is the same for every pixel finds no molecule, and has an AUC of "
            "0.5 (how well pixels with a molecule are told from others)",
            fit_control(train, recipe.seed),
        )

    def meter(self, recipe: Recipe, train: Source) -> FrameMeter:
        from levelone.zoo.smlm.results import FrameMeter

        return FrameMeter(_model(recipe), recipe.seed)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.smlm.panels import panels

        return panels(metrics, kept)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.smlm.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.smlm.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.smlm.panels import HEADLINES

        return HEADLINES

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.smlm.panels import example_panels

        return example_panels(events, _model(recipe).pixel_nm)

    def published(self) -> dict[str, Any]:
        return {
            "source": "Jaccard index, lateral error and tolerance (250 nm) as in the public challenge (D. "
            "Sage et al., Nature Methods 16, 387 (2019)); its data sets are others: no figure is compared"
        }


def _model(recipe: Recipe) -> SmlmModel:
    return SmlmModel.model_validate(recipe.model)

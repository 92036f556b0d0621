"""wjet: is a jet that of a W boson, or of a quark or gluon? 25 x 25 pixels of a trimmed jet.

The jets have the mass of a W and transverse momenta of 250 to 300 GeV, spread evenly in both classes, so that
neither tells much: how the energy is shared inside decides (jet images, arXiv:1511.05190).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from numpy.typing import NDArray

from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section
from levelone.simulate.wjet.section import WJetGenerate
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import Events, MemorySource, Predictor, Source, Split
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.meter import split_kept
from levelone.zoo.kit.system import Reach, System
from levelone.zoo.wjet.section import SHAPE, WJetModel, check_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.quant.layers import Layers
    from levelone.zoo.wjet.results import JetMeter


class WJet(System):
    """The system wjet; see `levelone.zoo.kit.system.System`."""

    name: ClassVar[str] = "wjet"
    title: ClassVar[str] = "Jet images: a W boson, or a quark or gluon?"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    section: ClassVar[type[Section]] = WJetModel
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.wjet.generator",
        "simulate_wjet",
        WJetGenerate,
        packages=("pythia8mc", "fastjet", "numpy"),
    )

    def sample_file(self) -> Path:
        from importlib.resources import files

        return Path(str(files("levelone.data") / "sample" / "wjet.h5"))

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return {"jet": SHAPE}

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> MemorySource:
        from levelone.zoo.wjet.source import read_jets

        return read_jets(path, split, limit, _model(recipe).pixels)

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_image_events

        with open_image_events(path) as file:
            return dict(file.provenance)

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        return _model(recipe).layer_names()

    def check_model(self, recipe: Recipe, section: Section) -> None:
        check_sizes(cast(WJetModel, section))

    def reach(self, recipe: Recipe) -> Reach:
        return "firmware" if _model(recipe).variant == "compact" else "quantised"

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.wjet.network import WJetNetwork

        return WJetNetwork(layers, _model(recipe))

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.kit.loss import cross_entropy

        return cross_entropy(outputs[0][:, 0], truth["label"])

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Boosted trees on mass, tau21 and distance of the subjets, each alone and together, and on all."""
        from levelone.zoo.wjet.baselines import fit_all

        return fit_all(train, recipe.seed)

    def teacher(self, recipe: Recipe) -> Teacher:
        """Trees on all `FEATURES`."""
        from levelone.zoo.wjet.baselines import BASELINES, view

        return Teacher(view(BASELINES["boosting"]), "label")

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Towers without their places."""
        from levelone.zoo.wjet.baselines import fit_control

        return fit_control(train, recipe.seed)

    def meter(self, recipe: Recipe, train: Source) -> JetMeter:
        from levelone.zoo.wjet.results import JetMeter

        return JetMeter(recipe.seed)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.wjet.panels import panels

        return panels(metrics, *split_kept(kept))

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.wjet.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.wjet.panels import cards

        return cards(metrics)

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.wjet.panels import example_panels

        unit = "square root of GeV" if _model(recipe).pixels == "root" else "16 GeV"
        return example_panels(events.inputs["jet"][:, 0], events.truth["label"], unit)

    def published(self) -> dict[str, Any]:
        return {
            "source": "jet images, L. de Oliveira et al., JHEP 07 (2016) 069, arXiv:1511.05190; its "
            "curves could not be read, so that no figure of it is quoted"
        }


def _model(recipe: Recipe) -> WJetModel:
    return WJetModel.model_validate(recipe.model)

"""PixelSeed: decides whether two pixel hits on neighbouring layers come from the same particle.

An event is a doublet. They fit into memory; training takes them balanced within each pair of layers, so that
the network learns nothing from the pair alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Moved, Recipe, Section, misfit
from levelone.simulate.pixelseed.section import PixelSeedGenerate
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import SPLITS, Events, MemorySource, Predictor, Source, Split
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.system import System
from levelone.zoo.pixelseed.features import FEATURES
from levelone.zoo.pixelseed.section import PixelSeedModel, check_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.doublets import Mixture
    from levelone.quant.layers import Layers
    from levelone.zoo.pixelseed.results import DoubletMeter


class PixelSeed(System):
    """The system pixelseed; see `levelone.zoo.kit.system.System`."""

    name: ClassVar[str] = "pixelseed"
    title: ClassVar[str] = "Pixel doublets: do both hits come from the same particle?"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    section: ClassVar[type[Section]] = PixelSeedModel
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.pixelseed.generator",
        "simulate_pixelseed",
        PixelSeedGenerate,
        packages=("pyacts", "pythia8mc", "numpy"),
    )
    golden_events: ClassVar[int] = 256
    moved: ClassVar[Moved] = {"data.mixture": "model.mixture"}

    def sample_file(self) -> Path:
        from levelone.data.doublets import sample_path

        return sample_path()

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        model = _model(recipe)
        pair = {"pair": (model.layer_pairs,)} if model.layer_pairs else {}
        return {"images": model.image_shape, "features": (len(FEATURES),), **pair}

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> MemorySource:
        """A random part of the doublets of a split: of the test split as they are found.

        Training and validation take the mixture that the recipe asks for.
        """
        mixture = "natural" if split == "test" else _model(recipe).mixture
        return _read(recipe, path, split, mixture, limit)

    def golden(self, recipe: Recipe, path: Path, events: int) -> Events:
        """Test doublets balanced within each pair of layers."""
        source = _read(recipe, path, "test", "balanced", events)
        return next(source.batches(len(source)))

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_doublets

        with open_doublets(path) as file:
            return dict(file.provenance)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training if a split lacks a class."""
        from levelone.zoo.pixelseed.source import read_doublets

        counts = {}
        pairs = _model(recipe).layer_pairs
        for split in SPLITS:
            target = read_doublets(path, split, "natural", 2000, pairs=pairs).truth["target"]
            fraction = float(target.mean())
            if fraction in (0.0, 1.0):
                present = "true" if fraction else "fake"
                raise LeveloneError(
                    f"{path}: the {split} doublets looked at are all {present}; both classes are needed",
                    hint="simulate more events",
                )
            counts[f"{split} true fraction"] = round(fraction, 3)
        return counts

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        return _model(recipe).layer_names()

    def check_model(self, recipe: Recipe, section: Section) -> None:
        check_sizes(cast(PixelSeedModel, section))
        if recipe.quant.inputs.get("pair") == 1:
            raise misfit(
                "quant.inputs.pair",
                " = 1: Brevitas exports a quantiser of one bit as one of -1 and 1",
                hint="2 bits hold 0 and 1",
            )

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.pixelseed.network import PixelSeedNetwork

        return PixelSeedNetwork(layers, _model(recipe), features=len(FEATURES))

    def take_constants(self, recipe: Recipe, path: Path, twin: nn.Module) -> None:
        """The log odds of true doublets in each pair of layers become the network's prior."""
        if not _model(recipe).layer_pairs:
            return
        import torch

        from levelone.zoo.pixelseed.network import PixelSeedNetwork, set_prior
        from levelone.zoo.pixelseed.source import training_log_odds

        set_prior(cast(PixelSeedNetwork, twin), torch.from_numpy(training_log_odds(path)).float())

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """Of the score in the mixture that the network is trained on.

        Balanced doublets have no prior, so that of the natural mixture is taken off the output again.
        """
        from levelone.zoo.kit.loss import cross_entropy

        model = _model(recipe)
        score = outputs[0][:, 0]
        if model.layer_pairs and model.mixture == "balanced":
            score = score - truth["abundance"]
        return cross_entropy(score, truth["target"])

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        from levelone.zoo.pixelseed.baselines import fit_all

        return fit_all(train, recipe.seed)

    def teacher(self, recipe: Recipe) -> Teacher:
        """As many trees as the baseline with the sub-pixel lengths has, on all that it knows."""
        from levelone.zoo.pixelseed.baselines import ROUNDS

        return Teacher(lambda events: events.truth["summary"], "target", ROUNDS)

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """The number of the event, and the pair of layers."""
        from levelone.zoo.kit.boosting import fit_two
        from levelone.zoo.pixelseed.baselines import number_and_pair

        return LeakControl(
            "the number of the event in the file, and how frequent true doublets are in the pair of layers",
            "in the natural mixture that some pairs of layers hold more true doublets than others; balanced "
            "within the pairs, nothing: an AUC of 0.5",
            fit_two(train, number_and_pair, "target", "logit", recipe.seed),
        )

    def meter(self, recipe: Recipe, train: Source) -> DoubletMeter:
        from levelone.zoo.pixelseed.results import DoubletMeter

        model = _model(recipe)
        return DoubletMeter(train, model.mixture, recipe.seed, prior=model.layer_pairs > 0)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        from levelone.zoo.pixelseed.panels import panels

        return panels(metrics, kept)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        from levelone.zoo.pixelseed.panels import tables

        return tables(metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        from levelone.zoo.pixelseed.panels import cards

        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        from levelone.zoo.pixelseed.panels import headline

        return (headline(self.published()["efficiency"]),)

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        from levelone.zoo.pixelseed.panels import example_panels

        return example_panels(events.inputs["images"], events.truth["target"])

    def published(self) -> dict[str, Any]:
        return {
            "source": "PixelSeed reference on CMS simulation, another data set than any used here",
            "efficiency": {"50": 0.99900, "75": 0.99052, "90": 0.92221, "99": 0.33867},
        }


def _model(recipe: Recipe) -> PixelSeedModel:
    return PixelSeedModel.model_validate(recipe.model)


def _read(recipe: Recipe, path: Path, split: Split, mixture: Mixture, limit: int | None) -> MemorySource:
    """Doublets of a file as the network of this recipe takes them."""
    from levelone.zoo.pixelseed.source import read_doublets

    model = _model(recipe)
    return read_doublets(path, split, mixture, limit, recipe.seed, rows=model.rows, pairs=model.layer_pairs)

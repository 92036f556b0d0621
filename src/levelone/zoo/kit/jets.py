"""Systems that tell two classes of jets apart by their image, with a small CNN: one input, one logit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from levelone.data.opening import Reader
from levelone.panels import Card, Rows
from levelone.recipe import Recipe, Section
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.pooled import PooledModel, check_sizes
from levelone.zoo.kit.system import Reach, System
from levelone.zoo.kit.taggingpanels import Wording, cards, headlines, tables

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.quant.layers import Layers

INPUT = "jet"
"""Name of the network's input."""


class JetSystem(System):
    """See the module's text; `section` is a `PooledModel`, truth has a column `label`, 1 for signal.

    Attributes
    ----------
    wording
        What classes and models are called.
    readers
        Of files that this system alone reads.
    """

    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    wording: ClassVar[Wording]
    readers: ClassVar[tuple[Reader, ...]] = ()

    @abstractmethod
    def shape(self, section: PooledModel) -> tuple[int, int, int]:
        """Channels, rows and columns of what enters the network."""

    def _pooled(self, recipe: Recipe) -> PooledModel:
        return cast(PooledModel, self.section.model_validate(recipe.model))

    def sample_file(self) -> Path:
        from importlib.resources import files

        return Path(str(files("levelone.data") / "sample" / f"{self.name}.h5"))

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return {INPUT: self.shape(self._pooled(recipe))}

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_image_events

        with open_image_events(path, self.readers) as file:
            return dict(file.provenance)

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        return self._pooled(recipe).layer_names()

    def check_model(self, recipe: Recipe, section: Section) -> None:
        model = cast(PooledModel, section)
        check_sizes(model, self.shape(model)[1:])

    def reach(self, recipe: Recipe) -> Reach:
        return "firmware" if self._pooled(recipe).variant == "compact" else "quantised"

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from levelone.zoo.kit.poolednet import PooledNetwork

        model = self._pooled(recipe)
        return PooledNetwork(layers, INPUT, self.shape(model), model)

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from levelone.zoo.kit.loss import cross_entropy

        return cross_entropy(outputs[0][:, 0], truth["label"])

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        return tables(self.wording, metrics)

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        return cards(metrics)

    def headlines(self) -> tuple[Headline, ...]:
        """Area and rejection; what is published of the latter is ``rejection_at_50_percent``."""
        low_high = self.published().get("rejection_at_50_percent", ())
        return headlines(self.wording, " to ".join(f"{value:g}" for value in low_high))

"""One pulse in a waveform, or two?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from levelone.data.opening import open_events
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Recipe, Section
from levelone.zoo.kit.events import MemorySource, Source, Split
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.meter import PerEvent, Predictions, Truth
from levelone.zoo.kit.system import System
from pulses.file import READER, PulseFile
from pulses.simulate import PulsesGenerate

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.quant.layers import Layers


class PulsesModel(Section):
    """The section `[model]`."""

    channels: int = Field(4, gt=0, le=16, description="of the convolution")


class Pulses(System):
    """The system pulses; see `levelone.zoo.kit.system.System`."""

    name: ClassVar[str] = "pulses"
    title: ClassVar[str] = "Waveforms: one pulse or two?"
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
    section: ClassVar[type[Section]] = PulsesModel
    generator: ClassVar[Generator] = Generator("pulses.simulate", "simulate_pulses", PulsesGenerate)

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return {"waveform": (1, 16)}

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> MemorySource:
        with self._open(path) as file:
            waveform, pulses = file.read(split, limit)
        return MemorySource({"waveform": waveform[:, None]}, {"two": (pulses == 2).astype(np.uint8)})

    def provenance(self, path: Path) -> dict[str, Any]:
        with self._open(path) as file:
            return file.provenance

    def _open(self, path: Path) -> PulseFile:
        file: Any = open_events(path, "pulses", own=(READER,))
        return file

    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        return ("conv", "logit")

    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        from pulses.network import PulsesNetwork

        return PulsesNetwork(layers, PulsesModel.model_validate(recipe.model).channels)

    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits

        logit = outputs[0][:, 0]
        return binary_cross_entropy_with_logits(logit, truth["two"].to(logit.dtype), reduction="none")

    def meter(self, recipe: Recipe, train: Source) -> PerEvent:
        return PerEvent(figures)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        rows = tuple((name, f"{found['right']['value']:.3f}") for name, found in metrics["models"].items())
        return [Rows("Right answers", "share of the test events", ("model", "right"), rows, (1,))]

    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        return [Card(f"{metrics['models']['quantised']['right']['value']:.3f}", "right answers")]


def figures(predictions: Predictions, truth: Truth) -> dict[str, Any]:
    """Share of right answers of every model, with its binomial error."""
    models = {}
    for name, outputs in predictions.items():
        right = float(np.mean((outputs["logit"][:, 0] > 0) == truth["two"]))
        error = (right * (1 - right) / len(truth["two"])) ** 0.5
        models[name] = {"right": {"value": right, "error": error}}
    return {"models": models}

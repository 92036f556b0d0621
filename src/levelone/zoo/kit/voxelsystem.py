"""What systems of voxel events share: subclass `VoxelSystem` and say only what is special.

A subclass gives grids, columns, inputs, network, loss, and how results are measured and shown. Opening files,
streaming, building both networks and loading modules are done here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, nearest
from levelone.panels import Card, Panel
from levelone.recipe import Recipe, Section, parse_section
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.system import Events, Mixture, Reach, Source, Split
from levelone.zoo.kit.voxelsource import VoxelSource

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.data.voxels import VoxelBatch
    from levelone.quant.layers import Layers

Outputs = Mapping[str, NDArray[np.float32]]
"""Network output name -> float32 [n, k]."""
Predictor = Callable[[Events], Outputs]
"""What a baseline is: answers for a batch of events."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class VoxelSystem(ABC):
    """A system whose events lie in a `levelone-voxels` file.

    Attributes
    ----------
    grids, columns
        What is read for every event: grids become images, columns truth.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_recipe: ClassVar[Path]
    outputs: ClassVar[tuple[str, ...]]
    generator: ClassVar[Generator]
    grids: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[str, ...]]
    section: ClassVar[type[Section]]
    golden_events: ClassVar[int] = 64

    # What a subclass must say -----------------------------------------------------------------------------

    @abstractmethod
    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        """Names of the layers that have weights: the keys allowed in ``[quant.layers]``."""

    @abstractmethod
    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        """Network input name -> shape without the batch axis, channels first, in argument order."""

    @abstractmethod
    def prepare(self, recipe: Recipe, batch: VoxelBatch) -> Events:
        """Network inputs and truth of a batch: fixed scaling only, nothing fitted to data."""

    @abstractmethod
    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        """The network over either vocabulary of layers; one argument per input, one result per output."""

    @abstractmethod
    def loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """Loss of every event, [n], weights included; `truth` holds the columns of `prepare` as tensors.

        Training minimises its mean over a batch.
        """

    @abstractmethod
    def measure(
        self, recipe: Recipe, predictions: Mapping[str, Outputs], truth: Mapping[str, NDArray[Any]]
    ) -> dict[str, Any]:
        """Figures of every model on the same test events, JSON: at least ``models`` (name -> figures).

        `predictions` is model name -> outputs; models are "float", "quantised" and those of `rivals` and
        `fit_baselines`. Numbers are ``{"value": x, "error": x}``.
        """

    @abstractmethod
    def panels(
        self,
        metrics: Mapping[str, Any],
        predictions: Mapping[str, Outputs],
        truth: Mapping[str, NDArray[Any]],
    ) -> list[Panel]:
        """What the report shows of the results."""

    @abstractmethod
    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        """The few numbers that a reader wants first."""

    # What a subclass may say ------------------------------------------------------------------------------

    def check_model(self, recipe: Recipe, section: Section) -> None:
        """Refuse sizes that do not fit together (`LeveloneError` names the key)."""
        return

    def reach(self, recipe: Recipe) -> Reach:
        """How far the network of this recipe is carried."""
        return "firmware"

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """A training batch after a random symmetry of the detector, where a recipe asks for one.

        `rng` is seeded with the place of the batch in the training, so that a continued training is the same.
        """
        return events

    def monitor(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """What early stopping watches: the mean over validation events of this quantity, [n]; less is better.

        The loss, unless a subclass says otherwise.
        """
        return self.loss(recipe, outputs, truth)

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """Other networks to compare with, by model name: recipes of this system, trained in float."""
        return {}

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Classical methods by model name, fitted on the stream of training events."""
        return {}

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        """What the report shows of a few test events."""
        return []

    def published(self) -> dict[str, Any]:
        """Published results to compare with: source, conditions, figures. Not measured here."""
        return {}

    # What is the same for all -----------------------------------------------------------------------------

    def sample_file(self) -> Path | None:
        return None

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.voxels import open_voxels

        with open_voxels(path) as file:
            return dict(file.provenance)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training: missing grids or columns, another shape, an empty split."""
        from levelone.data.voxels import open_voxels

        with open_voxels(path) as file:
            for kind, wanted, found in (
                ("grid", self.grids, tuple(file.grids)),
                ("truth column", self.columns, tuple(file.columns)),
            ):
                missing = [name for name in wanted if name not in found]
                if missing:
                    raise LeveloneError(
                        f"{path} has no {kind} {missing[0]!r}, which system {self.name} reads",
                        hint=f"it has {', '.join(found)}; make one with: levelone simulate {self.name}",
                    )
            sizes = file.splits
        for split in SPLITS:
            if not sizes[split]:
                raise LeveloneError(f"{path}: the split {split!r} is empty", hint="simulate more events")
            first = self.load(recipe, path, split, mixture="natural", limit=8)
            for name, shape in self.input_shapes(recipe).items():
                if first.inputs[name].shape[1:] != shape:
                    raise LeveloneError(
                        f"{path}: input {name!r} has shape {first.inputs[name].shape[1:]}, expected {shape}"
                    )
        return {f"{split} events": sizes[split] for split in SPLITS}

    def model_section(self, recipe: Recipe) -> Section:
        """The validated model section.

        Raises
        ------
        LeveloneError
            If a key is unknown or wrong, a layer or input named in ``[quant]`` or ``[hls]`` does not exist,
            an input port has no width, or the sizes do not fit together.
        """
        section = parse_section(self.section, recipe.model, "recipe", at=("model",))
        self.check_model(recipe, section)
        _check_names("quant.layers", "layer", recipe.quant.layers, self.layer_names(recipe))
        _check_names("hls.layers", "layer", recipe.hls.layers, self.layer_names(recipe))
        ports = tuple(self.input_shapes(recipe))
        _check_names("quant.inputs", "input", recipe.quant.inputs, ports)
        for port in ports:
            if port not in recipe.quant.inputs:
                raise LeveloneError(
                    f"recipe: quant.inputs.{port} is missing",
                    hint=f"add its bit width, for example {port} = 8",
                )
        return section

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> VoxelSource:
        """The first `limit` events of a split, streamed from disk."""
        return VoxelSource(
            path, split, limit, self.grids, self.columns, lambda batch: self.prepare(recipe, batch)
        )

    def load(
        self,
        recipe: Recipe,
        path: Path,
        split: Split,
        *,
        mixture: Mixture,
        limit: int | None = None,
        seed: int = 0,
    ) -> Events:
        """The first `limit` events of a split, in memory; events are independent, so the first will do."""
        batches = list(self.source(recipe, path, split, limit).batches(256))
        if not batches:
            raise LeveloneError(f"{path}: the split {split!r} is empty", hint="simulate more events")
        return join_events(batches)

    def build_float(self, recipe: Recipe) -> nn.Module:
        from levelone.quant.layers import FloatLayers

        return self.build(recipe, FloatLayers())

    def build_quantised(self, recipe: Recipe) -> nn.Module:
        from levelone.quant.layers import QuantLayers

        return self.build(recipe, QuantLayers(recipe.quant))

    def load_module(self, recipe: Recipe, path: Path) -> nn.Module:
        from levelone.quant.state import load_state

        module = self.build_quantised(recipe)
        load_state(module, path)
        return module.eval()


def join_events(parts: Sequence[Events]) -> Events:
    """Several batches as one."""
    inputs = {name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    truth = {name: np.concatenate([part.truth[name] for part in parts]) for name in parts[0].truth}
    return Events(inputs, truth)


def _check_names(where: str, what: str, given: Mapping[str, Any], valid: Sequence[str]) -> None:
    for name in given:
        if name not in valid:
            raise LeveloneError(
                f"recipe: {where}.{name}: the network has no {what} of that name",
                hint=nearest(name, list(valid)),
            )

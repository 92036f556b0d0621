"""What a system is: the one interface between a detector task and everything that runs it.

A system knows its data, its network inputs, its network, its loss, its rivals, and how its results are
measured and shown. It does not know how it is trained, exported or turned into hardware; training, pipeline
and report know it by this interface alone.

Subclass `levelone.zoo.kit.voxels.VoxelSystem` for events in a `levelone-voxels` file,
`levelone.zoo.kit.images.ImageSystem` for those in a `levelone-images` file, `levelone.zoo.kit.jets.JetSystem`
to tell two classes of jets apart, `System` for others.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, nearest
from levelone.panels import Card, Panel, Rows
from levelone.recipe import Moved, Recipe, Section, load_recipe, misfit, parse_section
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.critic import Critic
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import SPLITS, Events, Predictor, Source, Split, join_events
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.meter import Meter

if TYPE_CHECKING:
    from torch import Tensor, nn

    from levelone.quant.layers import Layers

Reach = Literal["float", "quantised", "firmware"]
"""How far a recipe's network is carried: trained in float only, quantised too, or up to the C simulation."""
_BATCH = 256  # events at a time, where some are put into memory


class System(ABC):
    """One detector task.

    Attributes
    ----------
    name
        Short name, as in ``levelone run NAME`` and ``recipe.system``.
    title
        One line for people.
    outputs
        Names of the network's outputs, in order; its last layers are called the same.
    section
        The ``[model]`` section of its recipes.
    generator
        How event files are made.
    golden_events
        How many test events become golden vectors.
    moved
        Keys that recipes of earlier versions have: see `levelone.recipe.reading.Moved`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]
    section: ClassVar[type[Section]]
    generator: ClassVar[Generator]
    golden_events: ClassVar[int] = 64
    moved: ClassVar[Moved] = {"data.mixture": None}

    # What a system must say: data -------------------------------------------------------------------------

    @abstractmethod
    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        """Network input name -> shape without the batch axis, channels first, in argument order."""

    @abstractmethod
    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> Source:
        """The events of a split, `limit` at most, as the recipe wants them (``data`` section, seed).

        What is special about the events that a network learns from, such as the shares of classes, is said
        here. Fixed scaling only: nothing is fitted to the data.

        Raises
        ------
        LeveloneError
            If the file cannot be read.
        """

    @abstractmethod
    def provenance(self, path: Path) -> dict[str, Any]:
        """Where the events of a file come from; `LeveloneError` if it cannot be read."""

    # What a system must say: network ----------------------------------------------------------------------

    @abstractmethod
    def layer_names(self, recipe: Recipe) -> tuple[str, ...]:
        """Names of the layers that have weights: the keys allowed in ``[quant.layers]``."""

    @abstractmethod
    def build(self, recipe: Recipe, layers: Layers) -> nn.Module:
        """The network over either vocabulary of layers; one argument per input, one result per output.

        Its initial weights come from torch's random state as it is.
        """

    @abstractmethod
    def event_loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """Loss of every event, [n], weights included.

        Where truth and outputs have many numbers per event, they are reduced to one here.

        Parameters
        ----------
        outputs
            Results of the network, in order, [n, ...] each.
        truth
            The columns of `Events.truth`: float32 where they were floating-point, else int64.
        """

    # What a system must say: results ----------------------------------------------------------------------

    @abstractmethod
    def meter(self, recipe: Recipe, train: Source) -> Meter:
        """An empty meter for all models on the test events; `train` are the events they were trained on."""

    @abstractmethod
    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        """What the report shows of the results: of ``metrics.json``, and of what the meter kept."""

    @abstractmethod
    def cards(self, metrics: Mapping[str, Any]) -> list[Card]:
        """The few numbers that a reader wants first."""

    # What a system may say --------------------------------------------------------------------------------

    @property
    def default_recipe(self) -> Path:
        """The TOML file that ``levelone run NAME`` uses: ``recipes/default.toml`` beside the system."""
        source = sys.modules[type(self).__module__].__file__
        return Path(str(source)).parent / "recipes" / "default.toml"

    def sample_file(self) -> Path | None:
        """The data file that ships with the system (``recipe.data.file == "sample"``).

        None if there is none: then a run makes its own events.
        """
        return None

    def check_model(self, recipe: Recipe, section: Section) -> None:
        """Refuse sizes that do not fit together: raise `levelone.recipe.misfit`, which names the key."""
        return

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training: an empty split, inputs of another shape; a few facts.

        Raises
        ------
        LeveloneError
            If the file cannot be trained on.
        """
        for split in SPLITS:
            first = self.load(recipe, path, split, 8)
            if split == "train" and len(first) < 2:
                raise LeveloneError(
                    f"{path}: the split 'train' has one event, and normalisation takes two",
                    hint="simulate more events",
                )
            for name, shape in self.input_shapes(recipe).items():
                if first.inputs[name].shape[1:] != shape:
                    raise LeveloneError(
                        f"{path}: input {name!r} has shape {first.inputs[name].shape[1:]}, expected {shape}"
                    )
        return {}

    def take_constants(self, recipe: Recipe, path: Path, twin: nn.Module) -> None:
        """Give a fresh float network what it takes from the training events without learning it.

        For example how frequent its classes are. Nothing, unless a system says otherwise.
        """
        return

    def reach(self, recipe: Recipe) -> Reach:
        """How far the network of this recipe is carried."""
        return "firmware"

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """A training batch after a random symmetry of the detector, where a recipe asks for one.

        `rng` is seeded with the place of the batch in the training, so that a continued training is the same.
        """
        return events

    def loss(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """What a training step minimises, a scalar: the mean of `event_loss`, unless a system says otherwise.

        For example the mean over all pixels of a batch that carry a label.
        """
        return self.event_loss(recipe, outputs, truth).mean()

    def monitor(self, recipe: Recipe, outputs: tuple[Tensor, ...], truth: Mapping[str, Tensor]) -> Tensor:
        """What early stopping watches: the mean over validation events of this quantity, [n]; less is better.

        `event_loss`, unless a system says otherwise.
        """
        return self.event_loss(recipe, outputs, truth)

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """Other networks to compare with, by model name: recipes of this system, trained in float."""
        return {}

    def seen_by(self, rival: Recipe, events: Events) -> Events:
        """The events of a recipe as one of its rivals takes them, for example in fewer channels."""
        return events

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Classical methods by model name, fitted on the training events."""
        return {}

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl | None:
        """Boosted trees that are told only what must not matter, fitted on the training events.

        Every system of ours has one; None where the inputs of a recipe's network do not allow it.
        """
        return None

    def critic(self, recipe: Recipe) -> Critic | None:
        """A fresh second network against which that of the recipe is trained: see `Critic`.

        Its initial weights come from torch's random state as it is. None, unless a system says otherwise:
        then `loss` is all that is minimised. Rivals are trained without one.
        """
        return None

    def teacher(self, recipe: Recipe) -> Teacher | None:
        """What a network of this recipe may learn from beside its labels (``train.distillation``).

        None, unless a system whose loss is the cross-entropy of a logit says otherwise.
        """
        return None

    def golden(self, recipe: Recipe, path: Path, events: int) -> Events:
        """A few test events, at most so many, for golden vectors and for the report's pictures.

        The first ones, unless a system wants to be sure that every class is among them.
        """
        return self.load(recipe, path, "test", events)

    def tables(self, metrics: Mapping[str, Any]) -> list[Rows]:
        """The tables of the results, of ``metrics.json`` alone: for the page of a committed model."""
        return []

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        """What the report shows of a few test events."""
        return []

    def published(self) -> dict[str, Any]:
        """Published results to compare with, not measured here.

        ``source`` says whose; ``statement``, if there is one, what is said in words, and ``conditions`` under
        which; figures have keys of the system's own.
        """
        return {}

    def headlines(self) -> tuple[Headline, ...]:
        """The figures by which the system is judged: the table at the head of a report or a results page."""
        return ()

    # What is the same for all -----------------------------------------------------------------------------

    def read_recipe(self, path: Path | None = None, overrides: Iterable[str] = ()) -> Recipe:
        """A recipe of the system, by default its own, of this version or an earlier one.

        Parameters
        ----------
        overrides
            ``key=value`` changes, as of ``--set``.

        Raises
        ------
        LeveloneError
            If the file cannot be read, or a key of a section that all systems share is unknown or wrong.
        """
        return load_recipe(path or self.default_recipe, overrides, moved=lambda name: self.moved)

    def model_section(self, recipe: Recipe) -> Section:
        """The validated ``[model]`` section.

        Raises
        ------
        LeveloneError
            If a key is unknown or wrong, a layer or input named in ``[quant]`` or ``[hls]`` does not exist,
            an input port has no width, or the sizes do not fit together.
        """
        section = parse_section(self.section, recipe.model, at=("model",))
        self.check_model(recipe, section)
        if recipe.train.distillation and self.teacher(recipe) is None:
            raise misfit("train.distillation", f": system {self.name} has no teacher", hint="leave it out")
        _check_names("quant.layers", "layer", recipe.quant.layers, self.layer_names(recipe))
        _check_names("hls.layers", "layer", recipe.hls.layers, self.layer_names(recipe))
        ports = tuple(self.input_shapes(recipe))
        _check_names("quant.inputs", "input", recipe.quant.inputs, ports)
        for port in ports:
            if port not in recipe.quant.inputs:
                raise misfit(
                    f"quant.inputs.{port}",
                    " is missing",
                    hint=f"add its bit width, for example {port} = 8",
                )
        return section

    def load(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> Events:
        """The events of `source` in memory."""
        batches = list(self.source(recipe, path, split, limit).batches(_BATCH))
        if not batches:
            raise LeveloneError(f"{path}: the split {split!r} is empty", hint="simulate more events")
        return join_events(batches)

    def build_float(self, recipe: Recipe) -> nn.Module:
        """The float twin, freshly initialised from torch's current random state."""
        from levelone.quant.layers import FloatLayers

        return self.build(recipe, FloatLayers())

    def build_quantised(self, recipe: Recipe) -> nn.Module:
        """The Brevitas module of the same topology; scales are not chosen yet (see `levelone.quant`)."""
        from levelone.quant.layers import QuantLayers

        return self.build(recipe, QuantLayers(recipe.quant))

    def load_module(self, recipe: Recipe, path: Path) -> nn.Module:
        """The trained Brevitas module in evaluation mode, from a ``module.pt``."""
        from levelone.quant.state import load_state

        module = self.build_quantised(recipe)
        load_state(module, path)
        return module.eval()


def _check_names(where: str, what: str, given: Mapping[str, Any], valid: Sequence[str]) -> None:
    for name in given:
        if name not in valid:
            raise misfit(
                f"{where}.{name}",
                f": the network has no {what} of that name",
                hint=nearest(name, list(valid)),
            )

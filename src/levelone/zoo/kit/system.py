"""What a system is: the one interface between the zoo and everything that runs a system.

A system knows its data file, its network inputs, its network, its loss and its baseline. It does not know how
it is trained, exported or turned into hardware.

There are two kinds. Candidates that fit into memory (`Sample`) belong to `levelone.zoo.pixelseed`; events of
voxels are read from disk batch by batch (`Source`) by every `levelone.zoo.kit.voxelsystem.VoxelSystem`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.recipe import Recipe, Section
from levelone.zoo.kit.generator import Generator

if TYPE_CHECKING:
    from torch import nn

Mixture = Literal["natural", "balanced"]
Split = Literal["train", "validation", "test"]
Reach = Literal["float", "quantised", "firmware"]
"""How far a recipe's network is carried: trained in float only, quantised too, or up to the C simulation."""


class Prepared(Protocol):
    """Events in memory: what enters the network, channels first, by input name."""

    @property
    def inputs(self) -> Mapping[str, NDArray[np.float32]]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Events:
    """A batch of events in memory.

    Attributes
    ----------
    inputs
        Network input name -> float32 [n, ...], exactly what enters the network (channels first).
    truth
        Column name -> [n] or [n, k]: targets, per-event weights, and whatever results are split by.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    truth: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


class Source(Protocol):
    """The events of one split, read when asked for."""

    def __len__(self) -> int: ...

    def batches(self, size: int, *, order: tuple[int, int] | None = None, skip: int = 0) -> Iterator[Events]:
        """Every event once, `size` at a time (the last batch may be smaller).

        `order` shuffles: the order depends on these two numbers (seed and pass) and nothing else. The first
        `skip` events of that order are left out.
        """
        ...

    def limited(self, events: int) -> Source:
        """The same with at most so many events."""
        ...


@dataclass(frozen=True)
class Sample:
    """A set of candidates in memory: what enters the network, the truth, and what results are split by.

    Attributes
    ----------
    inputs
        Network input name -> float32 [n, ...], exactly what enters the network (channels first).
    target
        uint8 [n]; 1 is signal.
    event
        int64 [n]; number of the collision that the candidate belongs to.
    group
        int32 [n]; index into `group_names`: the classes are also compared balanced within each group
        (for doublets: the pair of layers).
    region
        uint8 [n]; index into `region_names`.
    group_names, region_names
        Names of the groups and regions.
    summary
        float32 [n, columns]; what the baseline is trained on.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    target: NDArray[np.uint8]
    event: NDArray[np.int64]
    group: NDArray[np.int32]
    region: NDArray[np.uint8]
    group_names: tuple[str, ...]
    region_names: tuple[str, ...]
    summary: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.target)


Scorer = Callable[[Sample], NDArray[np.float32]]
"""Gives one score per candidate; higher is more signal-like."""


class System(Protocol):
    """One detector task.

    Attributes
    ----------
    name
        Short name, as in ``levelone run NAME`` and ``recipe.system``.
    title
        One line for people.
    default_recipe
        The TOML file that ``levelone run NAME`` uses.
    outputs
        Names of the network's outputs, in order; its last layers are called the same.
    generator
        How event files are made.
    golden_events
        How many test events become golden vectors.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def default_recipe(self) -> Path: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def generator(self) -> Generator: ...
    @property
    def golden_events(self) -> int: ...

    def sample_file(self) -> Path | None:
        """The data file that ships with levelone (``recipe.data.file == "sample"``).

        None if there is none: then a run makes its own events.
        """
        ...

    def provenance(self, path: Path) -> dict[str, Any]:
        """Where the events of a file come from; `LeveloneError` if it cannot be read."""
        ...

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Touch every split once; a few facts. `LeveloneError` if the file cannot be trained on."""
        ...

    def reach(self, recipe: Recipe) -> Reach:
        """How far the network of this recipe is carried."""
        ...

    def model_section(self, recipe: Recipe) -> Section:
        """The validated ``[model]`` section; `LeveloneError` names unknown keys and layers."""
        ...

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        """Network input name -> shape without the batch axis, channels first, in argument order."""
        ...

    def load(
        self,
        recipe: Recipe,
        path: Path,
        split: Split,
        *,
        mixture: Mixture,
        limit: int | None = None,
        seed: int = 0,
    ) -> Prepared:
        """Read at most `limit` events of `split` into memory, ready for the network."""
        ...

    def build_float(self, recipe: Recipe) -> nn.Module:
        """The float twin, freshly initialised from torch's current random state."""
        ...

    def build_quantised(self, recipe: Recipe) -> nn.Module:
        """The Brevitas module of the same topology; scales are not chosen yet (see `levelone.quant`)."""
        ...

    def load_module(self, recipe: Recipe, path: Path) -> nn.Module:
        """The trained Brevitas module in evaluation mode, from a ``module.pt``."""
        ...

    def published(self) -> dict[str, Any]:
        """Published results to compare with: source, conditions, figures. Not measured here."""
        ...

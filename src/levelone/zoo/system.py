"""What a system is: the one interface between the zoo and everything that runs a system.

A system knows its data file, its network inputs, its network and its baseline. It does not know how it is
trained, exported or turned into hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.recipe import Recipe, Section

if TYPE_CHECKING:
    from torch import nn

Mixture = Literal["natural", "balanced"]
Split = Literal["train", "validation", "test"]


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
        float32 [n, len(summary_names)]; what the baseline is trained on.
    summary_names
        Names of the columns of `summary`.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    target: NDArray[np.uint8]
    event: NDArray[np.int64]
    group: NDArray[np.int32]
    region: NDArray[np.uint8]
    group_names: tuple[str, ...]
    region_names: tuple[str, ...]
    summary: NDArray[np.float32]
    summary_names: tuple[str, ...]

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
    input_shapes
        Network input name -> shape without the batch axis, channels first.
    input_names, output_name
        Order of the network's arguments; name of its output.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def default_recipe(self) -> Path: ...
    @property
    def output_name(self) -> str: ...

    def sample_file(self) -> Path:
        """The data file that ships with levelone (``recipe.data.file == "sample"``)."""
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
    ) -> Sample:
        """Read at most `limit` candidates of `split` into memory, ready for the network."""
        ...

    def group_counts(self, path: Path, split: Split) -> NDArray[np.int64]:
        """How many of a whole split are background and signal in each group, [groups, 2]."""
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

    def fit_baselines(self, recipe: Recipe, train: Sample) -> dict[str, Scorer]:
        """Classical classifiers by name, trained on `Sample.summary`; one is called ``baseline``.

        ``baseline`` is the one to beat: it knows what a conventional selection would know. Others show what
        part of a difference comes from which information.
        """
        ...

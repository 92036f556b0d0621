"""The ``[model]`` section of a muon recipe: the published architectures and what may be left out of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from levelone.recipe import Section
from levelone.zoo.kit.sections import positions
from levelone.zoo.kit.system import Reach
from levelone.zoo.muon.features import COURSE, SUMS

OUTPUT = "energy"
GEV_PER_UNIT = 1e3
"""The network's output is in TeV."""
GRID = (50, 32, 32)
"""Cells along z (the muon's direction), y and x."""

Ablation = Literal["none", "no_bn", "no_identity", "nominal_bn", "no_energy", "no_se", "no_pooling", "no_cnn"]
ABLATIONS: dict[str, str] = {
    "none": "default",
    "no_bn": "no normalisation",
    "no_identity": "no identity path around the convolutions",
    "nominal_bn": "nominal instead of running batch normalisation",
    "no_energy": "no energy path",
    "no_se": "no squeeze-excitation",
    "no_pooling": "no mean and max aggregation of the last grid",
    "no_cnn": "no convolutions: high-level features only",
}
"""Ablation of the full architecture -> what is left out."""


class MuonModel(Section):
    """Sizes; the defaults are those of the published baseline."""

    architecture: Literal["baseline", "full"] = Field("baseline", description="which published network")
    channels: tuple[int, ...] = Field(
        (8, 12, 18, 27), min_length=1, max_length=5, description="of each convolution (baseline only)"
    )
    n_layers_per_res: int = Field(0, ge=0, le=4, description="extra stride-1 convolutions per grid")
    norm: Literal["none", "batch", "running"] = Field("none", description="normalisation behind convolutions")
    dense: tuple[int, ...] = Field((216, 108), description="units of the layers before the last one")
    response: Literal["linear", "sqrt", "log"] = Field(
        "linear",
        description="what the read-out sends of a cell's energy E in GeV: itself, its square root, or "
        "log2(1 + E / 0.1)",
    )
    aggregate: bool = Field(
        False, description="means and maxima of the last grid instead of the whole grid (baseline only)"
    )
    pool: int = Field(
        1,
        ge=1,
        le=4,
        description="largest of so many cells along each axis, in front of all convolutions (baseline only)",
    )
    local: bool = Field(
        False,
        description="the last convolution is locally connected, a kernel of its own at every place "
        "(baseline only)",
    )
    sums: int = Field(
        0,
        ge=0,
        description="channels of a second input's path, the sums of each layer of cells; 0: the cells alone "
        "(baseline only)",
    )
    ordered: bool = Field(
        False,
        description="a third input: each of the sums in descending order of the layers, which then enters "
        "the dense layers in place of the sums themselves (baseline only)",
    )
    course: bool = Field(
        False,
        description="one more input for the dense layers: mean depth, its spread and the bending (baseline "
        "only)",
    )
    mirror: bool = Field(
        False,
        description="mirror half of the training events in y, along the field, a symmetry of the detector",
    )
    fade: bool = Field(
        True, description="let the weights of training events fade out above 5 TeV, as published"
    )
    loss: Literal["published", "median", "improvement"] = Field(
        "published",
        description="the study's loss; the absolute error times the true energy, which aims at a median; or "
        "what a batch lacks in the study's improvement, and a little of the latter",
    )
    ablation: Ablation = Field("none", description="what is left out of the full architecture")
    blocks: int = Field(3, ge=1, description="residual blocks per grid of the full architecture")
    coarse: bool = Field(
        False, description="sums of 2x2x2 cells in front of all blocks (full only): a seventh of the work"
    )
    first_channels: int = Field(8, ge=1, description="learned channels of the first block")
    growth: float = Field(1.5, ge=1.0, description="factor on the channels at each down-sampling")
    squeeze: int = Field(4, ge=1, description="factor by which squeeze-excitation reduces the channels")
    reach: Reach = Field("firmware", description="how far the network is carried")


def baseline_inputs(section: MuonModel) -> dict[str, tuple[int, ...]]:
    """Input name -> shape without the batch axis."""
    inputs: dict[str, tuple[int, ...]] = {"calo": (1, *GRID)}
    if section.sums:
        inputs["sums"] = (len(SUMS), GRID[0], 1, 1)
    if section.ordered:
        inputs["ordered"] = (len(SUMS) * GRID[0],)
    if section.course:
        inputs["course"] = (len(COURSE),)
    return inputs


def pooled(section: MuonModel) -> tuple[int, int, int]:
    """Grid that the first convolution reads; what does not fill a pool at the end of an axis is left out."""
    z, y, x = (size // section.pool for size in GRID)
    return z, y, x


def grids(section: MuonModel) -> list[tuple[int, int, int]]:
    """Grid after each down-sampling: kernel 3, stride 2, padding 1; of the full architecture 4, 2, 2."""
    kernel, padding, count = (4, 2, 4) if section.architecture == "full" else (3, 1, len(section.channels))
    sizes = [pooled(section)]
    for _ in range(count):
        z, y, x = sizes[-1]
        sizes.append(tuple(positions(n, kernel, 2, padding) for n in (z, y, x)))  # type: ignore[arg-type]
    return sizes[1:]

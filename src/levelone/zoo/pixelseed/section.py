"""The ``[model]`` section of a PixelSeed recipe: convolutions over the two hit images, then dense layers."""

from __future__ import annotations

from pydantic import Field

from levelone.data.doublets import Mixture
from levelone.recipe import Section, misfit
from levelone.zoo.kit.sections import Convolution, check_convolution, check_dense

IMAGE_SHAPE = (2, 16, 16)
"""Of an event file: inner and outer hit, rows (r-phi), columns (z or r). Clusters are in the middle."""


class Conv(Convolution):
    """One convolution; sizes are (rows: r-phi, columns: z or r)."""

    kernel: tuple[int, int] = Field((4, 4), description="size along rows (r-phi), columns (z or r)")
    stride: tuple[int, int] = Field((4, 4), description="step along the same axes")
    padding: tuple[int, int] = Field((0, 0), description="zeros at both ends of the same axes")


class PixelSeedModel(Section):
    """The `[model]` section of a PixelSeed recipe."""

    mixture: Mixture = Field(
        "balanced",
        description="training doublets: as found, or as many true as fake ones of each pair of layers",
    )
    rows: int = Field(
        IMAGE_SHAPE[1],
        gt=0,
        le=IMAGE_SHAPE[1],
        multiple_of=2,
        description="rows (r-phi) of each image that the network reads, those in the middle",
    )
    convolutions: tuple[Conv, ...] = Field(
        (Conv(),), min_length=1, max_length=3, description="over the two hit images"
    )
    image_dense: int = Field(16, gt=0, description="units that summarise the two images")
    dense: tuple[int, ...] = Field((32, 16), description="units of the layers that join images and geometry")
    separate_images: bool = Field(
        True, description="leave out the weights that would mix the two images before the geometry joins"
    )

    layer_pairs: int = Field(
        0,
        ge=0,
        le=256,
        description="pairs of layers whose abundances in training the network adds to its score; 0: none",
    )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """What the network reads of both hits: [hit, row, column]."""
        hits, _, columns = IMAGE_SHAPE
        return hits, self.rows, columns

    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers that have weights: the keys allowed in ``[quant.layers]``."""
        convolutions = (f"conv{i}" for i in range(1, len(self.convolutions) + 1))
        last = ("evidence", "prior") if self.layer_pairs else ("logit",)
        return *convolutions, "image_fc", *(f"fc{i}" for i in range(1, len(self.dense) + 1)), *last


def check_sizes(section: PixelSeedModel) -> None:
    """Refuse sizes that do not fit together, naming the key."""
    grid: tuple[int, ...] = section.image_shape[1:]
    for number, conv in enumerate(section.convolutions):
        where = f"model.convolutions.{number}"
        check_convolution(where, conv, grid)
        grid = conv.output_grid(grid)
        if section.separate_images and conv.channels % 2:
            raise misfit(
                f"{where}.channels",
                f" = {conv.channels} must be even",
                hint="or set model.separate_images = false",
            )
    if section.separate_images and section.image_dense % 2:
        raise misfit(
            "model.image_dense",
            f" = {section.image_dense} must be even",
            hint="or set model.separate_images = false",
        )
    check_dense(section.dense)

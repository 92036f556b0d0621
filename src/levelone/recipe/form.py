"""The form of a recipe: what to train, how it is quantised, what hardware it is for."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
)

from levelone.hls.config import HlsConfig
from levelone.recipe.section import Section
from levelone.rtl.config import RtlConfig


class DataSection(Section):
    """Which events, and how many."""

    file: str = Field(
        "sample",
        description="HDF5 file, or 'sample': the one that ships with levelone; a system without one makes "
        "its events in the run",
    )
    max_train: int = Field(400_000, gt=1, description="training events at most")
    max_validation: int = Field(100_000, gt=0, description="validation events at most")
    max_test: int = Field(100_000, gt=0, description="test events at most")


class Bits(Section):
    """Bit widths of one layer."""

    weight: int = Field(4, ge=2, le=16, description="bits of each weight")
    bias: int = Field(8, ge=2, le=24, description="bits of each bias, on the grid of the products")
    activation: int = Field(4, ge=2, le=16, description="bits of what the layer's activation gives")


class QuantSection(Section):
    """Bit widths: of the input ports by input name, and of each layer by layer name."""

    inputs: dict[str, int] = Field(default_factory=dict, description="bits of each input port, by its name")
    default: Bits = Field(default_factory=Bits, description="bits of a layer without its own entry")
    layers: dict[str, Bits] = Field(default_factory=dict, description="bits of layer NAME")

    def of(self, layer: str) -> Bits:
        """Widths of `layer`: its own entry, else the default."""
        return self.layers.get(layer, self.default)


class TrainSection(Section):
    """The training loop, the same for the float twin and the quantised model."""

    batch_size: int = Field(1024, gt=1, description="events of each training step")
    float_epochs: int = Field(20, gt=0, description="epochs of the float twin at most")
    quantised_epochs: int = Field(15, gt=0, description="epochs of the quantised model at most")
    float_learning_rate: float = Field(3e-3, gt=0, description="at the top of warm-up and cosine")
    quantised_learning_rate: float = Field(1e-3, gt=0, description="the same for the quantised model")
    weight_decay: float = Field(1e-4, ge=0, description="of AdamW, on matrices")
    quantised_weight_decay: float | None = Field(
        None, ge=0, description="the same for the quantised model (default: as `weight_decay`)"
    )
    patience: int = Field(6, gt=0, description="epochs without a better validation loss before stopping")
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="ceiling on each of the two trainings; one that it cut is marked in curves.json "
        "and not reproducible",
    )
    epoch_events: int | None = Field(
        None, gt=0, description="events per epoch; a pass over all of them takes several (default: one)"
    )
    distillation: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the loss in which boosted trees that learned from other events stand in the "
        "label's place; for systems that have such a teacher",
    )

    @model_serializer(mode="wrap")
    def _as_before(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes without a key keep the digest that they had before the key existed."""
        values: dict[str, Any] = default(self)
        for key in ("epoch_events", "distillation", "quantised_weight_decay"):
            if values.get(key) == type(self).model_fields[key].default:
                values.pop(key, None)
        return values


EventCount = Annotated[int, Field(ge=1, description="how many events are made")]


class GenerateSection(Section):
    """How events are made; the section of a generator adds what else it can be told, and defaults.

    Attributes
    ----------
    version
        Of the generator: raised with every change of what the same section makes. Files say it; a model of an
        older version's events is not published.
    """

    version: ClassVar[int] = 1

    events: EventCount
    seed: int = Field(1, ge=0, lt=1 << 63, description="the same seed and keys give the same events")


class VerifySection(Section):
    """How much is compared before the verdict."""

    events: int = Field(10_000, gt=0, description="real events through the C simulation")
    random: int = Field(2_000, ge=0, description="random vectors through the C simulation")


class Recipe(Section):
    """One recipe. `generate` and `model` are checked by the system's own sections.

    With the section `rtl`, an empty one too, a run writes and simulates RTL beside hls4ml's project; ``rtl =
    false`` leaves out what the system's own recipe asks for.
    """

    system: str = Field(description="a system of `levelone list`")
    seed: int = Field(1, description="of initial weights, data order and selections")
    data: DataSection = Field(default_factory=DataSection)
    generate: dict[str, Any] = Field(
        default_factory=dict, description="how events are made: the system's own section"
    )
    model: dict[str, Any] = Field(default_factory=dict, description="the network: the system's own section")
    quant: QuantSection = Field(default_factory=QuantSection)
    train: TrainSection = Field(default_factory=TrainSection)
    hls: HlsConfig = Field(default_factory=HlsConfig)
    rtl: RtlConfig | None = None
    verify: VerifySection = Field(default_factory=VerifySection)

    @field_validator("rtl", mode="before")
    @classmethod
    def _left_out(cls, told: object) -> object:
        return None if told is False else told

    @model_serializer(mode="wrap")
    def _as_before(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A recipe that makes no events, or no RTL, says nothing of it, and keeps its earlier digest."""
        values: dict[str, Any] = default(self)
        for key in ("generate", "rtl"):
            if not values.get(key):
                values.pop(key, None)
        return values

    @field_serializer("hls", mode="wrap")
    def _hls_as_before(self, hls: HlsConfig, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes without a key keep the digest that they had before the key existed."""
        values: dict[str, Any] = default(hls)
        for key in ("clock_uncertainty", "partition_factor", "tight", "layers"):
            if getattr(hls, key) == getattr(HlsConfig(), key):
                values.pop(key)
        return values

"""The validated form of a recipe file: what to train, how it is quantised, what hardware it is for."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from levelone.errors import LeveloneError


class Section(BaseModel):
    """A part of a recipe: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSection(Section):
    """Which events, and how many of their doublets."""

    file: str = Field("sample", description="HDF5 file, or 'sample' for the one that ships with levelone")
    mixture: Literal["natural", "balanced"] = Field(
        "balanced", description="training mixture: as found, or equal classes within each layer pair"
    )
    max_train: int = Field(400_000, gt=0, description="training doublets at most")
    max_validation: int = Field(100_000, gt=0, description="validation doublets at most")
    max_test: int = Field(100_000, gt=0, description="test doublets at most")


class Bits(Section):
    """Bit widths of one layer."""

    weight: int = Field(4, ge=2, le=8)
    bias: int = Field(8, ge=2, le=16)
    activation: int = Field(4, ge=2, le=8)


class QuantSection(Section):
    """Bit widths: of the input ports by input name, and of each layer by layer name."""

    inputs: dict[str, int] = Field(default_factory=dict)
    default: Bits = Field(default_factory=Bits)
    layers: dict[str, Bits] = Field(default_factory=dict)

    def of(self, layer: str) -> Bits:
        """Widths of `layer`: its own entry, else the default."""
        return self.layers.get(layer, self.default)


class TrainSection(Section):
    """The training loop, the same for the float twin and the quantised model."""

    batch_size: int = Field(1024, gt=0)
    float_epochs: int = Field(20, gt=0)
    quantised_epochs: int = Field(15, gt=0)
    float_learning_rate: float = Field(3e-3, gt=0)
    quantised_learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    patience: int = Field(6, gt=0, description="epochs without a better validation loss before stopping")
    max_minutes: float | None = Field(None, gt=0, description="ceiling on each of the two trainings")


class HlsSection(Section):
    """The hardware."""

    io: Literal["parallel", "stream"] = "parallel"
    part: str = "xcvu13p-flga2577-2-e"
    clock_ns: float = Field(2.78, gt=0, description="clock period in ns (360 MHz at the LHC trigger)")
    reuse_factor: int = Field(1, gt=0)
    strategy: Literal["latency", "resource"] = "latency"


class VerifySection(Section):
    """How much is compared before the verdict."""

    events: int = Field(10_000, gt=0, description="real doublets through the C simulation")
    random: int = Field(2_000, ge=0, description="random vectors through the C simulation")


class Recipe(Section):
    """One recipe. `model` is checked by the system's own model section."""

    system: str
    seed: int = 1
    data: DataSection = Field(default_factory=DataSection)
    model: dict[str, Any] = Field(default_factory=dict)
    quant: QuantSection = Field(default_factory=QuantSection)
    train: TrainSection = Field(default_factory=TrainSection)
    hls: HlsSection = Field(default_factory=HlsSection)
    verify: VerifySection = Field(default_factory=VerifySection)

"""Generators that can let Geant4 do what they parametrise."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from levelone.recipe import GenerateSection

Engine = Literal["parametrised", "geant4"]


class EngineSection(GenerateSection):
    """The section of a generator with two engines."""

    engine: Engine = Field(
        "parametrised", description="levelone's own parametrisation, or Geant4 (extra geant4)"
    )

    @model_serializer(mode="wrap")
    def _as_before(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Sections without the key keep the digest that they had before the key existed."""
        values: dict[str, Any] = default(self)
        if values.get("engine") == "parametrised":
            values.pop("engine")
        return values
